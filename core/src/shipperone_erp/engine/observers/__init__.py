"""Observers of the work, which never change it: log, progress, tracing. `registry` sends each event to all of them."""
