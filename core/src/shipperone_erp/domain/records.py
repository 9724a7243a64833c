"""The ledger's records other than jobs, as frozen values, and the summaries of jobs for lists. Times are aware UTC."""

from dataclasses import dataclass
from datetime import datetime

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """The fields of a job that a list shows, each as in `Job`. Without order and invoice, a row is a tenth as long."""

    id: int
    tenant: str
    stage: Stage
    order_id: str
    item_ids: tuple[int | str, ...]
    key: str
    state: State
    step: Step
    reason: Reason | None
    sentence: str | None
    owner: Owner | None
    since: datetime
    attempts: int
    next_attempt_at: datetime | None
    reference: str | None
    url: str | None
    number: str | None
    compared: bool
    tax_compared: bool
    accepted_at: datetime | None
    inferred: bool
    erased_at: datetime | None
    adopted_at: datetime | None
    erp: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount:
    """The number of a tenant's unfinished jobs of a stage that share these fields, and when the first was listed."""

    tenant: str
    stage: Stage
    state: State
    reason: Reason | None
    owner: Owner | None
    accepted: bool
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect of a job outside the ledger. Without an outcome, from an earlier lease, its outcome is unknown."""

    id: int
    job_id: int
    kind: EffectKind
    key: str
    intent_at: datetime
    alone: bool = False
    request: str | None = None
    outcome: Outcome | None = None
    outcome_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class NumberHolder:
    """The invoice that has a number: the only data shown when another invoice has the same number.

    `issuer`: see `Invoice`.
    """

    number: str
    job_id: int
    tenant: str
    order_id: str
    key: str
    issuer: str | None = None

    def shares_series(self, issuer: str | None) -> bool:
        """A number is unique among the invoices of both issuers. True where one of them is not stated."""
        return self.issuer is None or issuer is None or self.issuer == issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action of an operator (or of the runtime, actor `runtime`) on a job or a tenant, or a note."""

    id: int
    at: datetime
    actor: str
    action: str
    tenant: str
    job_id: int | None = None
    note: str | None = None


RESTORED = "ledger restored"
"""The action on a tenant by which an operator states that the ledger is a copy of an earlier day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """A condition that raises an alert: since when it holds, when it was last seen, and when the alert was sent."""

    name: str
    since: datetime
    seen_at: datetime
    told_at: datetime | None
    claimed_at: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecord:
    """One queue of a tenant: when it was first and last read completely, whether it is live, whether it is paused."""

    tenant: str
    stage: Stage
    first_read_at: datetime | None = None
    live_at: datetime | None = None
    last_good_read_at: datetime | None = None
    paused_reason: Reason | None = None
    paused_sentence: str | None = None
    paused_at: datetime | None = None
    rules: int = 0
    """The newest set of rules whose consequences for this queue were logged; see `engine.upgrade_checks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """An operator has paused a stage: it begins no work until an operator resumes it."""

    tenant: str
    stage: Stage
    at: datetime
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """The store, connector and ERP of a tenant's rows in this ledger. A change of any of these stops that tenant."""

    base_url: str
    store_code: str
    connector: str
    identity: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act under a name (`acme/allocation`, or an exclusive name), with its fencing token."""

    name: str
    owner: str
    number: int
