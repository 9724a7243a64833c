"""Tryton's module `shipperone`: ShipperOne's keys under a unique constraint, and what a key's documents need.

It is found by the entry point `trytond.modules` and activated like any other module of Tryton. Tryton loads the classes
that `tryton.cfg` registers; nothing here is imported by the connector.
"""
