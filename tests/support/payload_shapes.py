"""The sandbox's orders as shops of many kinds list them: the same amounts in other shapes and under other names."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.money import rounded
from shipperone_erp.domain.states import Stage
from shipperone_erp.sandbox import Sandbox, SandboxItem, SandboxOrder, generate
from shipperone_erp.sandbox.scenarios import order_of

Raw = dict[str, Any]
D = Decimal


@dataclass(frozen=True)
class Shape:
    """How a shop lists its orders. `tells`: settings that are to be found; `asks`: a question, if one is left."""

    make: Callable[[Raw, Stage], Raw]
    orders: Callable[[], list[SandboxOrder]] = lambda: generate(12, seed=5)
    tells: Mapping[str, Any] = field(default_factory=dict)
    asks: str | None = None
    proven: bool = True


def listed(shape: Shape) -> dict[Stage, list[Raw]]:
    """What both queues list: half of the orders wait for stock, half have shipped."""
    with Sandbox() as sandbox:
        for number, order in enumerate(shape.orders()):
            sandbox.add(order, stage="invoice" if number % 2 else "allocation")
        return {
            stage: [shape.make(copy.deepcopy(dict(raw)), stage) for raw in raws]
            for stage, raws in ((Stage.ALLOCATION, sandbox.raw("allocation")), (Stage.INVOICE, sandbox.raw("invoice")))
        }


def discounted(reading: str) -> Callable[[], list[SandboxOrder]]:
    """Orders of which every second has a discount on its first line, by that reading of rows."""

    def orders() -> list[SandboxOrder]:
        made = []
        for number, order in enumerate(generate(16, seed=7)):
            item, *others = order.items
            off = D("1.50") if number % 3 == 0 else D(0)
            row = item.row_total_incl_tax or D(0)
            less = rounded(off * D("1.21"), "EUR") if reading == "off_row_net" else off
            if reading == "off_row_net":
                net = rounded(row / D("1.21"), "EUR")
                less = row - rounded((net - off) * D("1.21"), "EUR") if off else D(0)
            listed_row = row - off if reading == "in_row" else row
            first = replace(item, discount=off or None, row_total_incl_tax=listed_row)
            total = (order.total_incl_tax or D(0)) - (off if reading == "in_row" else less)
            made.append(replace(order, items=(first, *others), total_incl_tax=total))
        return made

    return orders


def _same(raw: Raw, stage: Stage) -> Raw:
    return raw


def _elsewhere(raw: Raw, stage: Stage) -> Raw:
    raw["totals"] = {"freight": {"gross": raw.pop("shipping_amount_incl_tax")}, "payable": raw.pop("total_incl_tax")}
    for item in raw["items"]:
        item["article"] = {"code": item.pop("sku")}
    return raw


def _wrapped(raw: Raw, stage: Stage) -> Raw:
    """Each order in an object of its own, each item too, and what is about the order's goods in another."""
    items = [{"item": item} for item in raw.pop("items")]
    return {"fulfillment_order": {**raw, "goods": {"lines": items}}, "links": {"self": f"/orders/{raw['order_id']}"}}


def _magento(raw: Raw, stage: Stage) -> Raw:
    """As Magento's REST API has it: quantities of both kinds, net and gross side by side, text with four decimals."""
    fee, total = raw.pop("shipping_amount_incl_tax"), raw.pop("total_incl_tax")
    goods = total - fee
    items = []
    for item in raw.pop("items"):
        gross, row, pieces = item.pop("price_incl_tax"), item.pop("row_total_incl_tax"), item.pop("qty")
        shipped = pieces if stage is Stage.INVOICE else 0
        items.append(
            {
                "item_id": item.pop("id"), "product_type": item.pop("item_type", "simple"), **item,
                "qty_ordered": f"{pieces:.4f}", "qty_shipped": f"{shipped:.4f}", "qty_canceled": "0.0000",
                "price": f"{gross / D('1.21'):.4f}", "price_incl_tax": f"{gross:.4f}",
                "row_total": f"{row / D('1.21'):.4f}", "row_total_incl_tax": f"{row:.4f}",
                "tax_amount": f"{row - row / D('1.21'):.4f}", "discount_amount": "0.0000", "store_id": 1,
            }
        )  # fmt: skip
    return {
        "entity_id": items[0]["item_id"] + 7000, "increment_id": raw.pop("order_id"),
        "source_code": raw.pop("warehouse_code"),
        "order_currency_code": raw.pop("currency"), "created_at": raw.pop("ordered_at", None), "state": "processing",
        "subtotal_incl_tax": f"{goods:.4f}", "base_grand_total": f"{total:.4f}", "grand_total": f"{total:.4f}",
        "tax_amount": "0.0000", "discount_amount": "0.0000",
        "extension_attributes": {"shipping_assignments": [{"shipping": {"address": raw.pop("shipping", None), "total": {
            "shipping_amount": f"{fee / D('1.21'):.4f}", "shipping_incl_tax": f"{fee:.4f}"}}}]},
        "items": items, "billing_address": raw.pop("billing", None),
    }  # fmt: skip


def _families() -> list[SandboxOrder]:
    """Plain orders, configurables with the price on the parent, bundles with the price on the parts."""
    made = []
    for number in range(4):
        first = 100 + 10 * number
        made += [
            order_of("bundle", f"FO-B{number}", first),
            _configurable(f"FO-C{number}", first),
            *generate(2, seed=number, prefix=f"FO-P{number}-"),
        ]
    return made


def _configurable(order_id: str, first: int) -> SandboxOrder:
    simple = SandboxOrder.simple(order_id, ("SHIRT", 2, "19.90"), first_id=first)
    parent = replace(simple.items[0], item_type="configurable")
    child = SandboxItem(
        id=first + 1, sku="SHIRT", qty=D(2), price_incl_tax=D("0.00"), row_total_incl_tax=D("0.00"), tax_percent=D(21),
        parent_item_id=first, item_type="simple",
    )  # fmt: skip
    return replace(simple, items=(parent, child))


def _texts(raw: Raw, stage: Stage) -> Raw:
    def text(value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, dict):
            return {key: text(entry) for key, entry in value.items()}
        return [text(entry) for entry in value] if isinstance(value, list) else value

    return text(raw)


def _without_totals(raw: Raw, stage: Stage) -> Raw:
    del raw["total_incl_tax"]
    for item in raw["items"]:
        item["unit_gross"] = item.pop("price_incl_tax")
        item["line_gross"] = item.pop("row_total_incl_tax")
    return raw


def _php(raw: Raw, stage: Stage) -> Raw:
    """Lists with gaps are objects, empty objects are lists, absent amounts are empty texts."""
    raw["items"] = {str(number * 2): item for number, item in enumerate(raw["items"])}
    raw["extension_attributes"], raw["gift_cards"], raw["coupon_code"] = [], [], ""
    raw["customer"] = raw.get("customer") or []
    raw["payment"] = []
    raw["amount_due"] = raw.pop("total_incl_tax")
    return raw


def _slovak(raw: Raw, stage: Stage) -> Raw:
    address = raw.pop("shipping", {})
    return {
        "cislo_objednavky": raw["order_id"],
        "sklad": raw["warehouse_code"],
        "mena": raw["currency"],
        "doprava_s_dph": raw["shipping_amount_incl_tax"],
        "spolu_s_dph": raw["total_incl_tax"],
        "datum_objednavky": raw["ordered_at"],
        "adresa_dorucenia": {
            "meno": address.get("name"), "ulica": address.get("street"), "mesto": address.get("city"),
            "psc": address.get("postcode"), "krajina": address.get("country"),
        },
        "polozky": [
            {
                "polozka_id": item["id"], "kod_produktu": item["sku"], "nazov": item.get("name"), "mnozstvo": item["qty"],
                "cena_s_dph": item["price_incl_tax"], "spolu_s_dph": item["row_total_incl_tax"],
                "sadzba_dph": item["tax_percent"],
            }
            for item in raw["items"]
        ],
    }  # fmt: skip


def _german(raw: Raw, stage: Stage) -> Raw:
    return {
        "Auftragsnummer": raw["order_id"],
        "Lager": raw["warehouse_code"],
        "Waehrung": raw["currency"],
        "Versandkosten": {"Netto": rounded(raw["shipping_amount_incl_tax"] / D("1.21"), "EUR"),
                          "Brutto": raw["shipping_amount_incl_tax"]},
        "Gesamtbetrag": raw["total_incl_tax"],
        "Positionen": [
            {"PosId": item["id"], "Artikelnummer": item["sku"], "Menge": item["qty"], "MwStSatz": item["tax_percent"],
             "EinzelpreisNetto": rounded(item["price_incl_tax"] / D("1.21"), "EUR"),
             "EinzelpreisBrutto": item["price_incl_tax"],
             "ZeilensummeNetto": rounded(item["row_total_incl_tax"] / D("1.21"), "EUR"),
             "ZeilensummeBrutto": item["row_total_incl_tax"]}
            for item in raw["items"]
        ],
    }  # fmt: skip


def _with_a_fee(raw: Raw, stage: Stage) -> Raw:
    if raw["payment_method"] == "cash_on_delivery":
        raw["totals"] = {"cod_fee": D("1.20")}
        raw["total_incl_tax"] += D("1.20")
    return raw


def _with_gift_cards(raw: Raw, stage: Stage) -> Raw:
    if int(raw["order_number"]) % 3 == 0:
        raw["gift_cards"] = [{"code": "ABC", "amount": D("1.00")}, {"code": "DEF", "amount": D("0.50")}]
        raw["total_incl_tax"] -= D("1.50")
    return raw


def _rates_as_fractions(raw: Raw, stage: Stage) -> Raw:
    for item in raw["items"]:
        item["tax_rate"] = D(item.pop("tax_percent")) / 100
    return raw


def _no_currency(raw: Raw, stage: Stage) -> Raw:
    del raw["currency"]
    del raw["total_incl_tax"]
    return raw


SHAPES: dict[str, Shape] = {
    "bare": Shape(_same),
    "other paths": Shape(
        _elsewhere,
        tells={
            "fields": {
                "sku": "article.code",
                "shipping_amount_incl_tax": "totals.freight.gross",
                "total_incl_tax": "totals.payable",
            }
        },
    ),
    "enveloped orders": Shape(
        _wrapped,
        tells={
            "fields": {
                "order_id": "fulfillment_order.order_id",
                "items": "fulfillment_order.goods.lines",
                "item_id": "item.id",
                "sku": "item.sku",
                "total_incl_tax": "fulfillment_order.total_incl_tax",
            }
        },
    ),
    "magento": Shape(
        _magento,
        tells={"fields": {"allocation": {"qty": "qty_ordered"}, "invoice": {"qty": "qty_shipped"}}},
    ),
    "magento with configurables and bundles": Shape(
        _magento,
        _families,
        tells={
            "bundles": "children",
            "fields": {"allocation": {"qty": "qty_ordered"}, "invoice": {"qty": "qty_shipped"}},
        },
    ),
    "amounts as text": Shape(_texts),
    "discounts before tax": Shape(_same, discounted("off_row_net"), tells={"discount": "off_row_net"}),
    "discounts off the row": Shape(_same, discounted("off_row"), tells={"discount": "off_row"}),
    "no totals": Shape(
        _without_totals,
        tells={"fields": {"price_incl_tax": "unit_gross", "row_total_incl_tax": "line_gross"}},
        asks="is an order's total listed anywhere?",
        proven=False,
    ),
    "php's empty arrays": Shape(_php, tells={"fields": {"total_incl_tax": "amount_due"}}),
    "slovak keys": Shape(
        _slovak,
        tells={
            "fields": {
                "order_id": "cislo_objednavky",
                "warehouse_code": "sklad",
                "items": "polozky",
                "item_id": "polozka_id",
                "sku": "kod_produktu",
                "qty": "mnozstvo",
                "row_total_incl_tax": "spolu_s_dph",
                "shipping_amount_incl_tax": "doprava_s_dph",
                "total_incl_tax": "spolu_s_dph",
                "currency": "mena",
                "tax_percent": "sadzba_dph",
            }
        },
    ),
    "german keys, net and gross": Shape(
        _german,
        tells={
            "fields": {
                "row_total_incl_tax": "ZeilensummeBrutto",
                "price_incl_tax": "EinzelpreisBrutto",
                "shipping_amount_incl_tax": "Versandkosten.Brutto",
                "total_incl_tax": "Gesamtbetrag",
            }
        },
    ),
    "a fee": Shape(
        _with_a_fee,
        lambda: generate(20, seed=5),
        tells={"charges": [{"name": "cod_fee", "path": "totals.cod_fee", "sign": "+", "kind": "line"}]},
    ),
    "gift cards": Shape(
        _with_gift_cards,
        lambda: generate(20, seed=5),
        tells={"charges": [{"name": "amount", "path": "gift_cards.amount", "sign": "-", "kind": "payment"}]},
        asks="is gift_cards.amount a coupon that belongs on the invoice",
    ),
    "discounts that nothing proves": Shape(
        lambda raw, stage: {key: value for key, value in raw.items() if key != "total_incl_tax"},
        discounted("off_row"),
        asks="are rows listed before or after their discount?",
        proven=False,
    ),
    "bundles with a price of their own": Shape(
        _same,
        lambda: [order_of(name, f"FO-{name}-{n}", 100 * n) for n in range(1, 4) for name in ("set", "parts")],
        asks="does the ERP keep bundles in stock, or their parts?",
        proven=False,
    ),
    "rates of tax as fractions": Shape(
        _rates_as_fractions, asks='% or, as a fraction, 21 %. Set `tax_rates = "percent"` or', proven=False
    ),
    "no currency": Shape(_no_currency, asks="state no currency", proven=False),
}
