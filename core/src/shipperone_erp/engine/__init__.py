"""One process that serves every tenant: schedules cycles, runs hooks in threads, renews leases."""
