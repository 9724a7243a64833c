"""One process that serves every tenant: schedules their cycles, runs hooks in threads, keeps leases alive."""
