"""The possible writes to the ledger, as frozen values, and the entries in which they are committed.

A job's identity never changes: its id, tenant, stage, order, content, occurrence, fingerprint, `order_json`,
`item_ids`, `order_number` and `first_listed_at` are written once, by InsertJob; UpdateJob writes every other field. The
same order read differently has another fingerprint and text, which only Restamp writes. (An erasure by `retention` is
no write of a stage, and never concerns a job that is worked on; `taken` is written separately.)
"""

from dataclasses import dataclass
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Action, Binding, Effect, Lease, QueueRecord
from shipperone_erp.domain.states import Outcome, Stage


@dataclass(frozen=True, slots=True)
class InsertJob:
    """A new job. OpenJobExists if its order already has an open one in that stage."""

    job: Job


@dataclass(frozen=True, slots=True)
class UpdateJob:
    """The current state of a job. Refused if the ledger does not hold it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Restamp:
    """The fingerprint and the text of a job's order as read now. Refused if the ledger does not hold the job."""

    job: Job


@dataclass(frozen=True, slots=True)
class ClaimJob:
    """Until ReleaseJob no other process changes this job. Refused if it has changed, or is claimed already."""

    job: Job


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """Release a claimed job; does nothing for one that is not claimed."""

    job_id: int


@dataclass(frozen=True, slots=True)
class ReleaseAllJobs:
    """Release all jobs of a tenant's stage that an earlier process had claimed."""

    tenant: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class RecordIntent:
    """The intent of an effect."""

    effect: Effect


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """The outcome of an effect. Refused if the ledger does not hold the intent."""

    effect_id: int
    outcome: Outcome
    at: datetime
    answer: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """An action or a note, with its actor."""

    action: Action


@dataclass(frozen=True, slots=True)
class SaveQueue:
    """Replace the record of a queue of a tenant."""

    record: QueueRecord


@dataclass(frozen=True, slots=True)
class QueueRead:
    """A complete read of a queue at that time. Does nothing if its record was written since `before` was read."""

    before: QueueRecord
    at: datetime


@dataclass(frozen=True, slots=True)
class SaveBinding:
    """Replace the binding of a tenant's rows."""

    tenant: str
    binding: Binding


@dataclass(frozen=True, slots=True)
class FirstBinding:
    """The first binding of a tenant's rows; an existing binding is unchanged."""

    tenant: str
    binding: Binding


Write = (
    InsertJob | UpdateJob | Restamp | ClaimJob | ReleaseJob | ReleaseAllJobs | RecordIntent | RecordOutcome | Record
    | SaveQueue | QueueRead | SaveBinding | FirstBinding
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Entry:
    """The writes of one call: committed completely or not at all, and not if its lease was lost."""

    writes: tuple[Write, ...]
    lease: Lease | None
    ended: bool = False
    """It is committed, or (`error`) it has failed."""
    error: Exception | None = None

    def settle(self, error: Exception | None) -> None:
        """Record its end; only the first call counts."""
        if not self.ended:
            self.ended, self.error = True, error
