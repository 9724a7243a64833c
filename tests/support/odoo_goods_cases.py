"""What the Odoo connector promises about goods that are not plain pieces on a shelf, case by case as in odoo_cases.py:
lots and serial numbers, kits, units of measure, warehouses that deliver in several steps."""

import re
from decimal import Decimal as D

import pytest

from odoo_shop import Shop, ids
from shipperone_erp import Done, Pending, Reason, Refused, Reserved, Shortage, ShortLine
from shipperone_erp_odoo import OdooConnector
from shipperone_erp_odoo.seeding import Seed


def traced(shop: Shop, name: str, tracking: str, **lots: float) -> None:
    """The shop sells it by lots or serial numbers, and has so many of each."""
    shop.product(name, tracking=tracking)

    def make(seed: Seed) -> None:
        for lot, quantity in lots.items():
            named = {"name": f"{shop.tag}-{shop.case}-{lot}", "product_id": shop.id(name), "company_id": seed.company}
            seed.stock(shop.id(name), quantity, lot=seed.admin.make("stock.lot", **named))

    shop.act(make)


def lots_left(shop: Shop, erp: OdooConnector, name: str) -> dict[str, D]:
    """What is on hand, by the lot's name."""
    domain = [("product_id.default_code", "=", shop.sku(name)), ("location_id.usage", "=", "internal")]
    rows = erp._odoo.find("stock.quant", domain, ["lot_id", "quantity"], order="id")
    return {(row["lot_id"] or [0, "-"])[1].rpartition("-")[2]: row["quantity"] for row in rows if row["quantity"]}


def lots(shop: Shop) -> None:
    """The lots and serial numbers that Odoo has reserved leave, part by part, each once; the rest stays reserved."""
    traced(shop, "TEA", "lot", L1=3, L2=2)
    traced(shop, "CLOCK", "serial", S1=1, S2=1, S3=1)
    erp = shop.connector()
    order = shop.order(shop.item(1, "TEA", "5"), shop.item(2, "CLOCK", "3"))
    reserved = shop.reserve(erp, "a1", order)
    assert isinstance(reserved, Reserved)
    part = shop.order(shop.item(1, "TEA", "4"), shop.item(2, "CLOCK", "2"))
    for _ in range(2):
        assert shop.deliver(erp, "i1", part, ("a1", reserved)) == Done()
        assert (shop.counted(erp, "TEA"), shop.counted(erp, "CLOCK")) == ((1, 1), (1, 1))
    assert lots_left(shop, erp, "TEA") == {"L2": 1}
    assert list(lots_left(shop, erp, "CLOCK")) == ["S3"]
    rest = shop.order(shop.item(1, "TEA", "1"), shop.item(2, "CLOCK", "1"))
    for _ in range(2):
        assert shop.deliver(erp, "i2", rest, ("a1", reserved)) == Done()
        assert (shop.counted(erp, "TEA"), shop.counted(erp, "CLOCK")) == ((0, 0), (0, 0))


def lots_missing(shop: Shop) -> None:
    """Goods of which Odoo does not know the lot are held, with nothing gone, until somebody says which lot leaves."""
    shop.product("MUG", 5)
    shop.product("TEA", 5)
    shop.act(lambda seed: seed.admin.call("product.product", "write", [shop.id("TEA")], {"tracking": "lot"}))
    erp = shop.connector()
    order = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "TEA", "3"))
    reserved = shop.reserve(erp, "a1", order)
    assert isinstance(reserved, Reserved)
    part = shop.order(shop.item(1, "MUG", "2"), shop.item(2, "TEA", "2"))
    for _ in range(2):
        with pytest.raises(Refused) as held:
            shop.deliver(erp, "i1", part, ("a1", reserved))
        assert (held.value.reason, held.value.owner) == (Reason.ISSUED_NOT_DELIVERED, "warehouse")
        assert re.search(r"no lot or serial number of .*-TEA\] .* in .*/OUT/", held.value.sentence)
        assert (shop.counted(erp, "MUG"), shop.counted(erp, "TEA")) == ((5, 2), (5, 3))

    def say(seed: Seed) -> None:
        named = {"name": f"{shop.tag}-{shop.case}-L7", "product_id": shop.id("TEA"), "company_id": seed.company}
        lot = seed.admin.make("stock.lot", **named)
        lines = [("picking_id", "in", ids(reserved.reference)), ("product_id", "=", shop.id("TEA"))]
        found = [row["id"] for row in seed.admin.find("stock.move.line", lines, ["id"])]
        seed.admin.call("stock.move.line", "write", found, {"lot_id": lot})

    shop.act(say)
    for _ in range(2):
        assert shop.deliver(erp, "i1", part, ("a1", reserved)) == Done()
        assert (shop.counted(erp, "MUG"), shop.counted(erp, "TEA")) == ((3, 0), (3, 1))
    moved = [("move_id.origin", "=", shop.key("i1")), ("lot_id", "!=", False)]
    (line,) = erp._odoo.find("stock.move.line", moved, ["lot_id", "quantity"])
    assert (line["lot_id"][1], line["quantity"]) == (f"{shop.tag}-{shop.case}-L7", 2)


def bill(shop: Shop, name: str, components: dict[str, float], **more: object) -> None:
    """The product is a kit of these."""

    def make(seed: Seed) -> None:
        (row,) = seed.admin.find("product.product", [("id", "=", shop.id(name))], ["product_tmpl_id"])
        lines = [(0, 0, {"product_id": shop.id(part), "product_qty": n}) for part, n in components.items()]
        seed.admin.make(
            "mrp.bom", product_tmpl_id=row["product_tmpl_id"][0], type="phantom", bom_line_ids=lines, **more
        )

    shop.act(make)


def kit(shop: Shop) -> None:
    """P6: a kit is reserved and delivered by its components, part by part, and invoiced as the kit; a kit within a kit
    too. What Odoo cannot say of one exactly is refused, before anything is reserved."""
    shop.needs("mrp")
    for name, on_hand in (("BOX", 0), ("SET", 0), ("ODD", 0), ("CUP", 12), ("TEA", 9)):
        shop.product(name, on_hand)
    bill(shop, "BOX", {"CUP": 2, "TEA": 1})
    bill(shop, "SET", {"BOX": 1, "TEA": 2})
    bill(shop, "ODD", {"CUP": 1}, product_qty=3)
    erp = shop.connector()
    order = shop.order(shop.item(1, "BOX", "3", "30.00"), shop.item(2, "CUP", "1"))
    reserved = shop.reserve(erp, "a1", order)
    assert isinstance(reserved, Reserved)
    assert shop.reserve(erp, "a1", order) == reserved
    assert (shop.counted(erp, "CUP"), shop.counted(erp, "TEA")) == ((12, 7), (9, 3))
    short = shop.order(shop.item(1, "BOX", "4"), shop.item(2, "CUP", "1"), number=2)
    assert shop.reserve(erp, "a2", short) == Shortage(
        (ShortLine(1, shop.sku("BOX"), D(4), D(2)), ShortLine(2, shop.sku("CUP"), D(1), D(5)))
    )
    with pytest.raises(Refused, match="one kit does not need an exact quantity") as refused:
        shop.reserve(erp, "a3", shop.order(shop.item(1, "ODD"), number=3))
    assert (refused.value.reason, refused.value.owner) == (Reason.KIT_INCOMPLETE, "warehouse")
    part = shop.order(shop.item(1, "BOX", "1", "10.00"))
    built = shop.build(erp, "i1", part)
    assert [(line.item_id, line.qty, line.total_incl_tax) for line in built.lines] == [(1, D(1), D("10.00"))]
    for _ in range(2):
        assert shop.deliver(erp, "i1", part, ("a1", reserved)) == Done()
        assert (shop.counted(erp, "CUP"), shop.counted(erp, "TEA")) == ((10, 5), (8, 2))
    rest = shop.order(shop.item(1, "BOX", "2", "20.00"), shop.item(2, "CUP", "1"))
    assert shop.deliver(erp, "i2", rest, ("a1", reserved)) == Done()
    assert (shop.counted(erp, "CUP"), shop.counted(erp, "TEA")) == ((5, 0), (6, 0))
    nested = shop.order(shop.item(1, "SET", "2"), number=4)
    assert isinstance(shop.reserve(erp, "a4", nested), Reserved)
    assert (shop.counted(erp, "CUP"), shop.counted(erp, "TEA")) == ((5, 4), (6, 6))


def units(shop: Shop) -> None:
    """P8: what Odoo counts in dozens is asked for in dozens, where that is said and comes out even; else it is held."""

    shop.unit("Twelve", 12)
    shop.unit("Eight", 8)
    shop.product("EGG", 3, unit="Twelve")
    shop.product("BAR", 3, unit="Eight")
    order = shop.order(shop.item(1, "EGG", "24", "4.80"))
    with pytest.raises(Refused, match="counted in Twelve") as refused:
        shop.reserve(shop.connector(), "a1", order)
    assert refused.value.reason == Reason.UNIT_UNCLEAR
    erp = shop.connector(units={"Twelve": 12, "Eight": 8})
    wrong = {
        "EGG": "5 pieces of .* are not a whole number of Twelve",
        "BAR": r"are 0\.625 Eight, which Odoo rounds to 0\.01",
    }
    for number, (name, sentence) in enumerate(wrong.items(), 2):
        with pytest.raises(Refused, match=sentence) as refused:
            shop.reserve(erp, "a2", shop.order(shop.item(1, name, "5"), number=number))
        assert (refused.value.reason, refused.value.owner) == (Reason.UNIT_UNCLEAR, "warehouse")
        assert shop.counted(erp, name) == (3, 0)
    short = shop.order(shop.item(1, "EGG", "48"), number=4)
    assert shop.reserve(erp, "a4", short) == Shortage((ShortLine(1, shop.sku("EGG"), D(48), D(36)),))
    reserved = shop.reserve(erp, "a1", order)
    assert isinstance(reserved, Reserved)
    assert shop.counted(erp, "EGG") == (3, 2)
    part = shop.order(shop.item(1, "EGG", "12", "2.40"))
    built = shop.build(erp, "i1", part)
    assert [(line.qty, line.total_incl_tax) for line in built.lines] == [(D(12), D("2.40"))]
    assert shop.issue(erp, "i1", built, part).total_incl_tax == D("7.39")
    for _ in range(2):
        assert shop.deliver(erp, "i1", part, ("a1", reserved)) == Done()
        assert shop.counted(erp, "EGG") == (2, 1)
    half = shop.order(shop.item(1, "EGG", "6", "1.20"))
    assert shop.deliver(erp, "i2", half, ("a1", reserved)) == Done()
    assert shop.counted(erp, "EGG") == (D("1.5"), D("0.5"))
    bars = shop.order(shop.item(1, "BAR", "16"), number=5)
    reserved = shop.reserve(erp, "a5", bars)
    with pytest.raises(Refused, match="which Odoo rounds") as refused:
        shop.deliver(erp, "i5", shop.order(shop.item(1, "BAR", "1"), number=5), ("a5", reserved))
    assert refused.value.reason == Reason.UNIT_UNCLEAR
    assert shop.deliver(erp, "i6", shop.order(shop.item(1, "BAR", "6"), number=5), ("a5", reserved)) == Done()
    assert shop.counted(erp, "BAR") == (D("2.25"), D("1.25"))


def several_steps(shop: Shop) -> None:
    """A warehouse that picks, packs and ships: the delivery is one step, straight from its stock, and nothing else is
    made or left behind; goods from elsewhere come to its stock first."""
    shop.product("CUP", 9, "B")
    for number, steps in enumerate(("pick_ship", "pick_pack_ship"), 2):
        name = f"MUG{number}"
        shop.warehouse(str(number), delivery_steps=steps)
        shop.product(name, 10, str(number))
        home = {"main": {"code": shop.code(str(number))}, "far": {"code": shop.code("B")}}
        sentences = [line.sentence for line in shop.connector(warehouses=home).check() if line.ok is False]
        assert [sentence for sentence in sentences if "ships in several steps" in sentence]
        erp = shop.connector(warehouses=home, one_step=True)
        assert [line.sentence for line in erp.check() if line.ok is False] == []
        order = shop.order(shop.item(1, name, "5"), shop.item(2, "CUP", "2", warehouse_code="far"), number=number)
        waiting = shop.reserve(erp, f"a{number}", order)
        assert isinstance(waiting, Pending)
        shop.act(lambda seed, number=number: arrive(seed, shop.order_id(number)))
        reserved = shop.reserve(erp, f"a{number}", order)
        assert isinstance(reserved, Reserved)
        assert (shop.counted(erp, name), shop.counted(erp, "CUP")) == ((10, 5), (2, 2))
        part = shop.order(shop.item(1, name, "2"), shop.item(2, "CUP", "2"), number=number)
        for _ in range(2):
            assert shop.deliver(erp, f"i{number}", part, (f"a{number}", reserved)) == Done()
            assert (shop.counted(erp, name), shop.counted(erp, "CUP")) == ((8, 3), (0, 0))
        assert shop.release(erp, f"a{number}", order, reserved.reference) == Done()
        assert shop.counted(erp, name) == (8, 0)
        moves = [
            ("product_id.default_code", "=", shop.sku(name)),
            ("picking_id", "!=", False),
            ("state", "!=", "cancel"),
        ]
        (move,) = erp._odoo.find("stock.move", moves, ["state", "quantity"])
        assert (move["state"], move["quantity"]) == ("done", 2)


def arrive(seed: Seed, order: str) -> None:
    """The transfer of that order's goods is validated."""
    moves = [("origin", "=", order), ("picking_type_code", "=", "internal")]
    (found,) = seed.admin.find("stock.picking", moves, ["id"])
    seed.admin.call("stock.picking", "button_validate", [found["id"]])


GOODS = {case.__name__: case for case in (lots, lots_missing, kit, units, several_steps)}
