"""Tryton on a real PostgreSQL for the conformance kit: the connector comes through a proxy that can be cut."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import psycopg
from sqlalchemy import make_url

from commit_proxy import CommitProxy
from shipperone_erp_tryton.conformance import TrytonHarness
from shipperone_erp_tryton.conformance import cache as kept

ResultT = TypeVar("ResultT")

VARIABLE = "SHIPPERONE_ERP_TEST_TRYTON"
"""`all`: on SQLite whatever it takes; `postgresql`: on PostgreSQL instead, in this process."""

ASKED = os.environ.get(VARIABLE)

FAILING = """
CREATE FUNCTION kit_fails() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
CREATE CONSTRAINT TRIGGER kit_one AFTER INSERT OR UPDATE ON shipperone_key
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kit_fails();
CREATE CONSTRAINT TRIGGER kit_two AFTER UPDATE ON account_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kit_fails();
"""


class PostgresqlTryton(TrytonHarness):
    """Databases that are copies of a template on the server; each with a proxy, which stays the same for all cases."""

    departures: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("S2", "U3"), "the PostgreSQL of these tests trusts every local login: it refuses none"
    )
    server: ClassVar[str]
    names: ClassVar[dict[int, str]] = {}
    proxies: ClassVar[dict[int, CommitProxy]] = {}
    locking: psycopg.Connection | None = None

    def set_up(self) -> None:
        if self.nth not in self.names:
            name = f"kit_{uuid.uuid4().hex[:8]}"
            self._administer(f"CREATE DATABASE {name} TEMPLATE {self._template()}")
            self.names[self.nth] = name
            server = make_url(self.server)
            host = server.query.get("host")
            there = f"{host}/.s.PGSQL.{server.port or 5432}" if host else (str(server.host), server.port or 5432)
            self.proxies[self.nth] = CommitProxy(there)

        self._ask(lambda pool: None)  # the threads of the harness's own connections are there before a case counts

    def _ask(self, work: Callable[[Any], ResultT]) -> ResultT:
        """What a user changes reaches other processes of Tryton within minutes; here at once.

        For Tryton the connector's database, behind the proxy, is another one than the harness's, as another process is.
        """
        answer = super()._ask(work)
        from trytond.cache import Cache

        Cache.drop(self.address)
        return answer

    def settings(self) -> Mapping[str, Any]:
        # the server asks for no password; one is given all the same, to look for where it is shown
        return {**super().settings(), "timeout": 5.0, "password": "kit-tryton-password"}

    @property
    def conf(self) -> Path:
        """Tryton keeps one configuration for a process, whichever server the databases are on."""
        return configuration()

    @property
    def url(self) -> str:
        return self._url(self.names[self.nth])

    @property
    def address(self) -> str:
        user = make_url(self.server).username
        return f"postgresql://{user}@127.0.0.1:{self.proxies[self.nth].port}/{self.names[self.nth]}"

    def break_connection(self) -> None:
        self.proxies[self.nth].cut()

    def lose_answer(self) -> None:
        self.proxies[self.nth].lose = "answer"

    def stall_connection(self) -> None:
        """An administrator changes a table, and does not come to an end."""
        self.locking = psycopg.connect(self.url)
        self.locking.execute("LOCK TABLE shipperone_key IN ACCESS EXCLUSIVE MODE")

    def fail_commit(self) -> None:
        self.failing = True
        with closing(psycopg.connect(self.url, autocommit=True)) as erp:
            erp.execute(FAILING)

    def mend_connection(self) -> None:
        if self.nth in self.proxies:
            self.proxies[self.nth].mend()
            self.proxies[self.nth].lose = None
        if self.locking is not None:
            self.locking.close()
            self.locking = None
        if self.failing:
            self.failing = False
            with closing(psycopg.connect(self.url, autocommit=True)) as erp:
                erp.execute("DROP FUNCTION kit_fails CASCADE")
        self._give_back()

    def _template(self) -> str:
        """The template of these versions, made by the first process that asks."""
        name = f"tryton_{kept().name}"
        with closing(psycopg.connect(self._url("postgres"), autocommit=True)) as erp:
            erp.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
            if not erp.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                making = f"making_{name}"
                self._administer(f"DROP DATABASE IF EXISTS {making}")
                self._administer(f"CREATE DATABASE {making}")
                made = f"from shipperone_erp_tryton.seeding import make; make({self._url(making)!r})"
                path = os.pathsep.join(filter(None, sys.path))
                subprocess.run([sys.executable, "-c", made], check=True, env={**os.environ, "PYTHONPATH": path})
                self._administer(f"ALTER DATABASE {making} RENAME TO {name}")
        return name

    def _url(self, database: str) -> str:
        return make_url(self.server).set(drivername="postgresql", database=database).render_as_string(False)

    def _administer(self, statement: str) -> None:
        with closing(psycopg.connect(self._url("postgres"), autocommit=True)) as erp:
            erp.execute(statement)  # type: ignore[arg-type]


@cache
def configuration() -> Path:
    """The trytond.conf of this process."""
    home = Path(tempfile.mkdtemp(prefix="tryton"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    conf = home / "trytond.conf"
    conf.write_text("[queue]\nworker = true\n", encoding="utf-8")
    return conf


@contextmanager
def tryton_on(server: str) -> Iterator[None]:
    """The harness works on this PostgreSQL; its databases are dropped at the end, the template stays."""
    PostgresqlTryton.server = server
    yield
    for nth, name in PostgresqlTryton.names.items():
        PostgresqlTryton.proxies[nth].close()
        PostgresqlTryton(configuration().parent)._administer(f"DROP DATABASE {name} WITH (FORCE)")
    PostgresqlTryton.names.clear()
