"""A tenant's documents: the connector is asked for its list, and the ledger is compared with it. Changes nothing."""

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
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Binding
from shipperone_erp.domain.run_outcome import Ending
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reconcile import NOTES, Compared, reconcile

AnswerT = TypeVar("AnswerT")

EARLIER = timedelta(hours=1)
"""The ERP is asked from so much before: its clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why there is no list of the ERP's, and the exit code that says so."""

    why: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found of a tenant since then; `not_compared` where only the ledger's own half is in it."""

    settings: TenantSettings
    since: datetime
    found: Sequence[Compared]
    not_compared: NotCompared | None = None

    @property
    def open(self) -> bool:
        """An operator has something to look at."""
        return any(one.finding is not None and one.finding not in NOTES for one in self.found)


def reconcile_since(settings: TenantSettings, day: date | None) -> datetime:
    """The beginning of that day in the tenant's zone; None is the first day of last month."""
    zone = ZoneInfo(settings.timezone)
    last_month = (utc_now().astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return datetime.combine(day or last_month, time(), zone)


def reconciled(ledger: Ledger, settings: TenantSettings, since: datetime) -> Reconciled:
    """Every document of the tenant since then. Blocking: it waits for the ERP, at most `hook_timeout` a call."""
    asked_at = utc_now()
    plugins = TenantPlugins.create(
        settings.name, settings.connector, settings.connector_settings, settings.policy_settings
    )
    try:
        identity = _within(settings, "say which database it is", plugins.identity)
        binding = Binding(settings.base_url, settings.store_code, settings.connector, identity)
        check_binding(ledger, settings.name, binding, settings.stages)
        listed = _listed(settings, plugins, since)
    finally:
        Thread(target=plugins.close, daemon=True).start()
    documents = None if isinstance(listed, NotCompared) else listed
    found = reconcile(ledger, settings.name, documents, since=since, asked_at=asked_at, settings=settings)
    return Reconciled(settings, since, found, listed if isinstance(listed, NotCompared) else None)


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
