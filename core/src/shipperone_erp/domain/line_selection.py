"""Selects the rows of a listed order that count: bundles, variants and services. Pure functions on values.

listed     every row: the basis of the key, the fingerprint and the confirmation
invoiced   of a parent and its contents, the side that carries the price
stocked    the rows that are reserved, released and delivered, without services (`services`)

Each parent is decided by itself, by the side that carries its price; `bundles` decides where that leaves a choice:

    price on                  invoiced          reserved
    the parent alone          the parent        by `bundles`: its contents, or the parent
    its contents alone        its contents      its contents
    both sides, or neither    by `bundles`      the same rows
    a variant                 the side of the price, else the parent; reserved once, as that row

A variant is the only child of a parent, with the same SKU or of a `configurable`. With `bundles = "hold"` every other
parent is unclear. A row that is left out is still confirmed to ShipperOne. No price may be lost with it: the row must
have none, or the same as the kept rows together. A price is never moved from one row to another: their taxes may
differ.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shipperone_erp.domain.bundles import Families, item_key, names, parent_of, price
from shipperone_erp.domain.money import rounded
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.kernel.frozen import with_fields

CONFIGURABLE = "configurable"
Rows = tuple[OrderItem, ...]


class Rules(Protocol):
    """The tenant's settings by which rows are selected."""

    @property
    def bundles(self) -> str: ...
    @property
    def services(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Other settings than the tenant's, to compute their result."""

    bundles: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Of one parent: the rows that are left out, and those that are kept in their place."""

    out: Rows
    kept: Rows


@dataclass(frozen=True, slots=True)
class Goods:
    """The three selections of an order's rows: listed, invoiced and stocked.

    `unclear`: a sentence why no rule decides which rows count. `incomplete`: why it cannot be invoiced as it is listed,
    since a bundle is listed without its price.
    """

    listed: FulfillmentOrder
    invoiced: FulfillmentOrder
    stocked: FulfillmentOrder
    unclear: str | None = None
    incomplete: str | None = None
    choices: tuple[Choice, ...] = ()


def sort_out(order: FulfillmentOrder, rules: Rules, known: Collection[OrderItem] = ()) -> Goods:
    """Select the order's rows by the tenant's rules; `known` are the rows that the order's allocations listed."""
    special = any(item.item_type for item in order.items)
    if not special and all(parent_of(item) is None for item in (*order.items, *known)):
        return Goods(order, order, order)  # most orders: no row is inside another, and none is of a special kind
    families = Families(order.items, known)
    sorting = _Sorting(families, rules)
    found = [sorting.of(root) for root in families.roots]
    if sorting.unclear:
        services = tuple(item for item in order.items if not sorting.service(item))
        return Goods(order, order, with_fields(order, items=services), sorting.unclear)
    invoiced = {item_key(row): row for side in found for row in side.invoiced}
    stocked = {item_key(row): row for side in found for row in side.stocked}
    return Goods(
        order,
        with_fields(order, items=_in_order(order, invoiced)),
        with_fields(order, items=_in_order(order, stocked)),
        incomplete="; ".join(sorting.alone) or None,
        choices=tuple(sorting.choices),
    )


def _in_order(order: FulfillmentOrder, rows: dict[str, OrderItem]) -> Rows:
    return tuple(rows[item_key(item)] for item in order.items if item_key(item) in rows)


@dataclass(frozen=True, slots=True)
class _Sides:
    """The invoiced and the reserved rows of one row and its contents."""

    invoiced: Rows
    stocked: Rows


class _Sorting:
    def __init__(self, families: Families, rules: Rules) -> None:
        self._families = families
        self._rules = rules
        self._services = {service.casefold() for service in rules.services}
        self.choices: list[Choice] = []
        self._two_ways: list[str] = []
        self.alone: list[str] = []

    @property
    def unclear(self) -> str | None:
        """The sentence why no rule decides."""
        loop = self._families.loop
        if loop:
            return f"{names(loop)} are listed as parts of each other"
        if self._two_ways:
            return (
                f'{"; ".join(self._two_ways)}. Set which of them the ERP keeps in stock: `bundles = "children"` or '
                '`bundles = "parents"`; the side with the price is invoiced'
            )
        return None

    def service(self, item: OrderItem) -> bool:
        """It is a service: none of it is kept in stock."""
        return (item.item_type or "").casefold() in self._services

    def of(self, key: str) -> _Sides:
        """The rows that count of this row and its contents."""
        row, inside = self._families.listed.get(key), self._families.children(key)
        listed = [child for child in inside if self._families.reaches_listed(item_key(child))]
        below = [self.of(item_key(child)) for child in listed]
        parts = _Sides(
            tuple(row for side in below for row in side.invoiced), tuple(row for side in below for row in side.stocked)
        )
        if row is None:
            return self._without_parent(key, parts)
        if not inside:
            return _Sides((row,), () if self.service(row) else (row,))
        if not listed:
            return self._without_children(row, inside)
        only = inside[0] if len(inside) == 1 and self._families.innermost(item_key(inside[0])) else None
        if only and (only.sku == row.sku or (row.item_type or "").casefold() == CONFIGURABLE):
            return self._variant(row, only)
        return self._bundle(row, inside, parts)

    def _variant(self, row: OrderItem, child: OrderItem) -> _Sides:
        on_child = bool(price(child)) and (not price(row) or self._rules.bundles == "children")
        # The ERP's product is the variant: keep the parent's row and its price, with the child's SKU.
        whole = row if child.sku == row.sku else with_fields(row, sku=child.sku, name=child.name or row.name)
        kept, out = (child, row) if on_child else (whole, child)
        self.choices.append(Choice((out,), (kept,)))
        return _Sides((kept,), () if self.service(child) or self.service(row) else (kept,))

    def _bundle(self, row: OrderItem, inside: Rows, parts: _Sides) -> _Sides:
        rule = self._rules.bundles
        if rule not in ("children", "parents"):
            self._two_ways.append(f"{names([row])} is listed with what is in it: {names(inside)}")
            return parts
        on_row, within = bool(price(row)), any(price(part) for part in parts.invoiced)
        as_whole = on_row if on_row != within else rule == "parents"
        self.choices.append(self._choice(row, parts.invoiced, as_whole))
        if not as_whole:
            return parts
        stock = parts.stocked if rule == "children" else (row,) if parts.stocked and not self.service(row) else ()
        return _Sides((row,), stock)

    def _choice(self, row: OrderItem, parts: Rows, as_whole: bool) -> Choice:
        """If not all contents are listed, the amounts are those of the allocation, which listed the whole."""
        bottom = self._families.known_below(item_key(row))
        before = self._families.known.get(item_key(row))
        if before is not None and bottom and {item_key(part) for part in parts} < {item_key(part) for part in bottom}:
            row, parts = before, bottom
        return Choice(parts, (row,)) if as_whole else Choice((row,), parts)

    def _without_children(self, row: OrderItem, inside: Rows) -> _Sides:
        """A bundle that is listed without its contents, which its allocation listed."""
        if not price(row) and any(price(child) for child in inside):
            self.alone.append(
                f"{names([row])} is a bundle, whose parts ({names(inside)}) were allocated with it and have the price; "
                "it is listed without them, and its own amount is zero"
            )
        return _Sides((row,), () if self.service(row) else (row,))

    def _without_parent(self, key: str, parts: _Sides) -> _Sides:
        """Rows of a bundle that is not listed with them: a price on the bundle would be missing from the invoice."""
        above = self._families.known.get(key)
        free = parts.invoiced and all(price(row) == 0 for row in parts.invoiced)
        if free and (above is None or price(above)):
            where = f"item {key}, which is not listed with it"
            self.alone.append(
                f"{names(parts.invoiced)} belongs to {where}, and has no price of its own: the bundle's price would be "
                "missing on the invoice. Have ShipperOne list the bundle with its parts"
            )
        return parts


def lost_price(goods: Goods, currency: str | None, tolerance: Decimal) -> str | None:
    """A sentence with the sums if a price would be lost with the rows that are left out; None if none is."""
    for choice in goods.choices:
        for what, of in (("price", _price(currency)), ("discount", _discount)):
            lost, kept = sum(map(of, choice.out), Decimal(0)), sum(map(of, choice.kept), Decimal(0))
            if lost and abs(lost - kept) > tolerance:
                return (
                    f"{names(choice.out)} has a {what} of {lost} and is left out, and the rest of the bundle "
                    f"({names(choice.kept)}) has {kept}: {lost} would be missing on the invoice; have the shop put the "
                    f"{what} on one side only, or the same on both"
                )
    return None


def lost_by(
    order: FulfillmentOrder, rules: Rules, known: Collection[OrderItem], currency: str | None, tolerance: Decimal
) -> str | None:
    """As `lost_price`, with the other setting of `bundles` where that loses nothing."""
    lost = lost_price(sort_out(order, rules, known), currency, tolerance)
    if lost is None:
        return None
    for other in {"children", "parents"} - {rules.bundles}:
        goods = sort_out(order, Rule(other, rules.services), known)
        if goods.unclear is None and lost_price(goods, currency, tolerance) is None:
            return f'{lost}; or set `bundles = "{other}"`, with which no amount is lost'
    return lost


def _price(currency: str | None) -> Callable[[OrderItem], Decimal]:
    def of(item: OrderItem) -> Decimal:
        if item.row_total_incl_tax is not None:
            return item.row_total_incl_tax
        return rounded((item.price_incl_tax or Decimal(0)) * item.qty, currency)

    return of


def _discount(item: OrderItem) -> Decimal:
    return abs(item.discount or Decimal(0))
