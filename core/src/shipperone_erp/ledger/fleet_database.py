"""The fleet's tables in the ledger's PostgreSQL: their versions, and transactions in their schema."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, text

from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.database_errors import sentences
from shipperone_erp.ledger.fleet_tables import APPLIED, SCHEMA

LOCK = 7_255_011_873_421
"""The advisory lock under which tables are created and changed."""


class FleetDatabase:
    """The base of what reads and writes the fleet's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(
        self,
        files: Sequence[tuple[str, str]],
        *,
        version: str,
        held_back: Collection[str] = (),
        covers: Collection[str] = (),
    ) -> list[str]:
        """Run the files that were not run yet, each in a transaction of its own; returns their names.

        The first file includes the changes of those that it `covers`; they are recorded with it. One process does it at
        a time. Files in `held_back` wait while a worker with an earlier engine than `version` lives; LedgerError if
        another file comes after one that waits.
        """
        done = []
        with self._session() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
            connection.commit()
            try:
                _run(connection, APPLIED)
                known = set(connection.execute(text(f"SELECT file FROM {SCHEMA}.applied")).scalars())
                earlier = _earlier(connection, version) if held_back else []
                connection.commit()
                waiting = None
                for name, script in files:
                    if name in known:
                        continue
                    if name in held_back and earlier:
                        waiting = name
                        continue
                    if waiting is not None:
                        raise LedgerError(
                            f"the tables of the fleet cannot be migrated to this version while {' and '.join(earlier)} "
                            "run(s) an earlier version: stop those first, or upgrade one version at a time",
                            exit_code=78,
                        )
                    _run(connection, script)
                    for recorded in (name, *(covers if name == files[0][0] else ())):
                        connection.execute(
                            text(f"INSERT INTO {SCHEMA}.applied (file, version) VALUES (:file, :version)"),
                            {"file": recorded, "version": version},
                        )
                    connection.commit()
                    done.append(name)
            finally:
                connection.rollback()
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
                connection.commit()
        return done

    def exists(self) -> bool:
        """This database has a fleet's tables."""
        ((found,),) = self._rows(f"SELECT to_regclass('{SCHEMA}.limits')")
        return found is not None

    def _rows(self, sql: str, **values: object) -> Sequence[Row[Any]]:
        """The rows of one statement, in a transaction of its own."""
        with self._turn() as connection:
            return connection.execute(text(sql), values).all()

    def _changed(self, sql: str, **values: object) -> int:
        """The number of rows that one statement has changed, in a transaction of its own."""
        with self._turn() as connection:
            return int(connection.execute(text(sql), values).rowcount)

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """One transaction in the fleet's schema."""
        with self._session() as connection:
            connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
            yield connection
            connection.commit()

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        with sentences(self._database.place, self._database.hidden), self._database.writing.connect() as connection:
            yield connection


def _run(connection: Connection, script: str) -> None:
    """Run the statements of a file at once, in the fleet's schema; the caller commits."""
    connection.execute(text(f"SELECT set_config('search_path', '{SCHEMA}', true)"))
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(script)
    except Exception as error:  # the driver's own exception, which SQLAlchemy does not wrap here
        message = getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__
        raise LedgerError(f"the tables of the fleet cannot be created: {message}", exit_code=78) from None


def _earlier(connection: Connection, version: str) -> list[str]:
    """The live workers that run an earlier engine."""
    if connection.execute(text(f"SELECT to_regclass('{SCHEMA}.workers')")).scalar() is None:
        return []
    rows = connection.execute(
        text(f"SELECT name, engine FROM {SCHEMA}.workers WHERE seen_at > now() - interval '2 minutes'")
    ).all()
    return [row.name for row in rows if _numbers(row.engine) < _numbers(version)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
