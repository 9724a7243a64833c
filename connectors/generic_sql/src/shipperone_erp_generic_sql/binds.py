"""The binds that a statement may name: one closed list, each with its type, its meaning, and the steps that have it.

Values only ever travel as binds. There are no templates: no text of an order can become a part of a statement.
"""

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean
from sqlalchemy.types import TypeEngine

from shipperone_erp_generic_sql.call import PARTIES, PARTY_FIELDS, Call, ChargeLine, Line, Param, TaxLine, plain
from shipperone_erp_generic_sql.exact import Amount, Day, Quantity, Text, Utc, to_micro
from shipperone_erp_generic_sql.maps import MAP, table_of
from shipperone_erp_generic_sql.statement import CaptureType, Each

PARAM = "param_"
"""`param_NAME` is NAME of the tenant's `[params]`; in every step."""

MICRO = "_micro"
"""Ends the name of a bind that counts millionths of the amount named before it."""

ANYWHERE = frozenset({"list_documents", "list_document_lines"})
"""The steps that are not about an order: of the binds they have `:tenant`, `:since`, `:now_utc`, `:today`."""


@dataclass(frozen=True)
class Bind:
    """A bind of the order or the call. `steps` None: every step has it."""

    type: TypeEngine[Any]
    says: str
    of: Callable[[Call], Any]
    steps: frozenset[str] | None = None


@dataclass(frozen=True)
class ElementBind:
    """A bind of one item, charge or tax rate: in statements with that `each`; of an item also in `available`."""

    type: TypeEngine[Any]
    says: str
    of: Callable[[Any], Any]
    steps: frozenset[str] | None = None


def _steps(*names: str) -> frozenset[str]:
    return frozenset(names)


def _of_party(party: str, name: str) -> Callable[[Call], Any]:
    def of(call: Call) -> Any:
        return getattr(getattr(call.order, party), name, None)

    return of


_TEXT, _NUMBER, _AMOUNT = Text(), BigInteger(), Amount()
INVOICING = _steps("build_invoice", "issue_invoice")
_WITH_RESERVATIONS = _steps("build_invoice", "deliver")
_WITH_DATES = _steps("refused_dates", "build_invoice", "issue_invoice")
_WITHOUT_AN_ORDER = _steps("tenant", "now_utc", "today", "since")

_ORDER: dict[str, Bind] = {
    "key": Bind(_TEXT, "the job's idempotency key; unique in the ERP", lambda c: c.key),
    "tenant": Bind(_TEXT, "the tenant's name in the TOML", lambda c: c.tenant),
    "generation": Bind(
        _NUMBER, "counts up after each release or discard", lambda c: c.generation, _steps("reserve", "build_invoice")
    ),
    "transfer": Bind(
        _TEXT,
        "`arrived` or `reserved`: when a transfer counts as reserved (NULL in a release)",
        lambda c: c.transfer,
        _steps("reserve", "find_reservation"),
    ),
    "order_id": Bind(_TEXT, "ShipperOne's order", lambda c: c.order.order_id),
    "order_number": Bind(_TEXT, "the shop's order number, or NULL", lambda c: c.order.order_number),
    "warehouse_code": Bind(_TEXT, "the order's warehouse", lambda c: c.order.warehouse_code),
    "currency": Bind(_TEXT, "of the order, or NULL", lambda c: c.order.currency),
    "shipping_amount_incl_tax": Bind(_AMOUNT, "shipping with tax, or NULL", lambda c: c.order.shipping_amount_incl_tax),
    "order_total_incl_tax": Bind(_AMOUNT, "the order's total as ShipperOne says it", lambda c: c.order.total_incl_tax),
    "line_charges_incl_tax": Bind(
        _AMOUNT,
        "what the charges of kind `line` add to the invoice, together; 0 without any",
        lambda c: c.order.line_charges,
    ),
    "charges_json": Bind(
        _TEXT,
        "a JSON list of the order's charges: name, kind (`line`, `payment`), amount as text, amount_micro",
        lambda c: charges_json(c),
    ),
    "payment_method": Bind(_TEXT, "or NULL", lambda c: c.order.payment_method),
    "payment_reference": Bind(_TEXT, "or NULL", lambda c: c.order.payment_reference),
    "ordered_at": Bind(Utc(), "UTC, or NULL", lambda c: c.order.ordered_at),
    "shipped_at": Bind(Utc(), "UTC, or NULL", lambda c: c.order.shipped_at),
    "items_json": Bind(
        _TEXT, "a JSON list of all items, each with its binds by name; numbers as text", lambda c: items_json(c)
    ),
    "order_json": Bind(
        _TEXT,
        "the whole order as JSON, with what ShipperOne said beyond the fields known here; numbers as text",
        lambda c: json.dumps(plain(c.order), ensure_ascii=False),
    ),
    "now_utc": Bind(Utc(), "the time of this call, UTC", lambda c: c.now),
    "today": Bind(Day(), "its date in UTC; for documents take tax_date", lambda c: c.now.date()),
    "tax_date": Bind(
        Day(),
        'the day of supply by the tenant\'s rule; NULL while building with `tax_date = "issued"`',
        lambda c: c.tax_date,
        _WITH_DATES,
    ),
    "issue_date": Bind(
        Day(),
        "the date that the invoice bears where an operator has set one (`order retry --issue-date`), else NULL: "
        "COALESCE(:issue_date, :tax_date) is the date of an ERP that dates invoices by supply",
        lambda c: c.issue_date,
        _WITH_DATES,
    ),
    "reference": Bind(
        _TEXT,
        "the reference that find_reservation or find_invoice gave; NULL if nothing was found",
        lambda c: c.reference,
        _steps("release", "issue_invoice", "discard_invoice", "find_invoice_lines"),
    ),
    "invoice_reference": Bind(
        _TEXT, "the reference of the invoice of this key", lambda c: c.invoice_reference, _steps("deliver")
    ),
    "reason": Bind(_TEXT, "why the draft is discarded", lambda c: c.reason, _steps("discard_invoice")),
    "since": Bind(Utc(), "documents made since then, UTC", lambda c: c.since, _steps(*ANYWHERE)),
    "reservations_json": Bind(
        _TEXT,
        "a JSON list of the order's live reservations: key, reference, item_ids",
        lambda c: reservations_json(c),
        _WITH_RESERVATIONS,
    ),
    **{
        f"{party}_{name}": Bind(_TEXT, f"`{name}` of the order's {party}, or NULL", _of_party(party, name))
        for party in PARTIES
        for name in PARTY_FIELDS
    },
}


def _item(
    type_: TypeEngine[Any], says: str, of: Callable[[Line], Any], steps: frozenset[str] | None = None
) -> ElementBind:
    return ElementBind(type_, says, of, steps)


def _charge(type_: TypeEngine[Any], says: str, of: Callable[[ChargeLine], Any]) -> ElementBind:
    return ElementBind(type_, says, of, INVOICING)


def _tax(type_: TypeEngine[Any], says: str, of: Callable[[TaxLine], Any]) -> ElementBind:
    return ElementBind(type_, says, of, INVOICING)


_ITEM: dict[str, ElementBind] = {
    "item_key": _item(_TEXT, "the key and the item's id: unique in the ERP", lambda line: line.item_key),
    "item_id": _item(_TEXT, "the item's id, as text", lambda line: str(line.item.item_id)),
    "line_no": _item(_NUMBER, "1, 2, 3 … in the order's order", lambda line: line.line_no),
    "sku": _item(_TEXT, "the item's SKU", lambda line: line.item.sku),
    "item_name": _item(_TEXT, "the item's name, or NULL", lambda line: line.item.name),
    "item_warehouse_code": _item(
        _TEXT, "where the item's goods lie: its own warehouse, else the order's", lambda line: line.warehouse_code
    ),
    "qty": _item(
        Quantity(),
        "the quantity; on SQLite a whole one as an integer, another as decimal text",
        lambda line: line.item.qty,
    ),
    "price_incl_tax": _item(_AMOUNT, "for one piece, or NULL", lambda line: line.item.price_incl_tax),
    "row_total_incl_tax": _item(_AMOUNT, "for the line, or NULL", lambda line: line.item.row_total_incl_tax),
    "line_total_incl_tax": _item(
        _AMOUNT,
        "what the line costs, by the tenant's `discount`: row total, less the discount if it is not in it; else price "
        "times quantity",
        lambda line: line.total_incl_tax,
    ),
    "discount": _item(_AMOUNT, "of the line, or NULL", lambda line: line.item.discount),
    "tax_percent": _item(_AMOUNT, "or NULL", lambda line: line.item.tax_percent),
    "reservation_key": _item(
        _TEXT,
        "the key of the (first) reservation that holds the item, or NULL",
        lambda line: line.reservation.key if line.reservation else None,
        _WITH_RESERVATIONS,
    ),
    "reservation_reference": _item(
        _TEXT,
        "its reference",
        lambda line: line.reservation.reference if line.reservation else None,
        _WITH_RESERVATIONS,
    ),
}


_CHARGE: dict[str, ElementBind] = {
    "charge_key": _charge(_TEXT, "the key and the charge's number: unique in the ERP", lambda c: c.charge_key),
    "charge_no": _charge(_NUMBER, "1, 2, 3 … in the order's order", lambda c: c.charge_no),
    "charge_name": _charge(_TEXT, "the charge's name, as the tenant's settings name it", lambda c: c.charge.name),
    "charge_amount_incl_tax": _charge(
        _AMOUNT, "what it adds to the invoice, with tax; below zero for a coupon", lambda c: c.charge.amount
    ),
}

_TAX: dict[str, ElementBind] = {
    "tax_key": _tax(_TEXT, "the key and the rate's number: unique in the ERP", lambda t: t.tax_key),
    "tax_no": _tax(_NUMBER, "1, 2, 3 …, the lowest rate first", lambda t: t.tax_no),
    "tax_rate": _tax(_AMOUNT, "the rate in percent, or NULL", lambda t: t.percent),
    "tax_total_incl_tax": _tax(
        _AMOUNT, "what the items of this rate cost together, or NULL; without shipping", lambda t: t.total_incl_tax
    ),
    "tax_total_excl_tax": _tax(_AMOUNT, "the same without their tax, or NULL", lambda t: t.total_excl_tax),
    "tax_amount": _tax(_AMOUNT, "the tax in it, rounded once, to the currency's decimals, or NULL", lambda t: t.tax),
}


def _micro_of_call(name: str, bind: Bind) -> Bind:
    return Bind(_NUMBER, f"{name} in whole millionths", lambda c: to_micro(bind.of(c), name), bind.steps)


def _with_micro(binds: Mapping[str, ElementBind]) -> Mapping[str, ElementBind]:
    def micro(name: str, bind: ElementBind) -> ElementBind:
        def of(element: Any) -> int | None:
            return to_micro(bind.of(element), f"{element}: {name}")

        return ElementBind(_NUMBER, f"{name} in whole millionths", of, bind.steps)

    return {**binds, **{f"{n}{MICRO}": micro(n, b) for n, b in binds.items() if b.type is _AMOUNT or n == "qty"}}


ORDER_BINDS: Mapping[str, Bind] = {
    **_ORDER,
    **{f"{n}{MICRO}": _micro_of_call(n, b) for n, b in _ORDER.items() if b.type is _AMOUNT},
}
"""The binds of every statement."""

BINDS_OF: Mapping[Each, Mapping[str, ElementBind]] = {
    "item": _with_micro(_ITEM),
    "charge": _with_micro(_CHARGE),
    "tax": _with_micro(_TAX),
}
"""The further binds of a statement that runs once for each item, charge or tax rate."""

ELEMENT_BINDS: Mapping[str, ElementBind] = {name: bind for binds in BINDS_OF.values() for name, bind in binds.items()}
"""All of those; no name is in two of them."""

CAPTURE_TYPES: Mapping[CaptureType, TypeEngine[Any]] = {
    "integer": _NUMBER, "decimal": _AMOUNT, "text": _TEXT, "date": Day(),
}  # fmt: skip
"""The SQL types of captured values."""


def type_of(name: str, params: Mapping[str, Param], captured: Mapping[str, CaptureType]) -> TypeEngine[Any]:
    """The SQL type of that bind; of a `param_…` by its value, of a captured one as declared, of `[binds]` text."""
    if name.startswith(PARAM):
        value = params.get(name.removeprefix(PARAM))
        return Boolean() if isinstance(value, bool) else _NUMBER if isinstance(value, int) else _TEXT
    bind = ORDER_BINDS.get(name) or ELEMENT_BINDS.get(name)
    return bind.type if bind else CAPTURE_TYPES[captured[name]] if name in captured else _TEXT


def known(step: str, each: Each | None) -> frozenset[str]:
    """The binds of a statement of that step with that `each`, without the merchant's own."""
    if step in ANYWHERE:
        return _WITHOUT_AN_ORDER
    binds: Mapping[str, Bind | ElementBind] = {**ORDER_BINDS, **(BINDS_OF[each] if each else {})}
    return frozenset(name for name, bind in binds.items() if bind.steps is None or step in bind.steps)


def problem_with(name: str, step: str, each: Each | None, own: Collection[str] | None) -> str | None:
    """Why this bind cannot stand in a statement of this step, as a clause of a sentence; None if it can.

    `own`: the merchant's binds, `param_…` and captured ones among them; None: they could not be read, and are not
    judged.
    """
    here = known(step, each)
    if name in here or name in (own or ()) or own is None:
        return None
    if name.startswith(MAP):
        return _problem_with_map(name, step, each, own)
    for kind in BINDS_OF:
        if step not in ANYWHERE and name in known(step, kind):
            return f':{name} is of one {kind if kind != "tax" else "tax rate"}: add each = "{kind}"'
    if name in ORDER_BINDS or name in ELEMENT_BINDS:
        return f":{name} is not known in this step"
    could = here | set(own) | (frozenset() if step in ANYWHERE else known(step, each or "item"))
    near = difflib.get_close_matches(name, sorted(could), n=1)
    return f"unknown bind :{name}" + (f", did you mean :{near[0]}?" if near else "")


def can_be_mapped(bind: str) -> bool:
    """Whether a mapping table may be of that bind's values: texts and rates."""
    found = ORDER_BINDS.get(bind) or ELEMENT_BINDS.get(bind)
    return found is not None and (found.type is _TEXT or bind in ("tax_percent", "tax_rate"))


def _problem_with_map(name: str, step: str, each: Each | None, own: Collection[str]) -> str | None:
    bind = name.removeprefix(MAP)
    if f"[maps.{table_of(bind)}]" not in own:
        return f"no table for :{name}: write [maps.{table_of(bind)}], or a CSV file of two columns"
    problem = problem_with(bind, step, each, own)
    return problem and problem.replace(f":{bind}", f":{name}")


def items_json(call: Call) -> str:
    """All items with what `_ITEM` names, decimals as text."""
    here = {n: bind for n, bind in _ITEM.items() if bind.steps is None}
    return json.dumps([{n: plain(bind.of(line)) for n, bind in here.items()} for line in call.lines])


def charges_json(call: Call) -> str:
    """The order's charges; a statement takes those of kind `line` onto the invoice."""
    return json.dumps(
        [
            {"name": c.name, "kind": c.kind, "amount": f"{c.amount:f}", "amount_micro": to_micro(c.amount, c.name)}
            for c in call.order.charges
        ]
    )


def reservations_json(call: Call) -> str:
    """The live reservations of the order."""
    return json.dumps(
        [
            {"key": r.key, "reference": r.reference, "item_ids": [str(item_id) for item_id in r.item_ids]}
            for r in call.reservations
        ]
    )
