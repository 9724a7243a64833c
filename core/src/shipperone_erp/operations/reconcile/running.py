"""Reconciles a tenant: compares the ERP's documents and ShipperOne's queues with the ledger. Changes nothing."""

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
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.hook_answers import Document, Refused, Transient
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Binding
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile.erp_comparison import reconcile
from shipperone_erp.operations.reconcile.finding_kinds import NOTES, Compared, Shipped
from shipperone_erp.operations.reconcile.unlisted import QueuesRead, read_queues, shipped

AnswerT = TypeVar("AnswerT")

EARLIER = timedelta(hours=1)
"""The ERP's list starts this much earlier, since its clock may be slow."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """The reason for one side's missing list, with its exit code."""

    why: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result for a tenant since then; `shipped` are all orders that ShipperOne lists as shipped and not invoiced.

    `not_compared` is set if the ERP's list is missing; then `own` has the ledger's jobs. `not_read` is set if
    ShipperOne's queues are missing.
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
        """Whether any finding needs an operator."""
        return any(one.finding is not None and one.finding not in NOTES for one in self.found)


def reconcile_since(settings: TenantSettings, day: date | None) -> datetime:
    """The start of that day in the tenant's time zone; None is the first day of last month."""
    zone = ZoneInfo(settings.timezone)
    last_month = (utc_now().astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return datetime.combine(day or last_month, time(), zone)


def reconciled(ledger: Ledger, settings: TenantSettings, since: datetime, *, max_response: int) -> Reconciled:
    """Every document of the tenant since then. Blocking: waits for ShipperOne, and for the ERP.

    Each call of the ERP takes at most `hook_timeout`.
    """
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
    """The ERP's list of documents since then, once its identity matches this ledger. Blocking."""
    plugins = TenantPlugins.create(
        settings.name, settings.connector, settings.connector_settings, settings.policy_settings
    )
    try:
        identity = _within(settings, "report its identity", plugins.identity)
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
        why = f"connector {settings.connector} cannot list its documents (list_documents)"
        return NotCompared(why, Ending.FAILED)
    try:
        return _within(settings, "list its documents", partial(plugins.list_documents, since - EARLIER))
    except Refused as error:
        ending = Ending.FAILED if error.reason == Reason.CONFIG_INCOMPLETE else Ending.ERP
        return NotCompared(error.sentence, ending)


def _within(settings: TenantSettings, what: str, call: Callable[[], AnswerT]) -> AnswerT:
    """The connector's answer. Transient if there is none within `hook_timeout`; then its thread is abandoned."""
    answered: Future[AnswerT] = Future()

    def ask() -> None:
        try:
            answered.set_result(call())
        except BaseException as raised:  # passed on to the caller
            answered.set_exception(raised)

    Thread(target=ask, daemon=True, name=f"{settings.name}: {what}").start()
    within = settings.hook_timeout.total_seconds()
    try:
        return answered.result(within)
    except TimeoutError:
        if answered.done():
            raise
        raise Transient(f"{settings.name}: the ERP did not {what} within {within:g} s") from None
