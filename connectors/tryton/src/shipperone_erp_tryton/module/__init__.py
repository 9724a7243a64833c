"""Tryton's module `shipperone`: ShipperOne's keys under a unique constraint, and the fields that a key's documents
need.

Tryton finds it by the entry point `trytond.modules`, and it is activated like any other module. Tryton loads the
classes that `tryton.cfg` registers; the connector imports nothing from here.
"""
