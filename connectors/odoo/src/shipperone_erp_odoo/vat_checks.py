"""VAT ids that Odoo refuses as invalid, found before an order is shipped.

Odoo checks a number when a contact is written. Whether it would accept one is tried by a `load` that contains a row
which cannot be loaded, so that Odoo rolls everything back. Each number is tried twice, with and without the number: it
is invalid if only the first row is refused. No text of Odoo is interpreted, since it is translated.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from shipperone_erp import FulfillmentOrder, OrderItem, Owner, Reason, Refused
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.parties import buyer, delivered_to
from shipperone_erp_odoo.settings import OdooSettings
from shipperone_erp_odoo.tax_rules import rule_for
from shipperone_erp_odoo.warehouses import Company

Number = tuple[str, str | None]
"""A VAT id, with the country of the buyer."""

FIRST = 1
"""The number of rows before the first VAT id: if several records fail, Odoo also names the first one of the call."""

AT_ONCE = 4
"""The number of VAT ids in one call: Odoo stops at the tenth refused row."""

COLUMNS = ["name", "is_company", "vat", "country_id/.id"]
NEVER_LOADED = ["x", "1", "", "-"]
"""A row that Odoo refuses: no country has that id."""


def invalid(odoo: Odoo, numbers: Collection[Number], at: Company) -> set[Number]:
    """The VAT ids that Odoo accepts on no contact."""
    unknown = [number for number in sorted(set(numbers), key=str) if not odoo.is_kept(("vat", number))]
    for start in range(0, len(unknown), AT_ONCE):
        chunk = unknown[start : start + AT_ONCE]
        refused = _refused_rows(odoo, chunk, at)
        for index, number in enumerate(chunk):
            with_number = FIRST + 2 * index
            bad = with_number in refused and with_number + 1 not in refused
            odoo.kept(("vat", number), partial(bool, bad))
    return {number for number in numbers if odoo.kept(("vat", number), bool)}


def decides_tax(settings: OdooSettings, order: FulfillmentOrder, at: Company) -> bool:
    """Whether the order's tax, fiscal position or journal depend on its VAT id."""
    to = delivered_to(order, at)

    def applied(item: OrderItem, *, business: bool) -> object:
        try:
            rule = rule_for(settings, at, to, business=business, percent=item.tax_percent)
        except Refused:
            return None
        return (rule.tax, rule.fiscal_position, rule.journal)

    return any(applied(item, business=True) != applied(item, business=False) for item in order.items)


def refusal(vat: str, order: FulfillmentOrder) -> Refused:
    """`vat_id_invalid`, for the accountant."""
    return Refused(
        Reason.VAT_ID_INVALID,
        f"Odoo does not accept {vat} as a valid VAT id, and the tax of the order depends on it: correct it in "
        f"ShipperOne, or have it invoiced without the VAT id by `order approve {order.order_id} --without-vat --note "
        "…`",
        Owner.ACCOUNTANT,
    )


def refuse_before_reserving(odoo: Odoo, orders: Mapping[str, FulfillmentOrder], at: Company) -> dict[str, Refused]:
    """By key, the orders whose tax depends on a VAT id that Odoo refuses. Nothing is reserved for them.

    A VAT id that a contact in Odoo already has needs no check: the invoice is addressed to that contact.
    """
    if odoo.settings.customers == "fixed":
        return {}
    numbers: dict[str, Number] = {}
    for key, order in orders.items():
        party = buyer(order)
        if party.vat_id and decides_tax(odoo.settings, order, at):
            numbers[key] = (party.vat_id, party.country)
    refused = invalid(odoo, set(numbers.values()), at) if numbers else set()
    return {
        key: refusal(number[0], orders[key])
        for key, number in numbers.items()
        if number in refused and not _on_a_contact(odoo, number[0], at)
    }


def _on_a_contact(odoo: Odoo, vat: str, at: Company) -> bool:
    return bool(odoo.find("res.partner", [("vat", "=ilike", "%".join(vat))], ["id"], company=at.id, limit=1))


def _refused_rows(odoo: Odoo, numbers: Sequence[Number], at: Company) -> set[int]:
    rows = [["x", "1", "", ""]] * FIRST
    for vat, code in numbers:
        country = lookups.country(odoo, code) if code else None
        rows += [["x", "1", text, str(country or "")] for text in (vat, "")]
    answer = odoo.call("res.partner", "load", company=at.id, fields=COLUMNS, data=[*rows, NEVER_LOADED])
    return {message["record"] for message in answer["messages"] if isinstance(message.get("record"), int)}
