"""The business rules as pure values and functions: orders, jobs, planning, checks. It imports `kernel` only."""
