"""What takes longer at a merchant than it should: goods that never ship, parcels that nobody invoices."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.overdue import overdue
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import words

LOOK_EVERY = timedelta(minutes=15)


class SlaMonitor:
    """Of one stage of one tenant, while a process serves it."""

    def __init__(self, settings: TenantSettings, stage: Stage, log: logging.Logger) -> None:
        self._settings = settings
        self._stage = stage
        self._log = log
        self._looked_until: datetime | None = None
        self._told: frozenset[int] = frozenset()

    def window(self, now: datetime) -> tuple[datetime | None, datetime] | None:
        """Between which times an allocation was confirmed that is to be looked at; None if it is not time yet.

        Each is looked at once when its time has come, and all of them when the process begins.
        """
        until = now - self._settings.ship_within
        after = self._looked_until
        if after is not None and until - after < LOOK_EVERY:
            return None
        self._looked_until = until
        return after, until

    def tell(self, unfinished: Iterable[Job], now: datetime) -> None:
        """One line for each order that has shipped and is not invoiced within `invoice_within`."""
        late = {job.id: job for job in unfinished if overdue(job, self._settings.invoice_within, now)}
        for job in late.values():
            if job.id not in self._told:
                self._log.warning(
                    "%s invoice %s has shipped and is not invoiced within %s (%s)", job.tenant, job.order_id,
                    words(self._settings.invoice_within), job.reason or job.state,
                )  # fmt: skip
        self._told = frozenset(late)
