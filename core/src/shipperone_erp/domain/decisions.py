"""The possible decisions of planning about an order, each with the text that `--dry-run` prints for it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State, Step


@dataclass(frozen=True, slots=True)
class Start:
    """Create a new job and work on it at once."""

    job: Job

    def words(self) -> str:
        return f"would {_from_its_beginning(self.job)}"


@dataclass(frozen=True, slots=True)
class StartHeld:
    """Create a new job that an operator must release first; the job already carries its reason."""

    job: Job

    def words(self) -> str:
        return f"would be held, {self.job.reason}: {self.job.sentence}"


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue a job from its current step. `heals`: the reason that held it no longer applies."""

    job: Job
    heals: bool = False

    def words(self) -> str:
        if self.job.step is Step.NEW:
            return f"would {_from_its_beginning(self.job)}"
        return f"would continue {self.job.key} from step {self.job.step}"


@dataclass(frozen=True, slots=True)
class Supersede:
    """Undo a job that no longer matches its listing, then start its successor from the listing (None: do not start
    yet).
    """

    job: Job
    successor: Start | StartHeld | None

    def words(self) -> str:
        then = f" and start again as {self.successor.job.key}" if self.successor else ""
        # a job whose undo has begun already was undone for another reason, such as an operator's `order retry`
        why = ", because the order has changed" if self.job.ending is None else ""
        return f"would undo {self.job.key}{why}{then}"


@dataclass(frozen=True, slots=True)
class Restamp:
    """Record the fingerprint and text of the same order, which this version reads differently; then decide `then`."""

    job: Job
    then: "Decision"

    def words(self) -> str:
        return self.then.words()


@dataclass(frozen=True, slots=True)
class RecordObservation:
    """Only record in the ledger what this read has shown."""

    job: Job
    why: str

    def words(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class PutOnHold:
    """Hold the job for an operator."""

    job: Job
    reason: Reason
    sentence: str
    owner: Owner

    def words(self) -> str:
        return f"would be held, {self.reason}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class ConfirmByInference:
    """Count it as confirmed: two reads prove that ShipperOne has accepted it, by our call or by somebody else's."""

    job: Job
    why: str

    def words(self) -> str:
        return f"would count as confirmed: {self.why}"


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Send the confirmation again: two reads show that the call with the unknown outcome had no effect."""

    job: Job

    def words(self) -> str:
        return "would send the confirmation again: ShipperOne still lists exactly this"


@dataclass(frozen=True, slots=True)
class TreatAsRefused:
    """Count the confirmation as refused: ShipperOne denied it in a 2xx, and two reads show that it had no effect."""

    job: Job

    def words(self) -> str:
        return f"would count as refused: ShipperOne still lists exactly this, and denied it: {self.job.refusal}"


@dataclass(frozen=True, slots=True)
class End:
    """The order is over: release or discard its documents, then end the job as `state`, for the reason `why`."""

    job: Job
    state: State
    why: str = "the order left ShipperOne's queue"

    def words(self) -> str:
        return f"would release its documents in the ERP: {self.why}"


@dataclass(frozen=True, slots=True)
class RecoverFromErp:
    """The order left the queue and the ledger does not show why: query the ERP by key whether it was issued."""

    job: Job

    def words(self) -> str:
        return f"would look up {self.job.key} in the ERP"


@dataclass(frozen=True, slots=True)
class NoAction:
    """Do nothing now. `wants_proof`: only a read that proves absence can change that."""

    order_id: str
    why: str
    wants_proof: bool = False

    def words(self) -> str:
        return self.why


Decision = (
    Start
    | StartHeld
    | Continue
    | Supersede
    | Restamp
    | RecordObservation
    | PutOnHold
    | ConfirmByInference
    | SendAgain
    | TreatAsRefused
    | End
    | RecoverFromErp
    | NoAction
)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The decisions of a cycle about one order, and in words what it would do; `run --dry-run` shows them."""

    tenant: str
    stage: Stage
    order_id: str
    would: str
    decisions: tuple[Decision, ...] = ()


def _from_its_beginning(job: Job) -> str:
    if job.stage is Stage.ALLOCATION:
        return f"reserve {len(job.item_ids)} item(s) and confirm the allocation"
    return f"build the invoice of {len(job.item_ids)} item(s), confirm it and issue it"


def order_of(decision: Decision) -> str:
    """The id of the order that a decision is about."""
    return decision.order_id if isinstance(decision, NoAction) else decision.job.order_id


def moved_decision(decision: Decision, by: timedelta) -> Decision:
    """The decision, with its job's times moved by the same interval as the clock."""
    if isinstance(decision, NoAction):
        return decision
    if isinstance(decision, Restamp):
        decision = replace(decision, then=moved_decision(decision.then, by))
    return replace(decision, job=decision.job.moved(by))


def listed_items(order: FulfillmentOrder) -> tuple[int | str, ...]:
    """The ids of an order's items, in its order."""
    return tuple(item.item_id for item in order.items)
