"""generic_sql keeps the contract of every hook: the shipped statements on a real SQLite file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal as D

import pytest

from shipperone_erp import (
    AlreadyIssued,
    Done,
    Pending,
    Reason,
    Refused,
    Reserved,
    Shortage,
    ShortLine,
    Voided,
)
from shipperone_erp_generic_sql.dialects import DIALECTS
from shipperone_erp_generic_sql.statement_lint import Parsed
from sql_erp import TODAY, item, order


def test_every_step_twice_is_once(erp):
    what = order()
    assert erp.reserve(what) == erp.reserve(what) == Reserved("R-1")
    assert erp.on_hand_and_reserved("MUG") == (10, 2)
    draft = erp.build(what)
    assert erp.build(what) == draft
    assert (draft.issued, draft.total_incl_tax, draft.shipping_amount_incl_tax) == (False, D("29.49"), D("4.99"))
    assert [(line.item_id, line.qty, line.total_incl_tax, line.tax_percent) for line in draft.lines] == [
        (1, D(2), D("20"), D(21)), (2, D(1), D("4.5"), D(21)),
    ]  # fmt: skip
    issued = erp.issue(draft, what)
    assert erp.issue(draft, what) == issued
    assert (issued.issued, issued.number, issued.date) == (True, "1", TODAY)
    assert erp.deliver(what) == erp.deliver(what) == Done()
    assert erp.on_hand_and_reserved("MUG") == (8, 0)
    assert erp.on_hand_and_reserved("TEA") == (9, 0)


@pytest.mark.parametrize("step", ["reserve", "build"])
def test_one_key_from_20_threads_makes_one_document(erp, step):
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: getattr(erp, step)(order()), range(20)))
    assert len({repr(answer) for answer in answers}) == 1
    table = {"reserve": "reservations", "build": "invoices"}[step]
    assert erp.ask(f"SELECT COUNT(*) FROM {table}") == [(1,)]
    assert erp.on_hand_and_reserved("MUG") == (10, 2 if step == "reserve" else 0)


def test_issuing_and_delivering_from_20_threads_has_one_effect(erp):
    what = order()
    erp.reserve(what)
    draft = erp.build(what)
    with ThreadPoolExecutor(20) as threads:
        issued = list(threads.map(lambda _: erp.issue(draft, what), range(20)))
        list(threads.map(lambda _: erp.deliver(what), range(20)))
    assert {invoice.number for invoice in issued} == {"1"}
    assert erp.on_hand_and_reserved("MUG") == (8, 0)


def test_two_orders_that_want_the_last_piece(erp):
    erp.stock("MUG", 1)
    wanted = [order(item(1, "MUG"), order_id=f"FO-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda pair: erp.reserve(pair[1], f"a-{pair[0]}"), enumerate(wanted)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 1
    assert sum(isinstance(answer, Shortage) for answer in answers) == 7
    assert erp.on_hand_and_reserved("MUG") == (1, 1)


def test_a_shortage_names_every_short_line_and_leaves_nothing_reserved(erp):
    erp.stock("SALT", 0)
    erp.stock("MUG", 1)
    what = order(item(1, "MUG", "3"), item(2, "TEA", "2"), item(3, "SALT", "1.5"))
    assert erp.reserve(what) == Shortage((ShortLine(1, "MUG", D(3), D(1)), ShortLine(3, "SALT", D("1.5"), D(0))))
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((1, 0), (10, 0))
    assert erp.count("reservations") == 0
    erp.stock("MUG", 5)
    erp.stock("SALT", 2)
    assert isinstance(erp.reserve(what), Reserved)


@pytest.mark.case("P4")
def test_two_lines_of_one_sku_are_two_lines(erp):
    what = order(item(1, "MUG", "2", "20.00"), item(2, "MUG", "3", "27.00"))
    erp.reserve(what)
    assert erp.on_hand_and_reserved("MUG") == (10, 5)
    assert [(line.item_id, line.qty, line.total_incl_tax) for line in erp.build(what).lines] == [
        (1, D(2), D(20)), (2, D(3), D(27)),
    ]  # fmt: skip
    erp.stock("MUG", 4)
    assert erp.reserve(what, "a-2") == Shortage((ShortLine(1, "MUG", D(5), D(4)), ShortLine(2, "MUG", D(5), D(4))))


@pytest.mark.case("P9")
def test_a_transfer_is_reserved_at_its_source_and_waited_for(erp):
    erp.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    waiting = erp.reserve(what)
    assert isinstance(waiting, Pending)
    assert (waiting.reason, waiting.sentence) == (
        Reason.WAITING_FOR_TRANSFER,
        "transfer T-1 from outlet has not arrived yet",
    )
    assert erp.on_hand_and_reserved("MUG", "outlet") == (5, 2)
    assert erp.reserve(what, transfer="reserved") == Reserved("R-1")
    erp.ask("UPDATE transfers SET arrived = TRUE")
    assert erp.reserve(what) == Reserved("R-1")
    assert (erp.on_hand_and_reserved("MUG", "outlet"), erp.on_hand_and_reserved("MUG")) == ((3, 0), (12, 2))
    erp.deliver(what)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


@pytest.mark.case("P1")
def test_five_items_as_two_and_two_and_one(erp):
    five = tuple(item(number, f"SKU-{number}") for number in range(1, 6))
    for number in range(1, 6):
        erp.stock(f"SKU-{number}", 1)
    whole = order(*five)
    erp.reserve(whole)
    for number, part in enumerate((five[:2], five[2:4], five[4:])):
        shipped = replace(whole, items=part)
        key = f"i-{number}"
        issued = erp.issue(erp.build(shipped, key), shipped, key)
        assert (issued.number, len(issued.lines)) == (str(number + 1), len(part))
        erp.deliver(shipped, key)
    assert erp.ask("SELECT SUM(on_hand), SUM(reserved) FROM stock WHERE sku LIKE 'SKU-%'") == [(0, 0)]
    with pytest.raises(Refused, match="less of it is reserved") as refused:
        erp.deliver(replace(whole, items=five[:1]), "i-again")
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, "warehouse")


def test_released_stock_is_free_and_its_key_is_never_used_again(erp):
    what = order()
    erp.reserve(what)
    assert erp.release(what) == erp.release(what) == Done()
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.reserve(what) == Voided("R-1")


def test_a_release_after_a_part_has_left_gives_back_the_rest(erp):
    whole = order(item(1, "MUG", "5"))
    erp.reserve(whole)
    part = order(item(1, "MUG", "2"))
    erp.deliver(part)
    assert erp.on_hand_and_reserved("MUG") == (8, 3)
    erp.release(whole)
    assert erp.on_hand_and_reserved("MUG") == (8, 0)


def test_an_unknown_key_that_is_released_or_discarded_leaves_a_mark(erp):
    assert (erp.release(order()), erp.discard(order())) == (Done(), Done())
    assert isinstance(erp.reserve(order()), Voided)
    assert isinstance(erp.build(order()), Voided)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_a_discarded_draft_is_voided_and_an_issued_invoice_is_not_touched(erp):
    draft = erp.build(order())
    assert erp.discard(order()) == erp.discard(order()) == Done()
    assert erp.issue(draft, order()) == Voided(draft.reference)
    erp.issue(erp.build(order(), "i-2"), order(), "i-2")
    with pytest.raises(AlreadyIssued) as raised:
        erp.discard(order(), "i-2")
    assert (raised.value.invoice.issued, raised.value.invoice.number) == (True, "1")
    assert erp.ask("SELECT state FROM invoices WHERE job_key = 'i-2'") == [("issued",)]


def test_a_draft_that_a_user_has_changed_is_not_issued(erp):
    draft = erp.build(order())
    erp.ask("UPDATE invoices SET total = total + :more", more=D("0.01"))
    with pytest.raises(
        Refused, match=r"draft I-1 is no longer what ShipperOne accepted: total_incl_tax has changed"
    ) as refused:
        erp.issue(draft, order())
    assert refused.value.reason == Reason.TOTAL_DIFFERS
    assert erp.ask("SELECT state, number FROM invoices") == [("draft", None)]


def test_a_deleted_draft_is_void(erp):
    draft = erp.build(order())
    erp.ask("DELETE FROM invoice_lines")
    erp.ask("DELETE FROM invoices")
    assert erp.issue(draft, order()) == Voided(draft.reference)


def test_an_erp_without_drafts_computes_first_and_creates_when_issuing(an_erp):
    made = an_erp()
    issue = made.statements["build_invoice"] + made.statements["issue_invoice"]
    erp = an_erp(build_invoice=(), discard_invoice=(), issue_invoice=issue)
    computed = erp.build(order())
    assert (computed.reference, computed.total_incl_tax) == (None, D("29.49"))
    assert erp.count("invoices") == 0
    assert erp.discard(order()) == Done()
    assert erp.issue(computed, order()).number == erp.issue(computed, order()).number == "1"


SWALLOWED = {
    "sqlite": "INSERT OR IGNORE INTO reservations (job_key, order_id, state, created_at) VALUES ('a-1', 'O', 'live', :at)",
    "postgresql": "INSERT INTO reservations (job_key, order_id, state, created_at) VALUES ('a-1', 'O', 'live', :at) "
    "ON CONFLICT DO NOTHING",
    "mariadb": "INSERT IGNORE INTO reservations (job_key, order_id, state, created_at) VALUES ('a-1', 'O', 'live', :at)",
}  # fmt: skip


@pytest.mark.case("S4")
def test_swallowing_the_duplicate_by_statement_reserves_twice_and_a_step_that_looks_first_does_not(erp):
    """The mistake: the duplicate is hidden, and the statement behind it reserves again."""
    swallowed = SWALLOWED[erp.dialect]
    for _ in range(2):
        erp.ask(swallowed, at="2026-03-02")
        erp.ask("UPDATE stock SET reserved = reserved + :two WHERE sku = 'MUG'", two=D(2))
    assert erp.on_hand_and_reserved("MUG") == (10, 4)
    assert len(list(Parsed(swallowed, DIALECTS[erp.dialect]).warnings())) == 1

    what = order(item(1, "MUG", "2"))
    assert erp.reserve(what, "a-2") == erp.reserve(what, "a-2")
    assert erp.on_hand_and_reserved("MUG") == (10, 6)
    shipped = [one["sql"] for one in erp.statements["reserve"]]
    assert not any(list(Parsed(sql, DIALECTS[erp.dialect]).warnings()) for sql in shipped)


def test_a_duplicate_met_in_the_middle_rolls_the_step_back_and_looks_again(an_erp):
    """Another program reserves under the key after this step has looked, as on a database that does not lock."""
    first_look = {"sql": "SELECT 'R' AS reference FROM reservations WHERE job_key = :key AND state = 'looked'"}
    erp = an_erp(find_reservation=[first_look])
    erp.ask(
        "INSERT INTO reservations (job_key, order_id, state, created_at) VALUES ('a-1', 'FO-1', 'live', :at)",
        at="2026-03-02",
    )
    with pytest.raises(
        Refused, match=r"statement 1 of reserve: .*; everything of this step was rolled back"
    ) as refused:
        erp.reserve(order())
    assert refused.value.reason is Reason.ERP_REFUSED
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


def test_an_unmet_expect_rolls_the_step_back_and_names_the_statement(an_erp):
    made = an_erp()
    broken = [
        *made.statements["reserve"][:2],
        {"sql": "UPDATE reservations SET state = 'live' WHERE job_key = 'nobody' AND :key <> ''"},
    ]
    erp = an_erp(reserve=broken)
    with pytest.raises(Refused, match="statement 3 of reserve found 0 rows where 1 must be") as refused:
        erp.reserve(order())
    assert refused.value.reason == Reason.ERP_REFUSED
    assert erp.on_hand_and_reserved("MUG") == (10, 0)
    assert erp.count("reservations") == 0
