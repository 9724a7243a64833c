"""What the Odoo connector promises, case by case. Each runs on real servers, and on recordings of them."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from odoo_buyer_cases import BUYERS
from odoo_delivery_cases import DELIVERIES
from odoo_goods_cases import GOODS
from odoo_invoice_cases import INVOICES
from odoo_shop import ANNA, DAY, Shop, ids
from shipperone_erp import (
    AlreadyIssued,
    BuildInvoice,
    Charge,
    Done,
    IssueInvoice,
    Party,
    Pending,
    Reason,
    Refused,
    Reserved,
    ReserveStock,
    Shortage,
    ShortLine,
    Voided,
)
from shipperone_erp_odoo import OdooConnector
from shipperone_erp_odoo.invoice_plan import SHIPPING
from shipperone_erp_odoo.seeding import Seed


def reserve_twice(shop: Shop) -> None:
    """P4: two lines of one SKU are two answers and one move; the same key is the same picking."""
    shop.product("MUG", 10)
    shop.product("TEA", 10)
    order = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "MUG", "1"), shop.item(3, "TEA", "4"))
    first = shop.reserve(shop.connector(), "a1", order)
    erp = shop.connector()
    assert isinstance(first, Reserved)
    assert shop.reserve(erp, "a1", order) == first
    assert shop.counted(erp, "MUG") == (10, 3)
    assert shop.counted(erp, "TEA") == (10, 4)


def shortage(shop: Shop) -> None:
    """All or nothing: every short line is named with what is available, nothing is reserved, no picking is left."""
    shop.product("MUG", 3)
    shop.product("TEA", 10)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "TEA", "1"), shop.item(3, "MUG", "2"))
    short = shop.reserve(erp, "a1", order)
    assert short == Shortage(tuple(ShortLine(item, shop.sku("MUG"), D(2), D(3)) for item in (1, 3)))
    assert (shop.counted(erp, "MUG"), shop.counted(erp, "TEA")) == ((3, 0), (10, 0))
    shop.product("MUG", 4)
    assert isinstance(shop.reserve(erp, "a1", order), Reserved)
    assert shop.counted(erp, "MUG") == (4, 4)


def products(shop: Shop) -> None:
    """P5: none, several and archived are three sentences; a service cannot be reserved."""
    shop.product("OLD", active=False)
    shop.product("TWIN")
    shop.product("TWIN", description="a second one")
    shop.product("WRAP", service=True)
    erp = shop.connector()
    wanted = {
        "OLD": Reason.PRODUCT_ARCHIVED,
        "TWIN": Reason.PRODUCT_AMBIGUOUS,
        "NONE": Reason.PRODUCT_UNKNOWN,
        "WRAP": Reason.ERP_REFUSED,
    }
    orders = {name: shop.order(shop.item(1, name), number=n) for n, name in enumerate(wanted)}
    answers = erp.reserve_stock_batch([ReserveStock(name, order, 1, "arrived") for name, order in orders.items()])
    assert {name: answers[name].reason for name in wanted} == wanted
    assert all(shop.sku(name) in answers[name].sentence for name in wanted)


def release(shop: Shop) -> None:
    """Releasing twice is success, and a released key is void for good; an unknown one is marked."""
    shop.product("MUG", 10)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "2"))
    reserved = shop.reserve(erp, "a1", order)
    assert shop.release(erp, "a1", order, reserved.reference) == Done()
    assert shop.release(erp, "a1", order) == Done()
    assert shop.counted(erp, "MUG") == (10, 0)
    assert shop.reserve(erp, "a1", order) == Voided(reserved.reference)
    never = shop.order(shop.item(1, "MUG"), number=2)
    assert shop.release(erp, "a2", never) == Done()
    assert isinstance(shop.reserve(erp, "a2", never), Voided)
    assert shop.counted(erp, "MUG") == (10, 0)
    assert isinstance(shop.reserve(erp, "a1-g2", order), Reserved)


def transfer(shop: Shop) -> None:
    """P9, B22: goods of another warehouse come by a transfer, and the order waits until they are there."""
    shop.product("MUG", 10)
    shop.product("CUP", 5, "B")
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "CUP", "3", warehouse_code="far"))
    waiting = shop.reserve(erp, "a1", order)
    assert isinstance(waiting, Pending)
    assert (waiting.reason, waiting.owner) == (Reason.WAITING_FOR_TRANSFER, "warehouse")
    assert shop.counted(erp, "CUP", "far") == (5, 3)
    on_the_way = shop.reserve(erp, "a1", order, "reserved")
    assert isinstance(on_the_way, Reserved)
    with pytest.raises(Refused) as held:
        shop.deliver(erp, "i1", order, ("a1", on_the_way))
    assert held.value.reason == Reason.ISSUED_NOT_DELIVERED

    def validate(seed):
        moves = [("origin", "=", shop.order_id()), ("picking_type_code", "=", "internal")]
        found = seed.admin.find("stock.picking", moves, ["id"])
        seed.admin.call("stock.picking", "button_validate", [found[0]["id"]])

    shop.act(validate)
    assert shop.reserve(erp, "a1", order) == on_the_way
    assert shop.counted(erp, "CUP") == (3, 3)
    assert shop.deliver(erp, "i1", order, ("a1", on_the_way)) == Done()
    assert (shop.counted(erp, "CUP"), shop.counted(erp, "CUP", "far"), shop.counted(erp, "MUG")) == (
        (0, 0), (2, 0), (8, 0),
    )  # fmt: skip
    short = shop.order(shop.item(1, "CUP", "3", warehouse_code="far"), number=2)
    assert shop.reserve(erp, "a2", short) == Shortage((ShortLine(1, shop.sku("CUP"), D(3), D(2)),))


def transfer_released(shop: Shop) -> None:
    """Releasing an order gives back what its transfer holds, also after a crash, when only the key is known."""
    shop.product("CUP", 5, "B")
    erp = shop.connector()
    order = shop.order(shop.item(1, "CUP", "3", warehouse_code="far"))
    assert isinstance(shop.reserve(erp, "a1", order), Pending)
    assert shop.release(erp, "a1", order) == Done()
    assert shop.counted(erp, "CUP", "far") == (5, 0)
    assert isinstance(shop.reserve(erp, "a1", order), Voided)


def direct(shop: Shop) -> None:
    """transfers = "direct": goods of another warehouse are delivered straight from there."""
    shop.product("MUG", 10)
    shop.product("CUP", 5, "B")
    erp = shop.connector(transfers="direct")
    order = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "CUP", "3", warehouse_code="far"))
    reserved = shop.reserve(erp, "a1", order)
    assert isinstance(reserved, Reserved)
    assert len(ids(reserved.reference)) == 2
    assert shop.reserve(erp, "a1", order) == reserved
    assert shop.counted(erp, "CUP", "far") == (5, 3)
    assert shop.deliver(erp, "i1", order, ("a1", reserved)) == Done()
    assert (shop.counted(erp, "MUG"), shop.counted(erp, "CUP", "far")) == ((8, 0), (2, 0))
    alone = shop.order(shop.item(1, "CUP", "2", warehouse_code="far"), number=2)
    reserved = shop.reserve(erp, "a2", alone)
    assert shop.release(erp, "a2", alone) == Done()
    assert shop.reserve(erp, "a2", alone) == Voided(reserved.reference)


def six_of_nine(shop: Shop, erp: OdooConnector) -> list[tuple[ReserveStock, Reserved]]:
    """Six pieces, eight orders that want one each, and one of something else; those that got theirs."""
    orders = [shop.order(shop.item(1, "MUG"), number=n) for n in range(8)]
    bad = shop.order(shop.item(1, "NONE"), number=8)
    requests = [ReserveStock(shop.key(f"a{n}"), order, 1, "arrived") for n, order in enumerate([*orders, bad])]
    answers = erp.reserve_stock_batch(requests)
    assert [type(answers[request.key]) for request in requests] == [Reserved] * 6 + [Shortage] * 2 + [Refused]
    assert erp.reserve_stock_batch(requests[:6]) == {r.key: answers[r.key] for r in requests[:6]}
    assert shop.counted(erp, "MUG") == (6, 6)
    return [(request, answers[request.key]) for request in requests[:6]]


def batch(shop: Shop) -> None:
    """Many at once: the first ones get what there is, a bad one is alone in being bad."""
    shop.product("MUG", 6)
    six_of_nine(shop, shop.connector())


def foreign(shop: Shop) -> None:
    """B3: what somebody made by hand for the order is not made a second time."""
    shop.product("MUG", 10)

    def by_hand(seed):
        house = seed.warehouses["A"]
        to = seed.admin.ref("stock.stock_location_customers")
        seed.admin.make(
            "stock.picking", picking_type_id=house["out_type_id"][0], location_id=house["lot_stock_id"][0],
            location_dest_id=to, origin=shop.order_id(),
        )  # fmt: skip

    shop.act(by_hand)
    with pytest.raises(Refused) as refused:
        shop.reserve(shop.connector(), "a1", shop.order(shop.item(1, "MUG")))
    assert refused.value.reason == Reason.ALREADY_IN_ERP


def invoice(shop: Shop) -> None:
    """To the cent, whatever the quantities; a draft first, issued once, with the tax date; then nothing undoes it."""
    for name in ("MUG", "TEA"):
        shop.product(name)
    order = shop.order(
        shop.item(1, "MUG", "3", "10.00"), shop.item(2, "TEA", "2", "19.98", "5"), shop.item(3, "MUG", "1.5", "7.01"),
        shop.item(4, "TEA", "3", "59.97"), shop.item(5, "TEA", "1", "0.00"), shop.item(6, "MUG", "7", "116.33"),
    )  # fmt: skip
    draft = shop.build(shop.connector(), "i1", order)
    erp = shop.connector()
    assert shop.build(erp, "i1", order) == draft
    assert (draft.issued, draft.number, draft.total_incl_tax) == (False, None, D("218.28"))
    assert draft.shipping_amount_incl_tax == D("4.99")
    assert [(line.item_id, line.qty, line.total_incl_tax, line.tax_percent) for line in draft.lines] == [
        (1, 3, D("10.00"), 23), (2, 2, D("19.98"), 5), (3, D("1.5"), D("7.01"), 23), (4, 3, D("59.97"), 23),
        (5, 1, 0, 23), (6, 7, D("116.33"), 23),
    ]  # fmt: skip
    issued = shop.issue(erp, "i1", draft, order)
    assert (issued.issued, issued.date, issued.total_incl_tax) == (True, DAY, draft.total_incl_tax)
    assert issued.number
    assert issued.lines == draft.lines
    assert shop.issue(erp, "i1", draft, order) == issued
    for again in (lambda: shop.discard(erp, "i1", draft, order), lambda: shop.discard(erp, "i1", None, order),
                  lambda: shop.build(erp, "i1", order)):  # fmt: skip
        with pytest.raises(AlreadyIssued) as already:
            again()
        assert already.value.invoice == issued


def invoices_at_once(shop: Shop) -> None:
    """Many at once, each with a number of its own; one that cannot be built is alone in that."""
    shop.product("MUG")
    erp = shop.connector()
    orders = [shop.order(shop.item(1, "MUG", "1", f"{n + 1}.99"), number=n) for n in range(5)]
    bad = shop.order(shop.item(1, "MUG", rate="20"), number=5)
    requests = [BuildInvoice(shop.key(f"i{n}"), order, 1, DAY, ()) for n, order in enumerate([*orders, bad])]
    drafts = erp.build_invoice_batch(requests)
    assert drafts[requests[5].key].reason == Reason.TAX_NOT_MAPPED
    issues = [IssueInvoice(r.key, drafts[r.key], r.order, DAY) for r in requests[:5]]
    issued = erp.issue_invoice_batch(issues)
    assert [issued[r.key].total_incl_tax for r in requests[:5]] == [D(f"{n + 1}.99") + D("4.99") for n in range(5)]
    assert len({invoice.number for invoice in issued.values()}) == 5
    assert erp.issue_invoice_batch(issues) == issued


def discard(shop: Shop) -> None:
    """O4: a draft is cancelled and never deleted; its key is void, also one that Odoo had never seen."""
    shop.product("MUG")
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG"))
    draft = shop.build(erp, "i1", order, None)
    assert shop.discard(erp, "i1", draft, order) == Done()
    assert shop.discard(erp, "i1", None, order) == Done()
    assert shop.build(erp, "i1", order) == Voided(draft.reference)
    assert shop.issue(erp, "i1", draft, order) == Voided(draft.reference)
    assert shop.discard(erp, "i2", None, order) == Done()
    assert isinstance(shop.build(erp, "i2", order), Voided)
    assert shop.build(erp, "i1-g2", order).total_incl_tax == D("14.99")


def changed(shop: Shop) -> None:
    """A draft that somebody changed after ShipperOne accepted it is not issued; a deleted one is void."""
    shop.product("MUG")
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG"))
    draft = shop.build(erp, "i1", order)

    def cheaper(seed):
        line = [("move_id", "in", ids(draft.reference)), ("sequence", "=", 1_000_010)]
        (found,) = seed.admin.find("account.move.line", line, ["id"])
        command = [(1, found["id"], {"price_unit": 8})]
        seed.admin.call("account.move", "write", ids(draft.reference), {"invoice_line_ids": command})

    shop.act(cheaper)
    with pytest.raises(Refused) as refused:
        shop.issue(erp, "i1", draft, order)
    assert refused.value.reason == Reason.TOTAL_DIFFERS
    shop.act(lambda seed: seed.admin.call("account.move", "button_cancel", ids(draft.reference)))
    assert shop.issue(erp, "i1", draft, order) == Voided(draft.reference)
    other = shop.build(erp, "i2", order)
    shop.act(lambda seed: seed.admin.call("account.move", "unlink", ids(other.reference)))
    assert shop.issue(erp, "i2", other, order) == Voided(other.reference)


def taxes(shop: Shop) -> None:
    """B6, B15, M7: what is mapped to no order is held before anything is built; shipping's tax goes by its rule."""
    for name in ("MUG", "TEA", "FEE"):
        shop.product(name, service=name == "FEE")
    mixed = shop.order(shop.item(1, "MUG", total="30.00"), shop.item(2, "TEA", total="10.00", rate="5"))
    for rule, rates in (("highest", {23}), ("proportional", {5, 23}), ("product", {23})):
        erp = shop.connector(shipping_tax=rule)
        built = shop.build(erp, f"i-{rule}", mixed)
        assert (built.shipping_amount_incl_tax, built.total_incl_tax) == (D("4.99"), D("44.99"))
        domain = [("move_id", "in", ids(built.reference)), ("sequence", ">=", SHIPPING)]
        rows = erp._odoo.find("account.move.line", domain, ["tax_ids"])
        names = erp._odoo.find("account.tax", [("id", "in", [r["tax_ids"][0] for r in rows])], ["amount"])
        assert {row["amount"] for row in names} == rates
    with pytest.raises(Refused) as refused:
        shop.build(shop.connector(), "i2", shop.order(shop.item(1, "MUG", rate="20")))
    assert refused.value.reason == Reason.TAX_NOT_MAPPED
    paid = shop.connector(payments={"card": {"payment_reference": True}})
    with pytest.raises(Refused) as refused:
        shop.build(paid, "i3", shop.order(shop.item(1, "MUG"), payment_method="cash"))
    assert refused.value.reason == Reason.PAYMENT_NOT_MAPPED
    by_card = shop.order(shop.item(1, "MUG"), number=4, payment_method="card", payment_reference="PAY-4711")
    built = shop.build(paid, "i4", by_card)
    rows = paid._odoo.find("account.move", [("id", "in", ids(built.reference))], ["payment_reference"])
    assert rows[0]["payment_reference"] == "PAY-4711"
    charged = shop.order(
        shop.item(1, "MUG"), number=5,
        charges=(Charge("fee", D("1.50"), "line"), Charge("coupon", D("-2.00"), "line"), Charge("gift", D("-3"), "payment")),
    )  # fmt: skip
    erp = shop.connector(charges={"fee": shop.sku("FEE"), "coupon": shop.sku("FEE")})
    assert shop.build(erp, "i5", charged).total_incl_tax == D("14.49")
    with pytest.raises(Refused, match="charge coupon has no product"):
        shop.build(shop.connector(charges={"fee": shop.sku("FEE")}), "i6", charged)


def buyers(shop: Shop) -> None:
    """B16: by VAT id, else by e-mail, name and address together; made once; several are never chosen from."""
    shop.product("MUG")
    erp = shop.connector()
    mail = f"{shop.tag}.{shop.case}@example.com"
    person = Party(
        name=ANNA.name, email=mail, street="Main street 1", city="Bratislava", postcode="81101", country="SK"
    )

    def partner(name: str, who: Party, **more) -> tuple[int, int]:
        order = shop.order(shop.item(1, "MUG"), billing=who, customer=who, **more)
        built = shop.build(erp, name, order)
        fields = ["partner_id", "partner_shipping_id"]
        (row,) = erp._odoo.find("account.move", [("id", "in", ids(built.reference))], fields)
        return row["partner_id"][0], row["partner_shipping_id"][0]

    first, there = partner("i1", person)
    assert first == there
    assert partner("i2", person)[0] == first
    moved = Party(name=ANNA.name, email=mail, street="Other street 2", city="Nitra", postcode="94901", country="SK")
    second, _ = partner("i3", moved)
    assert second != first
    _, elsewhere = partner("i4", person, shipping=moved)
    assert elsewhere not in (first, second)
    assert partner("i5", person, shipping=moved) == (first, elsewhere)
    firm = Party(
        name="Eva", company="ACME s.r.o.", vat_id="SK 2022 749 619", street="Biz 1", city="Nitra", country="SK"
    )
    business, _ = partner("i6", firm)
    assert partner("i7", Party(company="Acme", vat_id="sk2022749619", country="SK"))[0] == business

    def twin(seed):
        seed.admin.call("res.partner", "copy", [business], {"name": "ACME copy", "vat": "SK2022749619"})

    shop.act(twin)
    with pytest.raises(Refused) as refused:
        partner("i8", firm)
    assert refused.value.reason == Reason.CUSTOMER_AMBIGUOUS
    fixed = shop.connector(customers="fixed", customer="ACME copy")
    assert shop.build(fixed, "i9", shop.order(shop.item(1, "MUG"), number=9)).total_incl_tax == D("14.99")
    shop.act(lambda seed: seed.admin.call(
        "res.partner", "write", [r["id"] for r in seed.admin.find("res.partner", [("vat", "=", "SK2022749619")], ["id"])],
        {"active": False, "vat": False, "name": "gone"},
    ))  # fmt: skip


def lock(seed: Seed, until: str | bool) -> None:
    """The accountant locks the taxes of what lies before; False unlocks them."""
    seed.admin.call("res.company", "write", [seed.company], {"tax_lock_date": until})


def locked(shop: Shop) -> None:
    """B7, O3: a locked period is held for the accountant, never shifted into another month."""
    shop.product("MUG", 10)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG"))
    held = shop.order(shop.item(1, "MUG"), number=3)
    reserved = shop.reserve(erp, "a4", held)
    day = date(2019, 1, 15)
    draft = shop.build(erp, "i1", order, day)

    shop.act(lambda seed: lock(seed, "2019-01-31"))
    try:
        with pytest.raises(Refused) as refused:
            shop.issue(erp, "i1", draft, order, day)
        assert (refused.value.reason, refused.value.owner) == (Reason.ERP_PERIOD_LOCKED, "accountant")
        for name in ("i1", "i2"):
            with pytest.raises(Refused) as early:
                shop.build(erp, name, order, day)
            assert (early.value.reason, early.value.sentence) == (Reason.ERP_PERIOD_LOCKED, refused.value.sentence)
        with pytest.raises(Refused) as early:
            shop.build(erp, "i4", held, day, a4=reserved)  # the lock is then read with the delivery
        assert (early.value.reason, early.value.sentence) == (Reason.ERP_PERIOD_LOCKED, refused.value.sentence)
        assert len(erp._odoo.find("account.move", [("invoice_origin", "=", order.order_id)], ["id"])) == 1
        other = shop.order(shop.item(1, "MUG"), number=2)
        later = erp.build_invoice(BuildInvoice(shop.key("i3"), other, 1, day, (), DAY))
        issued = erp.issue_invoice(IssueInvoice(shop.key("i3"), later, other, day, DAY))
        assert (issued.date, issued.issued) == (DAY, True)
        (line,) = [check for check in erp.check() if check.name == "lock dates"]
        assert line.ok is True
        assert "2019-01-31" in line.sentence
    finally:
        shop.act(lambda seed: lock(seed, False))
    assert shop.issue(erp, "i1", draft, order, day).date == day


def deliver(shop: Shop) -> None:
    """P1, B9: five pieces leave as 2 + 2 + 1, each part once however often it is asked for; the rest stays reserved."""
    shop.product("MUG", 10)
    shop.product("TEA", 10)
    erp = shop.connector()
    reserved = shop.reserve(erp, "a1", shop.order(shop.item(1, "MUG", "5"), shop.item(2, "TEA", "3")))
    parts = {
        "i1": (shop.order(shop.item(1, "MUG", "2")), (8, 3), (10, 3)),
        "i2": (shop.order(shop.item(1, "MUG", "2"), shop.item(2, "TEA", "3")), (6, 1), (7, 0)),
        "i3": (shop.order(shop.item(1, "MUG", "1")), (5, 0), (7, 0)),
    }
    for name, (part, mugs, teas) in parts.items():
        for _ in range(2):
            assert shop.deliver(erp, name, part, ("a1", reserved)) == Done()
            assert (shop.counted(erp, "MUG"), shop.counted(erp, "TEA")) == (mugs, teas)
    assert shop.deliver(shop.connector(), "i1", parts["i1"][0], ("a1", reserved)) == Done()
    with pytest.raises(Refused) as more:
        shop.deliver(erp, "i4", parts["i3"][0], ("a1", reserved))
    assert more.value.reason == Reason.ISSUED_NOT_DELIVERED
    assert shop.counted(erp, "MUG") == (5, 0)


def delivered_by_hand(shop: Shop) -> None:
    """What the warehouse has validated by itself has left; what it has cancelled has not."""
    shop.product("MUG", 10)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "3"))
    reserved = shop.reserve(erp, "a1", order)
    shop.act(lambda seed: seed.admin.call("stock.picking", "button_validate", ids(reserved.reference)))
    assert shop.deliver(erp, "i1", shop.order(shop.item(1, "MUG", "2")), ("a1", reserved)) == Done()
    assert shop.deliver(erp, "i2", shop.order(shop.item(1, "MUG", "1")), ("a1", reserved)) == Done()
    assert shop.counted(erp, "MUG") == (7, 0)
    other = shop.order(shop.item(1, "MUG", "3"), number=2)
    again = shop.reserve(erp, "a2", other)
    shop.act(lambda seed: seed.admin.call("stock.picking", "action_cancel", ids(again.reference)))
    with pytest.raises(Refused, match="cancelled in Odoo"):
        shop.deliver(erp, "i3", other, ("a2", again))
    assert shop.deliver(shop.connector(deliver=False), "i3", other, ("a2", again)) == Done()
    assert shop.counted(erp, "MUG") == (7, 0)


def unreserved(shop: Shop) -> None:
    """without_reservation = "deliver": what was never reserved leaves all the same, once, if it is there."""
    shop.product("MUG", 3)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "2"))
    for _ in range(2):
        assert shop.deliver(erp, "i1", order) == Done()
        assert shop.counted(erp, "MUG") == (1, 0)
    with pytest.raises(Refused) as refused:
        shop.deliver(erp, "i2", order)
    assert refused.value.reason == Reason.ISSUED_NOT_DELIVERED
    assert shop.counted(erp, "MUG") == (1, 0)


def listed(shop: Shop) -> None:
    """Reconcile finds each document with its key, reference and state."""
    shop.product("MUG", 10)
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "3"), shop.item(42, "MUG", "2", "7.00", "5"))
    reserved = shop.reserve(erp, "a1", order)
    issued = shop.issue(erp, "i1", shop.build(erp, "i1", order), order)
    ours = [one for one in erp.list_documents(datetime(2026, 1, 1, tzinfo=UTC)) if one.order_id == shop.order_id()]
    assert [(one.kind, one.key, one.reference, one.state) for one in ours] == [
        ("reservation", shop.key("a1"), reserved.reference, "assigned"),
        ("invoice", shop.key("i1"), issued.reference, "posted"),
    ]
    assert ours[1].lines == issued.lines
    assert (ours[1].number, ours[1].total_incl_tax, ours[1].date) == (issued.number, D("21.99"), DAY)


def credited(shop: Shop) -> None:
    """A person's credit note: the mirror of an issued invoice, once for its key, a draft until somebody posts it."""
    shop.product("MUG")
    shop.product("TEA")
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "3"), shop.item(2, "TEA", "2", "7.00", "5"))
    draft = shop.build(erp, "i1", order)
    with pytest.raises(Refused, match="not issued but draft"):
        shop.credit(erp, "c1", draft)
    issued = shop.issue(erp, "i1", draft, order)
    shop.act(lambda seed: lock(seed, "2019-01-31"))
    try:
        with pytest.raises(Refused) as refused:
            shop.credit(erp, "c1", issued, date(2019, 1, 15))
        assert refused.value.reason == Reason.ERP_PERIOD_LOCKED
    finally:
        shop.act(lambda seed: lock(seed, False))
    note = shop.credit(erp, "c1", issued)
    assert (note.kind, note.state, note.number, note.refers_to) == ("credit_note", "draft", None, issued.reference)
    assert (note.key, note.order_id, note.date) == (shop.key("c1"), order.order_id, DAY)
    assert (note.total_incl_tax, note.currency) == (-issued.total_incl_tax, "EUR")
    assert shop.credit(shop.connector(), "c1", issued) == note
    with pytest.raises(Refused, match="has a credit note already") as second:
        shop.credit(erp, "c2", issued)
    assert second.value.reason == Reason.ALREADY_IN_ERP
    lines = [("move_id", "in", [*ids(issued.reference), *ids(note.reference)]), ("display_type", "=", "product")]
    fields = ["move_id", "product_id", "name", "quantity", "price_unit", "tax_ids", "account_id", "price_total"]
    rows = erp._odoo.find("account.move.line", lines, fields, order="sequence, id")
    invoiced, mirrored = (
        [{**row, "id": 0, "move_id": 0} for row in rows if row["move_id"][0] == ids(document.reference)[0]]
        for document in (issued, note)
    )
    assert len(invoiced) == 4, "three for 10.00 are two lines"
    assert mirrored == invoiced
    if erp._odoo.protocol != "xmlrpc":
        since = datetime(2026, 1, 1, tzinfo=UTC)
        assert [one for one in erp.list_documents(since) if one.order_id == order.order_id][1:] == [note]
    shop.act(lambda seed: seed.admin.call("account.move", "action_post", ids(note.reference)))
    posted = shop.credit(erp, "c1", issued)
    assert (posted.reference, posted.state) == (note.reference, "posted")
    assert posted.number
    (paid,) = erp._odoo.find("account.move", [("id", "in", ids(issued.reference))], ["payment_state"])
    assert paid["payment_state"] == "reversed"
    other = shop.order(shop.item(1, "MUG"), number=2)
    again = shop.issue(erp, "i2", shop.build(erp, "i2", other), other)
    cancelled = shop.credit(erp, "c3", again)
    shop.act(lambda seed: seed.admin.call("account.move", "button_cancel", ids(cancelled.reference)))
    assert shop.credit(erp, "c3", again) == Voided(cancelled.reference)
    changed = shop.credit(erp, "c4", again)
    assert changed.reference != cancelled.reference

    def half(seed):
        line = [("move_id", "in", ids(changed.reference)), ("sequence", "=", 1_000_010)]
        (found,) = seed.admin.find("account.move.line", line, ["id"])
        command = [(1, found["id"], {"price_unit": 5})]
        seed.admin.call("account.move", "write", ids(changed.reference), {"invoice_line_ids": command})

    shop.act(half)
    with pytest.raises(Refused, match=r"comes to -9\.99, invoice .* to 14\.99") as differs:
        shop.credit(erp, "c4", again)
    assert differs.value.reason == Reason.TOTAL_DIFFERS


def doctor(shop: Shop) -> None:
    """Nothing fails for a user with no more rights than the page says; a wrong name is reported."""
    lines = shop.connector(payments={"card": {}}).check()
    assert [line for line in lines if line.ok is False] == []
    no_sample = " is included in its price; a sample cannot be computed over XML-RPC"
    for rate, tax in ((23, "11.21"), (5, "2.86")):
        sample = f": 3 at 19.99 come to 59.97, {tax} of it tax"
        more = no_sample if shop.protocol == "xmlrpc" else sample
        assert f"{shop.tag} {rate} % incl.{more}" in {line.sentence for line in lines}
    assert next(line.sentence for line in lines if line.name == "currency").endswith(" EUR")
    assert {"version", "login", "company", "rights", "warehouses", "products", "taxes", "journal", "lock dates"} <= {
        line.name for line in lines
    }
    wrong = shop.connector(
        taxes=[{"tax": "no such tax"}], shipping_product="no-such-sku", warehouses={"main": {"code": "NONE"}},
        team="no such team",
    )  # fmt: skip
    failed = {line.name: line.sentence for line in wrong.check() if line.ok is False}
    assert {"taxes", "products", "warehouses", "team"} <= failed.keys()
    assert "no such tax" in failed["taxes"]


CASES = {
    case.__name__: case
    for case in (
        reserve_twice, shortage, products, release, transfer, transfer_released, direct, batch, foreign, invoice,
        invoices_at_once, discard, changed, taxes, buyers, locked, deliver, delivered_by_hand, unreserved, listed,
        credited, doctor,
    )
} | GOODS | BUYERS | INVOICES | DELIVERIES  # fmt: skip
