"""The service removes from its ledger what has stood for its days: a little at a time, and one process alone."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from shipperone_erp.config import RuntimeSettings
from shipperone_erp.domain.records import Lease
from shipperone_erp.engine.lease_keeper import LeaseKeeper
from shipperone_erp.kernel.backoff import spread
from shipperone_erp.kernel.errors import LeaseHeldElsewhere, LeaseLost, LedgerError
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.retention import Removed, Terms

FIRST_AFTER = 30.0
"""Seconds after the start: first come the orders."""

EVERY = 3600.0
"""Seconds between two looks."""

PAUSE = 0.25
"""Seconds between two of its transactions: the queues are served meanwhile."""

LEASE = "retention"


def stood_since(now: datetime, keep: timedelta) -> datetime:
    """What came to rest before this moment has stood for `keep`.

    The days count from the end of the month (in UTC) in which a job came to rest: a month is looked at as a whole when
    it is closed. This is the one place that says when a month may go.
    """
    return (now - keep).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class Retention:
    """One for a service. Of several on one ledger the one that holds the lease does it, as long as it lives."""

    def __init__(
        self, ledger: Ledger, keeper: LeaseKeeper, settings: RuntimeSettings, time: TimeSource, log: logging.Logger
    ) -> None:
        self._ledger = ledger
        self._keeper = keeper
        self._settings = settings
        self._time = time
        self._log = log
        self._lease: Lease | None = None

    async def serve(self) -> None:
        """Until it is cancelled, which loses nothing: what is due is found again."""
        await self._time.sleep(FIRST_AFTER)
        while True:
            try:
                await self.look()
            except LeaseHeldElsewhere:
                pass  # another process does it
            except LeaseLost:
                self._lease = None
            except LedgerError as failure:
                self._log.warning("retention: %s; it is tried again within the hour", failure)
            except Exception:  # a fault of ours here must not end it for good, nor touch the queues
                self._log.exception("retention: this is a fault of shipperone-erp; it is tried again within the hour")
            await self._time.sleep(spread(EVERY, 0.1))

    async def look(self) -> Removed:
        """Remove all that has stood for its days. LeaseHeldElsewhere if that is another process's business."""
        if self._lease is None:
            self._lease = await self._keeper.take(LEASE)
        removed = Removed()
        while True:
            await self._keeper.stands(self._lease)
            now = self._time.now()
            some = await asyncio.to_thread(self._ledger.remove_old, self._terms(now), now)
            if some == Removed():
                break
            removed += some
            await self._time.sleep(PAUSE)
        if removed != Removed():
            self._log.info(
                "retention: personal data of %d job(s) and %d error text(s) erased, %d job(s) deleted",
                removed.bodies, removed.errors, removed.jobs,
            )  # fmt: skip
        return removed

    def _terms(self, now: datetime) -> Terms:
        keep = self._settings
        return Terms(
            errors=stood_since(now, keep.keep_errors),
            bodies=stood_since(now, keep.keep_bodies),
            jobs=stood_since(now, keep.keep_jobs),
            invoices=stood_since(now, keep.keep_invoices),
        )
