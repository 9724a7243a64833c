"""A tenant's hooks, awaitable: threads, deadlines, exclusive names, batches. The `Hooks` of `workflow.ports`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from shipperone_erp.connector.api import STOCK_HOOKS
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.hook_answers import (
    AuthFailed,
    Done,
    Pending,
    Transient,
    Unknown,
)
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
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind
from shipperone_erp.engine.circuit_breaker import ErpBreaker
from shipperone_erp.engine.crash_isolation import CrashIsolation
from shipperone_erp.engine.document_cache import ListedDocuments
from shipperone_erp.engine.hook_threads import HookThreads
from shipperone_erp.engine.named_locks import ExclusiveNames
from shipperone_erp.engine.repeated_exceptions import RepeatedExceptions
from shipperone_erp.engine.shared_limits import SharedLimit
from shipperone_erp.kernel.backoff import spread
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.workflow.ports import Contention, Down

AnswerT = TypeVar("AnswerT")
RequestT = TypeVar("RequestT", ReserveStock, BuildInvoice, IssueInvoice, Deliver)

GATHER = 0.005
"""Seconds for which a batch waits for further requests."""


@dataclass(frozen=True, slots=True)
class HookBreakers:
    """The circuit breakers of hook calls: the ERP's, and those of each kind of call."""

    erp: ErpBreaker
    bursts: RepeatedExceptions


@dataclass(frozen=True, slots=True)
class CallTerms:
    """`deadline` of one call in seconds, the `line` of a stage's waiting calls, the time source, a rate limit."""

    deadline: float
    line: str
    time: TimeSource
    limit: SharedLimit | None = None


class HookExecutor:
    """All hooks of one tenant. Every call takes a slot; one that changes stock also the connector's exclusive name."""

    def __init__(
        self,
        plugins: TenantPlugins,
        threads: HookThreads,
        breakers: HookBreakers,
        exclusives: ExclusiveNames,
        crash_isolation: CrashIsolation,
        terms: CallTerms,
    ) -> None:
        self.plugins = plugins
        self.offers = plugins.offers
        self._threads = threads
        self._breakers = breakers
        self._exclusives = exclusives
        self._crash_isolation = crash_isolation
        self._terms = terms
        self.alone = crash_isolation.mine
        self.list_documents = ListedDocuments(
            partial(self.call, "list_documents", plugins.list_documents), terms.time
        ).since
        self.reserve_stock = Batch(self, "reserve_stock", plugins.reserve_stock, plugins.reserve_stock_batch).ask
        self.build_invoice = Batch(self, "build_invoice", plugins.build_invoice, plugins.build_invoice_batch).ask
        self.issue_invoice = Batch(self, "issue_invoice", plugins.issue_invoice, plugins.issue_invoice_batch).ask
        self.deliver = Batch(self, "deliver", plugins.deliver, plugins.deliver_batch).ask
        self.raised = breakers.bursts.raised
        self.answered = breakers.bursts.answered
        self.released = breakers.bursts.released

    def down(self, kind: EffectKind, order_id: str) -> Down | None:
        return self._breakers.bursts.admits(kind, order_id) or self._breakers.erp.admits()

    async def before_build(self, request: BuildInvoice) -> BuildInvoice:
        return await self._think(self.plugins.before_build, request) if self.plugins.rewrites else request

    async def release_stock(self, request: ReleaseStock) -> Done | Pending:
        return await self.call("release_stock", self.plugins.release_stock, request)

    async def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        return await self.call("discard_invoice", self.plugins.discard_invoice, request)

    async def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        try:
            return await self._think(self.plugins.handle_mismatch, mismatch)
        except (Unknown, Transient):
            sentence = f"handle_mismatch returned no answer within {self._terms.deadline:g} s"
            return Resolution.hold(Reason.CONNECTOR_BUG, sentence, Owner.IT)

    async def _think(self, function: Callable[[Any], AnswerT], argument: Any) -> AnswerT:
        """A hook that decides and changes nothing: its failures do not affect the ERP's circuit breaker."""
        async with self._crash_isolation.shared():
            return await self._threads.run(function, argument, deadline=self._terms.deadline, line=self._terms.line)

    async def _named(self, name: str) -> Callable[[], None]:
        """Take the exclusive name, with a time-out: a suspect that is retried alone makes all other calls wait."""
        try:
            async with asyncio.timeout(self._terms.deadline):
                return await self._exclusives.acquire(name)
        except TimeoutError:
            sentence = (
                f"calls of other orders held the exclusive lock {name} for {self._terms.deadline:g} s; "
                "this call is repeated"
            )
            # at random: callers that timed out together would collide again
            raise Contention(sentence, spread(self._terms.deadline / 2, 0.5)) from None

    async def call(self, hook: str, function: Callable[[Any], AnswerT], argument: Any) -> AnswerT:
        """One call in a thread. The result updates the ERP's circuit breaker; the answer is returned unchanged."""
        name = self.plugins.exclusive() if hook in STOCK_HOOKS else None
        if self._terms.limit is not None and (wait := await self._terms.limit.admit(self._terms.deadline)) is not None:
            raise Contention("the rate limit of this ERP is used up; this call is repeated", wait)
        async with self._crash_isolation.shared():
            release = await self._named(name) if name else lambda: None
            try:
                answer = await self._threads.run(
                    function, argument, deadline=self._terms.deadline, line=self._terms.line, returned=release
                )
            except (Transient, AuthFailed) as failure:
                self._breakers.erp.failed(failure)
                raise
            except Unknown:
                raise
            except Exception:
                self._breakers.erp.succeeded()
                raise
        away = _away(answer)
        for one in away:
            self._breakers.erp.failed(one)
        if not away:
            self._breakers.erp.succeeded()
        return answer


def _away(answer: object) -> list[Transient | AuthFailed]:
    """The failures of a batch's answer, if every key reports that the ERP is unavailable; else none."""
    answers = list(answer.values()) if isinstance(answer, dict) else []
    failures = [one for one in answers if isinstance(one, Transient | AuthFailed)]
    return failures if len(failures) == len(answers) else []


class Batch(Generic[RequestT, AnswerT]):
    """Gathers requests of one hook for its batch form; without that form each is sent by itself."""

    def __init__(
        self,
        calls: HookExecutor,
        hook: str,
        single: Callable[[RequestT], AnswerT],
        many: Callable[[tuple[RequestT, ...]], dict[str, AnswerT | Exception]],
    ) -> None:
        self._calls = calls
        self._hook = hook
        self._single: Callable[[RequestT], AnswerT] = single
        self._many: Callable[[tuple[RequestT, ...]], dict[str, AnswerT | Exception]] = many
        self._waiting: list[tuple[RequestT, asyncio.Future[AnswerT]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, request: RequestT) -> AnswerT:
        """The answer to this request, by either form."""
        if f"{self._hook}_batch" not in self._calls.offers or self._calls.alone():  # never batched
            return await self._calls.call(self._hook, self._single, request)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[AnswerT] = loop.create_future()
        self._waiting.append((request, answer))
        if len(self._waiting) >= self._calls.plugins.batch_size:
            self._send()
        elif len(self._waiting) == 1:
            loop.call_later(GATHER, self._send)
        return await answer

    def _send(self) -> None:
        chunk, self._waiting = self._waiting, []
        if chunk:
            task = asyncio.get_running_loop().create_task(self._answer(chunk))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, chunk: list[tuple[RequestT, asyncio.Future[AnswerT]]]) -> None:
        answers: dict[str, AnswerT | Exception]
        try:
            requests = tuple(request for request, _ in chunk)
            answers = await self._calls.call(f"{self._hook}_batch", self._many, requests)
        except (Transient, AuthFailed, Unknown) as failure:
            answers = {request.key: failure for request, _ in chunk}
        except Exception:  # one bad request must not fail the others: each is retried alone
            answers = {request.key: await self._alone(request) for request, _ in chunk}
        for request, future in chunk:
            if future.done():
                continue
            answer = answers[request.key]
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _alone(self, request: RequestT) -> AnswerT | Exception:
        try:
            return await self._calls.call(self._hook, self._single, request)
        except Exception as raised:  # raised again in the one job that it concerns
            return raised
