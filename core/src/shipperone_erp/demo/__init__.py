"""The demo: a ShipperOne sandbox, an ERP in a SQLite file and the runtime in one process. Needs nothing else."""
