"""The allocations of the jobs of a stage, as the newest plan read them from the ledger."""

from collections.abc import Iterable

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.absence import may_exist
from shipperone_erp.domain.hook_answers import Reservation
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reservations import Allocated, has_parts, reserved_items, reserved_rows, rows_in
from shipperone_erp.domain.states import State
from shipperone_erp.kernel.grouping import grouped


class Allocations:
    """Allocations by order; only reservations in the ERP of the identity `erp` are used."""

    def __init__(self, jobs: Iterable[Job], settings: TenantSettings, erp: str) -> None:
        self._settings = settings
        self._erp = erp
        self._of_orders = grouped(jobs, key=lambda job: job.order_id)

    def beside(self, job: Job) -> Allocated:
        """The allocations of the job's order."""
        made = self._of_orders.get(job.order_id, ())
        asked = any(one.open and not one.ended and one.reference is None and may_exist(one) for one in made)
        counted = tuple(one for one in made if one.state not in (State.GONE, State.SUPERSEDED))
        known = rows_in(counted, always=has_parts(job))
        reserving = [one for one in counted if one.reference is not None and one.erp in (None, self._erp)]
        # rows are read only where the listing does not contain them
        held = [row for one in reserving for row in reserved_rows(one, self._settings)] if known else []
        reservations = tuple(
            Reservation(one.key, one.reference, reserved_items(one, self._settings))
            for one in reserving
            if one.reference is not None
        )
        return Allocated(reservations, tuple(held), known, asked, counted)
