"""Connects ShipperOne to Tryton 8.2: reservations, invoices and deliveries, in process."""

from shipperone_erp_tryton.connector import TrytonConnector
from shipperone_erp_tryton.settings import TaxRule, TrytonSettings

__all__ = ["TaxRule", "TrytonConnector", "TrytonSettings"]
