"""Detects the same exception in successive hook calls: a fault of the connector, not of the affected orders.

With a leak of file handles, a full disk or a missing library every order's call raises, and each order would be held
for an operator. After `BURST` orders in a row the kind of call counts as broken, and a circuit breaker opens. The
affected orders wait, including those that were held before, and one of them at a time is a probe. A call for an order
that has not failed yet is still made: it may succeed after a row of failures, and a success closes the breaker.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind
from shipperone_erp.engine.circuit_breaker import CircuitBreaker
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.workflow.ports import Down

BURST = 5
"""Orders in a row, with no other result of that kind of call between them, from which the fault is the connector's."""

WITHIN = 3600.0
"""The seconds within which they must have failed."""

Fault = tuple[str, str]
"""The identity of an exception: its type, and its message without the order's own id and key."""


@dataclass(slots=True)
class _Calls:
    """The state of the calls of one kind."""

    breaker: CircuitBreaker
    fault: Fault | None = None
    failed: dict[str, float] = field(default_factory=dict)
    """Orders that raised `fault` since the last success, with their times."""
    held: dict[str, int] = field(default_factory=dict)
    """The jobs of those of them that were held before the breaker opened, by order."""
    suspects: dict[tuple[Fault, str], float] = field(default_factory=dict)
    """Orders that failed in an earlier burst: if one raises the same fault again, the fault is its own."""


class RepeatedExceptions:
    """The circuit breakers of one tenant's hooks, one for each kind of call."""

    def __init__(self, time: TimeSource, report: Callable[[str], None]) -> None:
        self._time = time
        self._report = report
        self._kinds: dict[EffectKind, _Calls] = {}
        self._innocent: set[int] = set()

    def admits(self, kind: EffectKind, order_id: str) -> Down | None:
        """None: proceed. Else the reason why this order waits, and until when."""
        calls = self._of(kind)
        return calls.breaker.admits() if order_id in calls.failed else None

    def raised(self, kind: EffectKind, job: Job, error: Exception) -> Down | None:
        """A hook raised an undeclared exception. None: it concerns this order alone, which is held."""
        calls, now, fault = self._of(kind), self._time.monotonic(), _fault(job, error)
        self._innocent.discard(job.id)
        if (seen := calls.suspects.pop((fault, job.order_id), None)) is not None and now - seen < WITHIN:
            return None
        is_open = calls.breaker.down is not None
        if fault != calls.fault:
            if is_open:
                return None
            calls.fault, calls.failed, calls.held = fault, {}, {}
        calls.failed = {order: at for order, at in calls.failed.items() if is_open or now - at < WITHIN}
        calls.failed[job.order_id] = now
        if not is_open and len(calls.failed) < BURST:
            calls.held[job.order_id] = job.id
            return None
        self._innocent |= {calls.held[order] for order in calls.failed.keys() & calls.held.keys()}
        calls.held = {}
        sentence = (
            f"the connector raised {_named(error)} in {kind} for {BURST} orders in a row: the cause is the connector "
            "or the machine, not these orders. They are retried automatically, one at a time; the traceback is in "
            f"`order show {job.order_id} --raw`"
        )
        if not is_open:
            self._report(f"{kind} is suspended: {sentence}")
        return calls.breaker.opened(Reason.CONNECTOR_BUG, sentence, Owner.IT)

    def answered(self, kind: EffectKind, job: Job) -> None:
        """A hook returned an answer, whatever its content."""
        self._innocent.discard(job.id)
        calls = self._kinds.get(kind)
        if calls is None:
            return
        if calls.breaker.down is not None:
            self._report(f"{kind} works again; the orders that waited for it resume")
            calls.breaker.closed()
            now = self._time.monotonic()
            recent = {one: seen for one, seen in calls.suspects.items() if now - seen < WITHIN}
            failed = {(calls.fault, order): now for order in calls.failed} if calls.fault else {}
            calls.suspects = {**recent, **failed}
        if calls.fault:
            calls.suspects.pop((calls.fault, job.order_id), None)
        calls.fault, calls.failed, calls.held = None, {}, {}

    def released(self, job: Job) -> bool:
        """The job is held for an exception that turned out to affect every order: it is retried."""
        return job.id in self._innocent

    def forget(self) -> None:
        """Reset: another connector takes over."""
        self._kinds.clear()

    def _of(self, kind: EffectKind) -> _Calls:
        return self._kinds.setdefault(kind, _Calls(CircuitBreaker(self._time)))


def _fault(job: Job, error: Exception) -> Fault:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, OSError) and error.errno is not None:
        return kind, str(error.errno)
    return kind, str(error).replace(job.key, "").replace(job.order_id, "")


def _named(error: Exception) -> str:
    """Without its message, which may hold personal data or secrets."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"{type(error).__name__} ({os.strerror(error.errno)})"
    return type(error).__name__
