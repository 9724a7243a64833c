"""Alerts without Prometheus: what needs somebody, told once when it begins and once when it is over.

    conditions   what is wrong now, by tenant, from the ledger
    messages     what is told, as text and as JSON
    delivery     by apprise, or by a command
    watch        looks at the ledger, and tells what has changed since

What was told is in the ledger: it survives a restart, and two processes on one ledger tell a thing once.
"""
