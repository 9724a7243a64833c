"""What the warehouse does in Tryton between two calls: shipments put back, transfers received short, or cancelled."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shipperone_erp import (
    Deliver,
    Done,
    FulfillmentOrder,
    Invoice,
    IssueInvoice,
    Owner,
    Pending,
    Reason,
    Refused,
    ReleaseStock,
    Reservation,
    Reserved,
)
from shipperone_erp.testing import Bench
from shipperone_erp_tryton import seeding
from shipperone_erp_tryton.conformance import TrytonHarness
from tryton_bench import ON_SQLITE, bench, record, rows

__all__ = ["bench"]

pytestmark = ON_SQLITE

OUT, INTERNAL = "stock.shipment.out", "stock.shipment.internal"


def in_tryton(bench: Bench, model: str, reference: str | None, button: str) -> None:
    """A user clicks that button on the record."""
    harness = bench.harness
    assert isinstance(harness, TrytonHarness)
    harness._ask(lambda pool: getattr(pool.get(model), button)([pool.get(model)(record(reference))]))


def transfer_of(bench: Bench, order: FulfillmentOrder) -> str:
    key = bench.desk.to_reserve(order).key
    sql = "SELECT s.id FROM stock_shipment_internal s JOIN shipperone_key k ON k.id = s.shipperone_key WHERE k.key = ?"
    ((number,),) = rows(bench, sql, key)
    return f"{INTERNAL},{number}"


def taken_by_another(bench: Bench, sku: str, pieces: int) -> None:
    assert isinstance(bench.desk.reserve(bench.order(bench.item(sku, pieces))), Reserved)


@pytest.fixture
def far_away(bench: Bench) -> tuple[str, FulfillmentOrder]:
    """Four pieces in the other warehouse, and an order of them."""
    mug = bench.product(0)
    bench.harness.add_product(mug, Decimal(4), bench.harness.other_warehouse)
    return mug, bench.order(replace(bench.item(mug, 4), warehouse_code=bench.harness.other_warehouse))


def test_a_shipment_that_was_put_back_is_assigned_again(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    in_tryton(bench, OUT, reserved.reference, "wait")
    assert bench.stock(mug) == (5, 0)
    assert bench.desk.reserve(order) == reserved
    assert bench.stock(mug) == (5, 2)


def test_goods_that_others_took_after_a_shipment_was_put_back_are_not_reserved(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 4))
    reserved = bench.desk.reserved(order)
    in_tryton(bench, OUT, reserved.reference, "wait")
    taken_by_another(bench, mug, 3)
    for transfer in ("arrived", "reserved"):
        answer = bench.desk.connector.reserve_stock(replace(bench.desk.to_reserve(order), transfer=transfer))
        assert isinstance(answer, Pending)
        assert (answer.reason, answer.owner) == (Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)
        assert "not assigned" in answer.sentence
    with pytest.raises(Refused) as refused:
        bench.desk.connector.deliver(bench.desk.to_deliver(order, reserved, order))
    assert refused.value.reason == Reason.ERP_STOCK_INCONSISTENT
    bench.harness.add_product(mug, Decimal(9), bench.harness.warehouse)
    assert bench.desk.reserve(order) == reserved


def test_goods_of_a_shipment_that_was_put_back_are_delivered(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    in_tryton(bench, OUT, reserved.reference, "wait")
    assert isinstance(bench.desk.connector.deliver(bench.desk.to_deliver(order, reserved, order)), Done)
    assert bench.stock(mug) == (3, 0)


def test_a_transfer_that_arrived_short_is_reported_as_that(bench: Bench, far_away: Any) -> None:
    mug, order = far_away
    assert isinstance(bench.desk.reserve(order), Pending)
    transfer = transfer_of(bench, order)

    def received_short(pool: Any) -> None:
        Internal = pool.get(INTERNAL)
        Internal.wait([Internal(record(transfer))])
        pool.get("stock.move").write(list(Internal(record(transfer)).moves), {"quantity": 3.0})
        Internal.assign_try([Internal(record(transfer))])
        Internal.do([Internal(record(transfer))])

    bench.harness._ask(received_short)  # type: ignore[attr-defined]
    answer = bench.desk.reserve(order)
    assert isinstance(answer, Pending)
    assert answer.reason == Reason.NOT_ENOUGH_STOCK
    assert "has arrived" in answer.sentence
    bench.harness.add_product(mug, Decimal(4), bench.harness.warehouse)
    assert isinstance(bench.desk.reserve(order), Reserved), "once the missing piece has come"
    assert bench.stock(mug) == (4, 4)


def test_a_transfer_that_was_put_back_reserves_nothing(bench: Bench, far_away: Any) -> None:
    mug, order = far_away
    asked = replace(bench.desk.to_reserve(order), transfer="reserved")
    assert isinstance(bench.desk.connector.reserve_stock(asked), Reserved)
    in_tryton(bench, INTERNAL, transfer_of(bench, order), "wait")
    far = bench.harness.other_warehouse
    assert bench.stock(mug, far) == (4, 0)
    assert isinstance(bench.desk.connector.reserve_stock(asked), Reserved)
    assert bench.stock(mug, far) == (4, 4)
    in_tryton(bench, INTERNAL, transfer_of(bench, order), "wait")
    sold = replace(bench.order(bench.item(mug, 2)), warehouse_code=far)
    assert isinstance(bench.desk.reserve(sold), Reserved)
    answer = bench.desk.connector.reserve_stock(asked)
    assert isinstance(answer, Pending)
    assert answer.reason == Reason.NOT_ENOUGH_STOCK


def test_shipped_goods_whose_transfer_was_cancelled_are_held_for_the_warehouse(bench: Bench, far_away: Any) -> None:
    _, order = far_away
    reserved = bench.desk.connector.reserve_stock(replace(bench.desk.to_reserve(order), transfer="reserved"))
    assert isinstance(reserved, Reserved)
    in_tryton(bench, INTERNAL, transfer_of(bench, order), "cancel")
    with pytest.raises(Refused) as refused:
        bench.desk.connector.deliver(bench.desk.to_deliver(order, reserved, order))
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, Owner.WAREHOUSE)
    assert "was cancelled in Tryton" in refused.value.sentence


def test_nothing_is_shipped_while_another_part_of_the_delivery_waits(bench: Bench, far_away: Any) -> None:
    """A tea without a reservation, and mugs whose transfer is on its way: the tea leaves once, with the mugs."""
    mug, far = far_away
    tea = bench.product(5)
    reserved = bench.desk.connector.reserve_stock(replace(bench.desk.to_reserve(far), transfer="reserved"))
    assert isinstance(reserved, Reserved)
    held = Reservation(bench.desk.to_reserve(far).key, reserved.reference, (far.items[0].item_id,))
    request = Deliver("i-parts", replace(far, items=(bench.item(tea, 1), *far.items)), (held,))
    for _ in range(2):
        answer = bench.desk.connector.deliver(request)
        assert isinstance(answer, Pending)
        assert answer.reason == Reason.WAITING_FOR_TRANSFER
    assert bench.stock(tea) == (5, 0)
    bench.harness.arrive(held.key)
    assert isinstance(bench.desk.connector.deliver(request), Done)
    assert (bench.stock(tea), bench.stock(mug)) == ((4, 0), (0, 0))


def test_a_shipment_that_was_set_to_draft_is_neither_reserved_nor_taken_for_delivered(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    in_tryton(bench, OUT, reserved.reference, "wait")
    in_tryton(bench, OUT, reserved.reference, "draft")
    for call in (lambda: bench.desk.reserve(order), lambda: bench.desk.deliver(order, reserved, order)):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.owner == Owner.WAREHOUSE
        assert "draft" in refused.value.sentence
    assert bench.stock(mug) == (5, 0)


def test_goods_that_the_warehouse_has_shipped_in_tryton_are_not_released(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    for button in ("pick", "pack", "ship"):
        in_tryton(bench, OUT, reserved.reference, button)
    bench.desk.connector.release_stock(ReleaseStock(bench.desk.to_reserve(order).key, reserved.reference, order))
    assert rows(bench, "SELECT state FROM stock_shipment_out WHERE id = ?", record(reserved.reference)) == [
        ("shipped",)
    ]


@pytest.fixture
def draft(bench: Bench) -> tuple[IssueInvoice, Any]:
    """A draft that ShipperOne has accepted, and what its accountant does to it as a user of their own."""
    request = replace(bench.desk.to_build(bench.order()), tax_date=date(2027, 9, 1))
    built = bench.desk.connector.build_invoice(request)
    assert isinstance(built, Invoice)

    def by_the_accountant(change: Any) -> None:
        def work(pool: Any) -> None:
            User = pool.get("res.user")
            found = User.search([("login", "=", "accountant")])
            who = found[0] if found else User.create([{"name": "Accountant", "login": "accountant"}])[0]
            with Transaction().set_user(who.id):
                change(pool, pool.get("account.invoice")(record(built.reference)))

        from trytond.transaction import Transaction

        bench.harness._ask(work)  # type: ignore[attr-defined]

    return IssueInvoice(request.key, built, request.order, request.tax_date), by_the_accountant


def another_party(pool: Any, invoice: Any) -> None:
    (party,) = pool.get("party.party").create([{"name": "Somebody else", "addresses": [("create", [{}])]}])
    pool.get("account.invoice").write([invoice], {"party": party.id, "invoice_address": party.addresses[0].id})


def another_product(pool: Any, invoice: Any) -> None:
    other = seeding.product(pool, f"OTHER-{invoice.id}", unit=seeding.PIECE)
    pool.get("account.invoice.line").write([invoice.lines[0]], {"product": other.id})


@pytest.mark.parametrize("change", [another_party, another_product])
def test_a_draft_that_the_accountant_gave_another_buyer_or_product_is_not_posted(
    bench: Bench, draft: Any, change: Any
) -> None:
    issue, by_the_accountant = draft
    by_the_accountant(change)
    with pytest.raises(Refused, match="was changed in Tryton by another user") as refused:
        bench.desk.connector.issue_invoice(issue)
    assert (refused.value.reason, refused.value.owner) == (Reason.TOTAL_DIFFERS, Owner.ACCOUNTANT)
    assert rows(bench, "SELECT state FROM account_invoice WHERE id = ?", record(issue.invoice.reference)) == [
        ("draft",)
    ]


def test_a_draft_to_which_the_accountant_added_a_remark_is_posted(bench: Bench, draft: Any) -> None:
    issue, by_the_accountant = draft
    by_the_accountant(lambda pool, invoice: pool.get("account.invoice").write([invoice], {"comment": "call first"}))
    answer = bench.desk.connector.issue_invoice(issue)
    assert isinstance(answer, Invoice)
    assert answer.issued
