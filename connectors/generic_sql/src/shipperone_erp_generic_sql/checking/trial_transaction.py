"""One open transaction in which steps are tried, with savepoints in which they are repeated."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from sqlalchemy import Connection

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp_generic_sql.checking.compare import Goods, free
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.errors import DatabaseFailed
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.step_execution import Work

Refusal = DatabaseFailed | Refused


@dataclass
class Trial:
    """A transaction in which the checks run steps. It is rolled back at its end."""

    database: Database
    connection: Connection
    prepared: Prepared
    tenant: str

    def __post_init__(self) -> None:
        self._keys = (f"dry-run-{datetime.now(UTC):%Y%m%d%H%M%S%f}-{number}" for number in count(1))

    @property
    def settings(self) -> GenericSqlSettings:
        return self.database.settings

    def call(self, order: FulfillmentOrder, **values: object) -> Call:
        """A call for that order under a key of its own; `values`: further values of the call."""
        return self.settings.call(self.tenant, next(self._keys), order, **values)

    def work(self, call: Call) -> Work:
        """The call's work in this transaction."""
        return Work(self.connection, self.database, self.prepared, call)

    def free(self, call: Call) -> dict[Goods, Decimal] | None:
        """The available quantity of the call's goods; None if no query returns it."""
        return free(self.work(call), call) if self.settings.available else None

    def kept(self, attempt: Callable[[], None]) -> Refusal | None:
        """Run the attempt and keep its changes. A refusal is returned and the attempt undone; None if it succeeded."""
        savepoint = self.connection.begin_nested()
        try:
            attempt()
        except (DatabaseFailed, Refused) as refusal:
            if savepoint.is_active:
                savepoint.rollback()
            return refusal
        savepoint.commit()
        return None

    def tried(self, attempt: Callable[[], None]) -> Refusal | None:
        """Run the attempt in a savepoint that is always rolled back. Returns its refusal; None if it succeeded."""
        savepoint = self.connection.begin_nested()
        try:
            attempt()
        except (DatabaseFailed, Refused) as refusal:
            return refusal
        finally:
            if savepoint.is_active:
                savepoint.rollback()
        return None
