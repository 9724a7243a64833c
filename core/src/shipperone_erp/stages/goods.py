"""Which rows of a listed order are goods, and for what: bundles and services. Pure functions on values.

    listed     every row: what the key, the fingerprint and the confirmation are about
    invoiced   without the rows by which a bundle is listed a second time (`bundles`)
    stocked    of these, without services (`services`): what is reserved, released and delivered

A row that is left out is confirmed to ShipperOne all the same. Its price may not be lost with it: it must be none, or
what the rows that are kept come to. A price is never moved from one row to another, since their taxes may differ.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from shipperone_erp.ledger.records import Job
from shipperone_erp.model.answers import Reservation
from shipperone_erp.model.currency import rounded
from shipperone_erp.model.order import FulfillmentOrder, OrderItem
from shipperone_erp.sanitizer import label


class Rules(Protocol):
    """The tenant's settings that say what is goods."""

    @property
    def bundles(self) -> str: ...
    @property
    def services(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Allocated:
    """What the ledger holds of an order's allocation: live reservations, and which items had children listed.

    `made` are its allocation jobs, without those that ended unconfirmed.
    `asked`: a reservation may be there whose reference is not known yet, since its job is still under way.
    """

    reservations: tuple[Reservation, ...] = ()
    parents: frozenset[str] = frozenset()
    asked: bool = False
    made: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class Goods:
    """An order three times over. `unclear`: why nobody can say which rows count, in a sentence."""

    listed: FulfillmentOrder
    invoiced: FulfillmentOrder
    stocked: FulfillmentOrder
    unclear: str | None = None


def sort_out(order: FulfillmentOrder, rules: Rules, parents: Collection[str] = frozenset()) -> Goods:
    """The order's rows by the tenant's rules; `parents` are items that the ledger knows to be bundles."""
    if not any(
        item.parent_item_id is not None or item.item_type or str(item.item_id) in parents for item in order.items
    ):
        return Goods(order, order, order)
    bundles = {id for id in _ids(order.items) if id in parents or _children(order, id)}
    unclear, left_out = None, frozenset[str]()
    if rules.bundles == "children":
        left_out = frozenset(bundles)
    elif rules.bundles == "parents":
        left_out = frozenset(_ids(item for item in order.items if _parent(item) is not None))
        unclear = _orphan(order)
    elif bundles:
        unclear = _two_ways(order, bundles)
    kept = tuple(item for item in order.items if str(item.item_id) not in left_out)
    if not kept:
        unclear = unclear or f'every row of it ({names(order.items)}) is left out by bundles = "{rules.bundles}"'
    services = {service.casefold() for service in rules.services}
    stocked = tuple(item for item in kept if (item.item_type or "").casefold() not in services)
    return Goods(order, replace(order, items=kept), replace(order, items=stocked), unclear)


def lost_price(goods: Goods, currency: str | None, tolerance: Decimal) -> str | None:
    """A sentence with the sums if a price would be lost with the rows that are left out; None if none is."""
    kept = set(_ids(goods.invoiced.items))
    for bundle in goods.listed.items:
        inside = _inside(goods.listed, str(bundle.item_id))
        if not inside:
            continue
        out, stays = ([bundle], inside) if str(bundle.item_id) not in kept else (inside, [bundle])
        for what, of in (("price", _price(currency)), ("discount", _discount)):
            lost, left = sum(map(of, out), Decimal(0)), sum(map(of, stays), Decimal(0))
            if lost and abs(lost - left) > tolerance:
                return (
                    f"{names(out)} has a {what} of {lost} and is left out, and what is kept of the bundle "
                    f"({names(stays)}) has {left}: {lost} would be missing on the invoice; have the shop put the "
                    f"{what} on the rows that are kept, or set `bundles` to keep the others"
                )
    return None


def parents_in(allocations: Iterable[Job]) -> frozenset[str]:
    """The items that these jobs' orders list children of."""
    orders = [job.order for job in allocations if '"parent_item_id"' in job.order_json]
    return frozenset(id for order in orders for id in _ids(order.items) if _children(order, id))


def reserved_items(job: Job, rules: Rules) -> tuple[int | str, ...]:
    """The items of an allocation job that its reservation really holds."""
    if '"parent_item_id"' not in job.order_json and '"item_type"' not in job.order_json:
        return job.item_ids
    return tuple(item.item_id for item in sort_out(job.order, rules).stocked.items)


def unreserved(order: FulfillmentOrder, reservations: Iterable[Reservation]) -> list[OrderItem]:
    """The items that no live reservation holds."""
    held = {str(item_id) for reservation in reservations for item_id in reservation.item_ids}
    return [item for item in order.items if str(item.item_id) not in held]


def names(items: Iterable[OrderItem]) -> str:
    """'item 1 (SET), item 2 (MUG)' for sentences."""
    return ", ".join(f"item {item.item_id} ({label(item.sku)})" for item in items)


def _ids(items: Iterable[OrderItem]) -> list[str]:
    return [str(item.item_id) for item in items]


def _parent(item: OrderItem) -> str | None:
    """The item that it is a part of; a row that names itself is a part of nothing."""
    named = None if item.parent_item_id is None else str(item.parent_item_id)
    return None if named == str(item.item_id) else named


def _children(order: FulfillmentOrder, item_id: str) -> list[OrderItem]:
    return [item for item in order.items if _parent(item) == item_id]


def _inside(order: FulfillmentOrder, item_id: str) -> list[OrderItem]:
    """The rows at the bottom of a bundle, through bundles within it."""
    found, seen, open_ = [], {item_id}, _children(order, item_id)
    while open_:
        item = open_.pop(0)
        if str(item.item_id) in seen:
            continue
        seen.add(str(item.item_id))
        below = _children(order, str(item.item_id))
        open_ += below
        if not below:
            found.append(item)
    return found


def _two_ways(order: FulfillmentOrder, bundles: Collection[str]) -> str:
    said = []
    for item in order.items:
        if str(item.item_id) in bundles:
            inside = names(_children(order, str(item.item_id)))
            said.append(
                f"{names([item])} is listed with what is in it: {inside}"
                if inside
                else f"{names([item])} is a bundle, whose parts were allocated with it"
            )
    return (
        f'{"; ".join(said)}. Say which of them the ERP reserves and invoices: `bundles = "children"` or '
        '`bundles = "parents"`'
    )


def _orphan(order: FulfillmentOrder) -> str | None:
    listed = set(_ids(order.items))
    orphans = [item for item in order.items if (parent := _parent(item)) is not None and parent not in listed]
    if not orphans:
        return None
    return (
        f"{names(orphans)} belongs to item {_parent(orphans[0])}, which is not listed with it, and with "
        '`bundles = "parents"` a bundle is reserved and invoiced as a whole'
    )


def _price(currency: str | None) -> Callable[[OrderItem], Decimal]:
    def of(item: OrderItem) -> Decimal:
        if item.row_total_incl_tax is not None:
            return item.row_total_incl_tax
        return rounded((item.price_incl_tax or Decimal(0)) * item.qty, currency)

    return of


def _discount(item: OrderItem) -> Decimal:
    return abs(item.discount or Decimal(0))
