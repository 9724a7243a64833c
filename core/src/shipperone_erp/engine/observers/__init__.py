"""What watches the work without changing it: progress, alerts."""
