"""Calls hooks as core does: checked answers, a deadline, many at once. Errors become a `Finding`."""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

from shipperone_erp.domain.hook_answers import ConnectorError, Pending, Transient, seconds
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.kernel.errors import ContractViolation
from shipperone_erp.testing.findings import Finding

ResultT = TypeVar("ResultT")

PAUSE = 0.02
"""Seconds between two calls while an answer is pending."""


def in_time(act: Callable[[], ResultT], what: str, deadline: float, *, may_raise: bool = True) -> ResultT:
    """The result, or an exception of the contract; Finding if it takes too long, or fails in any other way.

    `may_raise`: exceptions of the contract are permitted; otherwise they are findings too.
    """
    ended: queue.SimpleQueue[tuple[ResultT | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((act(), None))
        except BaseException as raised:  # passed to the waiting caller, SystemExit included
            ended.put((None, raised))

    threading.Thread(target=run, name=f"kit: {what}", daemon=True).start()
    try:
        result, error = ended.get(timeout=deadline)
    except queue.Empty:
        raise Finding(f"{what} did not end within {deadline:g} s: set a time-out for every call to the ERP") from None
    if error is None:
        return result  # type: ignore[return-value]
    if isinstance(error, Finding) or (may_raise and isinstance(error, ConnectorError)):
        raise error
    if isinstance(error, ContractViolation):
        raise Finding(str(error)) from error
    raise Finding(f"{what} raised {type(error).__name__}: {error}\n{where(error)}") from error


def where(error: BaseException) -> str:
    """The end of the traceback within the connector's own code, for the author."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _inner(frame.filename)]
    return "".join(traceback.format_list(frames[-3:])).rstrip()


def _inner(file: str) -> bool:
    """Whether it is code of the kit, or of the libraries by which it calls hooks."""
    parts = PurePath(file).parts
    return (
        "pluggy" in parts
        or parts[-3:-1] == ("shipperone_erp", "testing")
        or parts[-2:] == ("shipperone_erp", "plugins.py")
    )


def answered(ask: Callable[[], ResultT], what: str, deadline: float, advance: Callable[[], None]) -> ResultT:
    """The hook's answer, once the ERP's own jobs have completed a pending one."""
    ends = time.monotonic() + deadline
    while True:
        answer = in_time(ask, what, deadline)
        if not (isinstance(answer, Pending) and answer.reason == Reason.ERP_PENDING):
            return answer
        if time.monotonic() > ends:
            raise Finding(f"{what} still answers Pending after {deadline:g} s: {answer.sentence}")
        advance()
        time.sleep(min(seconds(answer.retry_after) or PAUSE, 1.0))


def at_once(acts: Sequence[Callable[[], Any]], what: str, deadline: float) -> list[Any]:
    """The answers to concurrent calls; a `Transient` is called again, as by core.

    Finding if a call raises anything else.
    """
    gate = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        ends = time.monotonic() + deadline
        try:
            gate.wait(deadline)
            while True:
                try:
                    answers[number] = act()
                    return
                except Transient:
                    if time.monotonic() > ends:
                        raise
                    time.sleep(PAUSE)
        except BaseException as raised:  # reported below, in the thread of the case
            answers[number] = raised

    threads = [threading.Thread(target=run, args=pair, name=f"kit: {what}", daemon=True) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * deadline)
    if any(thread.is_alive() for thread in threads):
        raise Finding(f"{what}, {len(acts)} times at once, did not end within {2 * deadline:g} s")
    for answer in answers:
        if isinstance(answer, Finding | ContractViolation):
            raise Finding(f"{what}, {len(acts)} times at once: {answer}")
        if isinstance(answer, BaseException):
            sentence = f"{what}, {len(acts)} times at once, raised {type(answer).__name__}: {answer}\n{where(answer)}"
            raise Finding(sentence) from answer
    return answers
