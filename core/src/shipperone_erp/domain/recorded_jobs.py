"""The ledger's jobs beside one listing of an order to be invoiced: the other side of every amount check."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_digest
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage, State, Step


@dataclass(frozen=True, slots=True)
class Recorded:
    """The jobs that count beside a listing.

    `allocations` of this order that ShipperOne has accepted or may have; `invoices` of this order that it has accepted.
    `elsewhere`: the same of the other fulfillment orders of the sales order, both stages. `unsettled`: invoices of
    those whose confirmation has an unknown outcome.
    """

    allocations: tuple[Job, ...] = ()
    invoices: tuple[Job, ...] = ()
    elsewhere: tuple[Job, ...] = ()
    unsettled: tuple[Job, ...] = ()

    @classmethod
    def of(
        cls,
        order: FulfillmentOrder,
        jobs: Iterable[Job],
        *,
        base_url: str,
        store_code: str,
    ) -> Self:
        """Select from jobs of both stages, of this order and of others; those that do not count are left out."""
        known = sorted({job.id: job for job in jobs}.values(), key=lambda job: job.id)
        others = [
            job
            for job in known
            if job.order_id != order.order_id
            and job.order_number == order.order_number is not None
            and of_store(job, base_url, store_code)
        ]
        own = [job for job in known if job.order_id == order.order_id]
        return cls(
            allocations=tuple(job for job in own if allocated(job)),
            invoices=tuple(job for job in own if invoiced(job)),
            elsewhere=tuple(job for job in others if allocated(job) or invoiced(job)),
            unsettled=tuple(job for job in others if may_be_invoiced(job)),
        )

    @property
    def invoiced_elsewhere(self) -> tuple[Job, ...]:
        """The accepted invoices of the sales order's other fulfillment orders."""
        return tuple(job for job in self.elsewhere if job.stage is Stage.INVOICE)

    @property
    def allocated_elsewhere(self) -> tuple[Job, ...]:
        """The allocations of the sales order's other fulfillment orders."""
        return tuple(job for job in self.elsewhere if job.stage is Stage.ALLOCATION)

    def as_if_settled(self) -> "Recorded":
        """The same, with every confirmation of unknown outcome counted as accepted."""
        return replace(self, elsewhere=(*self.elsewhere, *self.unsettled), unsettled=())


def allocated(job: Job) -> bool:
    """ShipperOne has allocated it, or may have: its answer is under way or was lost."""
    if job.stage is not Stage.ALLOCATION:
        return False
    return job.accepted or (job.step is Step.CONFIRMING and job.state not in (State.GONE, State.SUPERSEDED))


def invoiced(job: Job) -> bool:
    """An invoice that ShipperOne has accepted."""
    return job.stage is Stage.INVOICE and job.accepted


def name_of(job: Job) -> str:
    """'invoice 1001', by its number, its reference or its key."""
    return f"invoice {job.number or job.reference or job.key}"


def may_be_invoiced(job: Job) -> bool:
    """An invoice that ShipperOne may have accepted: the outcome of its confirmation is unknown."""
    return job.stage is Stage.INVOICE and job.lost_at is not None and not job.accepted and not job.ended


def to_be_checked(job: Job) -> bool:
    """An invoice that is not accepted: its amounts are checked before it is built, and again before it is sent."""
    return job.stage is Stage.INVOICE and not job.accepted and not job.ended and job.ending is None


def of_store(job: Job, base_url: str, store_code: str) -> bool:
    """The job belongs to an order of that store; the tenant may have been bound to another one before."""
    return job.content == content_digest(base_url, store_code, job.stage, job.order)


class RecordedJobs:
    """Jobs of a tenant's store, indexed by order and by sales order."""

    def __init__(self, base_url: str, store_code: str, jobs: Iterable[Job] = ()) -> None:
        self._base_url, self._store_code = base_url, store_code
        self._of_orders: dict[str, dict[int, Job]] = defaultdict(dict)
        self._of_sales_orders: dict[str, dict[int, Job]] = defaultdict(dict)
        for job in jobs:
            self.note(job)

    def note(self, job: Job) -> None:
        """Record the current version of the job in place of an earlier one."""
        self._of_orders[job.order_id][job.id] = job
        if job.order_number is not None:
            self._of_sales_orders[job.order_number][job.id] = job

    def beside(self, order: FulfillmentOrder) -> Recorded:
        """The jobs that count beside a listing of that order."""
        found = [*self._of_orders.get(order.order_id, {}).values()]
        if order.order_number is not None:
            found += self._of_sales_orders.get(order.order_number, {}).values()
        return Recorded.of(order, found, base_url=self._base_url, store_code=self._store_code)
