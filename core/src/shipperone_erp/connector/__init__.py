"""The interfaces of connectors and policies, and their discovery, loading and calling."""
