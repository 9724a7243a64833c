"""Connects ShipperOne to an ERP on an SQL database, by statements that a merchant writes in TOML."""

from shipperone_erp_generic_sql.connector import GenericSqlConnector
from shipperone_erp_generic_sql.recipe import Recipe, recipe
from shipperone_erp_generic_sql.settings import GenericSqlSettings

__all__ = ["GenericSqlConnector", "GenericSqlSettings", "Recipe", "recipe"]
