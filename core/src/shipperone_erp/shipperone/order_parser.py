"""Parses ShipperOne's JSON into a `FulfillmentOrder`: exact numbers, aware times, nothing guessed, nothing lost.

absent      null, an empty text, an empty date (see `kernel.dates`): the field is None, never 0
mismatch    a usual name that holds another kind of value (`shipping: 4.99`, `customer: 17`): the next name is tried,
            and the value stays in `extra`
unreadable  a required field is absent; or its value is certainly meant to be the field, but is no number or no id; or a
            place that the tenant has named holds another kind of value. Ignoring such a value could invoice a wrong
            amount, so an operator must look at it
no date     a date that cannot be read is absent and stays in `extra`; the invoice stage holds the order if it needs it
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from shipperone_erp.domain.amounts.charges import read_charges
from shipperone_erp.domain.field_places import Group, Places, Role
from shipperone_erp.domain.json_object import JsonObject, Unreadable
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.rules import ChargeRule, TenantRules
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.dates import Zones
from shipperone_erp.kernel.json_values import kind

__all__ = ["DATES", "UTC_ONLY", "OrderWire", "Unreadable", "read_order"]


def read_order(raw: Mapping[str, Any], fields: Mapping[str, str], *, tenant: str = "NAME") -> FulfillmentOrder:
    """The order in `raw` (JSON as `kernel.json.loads` returns it); `fields` is the tenant's table.

    Unreadable with a sentence that names the item, the keys that were looked for, and the setting that would cure it.
    """
    return OrderWire(fields, tenant=tenant).read(raw)


DATES = ("ordered_at", "shipped_at")
UTC_ONLY = Zones()

LONGEST_ID = 500
"""Characters. An index of PostgreSQL takes some 2,700 bytes for the order, the tenant and the stage together."""


class OrderWire:
    """Reads the orders of one tenant; the places of its fields are computed once."""

    def __init__(
        self,
        fields: Mapping[str, str],
        *,
        charges: Sequence[ChargeRule] = (),
        tenant: str = "NAME",
        zones: Zones = UTC_ONLY,
        rates_are_fractions: bool = False,
    ) -> None:
        self._rates_are_fractions = rates_are_fractions
        self._charges = charges
        self._zones = zones
        self._tenant = tenant
        self._places = Places.of(fields)

    @classmethod
    def of(cls, rules: TenantRules, stage: Stage, charges: Sequence[ChargeRule] | None = None) -> Self:
        """For the orders that this queue of the tenant lists; with other charges than the tenant's, if given."""
        zones = Zones.of(rules.timezone, rules.dates_without_zone)
        return cls(
            rules.fields_of(stage), charges=rules.charges if charges is None else charges, tenant=rules.name,
            zones=zones, rates_are_fractions=rules.tax_rates == "fraction",
        )  # fmt: skip

    def read(self, raw: object) -> FulfillmentOrder:
        """As `read_order`; also refuses a value that is not a JSON object."""
        if not isinstance(raw, Mapping):
            raise Unreadable(f"the queue lists {kind(raw)} where an order should be", order_id=None)
        order = JsonObject(raw, "an order", tenant=self._tenant)
        listed = order.id(self._places.order["order_id"])
        if listed is None:
            order.missing(self._places.order["order_id"], "no id")
        order_id = str(listed)
        _refuse_unstorable(order, "an id", order_id)
        order.who, order.order_id = f"order {order_id}", order_id
        return self._order(order, order_id)

    def dates(self, raw: Any) -> Mapping[str, str]:
        """The values of the order's dates by field, as they are listed; empty and absent dates are left out."""
        order = JsonObject(raw if isinstance(raw, Mapping) else {}, "an order")
        listed = {name: order.moment(self._places.order[name], self._zones)[1] for name in DATES}
        return {name: text for name, text in listed.items() if text is not None}

    def order_id(self, raw: Any) -> str | None:
        """The id alone of an entry that need not be a valid order; None if it has none."""
        try:
            return self.read(raw).order_id
        except Unreadable as why:
            return why.order_id

    def item_ids(self, raw: Any) -> frozenset[str]:
        """The ids of its items, as texts; none if it is no valid order."""
        try:
            return frozenset(str(item.item_id) for item in self.read(raw).items)
        except Unreadable:
            return frozenset()

    def legible_id(self, legible: Mapping[str, Any], illegible: Collection[str]) -> str | None:
        """The id of an entry of which only some members can be read; None if the id may be among the others."""
        field = self._places.order["order_id"]
        for key in (*field.keys, *(path[0] for path in field.paths)):
            if key in illegible:
                return None
            order_id = self.order_id({key: legible[key]}) if key in legible else None
            if order_id is not None:
                return order_id
        return None

    def _order(self, order: JsonObject, order_id: str) -> FulfillmentOrder:
        fields = self._places.order
        warehouse = order.text(fields["warehouse_code"])
        if warehouse is None:
            order.missing(fields["warehouse_code"], "no warehouse")
        entries = self._entries(order)
        items = self._items(order, entries, warehouse)
        currency = order.text(fields["currency"])
        order_number = order.text(fields["order_number"])
        _refuse_unstorable(order, "an order_number", order_number)
        parties = {role: _party(order, places) for role, places in self._places.parties.items()}
        return FulfillmentOrder(
            order_id=order_id,
            warehouse_code=warehouse,
            items=items,
            currency=currency.strip().upper() if currency else None,
            shipping_amount_incl_tax=order.number(fields["shipping_amount_incl_tax"]),
            total_incl_tax=order.number(fields["total_incl_tax"]),
            order_number=order_number,
            payment_method=order.text(fields["payment_method"]),
            payment_reference=order.text(fields["payment_reference"]),
            ordered_at=order.moment(fields["ordered_at"], self._zones)[0],
            shipped_at=order.moment(fields["shipped_at"], self._zones)[0],
            **parties,
            extra=order.extra(),
            charges=read_charges(order, self._charges, entries),
        )

    def _entries(self, order: JsonObject) -> Sequence[Any]:
        field = self._places.order["items"]
        entries = order.rows(field)
        if not entries:
            order.missing(field, "no items")
        return entries

    def _items(self, order: JsonObject, entries: Sequence[Any], warehouse: str) -> tuple[OrderItem, ...]:
        items = tuple(
            self._item(order.inner(entry, f"the {number}. item"), warehouse) for number, entry in enumerate(entries, 1)
        )
        seen: set[str] = set()
        for item in items:
            if str(item.item_id) in seen:
                order.refuse(f"lists item {item.item_id} twice: only its id tells one item from another")
            seen.add(str(item.item_id))
        return items

    def _item(self, item: JsonObject, warehouse: str) -> OrderItem:
        fields = self._places.item
        item_id = item.id(fields["item_id"])
        if item_id is None:
            item.missing(fields["item_id"], "no id")
        item.who = f"{item.whose}: item {item_id}"
        sku = item.text(fields["sku"])
        if sku is None:
            item.missing(fields["sku"], "no SKU")
        qty = item.number(fields["qty"])
        if qty is None:
            item.missing(fields["qty"], "no quantity")
        if qty <= 0:
            # neither a line to leave out nor one to confirm: ShipperOne compares the items with its own one by one
            item.refuse(f"has the quantity {qty}: nothing can be reserved or invoiced")
        rate = item.number(fields["tax_percent"])
        own_warehouse = item.text(fields["warehouse_code"])
        parent = item.id(fields["parent_item_id"])
        return OrderItem(
            item_id=item_id,
            sku=sku,
            name=item.text(fields["name"]),
            qty=qty,
            warehouse_code=None if own_warehouse == warehouse else own_warehouse,
            price_incl_tax=item.number(fields["price_incl_tax"]),
            row_total_incl_tax=item.number(fields["row_total_incl_tax"]),
            tax_percent=rate.scaleb(2) if rate is not None and self._rates_are_fractions else rate,
            discount=item.number(fields["discount"]),
            parent_item_id=None if parent in (0, "0") else parent,
            item_type=item.text(fields["item_type"]),
            extra=item.extra(),
        )


def _refuse_unstorable(order: JsonObject, what: str, text: str | None) -> None:
    """Refuse the order if the ledger cannot look up this text: one such order would stop a read of the whole queue."""
    if text is None or (len(text) <= LONGEST_ID and "\0" not in text):
        return
    why = "with the character NUL in it" if len(text) <= LONGEST_ID else f"of {len(text)} characters"
    order.refuse(f"has {what} {why}; at most {LONGEST_ID} characters without NUL can be recorded")


def _party(order: JsonObject, role: Role) -> Party | None:
    inside = JsonObject(order.nested(role.place, role.marks) or {}, order.who, order.order_id, tenant=order.tenant)
    found = _fields(inside, role.inside) if inside.raw else {}
    if role.on_order.fields:
        for name, text in _fields(order, role.on_order).items():
            found.setdefault(name, text)
    extra = inside.extra()
    return Party(**found, extra=extra) if found or extra else None


def _fields(source: JsonObject, group: Group) -> dict[str, str]:
    found = {}
    for name, field in group.fields.items():
        text = source.lines(field) if name == "street" else source.text(field)
        if text is not None:
            found[name] = text
    for name, keys in group.pieces:
        if name not in found and (text := source.joined(keys, ", " if name == "street" else " ")):
            found[name] = text
    return found
