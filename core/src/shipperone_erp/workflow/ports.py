"""What a stage of one tenant works with: its hooks, its ledger, ShipperOne's queue. The runtime implements these."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shipperone_erp.domain.hook_answers import Document, Done, Invoice, Pending, Reserved, Shortage, Transient, Voided
from shipperone_erp.domain.hook_requests import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    IssueInvoice,
    Mismatch,
    ReleaseStock,
    ReserveStock,
    Resolution,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.post_answer import PostAnswer
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.recorded_jobs import Recorded
from shipperone_erp.domain.records import Effect, NumberHolder
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import EffectKind, Outcome


@dataclass(frozen=True, slots=True)
class Down:
    """The ERP is away or refuses our login, or a hook raises for every order; it is probed again at `until`.

    No order's attempts count meanwhile.
    """

    reason: Reason
    sentence: str
    owner: Owner
    until: datetime


class Contention(Transient):
    """Calls of other orders keep this one waiting: nothing was sent, and nothing is wrong with the ERP.

    It is made again after `retry_after`, without back-off, and no order's attempts count.
    """


class Hooks(Protocol):
    """The connector's hooks, awaitable: each runs in a thread, with its deadline (past it: `Unknown`)."""

    @property
    def offers(self) -> frozenset[str]: ...
    async def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided: ...
    async def release_stock(self, request: ReleaseStock) -> Done | Pending: ...
    async def before_build(self, request: BuildInvoice) -> BuildInvoice: ...
    async def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided: ...
    async def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided: ...
    async def discard_invoice(self, request: DiscardInvoice) -> Done | Pending: ...
    async def deliver(self, request: Deliver) -> Done | Pending: ...
    async def handle_mismatch(self, mismatch: Mismatch) -> Resolution: ...
    async def list_documents(self, since: datetime) -> list[Document]: ...
    def down(self, kind: EffectKind, order_id: str) -> Down | None:
        """None if this may be asked now (or is to be probed by this very call), else why and until when not."""
        ...

    def raised(self, kind: EffectKind, job: Job, error: Exception) -> Down | None:
        """A hook raised what it should not. None: hold this job. Else every order meets it, and this one waits."""
        ...

    def answered(self, kind: EffectKind, job: Job) -> None:
        """A hook gave an answer for that job, whatever it said."""
        ...


class EffectLog(Protocol):
    """The ledger under this stage's lease. Writes are committed in the order in which they are made."""

    async def record_intent(
        self, job: Job, kind: EffectKind, *, request: str | None = None, alone: bool = False
    ) -> Effect:
        """Commit the job as it is and the intent of an effect; returns once both are safe. LeaseLost: do nothing."""
        ...

    def record_outcome(self, effect: Effect, outcome: Outcome, answer: str | None, job: Job | None = None) -> None:
        """Record the outcome; committed no later than the next intent, and with `job` as it then is, if given."""
        ...

    def insert(self, job: Job) -> None:
        """Record a new job; committed no later than its first intent."""
        ...

    def save(self, job: Job) -> None:
        """Record the job as it is; committed no later than the next intent."""
        ...

    def restamp(self, job: Job) -> None:
        """Record the fingerprint and the text of the job's order as it is read now; committed as `save`."""
        ...


class StagePorts(Protocol):
    """What a stage of one tenant works with."""

    @property
    def settings(self) -> TenantRules: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def effect_log(self) -> EffectLog: ...
    @property
    def erp(self) -> str:
        """The identity of the ERP: what a reference is of."""
        ...

    async def holder_of_number(self, number: str, job: Job) -> NumberHolder | None:
        """The job under another key than this one's whose invoice has that number in the same ERP."""
        ...

    def newest(self, order_id: str) -> Listed | None:
        """The order as the newest read shows it; None if that does not list it, or not readably."""
        ...

    async def fresh(self, order_id: str) -> Listed | None:
        """The order as a read shows it that begins after this call. ReadFailed if that cannot be had."""
        ...

    async def post(self, order: FulfillmentOrder, fingerprint: str) -> PostAnswer | None:
        """Confirm this stage of the order at ShipperOne, once; it never repeats by itself.

        To be called within `turn_to_confirm`. None, and nothing is sent, if the newest read shows another fingerprint.
        LeaseLost, and nothing is sent, if this process was replaced while it stood still.
        """
        ...

    def turn_to_confirm(self) -> AbstractAsyncContextManager[float | None]:
        """Wait until no read needs the queue still, and until ShipperOne's rate limit lets a confirmation go out.

        The confirmation must end within the context. It gives the seconds to wait, if they are too many to wait here;
        nothing may be sent then.
        """
        ...

    def recorded(self, order: FulfillmentOrder) -> Recorded:
        """What counts beside a listing of the order: as the newest plan read it, and as it was noted since."""
        ...

    def note(self, job: Job) -> None:
        """ShipperOne has answered a confirmation of the job, or the answer was lost: it counts beside others now."""
        ...

    def sales_order(self, number: str | None) -> AbstractAsyncContextManager[None]:
        """Invoices of one sales order are confirmed one at a time; without a number nothing is waited for."""
        ...

    def body(self, order: FulfillmentOrder) -> str:
        """The text that `post` sends for this order."""
        ...

    @property
    def stopping(self) -> bool:
        """Nothing new begins: the process is asked to stop, or a person has paused this stage."""
        ...

    def token_refused(self) -> str | None:
        """Why nothing is confirmed now: ShipperOne refuses the token. None: go ahead (or probe by this very call)."""
        ...

    def firewall_blocks(self) -> str | None:
        """Why nothing is confirmed now: a firewall refuses every order. None: go ahead (or probe by this very call)."""
        ...

    def firewall_refused(self, order_id: str, sentence: str) -> bool:
        """A firewall has answered the confirmation of that order. True if it refuses every order."""
        ...

    def pause_platform(self, sentence: str) -> None:
        """ShipperOne refuses the token: the tenant pauses, its orders do not fail."""
        ...

    def platform_answers(self) -> None:
        """ShipperOne has answered a confirmation, whatever it said: the token is taken."""
        ...

    def now(self) -> datetime: ...
    @property
    def clock_moved(self) -> timedelta:
        """By how much jumps of the machine's clock have moved `now` so far."""
        ...

    def backoff(self, attempts: int) -> timedelta:
        """Exponential, with jitter."""
        ...

    def changed(self, before: Job | None, after: Job) -> None:
        """Told of every change of a job's state, for logs and progress."""
        ...

    def redact(self, text: str) -> str:
        """The text with asterisks in the place of secrets."""
        ...
