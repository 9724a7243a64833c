"""The values that cross a boundary: orders, requests to a connector, its answers. They know nothing else."""
