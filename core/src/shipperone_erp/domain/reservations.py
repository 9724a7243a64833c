"""The reservations of an order in the ledger, and the goods that leave the stock with an invoice. Pure functions.

An order is delivered out of its reservations, whichever rows are listed to be invoiced. A job stores the items of its
reservation request (`Job.reserved`). A job of version 0.1.0 does not: it reserved by one rule for all bundles.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from shipperone_erp.domain.bundles import Families, item_key, parent_of
from shipperone_erp.domain.hook_answers import Reservation
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import Goods, Rows, Rules, sort_out
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem


@dataclass(frozen=True, slots=True)
class Allocated:
    """The ledger's record of an order's allocation: live reservations, and the rows that these hold.

    `made` are its allocation jobs, without those that ended unconfirmed. `known` are the rows that they listed, where
    one of them is in another. `asked`: a reservation may exist whose reference is not known yet, since its job is still
    under way.
    """

    reservations: tuple[Reservation, ...] = ()
    rows: Rows = ()
    known: Rows = ()
    asked: bool = False
    made: tuple[Job, ...] = ()


def has_parts(job: Job) -> bool:
    """Its order lists rows that are inside others."""
    return '"parent_item_id"' in job.order_json


def rows_in(jobs: Iterable[Job], *, always: bool = False) -> Rows:
    """Every row of these jobs' orders, the newest of an item; none where no row is inside another, unless `always`."""
    jobs = list(jobs)
    if not always and not any(map(has_parts, jobs)):
        return ()
    rows = {item_key(item): item for job in sorted(jobs, key=lambda job: job.id) for item in job.order.items}
    return tuple(rows.values())


def reserved_rows(job: Job, rules: Rules) -> Rows:
    """The rows of an allocation job that its reservation holds."""
    order = job.order
    if not job.reserved:
        return _as_in_0_1(order, rules)
    goods = sort_out(order, rules)
    rows = {item_key(row): row for row in (*order.items, *goods.stocked.items)}
    return tuple(rows[key] for key in map(str, job.reserved) if key in rows)


def reserved_items(job: Job, rules: Rules) -> tuple[int | str, ...]:
    """The ids of these rows."""
    if not has_parts(job) and '"item_type"' not in job.order_json:
        return job.item_ids
    return tuple(item.item_id for item in reserved_rows(job, rules))


def _as_in_0_1(order: FulfillmentOrder, rules: Rules) -> Rows:
    """The selection of version 0.1.0: without every parent, or without every row inside one; it ignored prices."""
    if rules.bundles not in ("children", "parents"):
        return sort_out(order, rules).stocked.items
    families = Families(order.items)
    services = {service.casefold() for service in rules.services}
    out = (lambda item: not families.innermost(item_key(item))) if rules.bundles == "children" else parent_of
    return tuple(item for item in order.items if not out(item) and (item.item_type or "").casefold() not in services)


def leaving(goods: Goods, allocated: Allocated) -> FulfillmentOrder:
    """The goods that leave the stock with this invoice: of each bundle its reserved rows, in the shipped quantity."""
    reserved = {item_key(row): row for row in allocated.rows}
    families = Families(goods.listed.items, (*allocated.rows, *allocated.known))
    if families.plain or not reserved:
        return goods.stocked
    found: list[OrderItem] = []
    for root in families.roots:
        members = [item for item in goods.listed.items if families.root(item_key(item)) == root]
        held = [row for key, row in reserved.items() if families.root(key) == root]
        rule = [row for row in goods.stocked.items if families.root(item_key(row)) == root]
        found += _of_family(members, held, families) if held else rule
    return replace(goods.listed, items=tuple(found))


def _of_family(members: Collection[OrderItem], held: Collection[OrderItem], families: Families) -> Iterable[OrderItem]:
    listed = {item_key(item): item for item in members}
    there = [replace(row, qty=listed[item_key(row)].qty) for row in held if item_key(row) in listed]
    if there:
        return there
    # If other rows are listed than were reserved, the same share of the reserved rows leaves.
    whole = {key: families.known[key].qty for key in listed if key in families.known}
    share = max((listed[key].qty / qty for key, qty in whole.items()), default=Decimal(1))
    return [replace(row, qty=_share(row.qty, share)) for row in held]


def _share(qty: Decimal, share: Decimal) -> Decimal:
    of_it = (qty * share).quantize(Decimal("0.000001"))
    return of_it.to_integral_value() if of_it == of_it.to_integral_value() else of_it


def unreserved(order: FulfillmentOrder, reservations: Iterable[Reservation]) -> list[OrderItem]:
    """The items that no live reservation holds."""
    held = {str(item_id) for reservation in reservations for item_id in reservation.item_ids}
    return [item for item in order.items if str(item.item_id) not in held]
