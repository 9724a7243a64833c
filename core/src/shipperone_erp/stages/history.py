"""What the ledger holds of one order beside what is listed of it now: how much was allocated, invoiced, repeated.

Only the rows that are invoiced count: the second listing of a bundle's goods is neither allocated nor invoiced.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from shipperone_erp.ledger.records import Job
from shipperone_erp.model.keys import plain
from shipperone_erp.model.order import FulfillmentOrder, OrderItem
from shipperone_erp.model.work import State, Step
from shipperone_erp.reasons import Reason
from shipperone_erp.sanitizer import label
from shipperone_erp.stages.goods import Rules, names, parents_in, sort_out


class History:
    """The jobs of an order in one stage, and (for the invoice stage) its allocations."""

    def __init__(self, rules: Rules, jobs: Collection[Job], allocations: Collection[Job] = ()) -> None:
        self.jobs = jobs
        self._rules = rules
        self._accepted = [job for job in jobs if job.accepted]
        self._allocations = allocations

    def confirmed_before(self, order: FulfillmentOrder) -> Job | None:
        """The newest confirmed job that has one of these items in the very same quantity; None if there is none."""
        wanted = _amounts(self._counted(order))
        for job in sorted(self._accepted, key=lambda job: job.id, reverse=True):
            if wanted & _amounts(self._counted(job.order)):
                return job
        return None

    def the_same(self, before: FulfillmentOrder, now: FulfillmentOrder) -> str:
        """'2 of MUG (item 1), …': what both list in the very same quantity."""
        known = _amounts(self._counted(before))
        same = [item for item in self._counted(now) if (str(item.item_id), plain(item.qty)) in known]
        return ", ".join(f"{plain(item.qty)} of {label(item.sku)} (item {item.item_id})" for item in same)

    def repeated(self, content: str) -> Job | None:
        """The newest job, if a person has said `order repeat` of it and it began anew: it need not be said again."""
        latest = max(self.jobs, key=lambda job: job.id)
        said = latest.occurrence > 1 and latest.content == content and latest.reason is not Reason.LISTED_AGAIN
        return latest if said and not latest.accepted and latest.state is not State.GONE else None

    def is_part(self, order: FulfillmentOrder) -> bool:
        """The ledger shows a larger order: an earlier invoice, or more allocated than is listed now."""
        if self._accepted:
            return True
        listed = {str(item.item_id): item.qty for item in self._counted(order)}
        # what ShipperOne lists as shipped it has allocated, even if its answer is still on its way or was lost
        allocated = self._quantities(job for job in self._allocations if job.accepted or job.step is Step.CONFIRMING)
        return any(listed.get(item_id, Decimal(0)) < qty for item_id, qty in allocated.items())

    def more_than_allocated(self, order: FulfillmentOrder) -> str | None:
        """A sentence if more of an item would be invoiced than the ledger has allocated of it; None if not."""
        invoiced = self._quantities(self._accepted)
        for item in self._counted(order):
            limit = self._allocated.get(str(item.item_id))
            before = invoiced.get(str(item.item_id), Decimal(0))
            if limit is not None and before + item.qty > limit:
                return (
                    f"{names([item])}: {plain(limit)} allocated, {plain(before)} invoiced already, "
                    f"and {plain(item.qty)} more are listed"
                )
        return None

    @cached_property
    def _allocated(self) -> Mapping[str, Decimal]:
        return self._quantities(job for job in self._allocations if job.accepted)

    @cached_property
    def _parents(self) -> frozenset[str]:
        return parents_in(self._allocations)

    def _counted(self, order: FulfillmentOrder) -> Sequence[OrderItem]:
        return sort_out(order, self._rules, self._parents).invoiced.items

    def _quantities(self, jobs: Iterable[Job]) -> Mapping[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for job in jobs:
            for item in self._counted(job.order):
                found[str(item.item_id)] += item.qty
        return found


def _amounts(items: Iterable[OrderItem]) -> set[tuple[str, str]]:
    return {(str(item.item_id), plain(item.qty)) for item in items}
