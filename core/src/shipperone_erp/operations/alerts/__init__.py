"""Alerts without Prometheus: each condition is sent once when it begins and once when it is over.

conditions   the present conditions by tenant, from the ledger
messages     the messages, as text and as JSON
delivery     by apprise, or by a command
watch        polls the ledger and sends the changes

The ledger records what was sent: alerts survive a restart, and two processes on one ledger send each of them once.
"""
