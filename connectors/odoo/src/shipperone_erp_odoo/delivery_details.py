"""The addressee, the carrier and the tracking number of a delivery in Odoo.

A reservation may be requested before ShipperOne lists its buyer, so the addressee is written once the invoice is built.
Carrier and tracking number are written after the goods have left; earlier, Odoo would order a parcel from the carrier.
None of this holds an order: values that Odoo does not accept are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipperone_erp import FulfillmentOrder, Refused, Reservation
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.buyers import Buyer
from shipperone_erp_odoo.locks import Lock, lock_fields, lock_of, locked_until
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.pickings import referred
from shipperone_erp_odoo.warehouses import Company


@dataclass(frozen=True, slots=True)
class Departing:
    """The deliveries of reservations, by key, those among them without an addressee, and the company's lock."""

    by_key: Mapping[str, Sequence[int]]
    without_addressee: frozenset[int]
    lock: Lock | None


def departing(odoo: Odoo, reserved: Mapping[str, Sequence[Reservation]], at: Company) -> Departing:
    """Read in one call: the lock dates are those of the deliveries' company."""
    by_key = {key: [id for each in live for id in referred(each.reference)] for key, live in reserved.items()}
    ids = sorted({id for found in by_key.values() for id in found})
    fields: dict[str, Any] = {"fields": {name: {} for name in lock_fields(odoo)}}
    specification = {"partner_id": {}, "company_id": fields}
    rows = odoo.find_nested(
        "stock.picking", [("id", "in", ids)], specification, company=at.id, order="id"
    ) if ids else []  # fmt: skip
    of_company = next((row["company_id"] for row in rows if row["company_id"]), None)
    lock = locked_until(odoo, at) if of_company is None else lock_of(of_company)
    return Departing(by_key, frozenset(int(row["id"]) for row in rows if not row["partner_id"]), lock)


def address(odoo: Odoo, deliveries: Departing, who: Mapping[str, Buyer], at: Company) -> None:
    """Set the contact that receives the goods on deliveries without an addressee."""
    wanted = {
        id: {"partner_id/.id": buyer.addressee}
        for key, buyer in who.items()
        for id in deliveries.by_key.get(key, ())
        if id in deliveries.without_addressee
    }
    _write(odoo, wanted, at.id)


def track(
    odoo: Odoo, departed: Mapping[str, Sequence[int]], orders: Mapping[str, FulfillmentOrder], company: int
) -> None:
    """Set the order's carrier and tracking number on the deliveries by which goods left, by key."""
    settings = odoo.settings
    if not (settings.tracking or settings.carrier) or not odoo.has("stock.picking", "carrier_tracking_ref"):
        return
    stated = {
        id: (stated_at(orders[key], settings.tracking), stated_at(orders[key], settings.carrier))
        for key, ids in departed.items()
        for id in ids
    }
    ids = sorted(id for id, details in stated.items() if any(details))
    domain = [("id", "in", ids), ("carrier_tracking_ref", "=", False), ("carrier_id", "=", False)]
    rows = odoo.find("stock.picking", domain, ["id"], company=company, order="id") if ids else []
    wanted: dict[int, dict[str, object]] = {}
    for row in rows:
        number, name = stated[int(row["id"])]
        carrier = lookups.carrier(odoo, name, company) if name else None
        details = {"carrier_tracking_ref": number, "carrier_id/.id": carrier}
        wanted[int(row["id"])] = {column: value for column, value in details.items() if value is not None}
    _write(odoo, {id: values for id, values in wanted.items() if values}, company)


def stated_at(order: FulfillmentOrder, place: str | None) -> str | None:
    """The text at that place among the raw fields that ShipperOne listed for the order: `parcel.number`."""
    found: object = order.extra
    for name in (place or "").split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return str(found).strip() or None if isinstance(found, str | int) and not isinstance(found, bool) else None


def _write(odoo: Odoo, wanted: Mapping[int, Mapping[str, object]], company: int) -> None:
    by_columns: dict[tuple[str, ...], dict[int, Mapping[str, object]]] = {}
    for id, values in wanted.items():
        by_columns.setdefault(tuple(values), {})[id] = values
    for alike in by_columns.values():
        remaining = dict(alike)
        while remaining:
            try:
                bad = odoo.write_each("stock.picking", remaining, company=company)
            except Refused:
                break
            if not bad:
                break
            remaining = {id: values for id, values in remaining.items() if id not in bad}
