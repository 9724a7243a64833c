"""Many workers on one ledger: each serves some groups of tenants with the engine of `run`. Needs the extra `fleet`."""
