"""Events of the work on orders, as values. Observers receive each after the fact."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import EffectKind, Outcome, Stage


@dataclass(frozen=True, slots=True)
class CycleEnded:
    """One read of a queue and the decisions from it; `listed`: the number of listed orders, None if the read failed."""

    tenant: str
    stage: Stage
    seconds: float
    good: bool
    listed: int | None


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """The jobs of a stage that had not ended at `at`, once a cycle was over. `invoice_within`: the tenant's setting."""

    tenant: str
    stage: Stage
    jobs: Sequence[Job]
    at: datetime
    invoice_within: timedelta


@dataclass(frozen=True, slots=True)
class OrderPlanned:
    """An order is about to be worked on."""

    tenant: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class OrderRests:
    """Work on an order has paused or ended: the job is done, waits, or is held."""

    tenant: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class StepEnded:
    """One effect at ShipperOne or in the ERP, from its intent at `at` to its outcome; `job` as it was before."""

    job: Job
    kind: EffectKind
    outcome: Outcome
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """One HTTP request to ShipperOne; `status` is None where no answer came."""

    tenant: str
    method: str
    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job before the change (None: it is new) and after it."""

    before: Job | None
    after: Job


Event = CycleEnded | WorkLeft | OrderPlanned | OrderRests | StepEnded | RequestEnded | JobChanged
Observer = Callable[[Event], None]
"""Called in the event loop. Must return at once."""
