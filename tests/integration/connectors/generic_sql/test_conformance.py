"""generic_sql passes the conformance kit on SQLite, PostgreSQL and MariaDB: the guarded recipe as it is shipped."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import URL, Engine, make_url

from commit_proxy import CommitProxy
from shipperone_erp.testing import ConnectorSuite
from shipperone_erp_generic_sql.conformance import GuardedHarness
from shipperone_erp_generic_sql.recipe import recipe
from sql_erp import set_up
from sql_servers import SqlDatabase, drop_database, new_database, server_url


class ServerHarness(GuardedHarness):
    """A database on a server, which all cases share, behind a proxy that can be cut."""

    departures: ClassVar[dict[str, str]] = {}
    databases: ClassVar[list[SqlDatabase]] = []
    server: ClassVar[URL]
    kills = 3
    deadline = 30.0
    nth = 0
    """Which of the databases it is: a neighbour has another."""

    def set_up(self) -> None:
        while len(self.databases) <= self.nth:
            made = new_database(self.server)
            set_up(made, recipe("guarded", self.dialect))
            self.databases.append(made)
        self.proxy = CommitProxy(self.target)

    def tear_down(self) -> None:
        self.mend_connection()
        self.proxy.close()

    def neighbour(self, folder: Path) -> "ServerHarness":
        other = type(self)(folder)
        other.nth = self.nth + 1
        return other

    @property
    def database(self) -> SqlDatabase:
        return self.databases[self.nth]

    @cached_property
    def owner(self) -> Engine:
        return self.database.admin

    @property
    def target(self) -> str | tuple[str, int]:
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        there = make_url(self.database.url).set(host="127.0.0.1", port=self.proxy.port)
        url = there.difference_update_query(["host"]).render_as_string(hide_password=False)
        return {
            **self.statements, "url": url, "password": self.database.password, "connect_timeout": 2.0,
            "lock_timeout": 1.0, "statement_timeout": 2.0,
        }  # fmt: skip

    def break_connection(self) -> None:
        self.proxy.cut()

    def lose_answer(self) -> None:
        self.proxy.lose = "answer"

    def stall_connection(self) -> None:
        """Somebody's transaction keeps the stock locked: the silence that a server itself can end."""
        self._locking = self.owner.connect()
        self._locking.exec_driver_sql("SELECT * FROM stock FOR UPDATE")

    def fail_commit(self) -> None:
        """The connection ends before the COMMIT reaches the server, which rolls back."""
        self.proxy.lose = "commit"

    def revoke_rights(self) -> None:
        self._grants("REVOKE", "FROM")
        self._powerless = True

    def _grants(self, verb: str, preposition: str) -> None:
        granted = re.findall(r"^GRANT (.*) TO (.*);$", recipe("guarded", self.dialect).grants, re.MULTILINE)
        self.database.script("".join(f"{verb} {what} {preposition} {whom};\n" for what, whom in granted))

    def mend_connection(self) -> None:
        self.proxy.mend()
        self.proxy.lose = None
        if self._powerless:
            self._grants("GRANT", "TO")
            self._powerless = False
        if self._locking is not None:
            self._locking.close()
            self._locking = None

    _locking: Any = None
    _powerless = False


class PostgresqlHarness(ServerHarness):
    dialect = "postgresql"
    departures: ClassVar[dict[str, str]] = dict.fromkeys(
        ("S2", "U3"), "the PostgreSQL of these tests trusts every local login: it refuses none; MariaDB's does"
    )
    databases: ClassVar[list[SqlDatabase]] = []

    @property
    def target(self) -> str | tuple[str, int]:
        url = self.database.admin.url
        folder = url.query.get("host")
        return f"{folder}/.s.PGSQL.{url.port or 5432}" if folder else (str(url.host), url.port or 5432)


class MariadbHarness(ServerHarness):
    dialect = "mariadb"
    databases: ClassVar[list[SqlDatabase]] = []

    @property
    def target(self) -> str | tuple[str, int]:
        url = self.database.admin.url
        return (str(url.host), url.port or 3306)


def served(request: pytest.FixtureRequest, harness: type[ServerHarness]) -> Iterator[None]:
    """The harness's server for the tests of one class; its databases are gone afterwards."""
    harness.server = server_url(request, harness.dialect)
    yield
    while harness.databases:
        drop_database(harness.databases.pop())


class SqliteHarness(GuardedHarness):
    """As it is declared, with fewer kills: the tests of concurrency kill between the statements themselves."""

    kills = 6


class TestSqlite(ConnectorSuite):
    harness = SqliteHarness
    suite = "1.1"


class TestPostgresql(ConnectorSuite):
    harness = PostgresqlHarness
    suite = "1.1"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, request: pytest.FixtureRequest) -> Iterator[None]:
        yield from served(request, PostgresqlHarness)


class TestMariadb(ConnectorSuite):
    harness = MariadbHarness
    suite = "1.1"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, request: pytest.FixtureRequest) -> Iterator[None]:
        yield from served(request, MariadbHarness)
