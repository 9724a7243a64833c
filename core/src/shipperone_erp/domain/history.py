"""The ledger's history of one order, beside its listing: the allocated, invoiced and repeated quantities.

Of a bundle and its contents only the rows that are invoiced count as invoiced; see `line_selection`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from shipperone_erp.domain.bundles import Families, item_key, names, price
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.line_selection import Rows, Rules, sort_out
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.reservations import rows_in
from shipperone_erp.domain.set_aside import of_unreadable
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.kernel.printable import label


class History:
    """The jobs of an order in one stage, and (for the invoice stage) its allocations."""

    def __init__(self, rules: Rules, jobs: Collection[Job], allocations: Collection[Job] = ()) -> None:
        self.jobs = jobs
        self._rules = rules
        self._accepted = [job for job in jobs if job.accepted]
        self.allocations = allocations

    def confirmed_before(self, order: FulfillmentOrder) -> Job | None:
        """The newest confirmed job with one of these items in exactly the same quantity; None if there is none.

        What an operator confirmed while it could not be read may have been any of them. An allocation of the same goods
        counts under whichever ids: a second reservation would hold them twice.
        """
        wanted = _amounts(self._counted(order))
        for job in sorted(self._accepted, key=lambda job: job.id, reverse=True):
            if of_unreadable(job) or wanted & _amounts(self._counted(job.order)):
                return job
            if job.stage is Stage.ALLOCATION and _goods(job.order) == _goods(order):
                return job
        return None

    def the_same(self, before: FulfillmentOrder, now: FulfillmentOrder) -> str:
        """'2 of MUG (item 1), …': the items that both list in exactly the same quantity."""
        if not before.items:
            return "what could not be read then"
        known = _amounts(self._counted(before))
        same = [item for item in self._counted(now) if (str(item.item_id), plain(item.qty)) in known]
        under = "" if same else " under other item ids"
        goods = (f"{plain(item.qty)} of {label(item.sku)} (item {item.item_id})" for item in same or before.items)
        return ", ".join(goods) + under

    def repeated(self, content: str) -> Job | None:
        """The newest job, if an operator's `order repeat` started it: no second command is needed. Else None."""
        latest = max(self.jobs, key=lambda job: job.id)
        requested = latest.occurrence > 1 and latest.content == content and latest.reason is not Reason.LISTED_AGAIN
        return latest if requested and not latest.accepted and latest.state is not State.GONE else None

    def is_part(self, order: FulfillmentOrder) -> bool:
        """The ledger shows a larger order: an earlier invoice, or more allocated than is listed now."""
        if self._accepted:
            return True
        # ShipperOne has allocated whatever it lists as shipped, even if its answer is still under way or was lost
        made = [job for job in self.allocations if job.accepted or job.step is Step.CONFIRMING]
        rows = [item for job in made for item in job.order.items]
        families, allocated = Families(order.items, rows), _summed(rows)
        listed = {item_key(item): item.qty for item in order.items}
        if families.plain:
            return any(key not in listed or listed[key] < qty for key, qty in allocated.items())
        for root in {families.root(key) for key in allocated}:
            family = {key: qty for key, qty in allocated.items() if families.root(key) == root}
            there = [key for key in listed if families.root(key) == root]
            innermost = {key: qty for key, qty in family.items() if families.innermost(key)}
            # A bundle ships as its contents. Where none of these is listed, it ships as the bundle itself.
            wanted = innermost if any(key in innermost for key in there) else family
            compared = wanted if wanted is innermost else {key: qty for key, qty in wanted.items() if key in listed}
            if not there or any(listed.get(key, Decimal(0)) < qty for key, qty in compared.items()):
                return True
        return False

    def more_than_allocated(self, order: FulfillmentOrder) -> str | None:
        """A sentence if more of an item would be invoiced than the ledger has allocated of it; None if not.

        An item under an id that was never allocated is bounded by its SKU. The contents of a bundle are never invoiced
        beside the bundle, neither in one invoice nor in two.
        """
        invoiced = _summed(item for job in self._accepted for item in self._counted(job.order))
        rows = [item for job in self._accepted for item in job.order.items]
        families = Families([*rows, *order.items], self._known)
        for item in self._counted(order):
            limit = self._allocated.get(item_key(item))
            before = invoiced.get(item_key(item), Decimal(0))
            if limit is not None and before + item.qty > limit:
                return (
                    f"{names([item])}: {plain(limit)} allocated, {plain(before)} invoiced already, "
                    f"and {plain(item.qty)} more are listed"
                )
            if limit is None and (renamed := self._more_of_its_sku(item)):
                return renamed
            key = item_key(item)
            twice = [other for other in invoiced if families.within(other, key) or families.within(key, other)]
            if twice and price(item):
                other = names(row for row in {item_key(row): row for row in rows}.values() if item_key(row) in twice)
                return f"{names([item])}: {other} of the same bundle was invoiced already"
        return None

    def _more_of_its_sku(self, item: OrderItem) -> str | None:
        """The goods were invoiced already, under the id of their allocation or another one.

        Before the first invoice of its SKU nothing shows that the ledger holds all allocations of the order.
        """
        allocated, before = (
            sum((row.qty for job in jobs for row in self._counted(job.order) if row.sku == item.sku), Decimal(0))
            for jobs in ([job for job in self.allocations if job.accepted], self._accepted)
        )
        if not allocated or not before or before + item.qty <= allocated:
            return None
        return (
            f"{names([item])} was never allocated under this id: {plain(allocated)} of the SKU are allocated, "
            f"{plain(before)} are invoiced already, and {plain(item.qty)} more are listed"
        )

    @cached_property
    def _allocated(self) -> Mapping[str, Decimal]:
        return _summed(item for job in self.allocations if job.accepted for item in job.order.items)

    @cached_property
    def _known(self) -> Rows:
        return rows_in(self.allocations)

    @cached_property
    def _every_row(self) -> Rows:
        return rows_in(self.allocations, always=True)

    def _counted(self, order: FulfillmentOrder) -> Sequence[OrderItem]:
        in_others = any(item.parent_item_id is not None for item in order.items)
        return sort_out(order, self._rules, self._every_row if in_others else self._known).invoiced.items


def _summed(items: Iterable[OrderItem]) -> Mapping[str, Decimal]:
    """The quantity of each item."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for item in items:
        found[item_key(item)] += item.qty
    return found


def _goods(order: FulfillmentOrder) -> list[tuple[str, str, str]]:
    return sorted((item.sku, plain(item.qty), order.source_warehouse(item)) for item in order.items)


def _amounts(items: Iterable[OrderItem]) -> set[tuple[str, str]]:
    return {(str(item.item_id), plain(item.qty)) for item in items}
