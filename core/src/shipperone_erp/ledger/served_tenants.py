"""Reads the tenants that a ledger has served, before it is opened and for a ledger of any version."""

from collections.abc import Collection

from sqlalchemy import ColumnClause, column, select, table
from sqlalchemy.exc import SQLAlchemyError

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database import connect


def tenants_served(url: str) -> Collection[str]:
    """Their names. Empty where the ledger does not exist yet, or cannot be read: opening it reports the reason."""
    try:
        database = connect(url, "read")
    except LedgerError:
        return frozenset()
    try:
        with database.reading.connect() as connection:
            tenant: ColumnClause[str] = column("tenant")
            return frozenset(connection.scalars(select(tenant).select_from(table("bindings")).distinct()))
    except (LedgerError, SQLAlchemyError):
        return frozenset()
    finally:
        database.close()
