"""Deletes expired records from the service's ledger: in small transactions, by one process only."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from shipperone_erp.config import RuntimeSettings
from shipperone_erp.domain.records import Lease
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.lease_keeper import LeaseKeeper
from shipperone_erp.kernel.backoff import spread
from shipperone_erp.kernel.errors import LeaseHeldElsewhere, LeaseLost, LedgerError
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.retention import Removed, Terms

FIRST_AFTER = 30.0
"""Seconds after the start: orders come first."""

EVERY = 3600.0
"""Seconds between two runs."""

PAUSE = 0.25
"""Seconds between two of its transactions, in which the queues are served."""

LEASE = "retention"

SET_FAR = timedelta(days=1)
"""A clock that is set further than this makes everything look expired at once; it may be set back as suddenly."""

BELIEVED_AFTER = 24 * 3600.0
"""Seconds for which such a clock must run on before anything is deleted by it: what is deleted is gone."""


def stood_since(now: datetime, keep: timedelta) -> datetime:
    """Jobs that ended before this moment have been kept for `keep`.

    The days count from the end of the month (in UTC) in which a job ended: a closed month is audited as a whole. Only
    this function decides when a month may be deleted.
    """
    return (now - keep).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class Retention:
    """One for a service. Of several services on one ledger, the holder of the lease deletes."""

    def __init__(
        self, ledger: Ledger, keeper: LeaseKeeper, settings: RuntimeSettings, time: TimeSource, log: logging.Logger
    ) -> None:
        self._ledger = ledger
        self._keeper = keeper
        self._settings = settings
        self._time = time
        self._log = log
        self._lease: Lease | None = None
        self._clock = StageClock(time)
        self._believed_from = time.elapsed()

    async def serve(self) -> None:
        """Run until cancelled. Cancelling loses nothing: the next run finds the expired records again."""
        await self._time.sleep(FIRST_AFTER)
        while True:
            try:
                await self.look()
            except LeaseHeldElsewhere:
                pass  # another process does it
            except LeaseLost:
                self._lease = None
            except LedgerError as failure:
                self._log.warning("retention: %s; retried within the hour", failure)
            except Exception:  # a bug here must neither end retention for good, nor affect the queues
                self._log.exception("retention: this is a bug in shipperone-erp; retried within the hour")
            await self._time.sleep(spread(EVERY, 0.1))

    async def look(self) -> Removed:
        """Delete all expired records. LeaseHeldElsewhere if another process does it.

        Nothing for a day after the clock was set far while this process ran.
        """
        if abs(jump := self._clock.jumped()) > SET_FAR:
            self._believed_from = self._time.elapsed() + BELIEVED_AFTER
            self._log.warning(
                "retention: this machine's clock was set by %+d day(s): for 24 hours nothing is deleted. Check the "
                "clock; if it is wrong, set it right before then",
                jump.days,
            )
        if self._time.elapsed() < self._believed_from:
            return Removed()
        if self._lease is None:
            self._lease = await self._keeper.take(LEASE)
        removed = Removed()
        while True:
            await self._keeper.check(self._lease)
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
