"""Queues in a file that can be sent to others: stably anonymised, and with the same meaning for the flow."""
