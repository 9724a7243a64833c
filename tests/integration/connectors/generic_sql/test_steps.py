"""generic_sql: a step runs once and completely, however often, from wherever and in whatever order it is called."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pydantic import ValidationError
from sqlalchemy import inspect

from shipperone_erp import (
    AlreadyIssued,
    Deliver,
    Done,
    Owner,
    Pending,
    Reason,
    Refused,
    Reserved,
    Transient,
    Voided,
)
from shipperone_erp_generic_sql.connector import STOCK_AGAIN
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.steps import STEPS
from sql_erp import STATEMENTS, TODAY, Erp, MakeErp, empty, item, order

TABLES = ("stock", "reservations", "reservation_lines", "transfers", "invoices", "invoice_lines", "deliveries")
NEVER = {"sql": "UPDATE stock SET sku = 'x' WHERE sku = 'no such sku' AND :key <> ''"}


def everything(erp: Erp) -> dict[str, list[tuple]]:
    """All that the ERP holds, but for the times at which it was written."""
    schema = inspect(erp.database.admin)
    kept = {
        table: [column["name"] for column in schema.get_columns(table) if not column["name"].endswith("_at")]
        for table in TABLES
    }
    return {table: erp.database.ask(f"SELECT {', '.join(n)} FROM {table} ORDER BY 1, 2") for table, n in kept.items()}


def reserved_and_built(erp: Erp) -> None:
    erp.reserve(order())
    erp.build(order())


CALLS: dict[str, Callable[[Erp], object]] = {
    "reserve": lambda erp: erp.reserve(order()),
    "release": lambda erp: erp.release(order()),
    "build_invoice": lambda erp: erp.build(order()),
    "issue_invoice": lambda erp: erp.issue(erp.build(order()), order()),
    "discard_invoice": lambda erp: erp.discard(order()),
    "deliver": lambda erp: erp.deliver(order()),
}


def before(step: str, erp: Erp) -> None:
    if step not in ("reserve", "build_invoice"):
        reserved_and_built(erp)


@pytest.mark.parametrize("step", STEPS)
def test_20_calls_at_once_of_two_workers_leave_what_one_call_leaves(an_erp, step):
    one = an_erp()
    before(step, one)
    untouched = everything(one)
    answer = CALLS[step](one)
    wanted = everything(one)
    empty(one.database)

    many, second_worker = an_erp(), an_erp()
    before(step, many)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda n: CALLS[step]((many, second_worker)[n % 2]), range(20)))

    assert answers == [answer] * 20
    assert everything(many) == wanted != untouched


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_at_its_end_leaves_nothing(an_erp, step):
    made = an_erp()
    broken = an_erp(**{step: [*made.statements[step], NEVER]})
    before(step, made)
    untouched = everything(made)
    with pytest.raises(Refused) as refused:
        CALLS[step](broken)
    number = len(made.statements[step]) + 1
    assert refused.value.sentence == f"statement {number} of {step} found 0 rows where 1 must be"
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_REFUSED, Owner.IT)
    assert everything(made) == untouched


def test_a_reservation_that_races_its_release_ends_released(erp):
    steps = [erp.reserve, erp.release] * 10
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda step: step(order()), steps))
    assert isinstance(erp.reserve(order()), Voided)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.ask("SELECT job_key, state FROM reservations") == [("a-1", "voided")]


def test_an_invoice_that_is_issued_and_discarded_at_once_is_one_of_both(erp):
    draft = erp.build(order())

    def either(number: int) -> object:
        try:
            return erp.issue(draft, order()) if number % 2 else erp.discard(order())
        except AlreadyIssued as issued:
            return issued.invoice

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(either, range(20)))
    voided, issued = Voided("I-1"), replace(draft, issued=True, number="1", date=TODAY)
    ((state,),) = erp.ask("SELECT state FROM invoices")
    ended = {"voided": [Done(), voided], "issued": [issued, issued]}[state]
    assert answers == ended * 10


def test_20_invoices_issued_at_once_are_numbered_without_gaps_and_twins(erp):
    drafts = {f"i-{number}": erp.build(order(), f"i-{number}") for number in range(20)}
    with ThreadPoolExecutor(20) as threads:
        issued = list(threads.map(lambda key: erp.issue(drafts[key], order(), key), drafts))
    assert sorted(int(invoice.number) for invoice in issued) == list(range(1, 21))


def test_an_issued_invoice_is_handed_over_when_it_cannot_be_discarded(erp):
    issued = erp.issue(erp.build(order()), order())
    untouched = everything(erp)
    with pytest.raises(AlreadyIssued) as raised:
        erp.discard(order())
    assert raised.value.invoice == issued
    assert everything(erp) == untouched


def test_the_mark_of_an_unknown_key_stops_that_key_alone(erp):
    erp.release(order(), "a-lost")
    erp.discard(order(), "i-lost")
    assert (erp.reserve(order(), "a-lost"), erp.build(order(), "i-lost")) == (Voided("R-1"), Voided("I-1"))
    assert erp.reserve(order(), "a-next") == Reserved("R-2")
    assert erp.build(order(), "i-next").reference == "I-2"
    assert erp.on_hand_and_reserved("MUG") == (10, 2)


SEEN_TODAY = [{"sql": "SELECT 'R-' || id AS reference FROM reservations WHERE job_key = :key AND created_at >= :today"}]
SEEN_AGAIN = {"sql": "UPDATE reservations SET created_at = :now_utc WHERE job_key = :key"}
SWALLOWING = [
    {**one, "sql": one["sql"].replace("INSERT INTO", "INSERT OR IGNORE INTO"), "expect": "any"}
    for one in STATEMENTS["reserve"]
]


def the_next_day(make: MakeErp, reserve: list[dict[str, str]]) -> Erp:
    """The same key is asked for again by statements whose query finds only what is of today."""
    erp = make(find_reservation=SEEN_TODAY, reserve=[*reserve, SEEN_AGAIN])
    assert erp.reserve(order()) == Reserved("R-1")
    erp.ask("UPDATE reservations SET created_at = '2026-01-01'")
    return erp


@pytest.mark.case("S4")
def test_a_duplicate_swallowed_by_statement_reserves_twice(a_sqlite_erp):
    erp = the_next_day(a_sqlite_erp, SWALLOWING)
    assert erp.reserve(order()) == Reserved("R-1")
    assert erp.on_hand_and_reserved("MUG") == (10, 4)
    warned = [check for check in erp.connector.check() if check.ok is None]
    assert [check.sentence.splitlines()[0] for check in warned] == [
        f"reserve, statement {number}: IGNORE hides a duplicate key" for number in (1, 3, 4)
    ]


@pytest.mark.case("S4")
def test_a_duplicate_that_fails_undoes_the_step_even_when_the_look_was_wrong(a_sqlite_erp):
    erp = the_next_day(a_sqlite_erp, STATEMENTS["reserve"])
    with pytest.raises(Refused, match=r"statement 1 of reserve: UNIQUE constraint failed: reservations\.job_key"):
        erp.reserve(order())
    assert erp.on_hand_and_reserved("MUG") == (10, 2)
    assert [check.ok for check in erp.connector.check()] == [True]


FIRST = STATEMENTS["reserve"][0]
ITEMS = "FROM json_each(:items_json)"
COUNTED = {
    "a list that returns as many as there are items": ("items", f"SELECT value {ITEMS}", None),
    "a list that returns fewer": ("items", f"SELECT value {ITEMS} LIMIT 1", "found 1 rows where items must be"),
    "two rows where one may be": ("0..1", f"SELECT value {ITEMS}", "found 2 rows where 0..1 must be"),
    "none where one may be": ("0..1", f"SELECT value {ITEMS} LIMIT 0", None),
    "rows of WITH … UPDATE": ("1", "WITH w AS (SELECT :key AS k) UPDATE stock SET sku = sku WHERE sku = 'MUG'", None),
    "none of WITH … UPDATE": (
        "1", "WITH w AS (SELECT :key AS k) UPDATE stock SET sku = sku WHERE sku = 'no'", "found 0 rows where 1 must be",
    ),
    "rows of RETURNING": ("items", "UPDATE stock SET sku = sku WHERE :key <> '' RETURNING sku", None),
    "too many of RETURNING": ("1", "UPDATE stock SET sku = sku WHERE :key <> '' RETURNING sku", "found 2 rows where 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_expect_counts_rows_changed_or_returned(a_sqlite_erp, case):
    expect, sql, expected = COUNTED[case]
    erp = a_sqlite_erp(reserve=[FIRST, {"sql": sql, "expect": expect}])
    if expected is None:
        assert erp.reserve(order()) == Reserved("R-1")
    else:
        with pytest.raises(Refused) as refused:
            erp.reserve(order())
        assert refused.value.sentence.startswith(f"statement 2 of reserve {expected}")
        assert erp.count("reservations") == 0


def test_an_unmet_expect_reports_the_statements_reason_and_the_item(an_erp):
    guard = {"each": "item", "sql": "SELECT 1 FROM stock WHERE sku = :sku", "otherwise": "product_unknown",
             "sentence": "the ERP has no such product", "owner": "accountant"}  # fmt: skip
    first = an_erp().statements["reserve"][:1]
    erp = an_erp(reserve=[*first, guard])
    with pytest.raises(Refused) as refused:
        erp.reserve(order(item(1, "MUG"), item(2, "SALT")))
    refusal = refused.value
    assert (refusal.reason, refusal.owner) == (Reason.PRODUCT_UNKNOWN, Owner.ACCOUNTANT)
    assert refusal.sentence == "item 2 (SKU SALT): the ERP has no such product"
    assert erp.count("reservations") == 0


@pytest.mark.parametrize(
    "available", [(), [{"sql": "SELECT 99 FROM stock WHERE sku = :sku"}]], ids=["none", "says enough"]
)
def test_a_shortage_whose_figures_are_not_known_waits_and_names_none(an_erp, available):
    erp = an_erp(available=available)
    sentence = "item 1 (SKU MUG): there is not enough of it in stock"
    short = Pending(sentence, STOCK_AGAIN, Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)
    assert erp.reserve(order(item(1, "MUG", "11"))) == short
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_a_full_disk_is_tried_again_and_leaves_nothing(a_sqlite_erp, monkeypatch):
    connect = Database._sqlite

    def full(self: Database) -> sqlite3.Connection:
        connection = connect(self)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(Database, "_sqlite", full)
    erp = a_sqlite_erp()
    bulky = replace(order(), order_number="x" * 100_000)
    with pytest.raises(Transient, match="statement 1 of build_invoice: database or disk is full"):
        erp.build(bulky)
    assert erp.count("invoices") == 0
    monkeypatch.undo()
    erp.connector.close()
    assert erp.build(bulky).reference == "I-1"


def test_goods_whose_reservation_is_not_there_do_not_leave(erp):
    with pytest.raises(Refused) as refused:
        erp.deliver(order(), reserved_under="a-unknown")
    assert refused.value.reason is Reason.ERP_STOCK_INCONSISTENT
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.count("deliveries") == 0


def test_goods_that_were_allocated_elsewhere_leave_what_is_free_and_nothing_that_others_have_reserved(erp):
    erp.connector.deliver(Deliver("i-1", order(), ()))
    assert erp.on_hand_and_reserved("MUG") == (8, 0)
    erp.reserve(order(item(7, "MUG", "7", "70.00"), order_id="FO-2"), "a-2")
    with pytest.raises(Refused, match="free") as refused:
        erp.connector.deliver(Deliver("i-3", order(order_id="FO-3"), ()))
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, "warehouse")
    assert erp.on_hand_and_reserved("MUG") == (8, 7)


UNMARKED = [{"sql": "UPDATE stock SET warehouse = 'gone' WHERE sku = :sku", "each": "item"}]


def test_a_delivery_that_its_query_does_not_find_again_is_undone(an_erp):
    erp = an_erp(deliver=UNMARKED)
    with pytest.raises(Refused, match="the statements of deliver ran, but find_delivery does not find their key"):
        erp.deliver(order())
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_a_delivery_without_a_query_that_finds_it_is_no_setting(an_erp):
    with pytest.raises(ValidationError, match="deliver needs find_delivery: a step looks up its key first"):
        an_erp(deliver=UNMARKED, find_delivery=())


def test_a_step_without_statements_is_not_taken_for_done(an_erp):
    erp = an_erp(release=(), discard_invoice=())
    reserved_and_built(erp)
    for undo, step in ((erp.release, "release"), (erp.discard, "discard_invoice")):
        with pytest.raises(Refused, match=f"no statements are configured for {step}") as refused:
            undo(order())
        assert refused.value.reason is Reason.CONFIG_INCOMPLETE
    assert erp.on_hand_and_reserved("MUG") == (10, 2)


def test_a_second_release_by_failing_statements_releases_nothing(an_erp):
    erp = an_erp()
    once = erp.statements["release"][1:]
    erp = an_erp(release=once)
    erp.reserve(order())
    assert erp.release(order()) == erp.release(order()) == Done()
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_an_invoice_that_the_erp_issues_later_is_waited_for(an_erp):
    asked = {"sql": "UPDATE invoices SET tax_date = :tax_date WHERE job_key = :key"}
    erp = an_erp(issue_invoice=[asked])
    draft = erp.build(order())
    assert erp.issue(draft, order()) == Pending("the ERP has not issued invoice I-1 yet")
    erp.ask("UPDATE invoices SET state = 'issued', number = 7")
    assert erp.issue(draft, order()).number == "7"
