"""What the Odoo connector promises about delivering many orders, their addressees, and what else merchants expect of a
document, case by case as in odoo_cases.py."""

from dataclasses import replace

from odoo_goods_cases import bill, traced
from odoo_shop import Shop, ids
from shipperone_erp import (
    Deliver,
    Done,
    FulfillmentOrder,
    Invoice,
    Party,
    Reason,
    Refused,
    Reserved,
    ReserveStock,
)
from shipperone_erp_odoo.seeding import Seed


def deliver_batch(shop: Shop) -> None:
    """Whole orders, a part, two parts of one reservation, a kit, and some that cannot leave: each is answered for
    itself, what leaves leaves once however often it is asked for, and the rest stays reserved."""
    shop.needs("mrp")
    for name, on_hand in (("MUG", 30), ("TEA", 30), ("CUP", 10), ("BOX", 0), ("LOT", 5)):
        shop.product(name, on_hand)
    bill(shop, "BOX", {"CUP": 2, "TEA": 1})
    traced(shop, "CLOCK", "serial", S1=1, S2=1)
    shop.act(lambda seed: seed.admin.call("product.product", "write", [shop.id("LOT")], {"tracking": "lot"}))
    erp = shop.connector()
    ordered = {
        "1": [shop.item(1, "MUG", "2"), shop.item(2, "TEA", "1")],
        "2": [shop.item(1, "MUG", "5"), shop.item(2, "TEA", "3")],
        "3": [shop.item(1, "MUG", "1"), shop.item(2, "LOT", "2")],
        "4": [shop.item(1, "BOX", "3"), shop.item(2, "CLOCK", "2")],
        "5": [shop.item(1, "TEA", "4")],
        "6": [shop.item(1, "TEA", "2"), shop.item(2, "MUG", "2")],
    }
    orders = {name: shop.order(*items, number=int(name)) for name, items in ordered.items()}
    asked = [ReserveStock(shop.key(f"a{name}"), order, 1, "arrived") for name, order in orders.items()]
    found = erp.reserve_stock_batch(asked)
    reserved = {name: found[shop.key(f"a{name}")] for name in orders}
    assert all(isinstance(answer, Reserved) for answer in reserved.values())

    def leaves(key: str, name: str, *quantities: str) -> Deliver:
        items = [replace(item, qty=type(item.qty)(qty)) for item, qty in zip(ordered[name], quantities, strict=True)]
        part = shop.order(*[item for item in items if item.qty], number=int(name))
        return shop.to_deliver(key, part, (f"a{name}", reserved[name]))

    shop.act(lambda seed: seed.admin.call("stock.picking", "action_cancel", ids(reserved["5"].reference)))
    requests = [
        leaves("i1", "1", "2", "1"),
        leaves("i2a", "2", "2", "3"),
        leaves("i3", "3", "1", "2"),
        leaves("i4", "4", "3", "2"),
        leaves("i5", "5", "4"),
        leaves("i2b", "2", "2", "0"),
        leaves("i6", "6", "2", "2"),
    ]
    refused = {"i3": "no lot or serial number of", "i5": "the rest was cancelled in Odoo"}
    for again in (erp, shop.connector()):
        answers = again.deliver_batch(requests)
        assert set(answers) == {request.key for request in requests}
        for name, words in refused.items():
            answer = answers.pop(shop.key(name))
            assert isinstance(answer, Refused)
            assert (answer.reason, answer.owner) == (Reason.ISSUED_NOT_DELIVERED, "warehouse")
            assert words in answer.sentence
        assert answers == {shop.key(name): Done() for name in ("i1", "i2a", "i2b", "i4", "i6")}
        assert (shop.counted(erp, "MUG"), shop.counted(erp, "TEA")) == ((22, 2), (21, 0))
        assert (shop.counted(erp, "CUP"), shop.counted(erp, "CLOCK"), shop.counted(erp, "LOT")) == (
            (4, 0),
            (0, 0),
            (5, 2),
        )
    for request in requests[:2]:
        assert erp.deliver(request) == Done()
    rest = [leaves("i2c", "2", "1", "0")]
    assert erp.deliver_batch(rest) == {shop.key("i2c"): Done()}
    assert shop.counted(erp, "MUG") == (21, 1)


def addressed(shop: Shop) -> None:
    """B18: a delivery goes to the contact that the goods go to, a child of the buyer where that is elsewhere; the
    invoice names the same. What ShipperOne lists of the parcel is on the delivery that left, once."""
    shop.product("MUG", 20)
    carrier = f"{shop.tag} Post"
    shop.act(lambda seed: carrier_of(seed, carrier))
    erp = shop.connector(tracking="parcel.number", carrier="parcel.carrier")
    office = Party(name="Reception", street="Office street 9", city="Nitra", postcode="94901", country="SK")
    wanted = {
        "1": ({"shipping": office}, {"number": "T-1", "carrier": carrier}, ("T-1", carrier)),
        "2": ({}, {"number": 4711, "carrier": "unheard of"}, ("4711", None)),
        "3": ({}, {}, (None, None)),
    }
    for name, (more, parcel, expected) in wanted.items():
        number = int(name)
        order = shop.order(shop.item(1, "MUG", "3"), number=number, extra={"parcel": parcel}, **more)
        reserved = shop.reserve(erp, f"a{name}", order)
        part = shop.order(shop.item(1, "MUG", "2", "6.67"), number=number, extra={"parcel": parcel}, **more)
        live = {f"a{name}": reserved}
        built = shop.build(erp, f"i{name}", part, **live)
        issued = shop.issue(erp, f"i{name}", built, part)
        for _ in range(2):
            assert shop.deliver(erp, f"i{name}", part, (f"a{name}", reserved)) == Done()
        odoo = erp._odoo
        (invoice,) = odoo.find(
            "account.move", [("name", "=", issued.number)], ["partner_id", "partner_shipping_id", "invoice_origin"]
        )
        fields = ["partner_id", "carrier_tracking_ref", "carrier_id", "state"]
        found = odoo.find("stock.picking", [("origin", "=", shop.order_id(number))], fields, order="id")
        assert [row["state"] for row in found] == ["done", "assigned"]
        assert {row["partner_id"][0] for row in found} == {invoice["partner_shipping_id"][0]}
        assert (invoice["partner_id"] != invoice["partner_shipping_id"]) == bool(more)
        left, rest = found
        assert (left["carrier_tracking_ref"] or None, (left["carrier_id"] or [0, None])[1]) == expected
        assert (rest["carrier_tracking_ref"], rest["carrier_id"]) == (False, False)
        if more:
            (to,) = odoo.find(
                "res.partner", [("id", "=", invoice["partner_shipping_id"][0])], ["parent_id", "type", "street"]
            )
            assert (to["parent_id"][0], to["type"], to["street"]) == (
                invoice["partner_id"][0], "delivery", "Office street 9",
            )  # fmt: skip


def carrier_of(seed: Seed, name: str) -> None:
    """Odoo has a carrier of that name."""
    product = seed.product("CARRIER", service=True)
    seed.admin.make("delivery.carrier", name=name, product_id=product)


def bank(seed: Seed, code: str) -> None:
    """A bank journal whose incoming payments have an account."""
    journal = seed.admin.make("account.journal", name=f"Bank {code}", code=code, type="bank", company_id=seed.company)
    account = seed.admin.make(
        "account.account", name=f"Outstanding {code}", code=f"39{sum(map(ord, code)) % 9000 + 1000}",
        account_type="asset_current", reconcile=True,
    )  # fmt: skip
    ways = [("journal_id", "=", journal), ("payment_type", "=", "inbound")]
    lines = [row["id"] for row in seed.admin.find("account.payment.method.line", ways, ["id"])]
    seed.admin.call("account.payment.method.line", "write", lines, {"payment_account_id": account})


def paid(shop: Shop) -> None:
    """An invoice of a prepaid method has its payment, registered once and set off against it; one that somebody
    cancelled stays cancelled, an invoice that is paid already gets none, and other methods have none."""
    shop.product("MUG")
    code = f"{shop.tag[:2]}{shop.protocol[:1]}{shop.version % 10}".upper()
    shop.act(lambda seed: bank(seed, code))
    erp = shop.connector(payments={"card": {"paid_into": code}, "cod": {}})
    (line,) = [check for check in erp.check() if check.name == "payment card"]
    assert line.ok is True
    odoo = erp._odoo

    def stands(number: int) -> tuple[str, list[str]]:
        (invoice,) = odoo.find(
            "account.move", [("invoice_origin", "=", shop.order_id(number))], ["payment_state", "amount_total"]
        )
        memo = "memo" if odoo.has("account.payment", "memo") else "ref"
        named = [(memo, "like", shop.order_id(number) + " / ")]
        payments = odoo.find("account.payment", named, ["state", "amount", "journal_id"], order="id")
        assert all(payment["amount"] == invoice["amount_total"] for payment in payments)
        return invoice["payment_state"], [row["state"] for row in payments]

    made: dict[int, tuple[Invoice, FulfillmentOrder]] = {}
    for number, method in ((1, "card"), (2, "cod")):
        order = shop.order(
            shop.item(1, "MUG", "2"), number=number, payment_method=method, payment_reference=f"ref-{number}"
        )
        draft = shop.build(erp, f"i{number}", order)
        made[number] = (draft, order)
        first = shop.issue(erp, f"i{number}", draft, order)
        assert first.issued
        state, payments = stands(number)
        assert (state in ("paid", "in_payment"), len(payments)) == ((True, 1) if method == "card" else (False, 0))
        for again in (erp, shop.connector(payments={"card": {"paid_into": code}, "cod": {}})):
            assert shop.issue(again, f"i{number}", draft, order) == first
            assert stands(number) == (state, payments)

    def cancel(seed: Seed) -> None:
        memo = "memo" if seed.admin.version >= 18 else "ref"
        found = seed.admin.find("account.payment", [(memo, "=", f"{shop.order_id(1)} / ref-1")], ["id"])
        for method in ("action_draft", "action_cancel"):
            seed.admin.call("account.payment", method, [row["id"] for row in found])

    shop.act(cancel)
    after = stands(1)
    assert (after[0], len(after[1])) == ("not_paid", 1)
    assert shop.issue(erp, "i1", *made[1]).issued
    assert stands(1) == after
    wrong = shop.connector(payments={"card": {"paid_into": "NONE"}})
    (line,) = [check for check in wrong.check() if check.name == "payment card"]
    assert line.ok is False


def mailed(shop: Shop) -> None:
    """Odoo sends an issued invoice to its buyer by its own template, once however often it is issued; one without an
    address is not sent, and without the setting none is."""
    shop.product("MUG")
    nobody = Party(name="Nobody", street="Main street 3", city="Nitra", postcode="94901", country="SK")
    for number, (more, settings) in enumerate(
        [({}, {"mail_invoice": True}), ({"billing": nobody, "customer": nobody}, {"mail_invoice": True}), ({}, {})], 1
    ):
        order = shop.order(shop.item(1, "MUG", "2"), number=number, **more)
        erp = shop.connector(**settings)
        draft = shop.build(erp, f"i{number}", order)
        first = shop.issue(erp, f"i{number}", draft, order)
        assert shop.issue(erp, f"i{number}", draft, order) == first
        (invoice,) = erp._odoo.find("account.move", [("name", "=", first.number)], ["is_move_sent"])
        on_it = [("model", "=", "account.move"), ("res_id", "=", invoice["id"]), ("attachment_ids", "!=", False)]
        messages = erp._odoo.find("mail.message", on_it, ["subject"])
        assert (invoice["is_move_sent"], len(messages)) == ((True, 1) if number == 1 else (False, 0))


def linked(shop: Shop) -> None:
    """Each document says which order of ShipperOne it is for, in its chatter, once."""
    shop.product("MUG", 5)
    erp = shop.connector(order_link="https://shop.example/orders/{order_id}")
    order = shop.order(shop.item(1, "MUG", "2"), order_number="1000 & 1")
    for _ in range(2):
        reserved = shop.reserve(erp, "a1", order)
        draft = shop.build(erp, "i1", order, a1=reserved)
    for model, id in (("stock.picking", ids(reserved.reference)[0]), ("account.move", int(draft.reference.split()[1]))):
        on_it = [("model", "=", model), ("res_id", "=", id), ("body", "like", "ShipperOne:")]
        (message,) = erp._odoo.find("mail.message", on_it, ["body", "is_internal"])
        assert f'href="https://shop.example/orders/{order.order_id}"' in message["body"]
        assert "1000 &amp; 1</a>" in message["body"]
        assert message["is_internal"] is True


FIELD = "x_shipperone_shop"


def own_fields(seed: Seed) -> None:
    """A text of the merchant's own on deliveries, and on invoices, credit notes and payments."""
    for model in ("stock.picking", "account.move", "account.payment"):
        if not seed.admin.find("ir.model.fields", [("model", "=", model), ("name", "=", FIELD)], ["id"]):
            (about,) = seed.admin.find("ir.model", [("model", "=", model)], ["id"])
            seed.admin.make(
                "ir.model.fields", model_id=about["id"], name=FIELD, field_description="Shop", ttype="char",
                state="manual",
            )  # fmt: skip


def tagged(shop: Shop) -> None:
    """Deliveries, invoices and credit notes carry the tag in their chatter, once, and in a field of the merchant's."""
    shop.product("MUG", 5)
    shop.act(own_fields)
    tag = f"{shop.tag} web"
    settings = {"tag": tag, "tag_fields": {"delivery": FIELD, "invoice": FIELD, "credit_note": FIELD}}
    erp = shop.connector(**settings)
    assert [line.ok for line in erp.check() if line.name == "tag"] == [True, True, True]
    order = shop.order(shop.item(1, "MUG", "2"))
    for _ in range(2):
        reserved = shop.reserve(erp, "a1", order)
        draft = shop.build(erp, "i1", order, a1=reserved)
    issued = shop.issue(erp, "i1", draft, order)
    for _ in range(2):
        note = shop.credit(erp, "c1", issued)
    for model, reference in (
        ("stock.picking", reserved.reference),
        ("account.move", issued.reference),
        ("account.move", note.reference),
    ):
        (id,) = ids(reference)
        (row,) = erp._odoo.find(model, [("id", "=", id)], [FIELD])
        assert row[FIELD] == tag
        on_it = [("model", "=", model), ("res_id", "=", id), ("body", "like", f"ShipperOne: {tag}")]
        assert len(erp._odoo.find("mail.message", on_it, ["body"])) == 1
    wrong = shop.connector(tag=tag, tag_fields={"payment": "x_nowhere"})
    (line,) = [line for line in wrong.check() if line.name == "tag"]
    assert line.ok is False


DELIVERIES = {case.__name__: case for case in (deliver_batch, addressed, paid, mailed, linked, tagged)}
