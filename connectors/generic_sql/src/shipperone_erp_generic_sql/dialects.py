"""The supported databases: their drivers, the set-up of a session, and their capabilities.

This project's tests run SQLite, PostgreSQL and MariaDB on real servers. The statements for SQL Server and Oracle are
compiled in tests and have not been run against a server.
"""

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shipperone_erp_generic_sql.client_deadline import bounded

PACKAGE = "shipperone-erp-generic-sql"


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds: to connect, for a lock, for a statement."""

    connect: float = 10
    lock: float = 10
    statement: float = 30

    @property
    def silence(self) -> float:
        """Seconds without a byte after which the connection counts as lost."""
        return self.lock + self.statement + 10


def _nothing(limits: Limits) -> list[str]:
    return []


def _no_arguments(limits: Limits) -> dict[str, Any]:
    return {}


def _untouched(connection: Any, limits: Limits) -> None:
    """For a driver that needs no setting of its own."""


@dataclass(frozen=True)
class SqlDialect:
    """One kind of database. `url` names it in `url = "…://"`; this package, not the merchant, selects the driver."""

    url: str
    title: str
    driver: str
    module: str
    extra: str | None
    proven: bool
    port: int | None = None
    isolation: str | None = "READ COMMITTED"
    isolations: tuple[str, ...] = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
    begin: str | None = None
    """The statement that opens a transaction, if the driver does not open one."""
    explain: str | None = None
    """The prefix that has a statement planned and not run."""
    own_quotes: str = ""
    """The character that quotes a name in this dialect beside the standard one: ` or [."""
    backslash_escapes: bool = False
    session: Callable[[Limits], list[str]] = _nothing
    """Statements that each new connection runs: UTC, no silent truncation, the time limits."""
    arguments: Callable[[Limits], dict[str, Any]] = _no_arguments
    settle: Callable[[Any, Limits], None] = _untouched
    """Sets up the driver's connection itself, before any statement runs on it."""
    calls: tuple[str, ...] = ()
    """The verbs that run a stored procedure."""
    options: frozenset[str] = field(default_factory=frozenset)
    """The options allowed in a URL."""

    @property
    def installed(self) -> bool:
        """Whether its driver is installed."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def install(self) -> str:
        """The command that installs the driver."""
        return f"pip install '{PACKAGE}[{self.extra}]'"


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _postgresql_session(limits: Limits) -> list[str]:
    return [
        f"SET lock_timeout = {_milliseconds(limits.lock)}",
        f"SET statement_timeout = {_milliseconds(limits.statement + limits.lock)}",
        "SET TIME ZONE 'UTC'",
    ]


def _postgresql_arguments(limits: Limits) -> dict[str, Any]:
    return {
        "connect_timeout": max(2, math.ceil(limits.connect)),
        "application_name": "shipperone-erp",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": _milliseconds(limits.silence),
    }


def _postgresql_settle(connection: Any, limits: Limits) -> None:
    bounded(connection, limits.silence)


def _mysql_session(statement_limit: str) -> Callable[[Limits], list[str]]:
    def session(limits: Limits) -> list[str]:
        return [
            # without STRICT_ALL_TABLES a text that is too long is cut, and an invalid date becomes 0000-00-00
            "SET SESSION time_zone = '+00:00', SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
            f"SESSION innodb_lock_wait_timeout = {max(1, math.ceil(limits.lock))}",
            statement_limit.format(
                seconds=f"{limits.statement + limits.lock:.3f}",
                milliseconds=_milliseconds(limits.statement + limits.lock),
            ),
        ]

    return session


def _mysql_arguments(limits: Limits) -> dict[str, Any]:
    silence = math.ceil(limits.silence)
    return {
        "connect_timeout": max(1, math.ceil(limits.connect)),
        "read_timeout": silence,
        "write_timeout": silence,
        "charset": "utf8mb4",
        "program_name": "shipperone-erp",
    }


def _mssql_session(limits: Limits) -> list[str]:
    return [f"SET LOCK_TIMEOUT {_milliseconds(limits.lock)}", "SET XACT_ABORT ON"]


def _mssql_settle(connection: Any, limits: Limits) -> None:
    connection.timeout = math.ceil(limits.statement + limits.lock)


def _oracle_settle(connection: Any, limits: Limits) -> None:
    connection.call_timeout = _milliseconds(limits.statement + limits.lock)


_MYSQL: dict[str, Any] = {
    "module": "pymysql",
    "port": 3306,
    "explain": "EXPLAIN ",
    "own_quotes": "`",
    "backslash_escapes": True,
    "arguments": _mysql_arguments,
    "calls": ("CALL",),
    "options": frozenset({"ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity", "unix_socket"}),
}

DIALECTS: Mapping[str, SqlDialect] = {
    dialect.url: dialect
    for dialect in (
        SqlDialect(
            url="sqlite",
            title="SQLite",
            driver="sqlite+pysqlite",
            module="sqlite3",
            extra=None,
            proven=True,
            isolation=None,
            isolations=(),
            # the write lock is taken at the start, so that a row that a step has looked at cannot change before it
            # writes
            begin="BEGIN IMMEDIATE",
            explain="EXPLAIN ",
            own_quotes="`",
        ),
        SqlDialect(
            url="postgresql",
            title="PostgreSQL",
            driver="postgresql+psycopg",
            module="psycopg",
            extra="postgresql",
            proven=True,
            port=5432,
            explain="EXPLAIN ",
            session=_postgresql_session,
            arguments=_postgresql_arguments,
            settle=_postgresql_settle,
            calls=("CALL",),
            options=frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "host", "target_session_attrs"}),
        ),
        SqlDialect(
            url="mariadb",
            title="MariaDB",
            driver="mariadb+pymysql",
            extra="mariadb",
            proven=True,
            session=_mysql_session("SET SESSION max_statement_time = {seconds}"),
            **_MYSQL,
        ),
        SqlDialect(
            url="mysql",
            title="MySQL",
            driver="mysql+pymysql",
            extra="mysql",
            proven=False,
            session=_mysql_session("SET SESSION max_execution_time = {milliseconds}"),
            **_MYSQL,
        ),
        SqlDialect(
            url="mssql",
            title="SQL Server",
            driver="mssql+pyodbc",
            module="pyodbc",
            extra="mssql",
            proven=False,
            port=1433,
            isolations=("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"),
            own_quotes="[",
            session=_mssql_session,
            arguments=lambda limits: {"timeout": math.ceil(limits.connect)},
            settle=_mssql_settle,
            calls=("EXEC", "EXECUTE"),
            options=frozenset({"driver", "Encrypt", "TrustServerCertificate", "ApplicationIntent"}),
        ),
        SqlDialect(
            url="oracle",
            title="Oracle",
            driver="oracle+oracledb",
            module="oracledb",
            extra="oracle",
            proven=False,
            port=1521,
            isolations=("READ COMMITTED", "SERIALIZABLE"),
            session=lambda limits: ["ALTER SESSION SET TIME_ZONE = '+00:00'"],
            arguments=lambda limits: {"tcp_connect_timeout": limits.connect},
            settle=_oracle_settle,
            calls=("BEGIN", "CALL"),
            options=frozenset({"service_name"}),
        ),
    )
}
"""The dialects by the scheme of their URL."""
