"""generic_sql's inbox with the printed program that answers it, in each database's own language, unchanged."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal as D

import pytest
from typer.testing import CliRunner

from shipperone_erp import Charge, Deliver, Done, Invoice, Pending, Reason, Refused, Reservation, Reserved, Voided
from shipperone_erp_generic_sql.cli import app
from shipperone_erp_generic_sql.recipe import recipe
from sql_erp import TODAY, Erp, empty, item, order, set_up
from sql_servers import DIALECTS, new_database, new_sqlite, server_url


class Answered(Erp):
    """The example ERP behind an inbox; on a server its program runs when it is called, on SQLite at once."""

    def work(self) -> None:
        if self.dialect != "sqlite":
            with self.database.admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("CALL shipperone_answer()")

    def asked(self, request: str) -> list[tuple[str, str | None]]:
        return self.ask("SELECT status, message FROM shipperone_inbox WHERE request = :r ORDER BY id", r=request)


@pytest.fixture(params=DIALECTS)
def erp(request, tmp_path) -> Iterator[Answered]:
    dialect = request.param
    made = replace(recipe("inbox", dialect), ddl=recipe("guarded", dialect).ddl)
    procedures = "" if dialect == "sqlite" else recipe("procedures", dialect).setup
    if dialect == "sqlite":
        database = new_sqlite(tmp_path)
        set_up(database, made)
        database.script(made.answer)
    else:
        kept = request.getfixturevalue("kept_databases")
        if ("answered", dialect) not in kept:
            database = kept["answered", dialect] = new_database(server_url(request, dialect))
            set_up(database, made)
            database.script(procedures)
            database.script(made.answer)
            database.made = frozenset(database.tables())
        database = kept["answered", dialect]
        empty(database)
    answered = Answered(database, "inbox")
    yield answered
    answered.connector.close()


WHOLE = order(item(1, "MUG", "3", "30.00"), item(2, "TEA", "0.5", "2.25"), item(3, "MUG", "1", "10.00"))


def reserved(erp: Answered, what=WHOLE, key: str = "a-1"):
    erp.reserve(what, key)
    erp.work()
    return erp.reserve(what, key)


def test_a_whole_order_is_answered_until_its_goods_have_left(erp):
    assert reserved(erp) == Reserved("R-1")
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((10, 4), (10, D("0.5")))
    charged = replace(WHOLE, charges=(Charge("coupon", D("-3.50"), "line"), Charge("gift card", D(-5), "payment")))
    charged = replace(charged, total_incl_tax=D("38.74"))
    computed = erp.build(charged)
    assert isinstance(computed, Invoice)
    first = erp.issue(computed, charged)
    assert erp.dialect == "sqlite" or isinstance(first, Pending)
    erp.work()
    issued = erp.issue(computed, charged)
    assert (issued.issued, issued.number, issued.date, issued.total_incl_tax) == (True, "1", TODAY, D("43.74"))
    held = Reservation("a-1", "R-1", (1, 2, 3))
    erp.connector.deliver(Deliver("i-1", charged, (held,)))
    erp.work()
    assert erp.connector.deliver(Deliver("i-1", charged, (held,))) == Done()
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((6, 0), (D("9.5"), 0))
    erp.work()
    assert [erp.count(table) for table in ("reservations", "invoices", "deliveries")] == [1, 1, 1]


def test_a_shortage_reserves_nothing_and_is_retried_when_goods_come_in(erp):
    short = order(item(1, "TEA", "1"), item(2, "MUG", "8"), item(3, "MUG", "3"))
    waiting = reserved(erp, short)
    assert waiting.reason is Reason.NOT_ENOUGH_STOCK
    assert (erp.count("reservations"), erp.on_hand_and_reserved("TEA")) == (0, (10, 0))
    assert "MUG" in waiting.sentence
    erp.ask("UPDATE stock SET on_hand = :n WHERE sku = 'MUG'", n=D(11))
    erp.work()
    assert isinstance(erp.reserve(short), Reserved)
    assert erp.on_hand_and_reserved("MUG") == (11, 11)


def test_an_inbox_error_holds_one_request_and_stops_no_other(erp):
    reserved(erp, order(item(1, "MUG", "1")))
    held = (Reservation("a-1", "R-1", (1,)),)
    more = order(item(1, "MUG", "2"))
    erp.connector.deliver(Deliver("i-1", more, held)) if erp.dialect != "sqlite" else None
    erp.reserve(order(order_id="FO-2"), "a-2")
    erp.work()
    with pytest.raises(Refused) as refused:
        erp.connector.deliver(Deliver("i-1", more, held))
    assert refused.value.reason is Reason.ERP_REFUSED
    assert erp.reserve(order(order_id="FO-2"), "a-2") == Reserved("R-2")
    assert (erp.count("deliveries"), erp.on_hand_and_reserved("MUG")) == (0, (10, 3))


def test_released_stock_is_free_again_and_unreserved_stock_stays_free(erp):
    reserved(erp)
    erp.release(WHOLE)
    erp.work()
    assert erp.release(WHOLE) == Done()
    assert isinstance(erp.reserve(WHOLE), Voided)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    erp.release(WHOLE, "a-never")
    erp.work()
    assert isinstance(erp.reserve(WHOLE, "a-never"), Voided)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_goods_on_their_way_are_waited_for(erp):
    erp.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    assert reserved(erp, what).reason is Reason.WAITING_FOR_TRANSFER
    erp.ask("UPDATE transfers SET arrived = TRUE")
    erp.work()
    assert erp.reserve(what) == Reserved("R-1")
    assert (erp.on_hand_and_reserved("MUG", "outlet"), erp.on_hand_and_reserved("MUG")) == ((3, 0), (12, 2))


def test_one_shipment_that_spans_two_reservations_leaves_both(erp):
    reserved(erp, order(item(1, "MUG", "3")), "a-1")
    reserved(erp, order(item(1, "MUG", "2")), "a-2")
    held = (Reservation("a-1", "R-1", (1,)), Reservation("a-2", "R-2", (1,)))
    five = order(item(1, "MUG", "5", "50.00"))
    erp.connector.deliver(Deliver("i-1", five, held))
    erp.work()
    assert erp.connector.deliver(Deliver("i-1", five, held)) == Done()
    assert erp.on_hand_and_reserved("MUG") == (5, 0)


def test_four_programs_at_once_answer_each_request_once(erp):
    for number in range(12):
        erp.reserve(order(item(1, "MUG", "1"), order_id=f"FO-{number}"), f"a-{number}")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: erp.work(), range(4)))
    erp.work()
    states = [status for status, _ in erp.asked("reserve")]
    assert sorted(states) == ["done"] * 10 + ["short"] * 2
    assert (erp.count("reservations"), erp.on_hand_and_reserved("MUG")) == (10, (10, 10))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_setup_prints_the_program(dialect):
    done = CliRunner().invoke(app, ["setup", "--dialect", dialect, "--answer"])
    assert done.output == recipe("inbox", dialect).answer
    assert "shipperone_inbox" in done.output


def test_setup_has_no_program_for_the_other_ways():
    done = CliRunner().invoke(app, ["setup", "--dialect", "oracle", "--answer"])
    assert str(done.exception).startswith("the program is available for --recipe inbox on sqlite, postgresql")
