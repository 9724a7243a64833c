"""Someone changes the same records in the ERP while a step runs: between its first look and its first change."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal as D

import pytest
from sqlalchemy import text

from shipperone_erp import Done, Reason, Refused, Voided
from sql_erp import Erp, item, order

WAITING = {
    "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    "mariadb": "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}


def meanwhile(erp: Erp, changes: list[str], step: Callable[[], object]) -> object:
    """The answer of `step`, which waits for someone's changes that are committed while it runs."""
    with erp.database.admin.connect() as person, ThreadPoolExecutor(1) as thread:
        for change in changes:
            person.execute(text(change))
        answer = thread.submit(step)
        waits = time.monotonic() + 20
        while erp.database.ask(WAITING[erp.dialect]) == [(0,)] and time.monotonic() < waits:
            time.sleep(0.3)  # InnoDB shows its transactions anew only to who has not asked for a while
        person.commit()
        with suppress(Refused):
            return answer.result(timeout=30)
        return answer.exception()


@pytest.fixture
def draft(erp_on_a_server):
    """The draft of an order, which ShipperOne has accepted."""
    erp = erp_on_a_server
    return erp, order(), erp.build(order())


@pytest.mark.parametrize(
    "changes",
    [
        ["UPDATE invoices SET total = total + 1"],
        ["UPDATE invoices SET shipping = shipping", "UPDATE invoice_lines SET total = 21 WHERE item_id = '1'"],
        ["UPDATE invoices SET currency = 'CZK'"],
    ],
    ids=["total", "line", "currency"],
)
def test_a_draft_that_is_changed_while_it_is_issued_is_not_issued(draft, changes):
    erp, what, built = draft
    refused = meanwhile(erp, changes, lambda: erp.issue(built, what))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOTAL_DIFFERS
    assert erp.ask("SELECT state, number FROM invoices") == [("draft", None)]
    assert erp.ask("SELECT last FROM counters") == [(0,)], "no number is lost"


def test_a_draft_that_is_voided_while_it_is_issued_stays_void(draft):
    erp, what, built = draft
    answer = meanwhile(erp, ["UPDATE invoices SET state = 'voided'"], lambda: erp.issue(built, what))
    assert isinstance(answer, Voided)
    assert erp.ask("SELECT last FROM counters") == [(0,)]


def test_a_draft_that_someone_issues_at_the_same_time_has_one_number(draft):
    erp, what, built = draft
    changes = ["UPDATE counters SET last = 1", "UPDATE invoices SET state = 'issued', number = 1, issued_at = NOW()"]
    answer = meanwhile(erp, changes, lambda: erp.issue(built, what))
    assert (answer.issued, answer.number) == (True, "1")
    assert erp.ask("SELECT last FROM counters") == [(1,)]


def test_a_transfer_that_arrives_while_it_is_released_gives_back_what_it_moved(erp_on_a_server):
    erp = erp_on_a_server
    erp.stock("MUG", 10, "far")
    far = order(item(1, "MUG", "2", "20.00", warehouse_code="far"))
    erp.reserve(far)
    others = order(item(5, "MUG", "3", "30.00", warehouse_code="far"), order_id="FO-2")
    erp.reserve(others, "a-2")
    arrives = "UPDATE transfers SET arrived = TRUE WHERE reservation_key = 'a-1'"
    assert isinstance(meanwhile(erp, [arrives], lambda: erp.release(far)), Done)
    assert erp.on_hand_and_reserved("MUG", "far") == (D(8), D(3)), "what FO-2 has reserved stays reserved"
    assert erp.on_hand_and_reserved("MUG", "main") == (D(12), D(0))


@pytest.fixture
def on_its_way(erp):
    """Two mugs of FO-1 and three of FO-2, reserved in another warehouse."""
    erp.stock("MUG", 10, "far")
    far = order(item(1, "MUG", "2", "20.00", warehouse_code="far"))
    erp.reserve(far)
    erp.reserve(order(item(5, "MUG", "3", "30.00", warehouse_code="far"), order_id="FO-2"), "a-2")
    return erp, far


ARRIVES = "UPDATE transfers SET arrived = TRUE WHERE reservation_key = 'a-1'"


def test_a_transfer_that_is_booked_after_its_goods_were_delivered_moves_nothing(on_its_way):
    erp, far = on_its_way
    erp.deliver(far)
    erp.ask(ARRIVES)
    assert erp.on_hand_and_reserved("MUG", "far") == (8, 3)
    assert erp.on_hand_and_reserved("MUG", "main") == (10, 0)


def test_a_transfer_that_arrives_while_its_goods_are_delivered_leaves_the_stock_once(on_its_way):
    erp, far = on_its_way
    if erp.dialect == "sqlite":
        pytest.skip("a SQLite file has one writer")
    assert isinstance(meanwhile(erp, [ARRIVES], lambda: erp.deliver(far)), Done)
    assert erp.on_hand_and_reserved("MUG", "far") == (8, 3)
    assert erp.on_hand_and_reserved("MUG", "main") == (10, 0)
