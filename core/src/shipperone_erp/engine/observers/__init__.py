"""What watches the work without changing it: log, progress, tracing. `registry` tells all of them the same events."""
