"""The present conditions that need attention, from the ledger: by rule and tenant, never by order."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.config.alerts import AlertSettings, Rule
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import JobCount, QueueRecord
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import words
from shipperone_erp.ledger.leases import LeaseRecord
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.attention import needs_operator
from shipperone_erp.operations.stalled_stages import silence


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that an alert is about. `name` is constant as long as it lasts; the sentence may change.

    `after`: how long it must last before an alert is sent.
    """

    rule: Rule
    tenant: str
    about: str
    sentence: str
    after: timedelta = timedelta()

    @property
    def name(self) -> str:
        """The key of the alert in the ledger."""
        return f"{self.rule.value}/{self.tenant}/{self.about}"[:250]


class Conditions:
    """The conditions of one configuration and one ledger."""

    def __init__(
        self, configuration: Configuration, ledger: Ledger, monotonic: Callable[[], float], alerts: AlertSettings
    ) -> None:
        self._configuration = configuration
        self._ledger = ledger
        self._alerts = alerts
        self._monotonic = monotonic
        self._heartbeats: dict[str, tuple[int, int, float]] = {}

    def now(self, at: datetime) -> list[Condition]:
        """All present conditions of the rules that are on. Blocking; reads the ledger only."""
        found = [*self._of_stages(at), *self._of_orders(at)]
        return [one for one in found if one.rule not in self._alerts.off]

    def _of_stages(self, at: datetime) -> Iterator[Condition]:
        queues = {(record.tenant, record.stage): record for record in self._ledger.queues()}
        leases = {lease.name: lease for lease in self._ledger.leases()}
        paused = {(pause.tenant, pause.stage) for pause in self._ledger.pauses()}
        for tenant, settings in self._configuration.tenants.items():
            for stage in settings.stages:
                if (tenant, stage) in paused:
                    continue  # an operator has paused it on purpose
                record, lease = queues.get((tenant, stage)), leases.get(f"{tenant}/{stage}")
                yield from self._of_stage(settings, stage, record, lease, at)
        for problem in self._configuration.problems:
            if problem.tenant is not None:
                sentence = f"{problem.tenant} is not served, its configuration is incomplete: {problem}"
                yield Condition(Rule.NOTHING_SERVED, problem.tenant, "configuration", sentence)

    def _of_stage(
        self,
        settings: TenantSettings,
        stage: Stage,
        record: QueueRecord | None,
        lease: LeaseRecord | None,
        at: datetime,
    ) -> Iterator[Condition]:
        tenant, rules = settings.name, self._alerts
        if record is not None and record.paused_reason is Reason.PLATFORM_AUTH:
            sentence = f"{tenant}: ShipperOne refuses the token for pending_{stage}: {record.paused_sentence}"
            yield Condition(Rule.TOKEN_REFUSED, tenant, stage, sentence)
            return
        unserved = self._unserved(settings, stage, record, lease, at)
        if unserved is not None:
            yield Condition(Rule.NOTHING_SERVED, tenant, stage, unserved, rules.nothing_served)
            return  # an unread queue is a consequence of this
        read_at = record.last_good_read_at if record else None
        since = read_at or (lease.taken_at if lease else None)
        longest = max(rules.last_good_cycle, 3 * settings.poll_interval)
        if since is not None and at - since > longest:
            last = f"last read completely at {since:%Y-%m-%d %H:%M} UTC" if read_at else "never read completely"
            why = f": {record.paused_sentence}" if record and record.paused_sentence else ""
            sentence = f"{tenant}: pending_{stage} was {last}, more than {words(longest)} ago{why}"
            yield Condition(Rule.LAST_GOOD_CYCLE, tenant, stage, sentence)

    def _unserved(
        self,
        settings: TenantSettings,
        stage: Stage,
        record: QueueRecord | None,
        lease: LeaseRecord | None,
        at: datetime,
    ) -> str | None:
        if lease is None or lease.owner is None:
            return f"{settings.name}: no process serves {stage}: its orders are not processed"
        if self._still_for(lease) > 3 * self._configuration.runtime.lease.total_seconds():
            return f"{settings.name}: {lease.served_by} served {stage} and has no heartbeat any more"
        return silence(record, lease, settings, at)

    def _still_for(self, lease: LeaseRecord) -> float:
        """Seconds since this process has observed a change of the lease's heartbeat; 0 at the first look."""
        now = self._monotonic()
        number, heartbeat, since = self._heartbeats.get(lease.name, (-1, -1, now))
        if (number, heartbeat) != (lease.number, lease.heartbeat):
            self._heartbeats[lease.name] = (lease.number, lease.heartbeat, now)
            return 0.0
        return now - since

    def _of_orders(self, at: datetime) -> Iterator[Condition]:
        held: dict[tuple[str, Owner], list[JobCount]] = {}
        late: set[str] = set()
        for alike in self._ledger.counts():
            if needs_operator(alike) and alike.owner in self._alerts.owners:
                held.setdefault((alike.tenant, alike.owner or Owner.IT), []).append(alike)
            if alike.reason is Reason.ERP_AUTH:
                sentence = f"{alike.tenant}: the ERP refuses the login; the tenant's orders wait"
                yield Condition(Rule.TOKEN_REFUSED, alike.tenant, f"erp/{alike.stage}", sentence)
            if alike.accepted and alike.stage is Stage.INVOICE:
                late.add(alike.tenant)
        for (tenant, owner), those in held.items():
            yield Condition(Rule.HELD, tenant, owner, _held(tenant, owner, those))
        for tenant in sorted(late & self._configuration.tenants.keys()):
            yield from self._not_issued(tenant, at)

    def _not_issued(self, tenant: str, at: datetime) -> Iterator[Condition]:
        before = at - self._alerts.accepted_not_issued
        jobs = [
            job
            for job in self._ledger.accepted_before(tenant, Stage.INVOICE, before)
            if job.accepted_at and job.accepted_at <= before and not (job.invoice and job.invoice.issued)
        ]
        if jobs:
            oldest = min(job.accepted_at for job in jobs if job.accepted_at)
            span = words(self._alerts.accepted_not_issued)
            sentence = (
                f"{tenant}: {_orders(len(jobs))} accepted by ShipperOne more than {span} ago and not issued in the "
                f"ERP, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
            )
            yield Condition(Rule.ACCEPTED_NOT_ISSUED, tenant, "invoice", sentence)


def _held(tenant: str, owner: Owner, those: list[JobCount]) -> str:
    reasons: Counter[str] = Counter()
    for alike in those:
        reasons[alike.reason.value if alike.reason else "without a reason"] += alike.count
    sentence = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(5))
    oldest = min(alike.oldest for alike in those)
    named = NAMES.get(owner, f"the {owner.value}")
    return (
        f"{tenant}: {_orders(reasons.total())} for {named} ({sentence}), the oldest listed {oldest:%Y-%m-%d %H:%M} UTC"
    )


NAMES: Mapping[Owner, str] = {Owner.IT: "IT", Owner.SHIPPERONE: "the people of ShipperOne"}


def _orders(count: int) -> str:
    return f"{count} order{'' if count == 1 else 's'}"
