"""Polls the ledger at intervals and sends the changes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from shipperone_erp.config import Configuration
from shipperone_erp.config.alerts import Rule, quiet_hours, time_of_day
from shipperone_erp.domain.records import AlertRecord
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.alerts import messages
from shipperone_erp.operations.alerts.conditions import Condition, Conditions
from shipperone_erp.operations.alerts.delivery import Delivered, deliver, must_have_apprise
from shipperone_erp.operations.alerts.messages import Message
from shipperone_erp.operations.attention import attention

LOG = logging.getLogger("shipperone_erp")

DIGEST = "digest//"
"""The daily summary's key in the ledger; `told_at` is the time when the last one was sent."""


class AlertWatch:
    """The alerts of one configuration on one ledger. Blocking; one thread at a time."""

    def __init__(
        self,
        configuration: Configuration,
        ledger: Ledger,
        *,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """UsageError if a package that the settings need is not installed."""
        self._settings = configuration.runtime.alerts
        must_have_apprise(self._settings)
        self._ledger = ledger
        self._now = now
        self._conditions = Conditions(configuration, ledger, monotonic, self._settings)
        self._failing: set[str] = set()

    def tick(self) -> Message | None:
        """Look once and send the changes: the message that was sent, or None without any change."""
        at = self._now()
        present = {one.name: one for one in self._conditions.now(at)}
        self._ledger.see_alerts({name: one.sentence for name, one in present.items()}, at)
        known = {name: record for name, record in self._ledger.alerts().items() if name != DIGEST}
        self._digest(at, [record for record in known.values() if record.told_at is not None])
        begun = [name for name, record in known.items() if self._to_begin(record, present.get(name), at)]
        over = [name for name, record in known.items() if self._to_end(record, name in present, at)]
        self._ledger.forget_alerts([
            name for name, record in known.items() if record.told_at is None and name not in present
        ])  # fmt: skip
        mine = self._ledger.claim_alerts(begun, at, sent=False)
        ended = self._ledger.claim_alerts(over, at, sent=True)
        if not mine and not ended:
            return None
        message = messages.alert(_records(known, mine), _records(known, ended))
        if not self._delivered(message):
            return None  # the claim expires, and then it is sent again
        self._ledger.record_alerts_sent(mine, ended, at)
        return message

    def _to_begin(self, record: AlertRecord, condition: Condition | None, at: datetime) -> bool:
        due = record.told_at is None and condition is not None and at - record.since >= condition.after
        return due and not self._quiet(record, at)

    def _to_end(self, record: AlertRecord, present: bool, at: datetime) -> bool:
        due = record.told_at is not None and not present and at - record.seen_at >= self._settings.over_after
        return due and not self._quiet(record, at)

    def _quiet(self, record: AlertRecord, at: datetime) -> bool:
        """Whether quiet hours postpone it."""
        if self._settings.quiet is None or Rule(record.name.partition("/")[0]) in self._settings.urgent:
            return False
        begin, end = quiet_hours(self._settings.quiet)
        clock = at.astimezone(ZoneInfo(self._settings.timezone)).time()
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    def _digest(self, at: datetime, open_alerts: list[AlertRecord]) -> None:
        """Send the summary once a day; the first one on the day after alerts were set up, or later on the same day."""
        if self._settings.digest is None:
            return
        known = self._ledger.alerts().get(DIGEST)
        if known is None or known.told_at is None:
            self._ledger.see_alerts({DIGEST: "the daily summary"}, at)
            self._ledger.record_alerts_sent([DIGEST], [], at)
            return
        if known.told_at >= _last_due(
            at, self._settings.digest, ZoneInfo(self._settings.timezone)
        ) or not self._ledger.claim_alerts([DIGEST], at, sent=True):
            return
        listed, done, _ = self._ledger.listed_between(at - timedelta(days=1), at)
        if self._delivered(messages.digest(attention(self._ledger.counts()), open_alerts, done, listed)):
            self._ledger.record_alerts_sent([DIGEST], [], at)

    def _delivered(self, message: Message) -> bool:
        """Whether any delivery succeeded. A failing way is logged when it begins to fail, not with each message."""
        came = deliver(self._settings, message)
        for one in came:
            if one.why is None:
                self._failing.discard(one.to)
            elif one.to not in self._failing:
                self._failing.add(one.to)
                LOG.warning("alerts: %s: %s; the message is sent again later", one.to, one.why)
        return any(one.why is None for one in came)


def _last_due(at: datetime, clock: str, zone: ZoneInfo) -> datetime:
    """When the newest daily summary was due, in UTC: of two times of one zone, Python compares what their clocks show,
    and a clock that is put forward never shows a time of that hour.
    """
    day = at.astimezone(zone).date()
    today, yesterday = (
        datetime.combine(one, time_of_day(clock), zone).astimezone(UTC) for one in (day, day - timedelta(days=1))
    )
    return today if today <= at else yesterday


def test(configuration: Configuration) -> list[Delivered]:
    """Send a test message by every configured way."""
    must_have_apprise(configuration.runtime.alerts)
    return deliver(configuration.runtime.alerts, messages.test())


def _records(known: dict[str, AlertRecord], names: set[str]) -> list[AlertRecord]:
    """The records, with the most urgent rule first."""
    ranks = [rule.value for rule in Rule]
    chosen = [known[name] for name in names]
    return sorted(chosen, key=lambda record: (ranks.index(record.name.partition("/")[0]), record.name))


async def watch(alerts: AlertWatch, every: timedelta, stopping: asyncio.Event) -> None:
    """Call `tick` at intervals until `stopping`; its errors end nothing else."""
    while not stopping.is_set():
        try:
            await asyncio.to_thread(alerts.tick)
        except LedgerError as error:
            LOG.warning("alerts: the ledger cannot be used: %s", error)
        except Exception:
            LOG.exception("alerts: a fault; alerts continue, and orders are not affected")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every.total_seconds())


@asynccontextmanager
async def watching(configuration: Configuration, ledger: Ledger) -> AsyncIterator[None]:
    """A context manager. Alerts are sent inside it, if there is a recipient and the ledger can be written."""
    if not configuration.runtime.alerts.wanted or ledger.read_only:
        yield
        return
    stopping = asyncio.Event()
    alerts = AlertWatch(configuration, ledger)
    task = asyncio.create_task(watch(alerts, configuration.runtime.alerts.every, stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait({task}, timeout=5)
