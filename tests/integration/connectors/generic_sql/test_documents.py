"""generic_sql on an ERP with orders, order lines, stock movements and an invoice number range, as the recipe prints it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal as D

import pytest

from shipperone_erp import (
    AlreadyIssued,
    Charge,
    Deliver,
    Done,
    Owner,
    Pending,
    Reason,
    Refused,
    Reservation,
    Reserved,
    Shortage,
    ShortLine,
    Voided,
)
from sql_documents import DocumentsErp
from sql_erp import TODAY, item, order


@pytest.fixture
def erp(documents_erp: DocumentsErp) -> DocumentsErp:
    return documents_erp


def test_an_order_that_ships_in_two_parts_leaves_its_goods_and_two_numbered_invoices(erp):
    whole = order(item(1, "MUG", "5", "50.00"), item(2, "TEA", "1", "4.50"))
    assert erp.reserve(whole) == erp.reserve(whole) == Reserved("SO-1")
    assert (erp.on_hand_and_allocated("MUG"), erp.on_hand_and_allocated("TEA")) == ((10, 5), (10, 1))
    held = Reservation("a-1", "SO-1", (1, 2))
    left = {"i-1": (8, 3), "i-2": (5, 0)}
    parts = {
        "i-1": order(item(1, "MUG", "2", "20.00")), "i-2": order(item(1, "MUG", "3", "30.00"), shipping="0.00"),
    }  # fmt: skip
    for number, (key, what) in enumerate(parts.items(), 1):
        draft = erp.build(what, key)
        assert erp.build(what, key) == draft
        assert (draft.issued, draft.total_incl_tax) == (False, what.total_incl_tax)
        issued = erp.issue(draft, what, key)
        assert erp.issue(draft, what, key) == issued
        assert (issued.issued, issued.number, issued.date) == (True, f"FV-00000{number}", TODAY)
        assert erp.deliver(what, held, key=key) == erp.deliver(what, held, key=key) == Done()
        assert erp.on_hand_and_allocated("MUG") == left[key]
    with pytest.raises(Refused) as refused:
        erp.deliver(order(item(1, "MUG", "1")), held, key="i-3")
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, "warehouse")
    assert erp.count("shipments") == 2
    assert erp.release(whole) == erp.release(whole) == Done()
    assert (erp.on_hand_and_allocated("MUG"), erp.on_hand_and_allocated("TEA")) == ((5, 0), (10, 0))
    assert erp.reserve(whole) == Voided("SO-1")


def test_a_shortage_names_its_lines_an_unknown_product_is_another_matter_and_neither_leaves_anything(erp):
    what = order(item(1, "MUG", "6"), item(2, "MUG", "5"), item(3, "JAM", "1.5"))
    short = (ShortLine(1, "MUG", D(11), D(10)), ShortLine(2, "MUG", D(11), D(10)), ShortLine(3, "JAM", D("1.5"), D(0)))
    assert erp.reserve(what) == Shortage(short)
    with pytest.raises(Refused, match=r"item 2 \(SKU SALT\): the ERP has no product with this SKU") as refused:
        erp.reserve(order(item(1, "MUG"), item(2, "SALT")))
    assert (refused.value.reason, refused.value.owner) == (Reason.PRODUCT_UNKNOWN, Owner.IT)
    assert (erp.count("orders"), erp.count("order_lines"), erp.count("allocations")) == (0, 0, 0)


def test_drafts_are_discarded_and_unknown_keys_leave_a_mark(erp):
    draft = erp.build()
    assert erp.discard() == erp.discard() == Done()
    assert erp.issue(draft) == Voided(draft.reference)
    assert (erp.release(key="a-lost"), erp.discard(key="i-lost")) == (Done(), Done())
    assert (erp.reserve(key="a-lost"), erp.build(key="i-lost")) == (Voided("SO-1"), Voided("INV-2"))
    issued = erp.issue(erp.build(key="i-2"), key="i-2")
    with pytest.raises(AlreadyIssued) as raised:
        erp.discard(key="i-2")
    assert raised.value.invoice == issued


def test_one_shipment_that_spans_two_reservations_of_one_item_leaves_both(erp):
    """Three were allocated first, two more under a second order of the same item; five ship at once."""
    erp.reserve(order(item(1, "MUG", "3", "30.00")), "a-1")
    erp.reserve(order(item(1, "MUG", "2", "20.00")), "a-2")
    erp.reserve(order(item(1, "MUG", "4", "40.00"), order_id="FO-2"), "a-other")
    held = (Reservation("a-1", "SO-1", (1,)), Reservation("a-2", "SO-2", (1,)))
    assert erp.deliver(order(item(1, "MUG", "4", "40.00")), *held) == Done()
    moved = "SELECT a.qty, a.shipped FROM allocations a ORDER BY a.id"
    assert erp.ask(moved) == [(3, 3), (2, 1), (4, 0)]
    assert erp.on_hand_and_allocated("MUG") == (6, 5)
    with pytest.raises(Refused, match="less of it is reserved than has shipped"):
        erp.deliver(order(item(1, "MUG", "2", "20.00")), *held, key="i-2")
    assert erp.on_hand_and_allocated("MUG") == (6, 5)


def test_the_invoices_tax_table_adds_up_to_its_total_with_shipping_and_charges(erp):
    charges = (Charge("coupon", D("-3.50"), "line"), Charge("gift card", D(-5), "payment"))
    what = order(item(1, "MUG", "2", "20.00"), replace(item(2, "TEA", "1", "4.50"), tax_percent=D(10)))
    what = replace(what, charges=charges, total_incl_tax=D("25.99"))
    assert erp.build(what).total_incl_tax == D("25.99")
    assert erp.ask("SELECT name, amount FROM invoice_charges") == [("coupon", D("-3.5"))]
    # the coupon is shared out as -0.64 and -2.86; shipping stands at the higher rate
    rates = erp.ask("SELECT tax_percent, total_excl_tax, tax FROM invoice_taxes ORDER BY id")
    assert rates == [(10, D("3.51"), D("0.35")), (21, D("18.29"), D("3.84"))]
    assert sum(net + tax for _, net, tax in rates) == D("25.99")


def test_20_orders_at_once_that_want_the_last_pieces_oversell_nothing(erp):
    erp.stock("MUG", 7)
    wanted = order(item(1, "TEA", "0.5", "5.00"), item(2, "MUG", "2", "20.00"))
    second = erp.connect()

    def reserve(number: int):
        from shipperone_erp import ReserveStock

        return (erp.connector, second)[number % 2].reserve_stock(ReserveStock(f"a-{number}", wanted, 1, "arrived"))

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(reserve, range(20)))
    assert sorted(type(answer).__name__ for answer in answers if isinstance(answer, Reserved)) == ["Reserved"] * 3
    assert {type(answer) for answer in answers} <= {Reserved, Shortage, Pending}
    assert (erp.on_hand_and_allocated("MUG"), erp.on_hand_and_allocated("TEA")) == ((7, 6), (10, D("1.5")))
    assert erp.ask("SELECT COUNT(*) FROM allocations a JOIN order_lines l ON l.id = a.order_line_id AND l.product_id = a.product_id AND l.qty = a.qty") == [(6,)]  # fmt: skip


def test_20_invoices_issued_at_once_are_numbered_without_gaps_and_twins(erp):
    drafts = {f"i-{number}": erp.build(key=f"i-{number}") for number in range(20)}
    with ThreadPoolExecutor(10) as threads:
        issued = list(threads.map(lambda key: erp.issue(drafts[key], key=key), drafts))
    assert sorted(invoice.number for invoice in issued) == [f"FV-{number:06}" for number in range(1, 21)]


def test_goods_that_no_reservation_holds_do_not_leave(erp):
    erp.reserve()
    for strange in ("SO-3", "SO-1x", "so-1", "7", "", "SO-", "SO-99999999999999999999"):
        with pytest.raises(Refused) as refused:
            erp.connector.deliver(Deliver("i-1", order(), (Reservation("a-1", strange, (1, 2)),)))
        assert refused.value.reason is Reason.ERP_STOCK_INCONSISTENT, strange
    assert (erp.count("shipments"), erp.on_hand_and_allocated("MUG")) == (0, (10, 2))
