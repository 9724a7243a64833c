"""Analyses ShipperOne's listing before any setting exists: the place of each field, and the TOML that explains most
orders.

The readers and the checks are those of the flow: `shipperone.order_parser` reads an order, `domain.invoice_checks`
check its amounts. This package proposes settings and counts their results.
"""
