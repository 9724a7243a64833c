"""Queues in a file that can be sent on: anonymised in a stable way, and still what the flow would read."""
