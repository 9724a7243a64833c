"""What the ledger holds beside jobs, as frozen values, and jobs as lists show them. Times are aware UTC."""

from dataclasses import dataclass
from datetime import datetime

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """The fields of a job that a list shows, each as in `Job`. Without the order and the invoice a row is a tenth."""

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
    """How many unfinished jobs of a tenant and stage are alike in these fields, and when the first was listed."""

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
    """Something done outside the ledger for a job. Without an outcome, from an earlier lease, it is unknown."""

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
    """Whose invoice has a number: all that is to be said of it when another one has the same."""

    tenant: str
    order_id: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a person (or the runtime, actor `runtime`) did or noted about a job or a tenant."""

    id: int
    at: datetime
    actor: str
    action: str
    tenant: str
    job_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """A condition that alerts tell of: since when, when it was last seen, and when somebody was told."""

    name: str
    since: datetime
    seen_at: datetime
    told_at: datetime | None
    claimed_at: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecord:
    """One queue of a tenant: when it was first and last read whole, whether it is live, whether it is paused."""

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
    """A person has paused a stage: it begins nothing, until a person lets it go on."""

    tenant: str
    stage: Stage
    at: datetime
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a tenant's rows in this ledger are about; another answer to any of these stops that tenant."""

    base_url: str
    store_code: str
    connector: str
    identity: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act under a name (`acme/allocation`, or an exclusive name), with its fencing number."""

    name: str
    owner: str
    number: int
