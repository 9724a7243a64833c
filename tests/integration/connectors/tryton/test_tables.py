"""What Tryton's tables hold after the connector's hooks: read from the SQLite file, past Tryton and the connector."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shipperone_erp import (
    BuildInvoice,
    Charge,
    Deliver,
    FulfillmentOrder,
    Goods,
    Invoice,
    IssueInvoice,
    Party,
    Reason,
    Refused,
    ReleaseStock,
    Reservation,
    Reserved,
    Transient,
    Voided,
)
from shipperone_erp.testing import Bench
from shipperone_erp.testing.shop import Shop
from shipperone_erp_tryton import TrytonConnector, seeding
from shipperone_erp_tryton.amounts import pieces
from shipperone_erp_tryton.conformance import TrytonHarness
from shipperone_erp_tryton.lock_queue import Turns
from tryton_bench import ON_SQLITE, bench, record, rows

__all__ = ["bench"]

pytestmark = ON_SQLITE

CENT = Decimal("0.01")
DAY = date(2027, 3, 2)
"""After every date of the kit's cases, which share the database in a process."""


def building(bench: Bench, order: FulfillmentOrder, day: date | None = DAY, issue: date | None = None) -> BuildInvoice:
    return replace(bench.desk.to_build(order), tax_date=day, issue_date=issue)


def posted(bench: Bench, order: FulfillmentOrder, day: date = DAY, issue: date | None = None) -> Invoice:
    connector = bench.desk.connector
    request = building(bench, order, day, issue)
    built = connector.build_invoice(request)
    assert isinstance(built, Invoice)
    answer = connector.issue_invoice(IssueInvoice(request.key, built, request.order, day, issue))
    assert isinstance(answer, Invoice)
    return answer


@pytest.mark.parametrize("rate", ["0.21", "0.23", "0.10", "0.05", "0"])
def test_every_gross_amount_is_reached_by_prices_without_tax(rate: str) -> None:
    def rounded(amount: Decimal) -> Decimal:
        return amount.quantize(CENT)  # half to even, as Tryton rounds

    for qty in (Decimal(1), Decimal(3), Decimal("0.375"), Decimal(7), Decimal(144), Decimal(9999)):
        for gross in map(Decimal, ("0.00", "0.01", "0.10", "9.99", "10.00", "84.00", "9999999.99", "-5.00")):
            made = pieces(qty, gross, Decimal(rate), CENT, 4, rounded)
            assert sum(piece.qty for piece in made) == qty
            assert sum(piece.gross for piece in made) == gross
            for piece in made:
                assert rounded(piece.qty * piece.price) == piece.net
                assert piece.price == piece.price.quantize(Decimal("0.0001"))
                assert abs(piece.gross - piece.net * (1 + Decimal(rate))) <= CENT


def test_free_stock_is_on_hand_and_not_assigned(bench: Bench) -> None:
    sku, here, far = bench.product(5), bench.harness.warehouse, bench.harness.other_warehouse
    bench.desk.reserved(bench.order(bench.item(sku, 2)))
    asked = [Goods(sku, here), Goods(sku, far), Goods("NONE", here), Goods(sku, "nowhere")]
    found = bench.desk.connector.free_stock(asked)
    assert [(Goods(one.sku, one.warehouse_code), one.free, one.reason) for one in found or ()] == [
        (asked[2], None, Reason.PRODUCT_UNKNOWN), (asked[3], None, Reason.WAREHOUSE_UNKNOWN),
        (asked[0], Decimal(3), None), (asked[1], Decimal(0), None),
    ]  # fmt: skip


def test_net_prices_come_to_shipperones_gross_in_the_accounts(bench: Bench) -> None:
    """84.00 and 10.00 at 21 %, 5.00 at 10 %, 8.50 for shipping, a coupon of 1.50: 106.00, and its tax by rate."""
    low = replace(bench.item(bench.product(), 3, "5.00"), tax_percent=Decimal(10))
    high = (bench.item(bench.product(), 1, "84.00"), bench.item(bench.product(), 1, "10.00"))
    order = replace(bench.order(*high, low, shipping="8.50"), charges=(Charge("coupon", Decimal("-1.50"), "line"),))
    bench.desk.connector = TrytonConnector(
        bench.desk.connector.settings.model_copy(update={"charges": {"coupon": "FEE"}}), tenant="kit"
    )
    invoice = posted(bench, order)
    bench.desk.connector.close()
    assert invoice.total_incl_tax == Decimal("106.00")
    assert [line.total_incl_tax for line in invoice.lines] == [Decimal(84), Decimal(10), Decimal(5)]
    (state, move) = rows(bench, "SELECT state, move FROM account_invoice WHERE id = ?", record(invoice.reference))[0]
    assert state == "posted"
    booked = rows(
        bench,
        "SELECT a.code, SUM(l.debit), SUM(l.credit) FROM account_move_line l JOIN account_account a ON a.id = l.account"
        " WHERE l.move = ? GROUP BY a.code ORDER BY a.code",
        move,
    )
    # net 69.42 + 8.26 + 7.02 + 4.55, and 1.24 of the coupon the other way; tax is the rest of each gross amount
    assert [(code, round(debit or 0, 2), round(credit or 0, 2)) for code, debit, credit in booked] == [
        ("311", 106.0, 0), ("343", 0.26, 18.25), ("604", 1.24, 89.25),
    ]  # fmt: skip


def test_an_earlier_date_is_refused_while_nothing_is_confirmed_and_another_cures_it(bench: Bench) -> None:
    later, earlier = date(2027, 6, 7), date(2027, 6, 3)
    posted(bench, bench.order(), later)
    order = bench.order()
    with pytest.raises(Refused, match=r"numbers of .* follow the dates") as refused:
        bench.desk.connector.build_invoice(building(bench, order, earlier))
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_PERIOD_LOCKED, "accountant")
    assert rows(bench, "SELECT id FROM account_invoice WHERE reference = ?", order.order_number or order.order_id) == []
    invoice = posted(bench, order, earlier, issue=later)
    assert invoice.date == later
    days = rows(
        bench, "SELECT DISTINCT taxes_date FROM account_invoice_line WHERE invoice = ?", record(invoice.reference)
    )
    assert days == [(earlier.isoformat(),)]


def test_a_later_invoice_that_is_posted_after_the_draft_stops_the_draft(bench: Bench) -> None:
    first, second = date(2027, 8, 2), date(2027, 8, 9)
    order = bench.order()
    request = building(bench, order, first)
    built = bench.desk.connector.build_invoice(request)
    posted(bench, bench.order(), second)
    issue = IssueInvoice(request.key, built, request.order, first)
    with pytest.raises(Refused) as refused:
        bench.desk.connector.issue_invoice(issue)
    assert refused.value.reason == Reason.ERP_PERIOD_LOCKED
    assert bench.documents(request.key, "issued") == []
    cured = bench.desk.connector.issue_invoice(replace(issue, issue_date=second))
    assert isinstance(cured, Invoice)
    assert (cured.issued, cured.date) == (True, second)


def test_a_year_without_a_period_is_refused_by_the_draft(bench: Bench) -> None:
    order = bench.order()
    with pytest.raises(Refused) as refused:
        bench.desk.connector.build_invoice(building(bench, order, date(2031, 1, 5)))
    assert refused.value.reason == Reason.ERP_PERIOD_LOCKED


def test_a_parcel_is_a_shipment_of_its_own_and_the_rest_stays_assigned(bench: Bench) -> None:
    mug = bench.product(10)
    line = bench.item(mug, 5, "50.00")
    whole = bench.order(line)
    reserved = bench.desk.reserved(whole)
    part = bench.part(whole, replace(line, qty=Decimal(2), row_total_incl_tax=Decimal(20)))
    bench.desk.deliver(part, reserved, whole)
    moves = rows(
        bench,
        "SELECT m.shipment, m.state, m.quantity FROM stock_move m JOIN product_product p ON p.id = m.product"
        " JOIN stock_location l ON l.id = m.to_location WHERE p.code = ? AND l.type = 'customer' ORDER BY m.id",
        mug,
    )
    assert [(state, quantity) for _, state, quantity in moves] == [("draft", 3.0), ("done", 2.0)]
    assert moves[0][0] == reserved.reference
    assert moves[1][0] != reserved.reference
    parcel = rows(bench, "SELECT state, number FROM stock_shipment_out WHERE id = ?", record(moves[1][0]))
    assert parcel[0][0] == "done"
    assert parcel[0][1]


def test_goods_shipped_without_a_reservation_come_out_of_free_stock_or_are_reported(bench: Bench) -> None:
    mug = bench.product(3)
    order = bench.order(bench.item(mug, 2))
    bench.desk.deliver(order, None, order)
    assert bench.stock(mug) == (1, 0)
    more = bench.order(bench.item(mug, 2))
    with pytest.raises(Refused) as refused:
        bench.desk.connector.deliver(bench.desk.to_deliver(more, None, more))
    assert refused.value.reason == Reason.ERP_STOCK_INCONSISTENT
    assert bench.stock(mug) == (1, 0)


def test_a_shipment_cancelled_by_a_user_is_voided(bench: Bench) -> None:
    mug = bench.product(5)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    harness = bench.harness
    assert isinstance(harness, TrytonHarness)

    def cancel(pool: Any) -> None:
        Shipment = pool.get("stock.shipment.out")
        Shipment.cancel([Shipment(record(reserved.reference))])

    harness._ask(cancel)
    assert bench.desk.reserve(order) == Voided(reserved.reference)
    assert bench.stock(mug) == (5, 0)


def test_one_buyer_is_one_party_also_for_eight_orders_at_once(bench: Bench) -> None:
    who = Party(name="Jana Nováková", email="jana@shop.example", street="Hlavná 1", city="Košice", country="SK")
    orders = [replace(bench.order(), billing=who) for _ in range(8)]
    bench.desk.at_once("build_invoice", [bench.desk.to_build(order) for order in orders])
    made = rows(bench, "SELECT id FROM party_party WHERE name = ?", who.name)
    assert len(made) == 1
    billed = rows(
        bench,
        "SELECT COUNT(*), COUNT(DISTINCT i.invoice_address) FROM account_invoice i WHERE i.party = ?",
        made[0][0],
    )
    assert billed[0][0] == 8
    address = rows(bench, "SELECT city, street_unstructured FROM party_address WHERE party = ?", made[0][0])
    assert ("Košice", "Hlavná 1") in address


def test_a_party_with_the_buyers_vat_id_is_taken_as_it_is(bench: Bench) -> None:
    firm = Party(name="Ján Malý", company="Malý s.r.o.", vat_id="SK 2022749619", city="Bratislava")
    first = posted(bench, replace(bench.order(), billing=firm))
    second = posted(bench, replace(bench.order(), billing=replace(firm, name="Another clerk")))
    parties = rows(
        bench,
        "SELECT DISTINCT party FROM account_invoice WHERE id IN (?, ?)",
        record(first.reference),
        record(second.reference),
    )
    assert len(parties) == 1
    known = rows(bench, "SELECT type, code FROM party_identifier WHERE party = ?", parties[0][0])
    assert known == [("eu_vat", "SK2022749619")]


def test_a_key_released_twice_has_one_void_row(bench: Bench) -> None:
    order = bench.order()
    key = bench.desk.to_reserve(order).key
    for _ in range(2):
        bench.desk.connector.release_stock(ReleaseStock(key, None, order))
    assert isinstance(bench.desk.reserve(order), Voided)
    assert rows(bench, "SELECT kind, voided, shipment FROM shipperone_key WHERE key = ?", key) == [
        ("reservation", 1, None)
    ]
    with closing(sqlite3.connect(bench.harness.room / "erp.sqlite")) as erp, pytest.raises(sqlite3.IntegrityError):  # type: ignore[attr-defined]
        erp.execute("INSERT INTO shipperone_key (kind, key) VALUES ('reservation', ?)", (key,))


def test_the_users_rights_apply_and_doctor_names_missing_ones(bench: Bench) -> None:
    harness = bench.harness
    assert isinstance(harness, TrytonHarness)

    def without_groups(pool: Any) -> None:
        User = pool.get("res.user")
        if not User.search([("login", "=", "clerk")]):
            User.create([{"name": "Clerk", "login": "clerk", "companies": [("add", [1])], "company": 1}])

    harness._ask(without_groups)
    settings = bench.desk.connector.settings.model_copy(update={"user": "clerk"})
    clerk = TrytonConnector(settings, tenant="kit")
    bad = {line.name: line for line in clerk.check() if line.ok is False}
    assert "lacks the right to create" in bad["rights"].sentence
    with pytest.raises(Refused) as refused:
        clerk.reserve_stock(bench.desk.to_reserve(bench.order()))
    assert refused.value.reason == Reason.ERP_ACCESS_DENIED
    clerk.close()


def test_orders_flow_through_both_stages_into_tryton(bench: Bench) -> None:
    with Shop(bench) as shop:
        order_id = shop.sell()
        shop.run()
        shop.is_done(order_id)
    invoices = rows(
        bench,
        "SELECT state, total_amount_cache FROM account_invoice WHERE reference IN"
        ' (SELECT reference FROM stock_shipment_out s JOIN shipperone_key k ON k.shipment = s.id WHERE k."order" = ?)',
        order_id,
    )
    assert [state for state, _ in invoices] == ["posted"]
    kinds = rows(bench, 'SELECT kind FROM shipperone_key WHERE "order" = ? ORDER BY kind', order_id)
    assert kinds == [("delivery",), ("invoice",), ("reservation",)]


def test_a_delivery_that_was_answered_is_not_made_again(bench: Bench) -> None:
    mug = bench.product(10)
    order = bench.order(bench.item(mug, 2))
    reserved = bench.desk.reserved(order)
    held = Reservation(bench.desk.to_reserve(order).key, reserved.reference, (order.items[0].item_id,))
    for _ in range(2):
        bench.desk.connector.deliver(Deliver("i-again", order, (held,)))
    assert bench.stock(mug) == (8, 0)


def test_a_call_behind_one_that_does_not_end_is_transient_and_writes_nothing(bench: Bench) -> None:
    mug = bench.product(10)
    request = bench.desk.to_reserve(bench.order(bench.item(mug, 2)))
    connector = bench.desk.connector
    assert isinstance(connector, TrytonConnector)
    connector._erp._writer = turns = Turns(0.2)
    with turns.turn(), ThreadPoolExecutor(1) as thread, pytest.raises(Transient) as busy:
        thread.submit(connector.reserve_stock, request).result(20)
    assert busy.value.sentence.startswith("reserving: another call of this service has held for 0.2 s what this")
    assert bench.stock(mug) == (10, 0)
    assert isinstance(connector.reserve_stock(request), Reserved)
    assert bench.stock(mug) == (10, 2)


def test_an_order_in_another_currency_is_posted_in_it_and_booked_in_the_companys(bench: Bench) -> None:
    order = bench.order(currency=seeding.FOREIGN)
    answer = posted(bench, order)
    assert (answer.currency, answer.total_incl_tax) == (seeding.FOREIGN, order.total_incl_tax)
    number = record(answer.reference)
    booked = rows(
        bench,
        "SELECT CAST(l.debit AS TEXT), CAST(l.credit AS TEXT), CAST(l.amount_second_currency AS TEXT), c.code"
        " FROM account_move_line l"
        " JOIN account_invoice i ON i.move = l.move LEFT JOIN currency_currency c ON c.id = l.second_currency WHERE i.id = ?",
        number,
    )
    assert {code for *_, code in booked} == {seeding.FOREIGN, None}, "what the rates round is a line of its own"
    debits, credits, foreign = ([Decimal(line[side] or 0) for line in booked] for side in (0, 1, 2))
    assert sum(amount for amount in foreign if amount > 0) == order.total_incl_tax
    assert sum(debits) == sum(credits) == (order.total_incl_tax / 25).quantize(CENT)  # the seed's rate
