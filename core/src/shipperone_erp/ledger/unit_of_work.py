"""What can be written to the ledger, as frozen values, and the entries in which they are committed.

What a job is about never changes: its id, tenant, stage, order, content, occurrence, fingerprint, `order_json`,
`item_ids`, `order_number` and `first_listed_at` are written once, by InsertJob; UpdateJob writes every other field.
The same order read in another way has another fingerprint and text, which only Restamp writes. (What `retention` erases
of it is no write of a stage, and never one of a job that is worked on; whether it is `taken` is kept apart.)
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Action, Binding, Effect, Lease, QueueRecord
from shipperone_erp.domain.states import EffectKind, Outcome, Stage


@dataclass(frozen=True, slots=True)
class InsertJob:
    """A new job. OpenJobExists if its order already has an open one in that stage."""

    job: Job

    @property
    def label(self) -> str:
        return f"insert:{self.job.state}"


@dataclass(frozen=True, slots=True)
class UpdateJob:
    """A job as it is now. Refused if the ledger does not hold it."""

    job: Job

    @property
    def label(self) -> str:
        return f"update:{self.job.state}:{self.job.step}"


@dataclass(frozen=True, slots=True)
class Restamp:
    """The fingerprint and the text of a job's order as it is read now. Refused if the ledger does not hold the job."""

    job: Job

    @property
    def label(self) -> str:
        return "restamp"


@dataclass(frozen=True, slots=True)
class ClaimJob:
    """Until ReleaseJob nobody else changes this job. Refused if it is not as it was, or is claimed already."""

    job: Job

    @property
    def label(self) -> str:
        return "take"


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """A job that was taken is everybody's again; of one that was not, nothing is changed."""

    job_id: int

    @property
    def label(self) -> str:
        return "let go"


@dataclass(frozen=True, slots=True)
class ReleaseAllJobs:
    """What an earlier process had taken of a tenant's stage is everybody's again."""

    tenant: str
    stage: Stage

    @property
    def label(self) -> str:
        return "let all go"


@dataclass(frozen=True, slots=True)
class RecordIntent:
    """The intent of an effect."""

    effect: Effect

    @property
    def label(self) -> str:
        return f"intent:{self.effect.kind}"


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """The outcome of an effect; `kind` is only for the label. Refused if the ledger does not hold the intent."""

    effect_id: int
    outcome: Outcome
    at: datetime
    answer: str | None
    kind: EffectKind | None = None

    @property
    def label(self) -> str:
        return f"outcome:{self.kind}" if self.kind else "outcome"


@dataclass(frozen=True, slots=True)
class Record:
    """An action or a note, with who did it."""

    action: Action

    @property
    def label(self) -> str:
        return f"action:{self.action.action}"


@dataclass(frozen=True, slots=True)
class SaveQueue:
    """What is known of a queue of a tenant, in place of what was."""

    record: QueueRecord

    @property
    def label(self) -> str:
        return f"queue:{self.record.stage}"


@dataclass(frozen=True, slots=True)
class SaveBinding:
    """What a tenant's rows are about, in place of what was."""

    tenant: str
    binding: Binding

    @property
    def label(self) -> str:
        return "binding"


@dataclass(frozen=True, slots=True)
class FirstBinding:
    """What a tenant's rows are about from now on; a binding that is there already stays as it is."""

    tenant: str
    binding: Binding

    @property
    def label(self) -> str:
        return "binding:first"


Write = (
    InsertJob | UpdateJob | Restamp | ClaimJob | ReleaseJob | ReleaseAllJobs | RecordIntent | RecordOutcome | Record
    | SaveQueue | SaveBinding | FirstBinding
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What was handed over in one call: committed whole or not at all, and nothing if its lease was lost."""

    writes: tuple[Write, ...]
    lease: Lease | None
    future: Future[None] = field(default_factory=Future)

    @property
    def label(self) -> str:
        """`intent:reserve`, `outcome:confirm`, …: that of the effect in it, else of its first write."""
        effects = (write.label for write in self.writes if isinstance(write, RecordIntent | RecordOutcome))
        return next(effects, self.writes[0].label)

    def settle(self, error: Exception | None) -> None:
        """Tell whoever waits how it ended; only the first word counts."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)
