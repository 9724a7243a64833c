"""The binds of one item, one charge or one tax rate, in statements that run once for each of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeEngine

from shipperone_erp_generic_sql.exact_values import Amount, Quantity, Text, to_micro
from shipperone_erp_generic_sql.hook_call import Call, ChargeLine, Line, plain
from shipperone_erp_generic_sql.statement import Each
from shipperone_erp_generic_sql.taxes import TaxLine

MICRO = "_micro"
"""The suffix of a bind that counts millionths of the amount named before it."""

INVOICING = frozenset({"build_invoice", "issue_invoice"})
"""The steps that have charges and tax rates."""

WITH_RESERVATIONS = frozenset({"build_invoice", "deliver"})

_TEXT, _NUMBER, _AMOUNT = Text(), BigInteger(), Amount()


@dataclass(frozen=True)
class ElementBind:
    """A bind of one item, charge or tax rate: in statements with that `each`; of an item also in `available`."""

    type: TypeEngine[Any]
    description: str
    of: Callable[[Any], Any]
    steps: frozenset[str] | None = None


def _item(
    type_: TypeEngine[Any], description: str, of: Callable[[Line], Any], steps: frozenset[str] | None = None
) -> ElementBind:
    return ElementBind(type_, description, of, steps)


def _charge(type_: TypeEngine[Any], description: str, of: Callable[[ChargeLine], Any]) -> ElementBind:
    return ElementBind(type_, description, of, INVOICING)


def _tax(type_: TypeEngine[Any], description: str, of: Callable[[TaxLine], Any]) -> ElementBind:
    return ElementBind(type_, description, of, INVOICING)


_ITEM: dict[str, ElementBind] = {
    "item_key": _item(_TEXT, "the key and the item's id: unique in the ERP", lambda line: line.item_key),
    "item_id": _item(_TEXT, "the item's id, as text", lambda line: str(line.item.item_id)),
    "line_no": _item(_NUMBER, "1, 2, 3 … in the sequence of the order", lambda line: line.line_no),
    "sku": _item(_TEXT, "the item's SKU", lambda line: line.item.sku),
    "item_name": _item(_TEXT, "the item's name, or NULL", lambda line: line.item.name),
    "item_warehouse_code": _item(
        _TEXT, "the warehouse of the item's goods: its own, else the order's", lambda line: line.warehouse_code
    ),
    "qty": _item(
        Quantity(),
        "the quantity; on SQLite a whole one as an integer, another as decimal text",
        lambda line: line.item.qty,
    ),
    "price_incl_tax": _item(_AMOUNT, "price of one piece, or NULL", lambda line: line.item.price_incl_tax),
    "row_total_incl_tax": _item(_AMOUNT, "total of the line, or NULL", lambda line: line.item.row_total_incl_tax),
    "line_total_incl_tax": _item(
        _AMOUNT,
        "the line's total by the tenant's `discount`: the row total, minus the discount if it is not included; else "
        "price times quantity",
        lambda line: line.total_incl_tax,
    ),
    "discount": _item(_AMOUNT, "of the line, or NULL", lambda line: line.item.discount),
    "tax_percent": _item(_AMOUNT, "or NULL", lambda line: line.item.tax_percent),
    "reservation_key": _item(
        _TEXT,
        "the key of the (first) reservation that holds the item, or NULL",
        lambda line: line.reservation.key if line.reservation else None,
        WITH_RESERVATIONS,
    ),
    "reservation_reference": _item(
        _TEXT,
        "its reference",
        lambda line: line.reservation.reference if line.reservation else None,
        WITH_RESERVATIONS,
    ),
}


_CHARGE: dict[str, ElementBind] = {
    "charge_key": _charge(_TEXT, "the key and the charge's number: unique in the ERP", lambda c: c.charge_key),
    "charge_no": _charge(_NUMBER, "1, 2, 3 … in the sequence of the order", lambda c: c.charge_no),
    "charge_name": _charge(_TEXT, "the charge's name, as the tenant's settings name it", lambda c: c.charge.name),
    "charge_amount_incl_tax": _charge(
        _AMOUNT, "its amount on the invoice, with tax; negative for a coupon", lambda c: c.charge.amount
    ),
}

_TAX: dict[str, ElementBind] = {
    "tax_key": _tax(_TEXT, "the key and the rate's number: unique in the ERP", lambda t: t.tax_key),
    "tax_no": _tax(_NUMBER, "1, 2, 3 …, the lowest rate first; rates without items last", lambda t: t.tax_no),
    "tax_rate": _tax(_AMOUNT, "the rate in percent, or NULL", lambda t: t.percent),
    "tax_total_incl_tax": _tax(
        _AMOUNT, "the total of this rate's items, or NULL; without shipping", lambda t: t.total_incl_tax
    ),
    "tax_total_excl_tax": _tax(_AMOUNT, "the same without their tax, or NULL", lambda t: t.total_excl_tax),
    "tax_amount": _tax(_AMOUNT, "the tax in it, rounded once, to the currency's decimals, or NULL", lambda t: t.tax),
    "tax_document_incl_tax": _tax(
        _AMOUNT,
        "the invoice's total at this rate, with shipping and charges (see `taxes`), or NULL",
        lambda t: t.document_incl_tax,
    ),
    "tax_document_excl_tax": _tax(_AMOUNT, "the same without its tax, or NULL", lambda t: t.document_excl_tax),
    "tax_document_amount": _tax(
        _AMOUNT, "the tax in it, rounded once, to the currency's decimals, or NULL", lambda t: t.document_tax
    ),
}


def _with_micro(binds: Mapping[str, ElementBind]) -> Mapping[str, ElementBind]:
    def micro(name: str, bind: ElementBind) -> ElementBind:
        def of(element: Any) -> int | None:
            return to_micro(bind.of(element), element, name)

        return ElementBind(_NUMBER, f"{name} in whole millionths", of, bind.steps)

    return {**binds, **{f"{n}{MICRO}": micro(n, b) for n, b in binds.items() if b.type is _AMOUNT or n == "qty"}}


BINDS_OF: Mapping[Each, Mapping[str, ElementBind]] = {
    "item": _with_micro(_ITEM),
    "charge": _with_micro(_CHARGE),
    "tax": _with_micro(_TAX),
}
"""The further binds of a statement that runs once for each item, charge or tax rate."""

ELEMENT_BINDS: Mapping[str, ElementBind] = {name: bind for binds in BINDS_OF.values() for name, bind in binds.items()}
"""All of those; each name occurs in only one of them."""


def items_json(call: Call) -> str:
    """All items with the fields that `_ITEM` names, decimals as text."""
    here = {n: bind for n, bind in _ITEM.items() if bind.steps is None}
    return json.dumps([{n: plain(bind.of(line)) for n, bind in here.items()} for line in call.lines])
