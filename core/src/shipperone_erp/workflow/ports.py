"""The ports of a stage of one tenant: its hooks, its ledger, ShipperOne's queue. The engine implements these."""

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
    """The ERP is unavailable or refuses the login, or a hook raises for every order; it is probed again at `until`.

    No order's attempts count meanwhile.
    """

    reason: Reason
    sentence: str
    owner: Owner
    until: datetime


class Contention(Transient):
    """Calls of other orders occupy all connections: nothing was sent, and the ERP is healthy.

    The call is made again after `retry_after`, without back-off, and no order's attempts count.
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
        """None if this call may be made now (or is itself the probe), else the reason and the next probe's time."""

    def raised(self, kind: EffectKind, job: Job, error: Exception) -> Down | None:
        """Report an undeclared exception of a hook. None: hold this job. Else every order raises it, and this one
        waits.
        """

    def answered(self, kind: EffectKind, job: Job) -> None:
        """Report that a hook answered for that job, with any answer."""


class EffectLog(Protocol):
    """The ledger under this stage's lease. Writes are committed in the order in which they are made."""

    async def record_intent(
        self, job: Job, kind: EffectKind, *, request: str | None = None, alone: bool = False
    ) -> Effect:
        """Commit the job and the intent of an effect; returns once both are safe. LeaseLost: do nothing."""

    def record_outcome(self, effect: Effect, outcome: Outcome, answer: str | None, job: Job | None = None) -> None:
        """Record the outcome; committed no later than the next intent, together with `job`, if given."""

    def insert(self, job: Job) -> None:
        """Record a new job; committed no later than its first intent."""

    def save(self, job: Job) -> None:
        """Record the job; committed no later than the next intent."""

    def restamp(self, job: Job) -> None:
        """Record the fingerprint and the text of the job's order as they are read now; committed as `save`."""


class StagePorts(Protocol):
    """The ports of a stage of one tenant."""

    @property
    def settings(self) -> TenantRules: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def effect_log(self) -> EffectLog: ...
    @property
    def erp(self) -> str:
        """The identity of the ERP that references belong to."""

    async def holder_of_number(self, number: str, job: Job) -> NumberHolder | None:
        """The job with another key whose invoice has that number in the same ERP, by the same issuer; None if there is
        none.
        """

    def newest(self, order_id: str) -> Listed | None:
        """The order as the newest read shows it; None if it is not listed, or not readable."""

    async def fresh(self, order_id: str) -> Listed | None:
        """The order as a read shows it that begins after this call; None if it is not listed. ReadFailed if the read
        fails.
        """

    async def post(self, order: FulfillmentOrder, fingerprint: str) -> PostAnswer | None:
        """Confirm this stage of the order at ShipperOne, once; it never repeats automatically.

        To be called within `turn_to_confirm`. None, and nothing is sent, if the newest read shows another fingerprint.
        LeaseLost, and nothing is sent, if another process took over the lease.
        """

    def turn_to_confirm(self) -> AbstractAsyncContextManager[float | None]:
        """Wait until no read needs an unchanged queue, and until ShipperOne's rate limit allows a confirmation.

        The confirmation must end within the context. Its value is the number of seconds to wait, if they are too many
        to wait here; nothing may be sent then.
        """

    def recorded(self, order: FulfillmentOrder) -> Recorded:
        """The jobs that count beside a listing of the order: from the newest plan, with all later notes."""

    def note(self, job: Job) -> None:
        """ShipperOne has answered a confirmation of the job, or its outcome is unknown: from now on it counts beside
        others.
        """

    def sales_order(self, number: str | None) -> AbstractAsyncContextManager[None]:
        """Serialise the confirmations of one sales order's invoices; without a number it never waits."""

    def body(self, order: FulfillmentOrder) -> str:
        """The text that `post` sends for this order."""

    @property
    def stopping(self) -> bool:
        """No work may begin: the process is shutting down, or an operator has paused this stage."""

    def token_refused(self) -> str | None:
        """The reason not to confirm now: ShipperOne refuses the token. None: proceed (or this call is the probe)."""

    def firewall_blocks(self) -> str | None:
        """The reason not to confirm now: a firewall refuses every order. None: proceed (or this call is the probe)."""

    def firewall_refused(self, order_id: str, sentence: str) -> bool:
        """A firewall has answered the confirmation of that order. True if it refuses every order."""

    def pause_platform(self, sentence: str) -> None:
        """ShipperOne refuses the token: the tenant pauses, its orders do not fail."""

    def platform_answers(self) -> None:
        """ShipperOne has answered a confirmation, with any status that shows that the token is valid."""

    def now(self) -> datetime: ...
    @property
    def clock_moved(self) -> timedelta:
        """The total interval by which jumps of the machine's clock have moved `now`."""

    def changed(self, before: Job | None, after: Job) -> None:
        """Called after every change of a job's state, for logs and progress."""

    def redact(self, text: str) -> str:
        """The text with asterisks in place of secrets."""
