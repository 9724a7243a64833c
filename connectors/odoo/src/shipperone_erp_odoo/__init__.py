"""Connects ShipperOne to Odoo 17, 18 and 19: reservations, invoices and deliveries, with no addon in Odoo."""

from shipperone_erp_odoo.connector import OdooConnector
from shipperone_erp_odoo.credit_notes import CreditNote
from shipperone_erp_odoo.settings import OdooSettings

__all__ = ["CreditNote", "OdooConnector", "OdooSettings"]
