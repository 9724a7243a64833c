"""A tenant's documents: the connector is asked for its list, ShipperOne for its queues, and the ledger is compared with
both. Changes nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from threading import Thread
from typing import TypeVar
from zoneinfo import ZoneInfo

from shipperone_erp.config import TenantSettings
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.hook_answers import Document, Refused, Transient
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Binding
from shipperone_erp.domain.run_outcome import Ending
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile.comparison import reconcile
from shipperone_erp.operations.reconcile.findings import NOTES, Compared, Shipped
from shipperone_erp.operations.reconcile.unlisted import QueuesRead, read_queues, shipped

AnswerT = TypeVar("AnswerT")

EARLIER = timedelta(hours=1)
"""The ERP is asked from so much before: its clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why one side's list could not be had, and the exit code that says so."""

    why: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found of a tenant since then; `shipped` is all that ShipperOne lists as shipped and not invoiced.

    `not_compared` where the ERP's list is missing in it, and `own` is then what the ledger alone has; `not_read` where
    ShipperOne's queues are.
    """

    settings: TenantSettings
    since: datetime
    found: Sequence[Compared]
    shipped: Sequence[Shipped] = ()
    not_compared: NotCompared | None = None
    not_read: NotCompared | None = None
    own: Sequence[Job] = ()

    @property
    def open(self) -> bool:
        """An operator has something to look at."""
        return any(one.finding is not None and one.finding not in NOTES for one in self.found)


def reconcile_since(settings: TenantSettings, day: date | None) -> datetime:
    """The beginning of that day in the tenant's zone; None is the first day of last month."""
    zone = ZoneInfo(settings.timezone)
    last_month = (utc_now().astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return datetime.combine(day or last_month, time(), zone)


def reconciled(ledger: Ledger, settings: TenantSettings, since: datetime, *, max_response: int) -> Reconciled:
    """Every document of the tenant since then. Blocking: it waits for the ERP, at most `hook_timeout` a call, and for
    ShipperOne."""
    asked_at = utc_now()
    listed = documents(ledger, settings, since)
    queues = _queues(settings, max_response)
    found = reconcile(
        ledger,
        settings.name,
        None if isinstance(listed, NotCompared) else listed,
        since=since,
        asked_at=asked_at,
        settings=settings,
        queues=None if isinstance(queues, NotCompared) else queues,
    )
    return Reconciled(
        settings,
        since,
        found,
        () if isinstance(queues, NotCompared) else shipped(settings, queues),
        listed if isinstance(listed, NotCompared) else None,
        queues if isinstance(queues, NotCompared) else None,
        ledger.find_jobs(tenant=settings.name, since=since) if isinstance(listed, NotCompared) else (),
    )


def documents(ledger: Ledger, settings: TenantSettings, since: datetime) -> list[Document] | NotCompared:
    """What the ERP lists as made since then, once it is known to be the ERP of this ledger. Blocking."""
    plugins = TenantPlugins.create(
        settings.name, settings.connector, settings.connector_settings, settings.policy_settings
    )
    try:
        identity = _within(settings, "say which database it is", plugins.identity)
        binding = Binding(settings.base_url, settings.store_code, settings.connector, identity)
        check_binding(ledger, settings.name, binding, settings.stages)
        return _listed(settings, plugins, since)
    finally:
        Thread(target=plugins.close, daemon=True).start()


def _queues(settings: TenantSettings, max_response: int) -> QueuesRead | NotCompared:
    try:
        return read_queues(settings, max_response=max_response)
    except ReadFailed as failure:
        return NotCompared(failure.sentence, Ending.PLATFORM)


def _listed(settings: TenantSettings, plugins: TenantPlugins, since: datetime) -> list[Document] | NotCompared:
    if "list_documents" not in plugins.offers:
        why = f"connector {settings.connector} keeps no list of its documents (list_documents)"
        return NotCompared(why, Ending.FAILED)
    try:
        return _within(settings, "list its documents", partial(plugins.list_documents, since - EARLIER))
    except Refused as said:
        ending = Ending.FAILED if said.reason == Reason.CONFIG_INCOMPLETE else Ending.ERP
        return NotCompared(said.sentence, ending)


def _within(settings: TenantSettings, what: str, call: Callable[[], AnswerT]) -> AnswerT:
    """The connector's answer. Transient if there is none within `hook_timeout`: the thread is left behind."""
    answered: Future[AnswerT] = Future()

    def ask() -> None:
        try:
            answered.set_result(call())
        except BaseException as raised:  # handed to whoever waits
            answered.set_exception(raised)

    Thread(target=ask, daemon=True, name=f"{settings.name}: {what}").start()
    within = settings.hook_timeout.total_seconds()
    try:
        return answered.result(within)
    except TimeoutError:
        if answered.done():
            raise
        raise Transient(f"{settings.name}: the ERP did not {what} within {within:g} s") from None
