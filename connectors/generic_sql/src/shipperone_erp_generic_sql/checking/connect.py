"""Level connect: the driver, the server, its clock, its tables' engines, and rights that exceed what is needed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from shipperone_erp import Check
from shipperone_erp_generic_sql.checking.collations import collations
from shipperone_erp_generic_sql.checking.floats import floats
from shipperone_erp_generic_sql.checks import opens
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.statement_lint import Parsed

CLOCK_OFF = 60.0
"""The largest accepted difference, in seconds, between the server's clock and the local one."""

LEAST: dict[str, tuple[int, ...]] = {"postgresql": (12,), "mariadb": (10, 6), "mysql": (8,), "sqlite": (3, 35)}
_SETUP = "`shipperone-erp sql setup` prints the minimal grants"


def connected(database: Database) -> list[Check]:
    """A line for each check; the first one fails if the database cannot be opened."""
    found = opens(database)
    if not all(line.ok for line in found):
        return found
    dialect = database.dialect
    with database.rolled_back() as connection:
        found += _version(connection, dialect.url)
        found += _clock(connection, dialect.url)
        found += collations(connection, database.settings)
        found += floats(connection, database.settings)
        if dialect.url in ("mariadb", "mysql"):
            found += _engines(connection, _tables(database))
        if dialect.url in _RIGHTS:
            found += _RIGHTS[dialect.url](connection, _tables(database))
    if not dialect.proven:
        sentence = f"{dialect.title} is supported, but not tested by this project"
        found.append(Check("support", None, sentence, "run every level on a test database before going live"))
    return found


def _tables(database: Database) -> frozenset[str]:
    """The tables that the statements name, and those that triggers are declared to write."""
    parsed = [Parsed(statement.sql, database.dialect) for _, _, statement in database.settings.every()]
    granted = {name.split(".")[-1].lower() for name in database.settings.trigger_tables}
    return frozenset(table for one in parsed for table in one.tables) | granted


def _version(connection: Connection, dialect: str) -> Iterator[Check]:
    version: tuple[Any, ...] = getattr(connection.dialect, "server_version_info", None) or ()
    words = ".".join(str(part) for part in version if isinstance(part, int))
    least = LEAST.get(dialect, ())
    if tuple(part for part in version if isinstance(part, int)) < least:
        old = ".".join(map(str, least))
        yield Check(
            "version", None, f"version {words} is older than {old}", "the recipes are tested from that version on"
        )
    else:
        yield Check("version", True, f"version {words or 'not reported'}")


_NOW = {
    "postgresql": "SELECT CURRENT_TIMESTAMP",
    "mariadb": "SELECT UTC_TIMESTAMP(6)",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "mssql": "SELECT SYSUTCDATETIME()",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL",
}


def _clock(connection: Connection, dialect: str) -> Iterator[Check]:
    if dialect not in _NOW:
        return
    theirs: datetime = connection.execute(text(_NOW[dialect])).scalar_one()
    theirs = theirs.astimezone(UTC) if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    off = (theirs - datetime.now(UTC)).total_seconds()
    if abs(off) > CLOCK_OFF:
        sentence = f"the server's clock and this machine's differ by {abs(off):.0f} s"
        yield Check("clock", None, sentence, "synchronize both by NTP: dates of documents depend on them")
    else:
        yield Check("clock", True, "the clock agrees with this machine's")


def _engines(connection: Connection, named: frozenset[str]) -> Iterator[Check]:
    rows = connection.execute(
        text("SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()")
    )
    wrong = sorted(f"{name} ({engine})" for name, engine in rows if name.lower() in named and engine not in _SAFE)
    if wrong:
        sentence = f"no transactions in {', '.join(wrong)}: a failed step leaves partial changes there"
        yield Check("tables", False, sentence, "ALTER TABLE … ENGINE = InnoDB")
    else:
        yield Check("tables", True, "every table of the statements supports transactions")


_SAFE = ("InnoDB", None)  # a view has no engine


def _postgresql_rights(connection: Connection, named: frozenset[str]) -> Iterator[Check]:
    name, wide = connection.execute(
        text("SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = CURRENT_USER")
    ).one()
    if wide:
        sentence = f"login {name} has administrative rights on the server"
        yield Check("rights", None, sentence, f"create a separate login for the connector; {_SETUP}")
        return
    rows = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND n.nspname NOT LIKE 'pg_%' "
            "AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1"
        )
    )
    yield _too_wide(str(name), [str(row[0]) for row in rows if str(row[0]).lower() not in named])


def _mysql_rights(connection: Connection, named: frozenset[str]) -> Iterator[Check]:
    grants = [str(row[0]).upper() for row in connection.execute(text("SHOW GRANTS"))]
    wide = [grant.split(" TO ")[0] for grant in grants if "ALL PRIVILEGES" in grant or "ON *.*" in grant]
    wide = [grant for grant in wide if not grant.startswith("GRANT USAGE")]
    if wide:
        yield Check("rights", None, f"the login has more rights than needed: {wide[0]}", _SETUP)
        return
    here = f"ON `{connection.execute(text('SELECT DATABASE()')).scalar_one()}`.`".upper()
    there = connection.execute(text("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"))
    writable = {grant.split(here)[1].split("`")[0].lower() for grant in grants if here in grant and "INSERT" in grant}
    yield _too_wide("the login", sorted(writable & {str(row[0]).lower() for row in there} - named))


def _too_wide(name: str, others: list[str]) -> Check:
    if not others:
        return Check("rights", True, "the login can write only to tables of the statements")
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    sentence = f"{name} may write to {', '.join(others[:3])}{more}, which no statement uses"
    return Check("rights", None, sentence, f"{_SETUP}; list tables written by the ERP's triggers in trigger_tables")


_RIGHTS: dict[str, Callable[[Connection, frozenset[str]], Iterator[Check]]] = {
    "postgresql": _postgresql_rights,
    "mariadb": _mysql_rights,
    "mysql": _mysql_rights,
}
