"""What Tryton's tables hold on a real PostgreSQL after many assignments of one piece at once; read with plain SQL."""

import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shipperone_erp import Invoice, Reserved, ReserveStock, Transient
from shipperone_erp.testing import Bench
from shipperone_erp_tryton import TrytonConnector, TrytonSettings, seeding
from shipperone_erp_tryton.process import open_database
from tryton_postgresql import ASKED, VARIABLE, PostgresqlTryton, tryton_on

pytestmark = pytest.mark.skipif(
    ASKED != "postgresql",
    reason=f"Tryton has one kind of database for a process; set {VARIABLE}=postgresql to run these",
)


@pytest.fixture(scope="module")
def server(postgresql_server: str) -> Iterator[None]:
    with tryton_on(postgresql_server):
        yield


@pytest.fixture
def bench(tmp_path: Path, server: None) -> Iterator[Bench]:
    harness = PostgresqlTryton(tmp_path)
    harness.set_up()
    made = Bench(harness, TrytonConnector, tmp_path)
    yield made
    made.close()
    harness.tear_down()


def assigned(bench: Bench, sku: str) -> list[tuple[Any, ...]]:
    """Quantity and shipment of every assigned move of the product, and so of every piece that is promised."""
    harness = bench.harness
    assert isinstance(harness, PostgresqlTryton)
    with closing(psycopg.connect(harness.url)) as erp:
        return erp.execute(
            "SELECT m.quantity, m.shipment FROM stock_move m JOIN product_product p ON p.id = m.product"
            " WHERE p.code = %s AND m.state = 'assigned'",
            [sku],
        ).fetchall()


def reserving(settings: TrytonSettings, requests: Sequence[ReserveStock], gate: Any) -> list[str]:
    """What one process is answered to reservations that it makes at the same moment as another process does."""
    connector = TrytonConnector(settings, tenant="kit")
    assert [line.sentence for line in connector.check() if line.ok is False] == []
    gate.wait(60)

    def one(request: ReserveStock) -> str:
        ends = time.monotonic() + 60
        while True:
            try:
                return type(connector.reserve_stock(request)).__name__
            except Transient:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.05)

    with ThreadPoolExecutor(len(requests)) as threads:
        answers = list(threads.map(one, requests))
    connector.close()
    return answers


def test_of_twenty_orders_in_two_processes_one_gets_the_last_piece(bench: Bench) -> None:
    mug = bench.product(1)
    requests = [bench.desk.to_reserve(bench.order(bench.item(mug, 1))) for _ in range(20)]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as shared, ProcessPoolExecutor(2, mp_context=spawn) as processes:
        gate = shared.Barrier(2)
        runs = [
            processes.submit(reserving, bench.desk.connector.settings, part, gate)
            for part in (requests[:10], requests[10:])
        ]
        answers = [answer for run in runs for answer in run.result(120)]
    assert sorted(answers) == ["Reserved"] + ["Shortage"] * 19
    assert [quantity for quantity, _ in assigned(bench, mug)] == [1.0]


def test_of_two_users_of_tryton_one_assigns_the_last_piece(bench: Bench) -> None:
    """Each makes and assigns a shipment in one transaction, and both have read before either does; without the
    connector."""
    mug = bench.product(1)
    harness = bench.harness
    assert isinstance(harness, PostgresqlTryton)
    pool = open_database(harness.location, harness.conf)
    both_have_read, committed = threading.Barrier(2), threading.Event()
    from trytond import backend
    from trytond.transaction import Transaction

    with Transaction().start(harness.url, 0, readonly=True):
        context = {"company": pool.get("company.company").search([])[0].id}

    def shipment(number: int) -> Any:
        Out, Move, Location = (pool.get(name) for name in ("stock.shipment.out", "stock.move", "stock.location"))
        (product,) = pool.get("product.product").search([("code", "=", mug)])
        (home,) = Location.search([("type", "=", "warehouse"), ("code", "=", "MAIN")])
        (party,) = pool.get("party.party").search([("code", "=", seeding.CUSTOMER)])
        company = pool.get("company.company")(context["company"])
        (address,) = pool.get("party.address").create([{"party": party.id}])
        made = Out(
            company=company, customer=party, delivery_address=address, warehouse=home, reference=f"user {number}"
        )
        made.on_change_warehouse()
        made.moves = [
            Move(
                product=product, unit=product.default_uom, quantity=1.0, from_location=home.output_location,
                to_location=made.customer_location, company=company, currency=company.currency, unit_price=0,
            )
        ]  # fmt: skip
        made.save()
        Out.wait([made])
        return made

    def user(number: int) -> str:
        try:
            with Transaction().start(harness.url, 0, context=context):
                pool.get("stock.move").search([("product.code", "=", mug)])
                both_have_read.wait(30)
                if number == 2:
                    committed.wait(30)
                made = shipment(number)
                pool.get("stock.shipment.out").assign_try([made])
                return str(made.state)
        except backend.DatabaseOperationalError:
            return "replayed"
        finally:
            committed.set()

    with ThreadPoolExecutor(2) as users:
        assert list(users.map(user, (1, 2))) == ["assigned", "replayed"]
    assert [quantity for quantity, _ in assigned(bench, mug)] == [1.0]


def test_a_hook_ends_within_the_timeout_while_the_database_is_away_and_works_when_it_is_back(bench: Bench) -> None:
    order, seconds = bench.order(), 1.0
    connector = TrytonConnector(bench.desk.connector.settings.model_copy(update={"timeout": seconds}), tenant="kit")
    assert isinstance(connector.reserve_stock(bench.desk.to_reserve(bench.order())), Reserved)
    bench.harness.break_connection()
    for _ in range(4):
        begun = time.monotonic()
        with pytest.raises(Transient):
            connector.reserve_stock(bench.desk.to_reserve(order))
        assert time.monotonic() - begun < 5 * seconds
    bench.harness.mend_connection()
    begun = time.monotonic()
    answer: object = None
    while not isinstance(answer, Reserved):
        assert time.monotonic() - begun < 10 * seconds
        with suppress(Transient):
            answer = connector.reserve_stock(bench.desk.to_reserve(order))
    connector.close()


def test_an_invoice_is_posted_after_a_concurrent_posting_has_released_the_sequence(bench: Bench) -> None:
    bench.desk.issued(bench.order())  # from now on the connector takes the sequence's lock before it begins
    order = bench.order()
    built = bench.desk.built(order)
    harness = bench.harness
    assert isinstance(harness, PostgresqlTryton)
    with closing(psycopg.connect(harness.url)) as other:
        other.execute("SELECT id FROM ir_sequence_strict FOR UPDATE")
        release = threading.Timer(0.5, other.rollback)
        release.start()
        answer = bench.desk.connector.issue_invoice(bench.desk.to_issue(built, order))
        release.join()
    assert isinstance(answer, Invoice)
    assert answer.number
