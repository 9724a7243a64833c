"""The binds that a statement may name: one closed list, each with its type, its meaning and the steps that provide it.

Values are passed only as binds. There are no templates: no text of an order can become part of a statement.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeEngine

from shipperone_erp_generic_sql.element_binds import INVOICING, MICRO, WITH_RESERVATIONS, items_json
from shipperone_erp_generic_sql.exact_values import Amount, Day, Text, Utc, to_micro
from shipperone_erp_generic_sql.hook_call import PARTIES, PARTY_FIELDS, Call, plain

PARAM = "param_"
"""`param_NAME` is NAME of the tenant's `[params]`; available in every step."""

ANYWHERE = frozenset({"list_documents", "list_document_lines"})
"""The steps that are not about an order: of the binds they have `:tenant`, `:since`, `:now_utc`, `:today`."""


@dataclass(frozen=True)
class Bind:
    """A bind of the order or the call. With `steps` None, every step has it."""

    type: TypeEngine[Any]
    description: str
    of: Callable[[Call], Any]
    steps: frozenset[str] | None = None


def _steps(*names: str) -> frozenset[str]:
    return frozenset(names)


def _of_party(party: str, name: str) -> Callable[[Call], Any]:
    def of(call: Call) -> Any:
        return getattr(getattr(call.order, party), name, None)

    return of


_TEXT, _NUMBER, _AMOUNT = Text(), BigInteger(), Amount()
_WITH_DATES = _steps("refused_dates", "build_invoice", "issue_invoice")

_ORDER: dict[str, Bind] = {
    "key": Bind(_TEXT, "the job's idempotency key; unique in the ERP", lambda c: c.key),
    "tenant": Bind(_TEXT, "the tenant's name in the TOML", lambda c: c.tenant),
    "generation": Bind(
        _NUMBER,
        "the number of the revision; increases after each release or discard",
        lambda c: c.generation,
        _steps("reserve", "build_invoice"),
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
    "order_total_incl_tax": Bind(
        _AMOUNT, "the order's total as stated by ShipperOne", lambda c: c.order.total_incl_tax
    ),
    "line_charges_incl_tax": Bind(
        _AMOUNT,
        "the sum of the charges of kind `line` on the invoice; 0 without any",
        lambda c: c.order.line_charges,
    ),
    "document_total_incl_tax": Bind(
        _AMOUNT,
        "the invoice's total: items, shipping and charges of kind `line`; NULL if an amount is unknown",
        lambda c: c.of_document("document_incl_tax"),
        INVOICING,
    ),
    "document_total_excl_tax": Bind(
        _AMOUNT,
        "the same without its tax; NULL where a part of it has no rate (see `taxes`)",
        lambda c: c.of_document("document_excl_tax"),
        INVOICING,
    ),
    "document_tax_amount": Bind(
        _AMOUNT,
        "the invoice's tax: the sum of `:tax_document_amount` of all rates, or NULL",
        lambda c: c.of_document("document_tax"),
        INVOICING,
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
        "the whole order as JSON, including ShipperOne's fields that are unknown here; numbers as text",
        lambda c: json.dumps(plain(c.order), ensure_ascii=False),
    ),
    "now_utc": Bind(Utc(), "the time of this call, UTC", lambda c: c.now),
    "today": Bind(Day(), "its date in UTC; use tax_date for documents", lambda c: c.now.date()),
    "tax_date": Bind(
        Day(),
        'the day of supply by the tenant\'s rule; NULL while building with `tax_date = "issued"`',
        lambda c: c.tax_date,
        _WITH_DATES,
    ),
    "issue_date": Bind(
        Day(),
        "the date of issue that an operator has set (`order retry --issue-date`), else NULL: COALESCE(:issue_date, "
        ":tax_date) is the date for an ERP that dates invoices by the day of supply",
        lambda c: c.issue_date,
        _WITH_DATES,
    ),
    "reference": Bind(
        _TEXT,
        "the reference that find_reservation or find_invoice returned; NULL if nothing was found",
        lambda c: c.reference,
        _steps("release", "issue_invoice", "discard_invoice", "find_invoice_lines"),
    ),
    "invoice_reference": Bind(
        _TEXT, "the reference of the invoice of this key", lambda c: c.invoice_reference, _steps("deliver")
    ),
    "reason": Bind(_TEXT, "why the draft is discarded", lambda c: c.reason, _steps("discard_invoice")),
    "since": Bind(Utc(), "documents created since then, UTC", lambda c: c.since, _steps(*ANYWHERE)),
    "reservations_json": Bind(
        _TEXT,
        "a JSON list of the order's live reservations: key, reference, item_ids",
        lambda c: reservations_json(c),
        WITH_RESERVATIONS,
    ),
    **{
        f"{party}_{name}": Bind(_TEXT, f"`{name}` of the order's {party}, or NULL", _of_party(party, name))
        for party in PARTIES
        for name in PARTY_FIELDS
    },
}


def _micro_of_call(name: str, bind: Bind) -> Bind:
    return Bind(_NUMBER, f"{name} in whole millionths", lambda c: to_micro(bind.of(c), name), bind.steps)


ORDER_BINDS: Mapping[str, Bind] = {
    **_ORDER,
    **{f"{n}{MICRO}": _micro_of_call(n, b) for n, b in _ORDER.items() if b.type is _AMOUNT},
}
"""The binds of every statement."""


def charges_json(call: Call) -> str:
    """The order's charges as JSON; a statement puts those of kind `line` on the invoice."""
    return json.dumps(
        [
            {"name": c.name, "kind": c.kind, "amount": f"{c.amount:f}", "amount_micro": to_micro(c.amount, c.name)}
            for c in call.order.charges
        ]
    )


def reservations_json(call: Call) -> str:
    """The live reservations of the order, as JSON."""
    return json.dumps(
        [
            {"key": r.key, "reference": r.reference, "item_ids": [str(item_id) for item_id in r.item_ids]}
            for r in call.reservations
        ]
    )
