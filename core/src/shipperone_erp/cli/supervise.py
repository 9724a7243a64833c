"""`run --supervised N`: asks before each order, until the operator permits all others without a question."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import typer

from shipperone_erp.cli.logs import ROOT
from shipperone_erp.cli.options import print_text
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.cli.tables import print_paragraphs
from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.domain.exit_codes import Ended, Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.dry_run import foresee
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import go_live, job_actions
from shipperone_erp.operations.stock_overview import ask, goods_of
from shipperone_erp.operations.supervised_orders import Candidate, Look, became, look, shown

NOBODY = Selection(frozenset({""}))
"""Selects no order: listed orders are recorded, but not processed."""

SETTLE_FOR = timedelta(seconds=90)


class Stopped(Exception):
    """The operator has stopped; orders not begun are unchanged."""


def supervise(loaded: Configuration, tenants: Sequence[str], count: int) -> bool:
    """Ask about the first `count` orders of each kind; True once the operator permits the rest without a question."""
    chosen = [settings for name, settings in loaded.tenants.items() if not tenants or name in tenants]
    try:
        for settings in chosen:
            _Supervised(loaded, settings, count).run()
    except Stopped:
        print_text("stopped: no further order was started. `run --supervised` resumes with the next question")
        return False
    return True


class _Supervised:
    """One tenant. Between two questions no lease, ledger or connection is open."""

    def __init__(self, loaded: Configuration, settings: TenantSettings, count: int) -> None:
        self._loaded = loaded
        self._count = count
        approve = settings.approve if settings.fiscal_first else ("invoice",)
        self._settings = settings.model_copy(update={"go_live": "ask", "approve": approve})
        self._skipped: set[tuple[Stage, str]] = set()
        self._resumed: set[tuple[Stage, str]] = set()
        self._asked = 0

    def run(self) -> None:
        """Ask until the operator permits all orders. Raises Stopped otherwise."""
        with _without_changes():  # each listed order would be a line of its own before the first question
            self._act(self._settings.stages, NOBODY)
        listed = len(self._look().candidates)
        print_paragraphs(
            f"{self._settings.name}: {listed} order(s) are listed and wait. You are asked before each of the first "
            f"{self._count} orders of each kind; nothing is started without a yes."
        )
        while True:
            seen = self._look()
            if self._resume(seen):
                continue
            candidate = seen.next(self._count, self._skipped)
            if candidate is not None:
                self._ask_about(candidate)
            elif self._opened(seen):
                return

    def _resume(self, seen: Look) -> bool:
        """Resume orders that were approved but not completed by an earlier process; returns whether there were any."""
        found = {(stage, order) for stage, orders in seen.begun.items() for order in orders} - self._resumed
        for stage, order in sorted(found):
            self._resumed.add((stage, order))
            print_text("", f"{order} · {stage}: it was started before, and resumes")
            self._act([stage], Selection(frozenset({order})))
            print_text(f"  {became(self._job(stage, order))}")
        return bool(found)

    def _ask_about(self, candidate: Candidate) -> None:
        order_id = candidate.order.order_id
        self._asked += 1
        allocating = candidate.stage is Stage.ALLOCATION
        stock = asyncio.run(ask(self._settings, goods_of(candidate.order))) if allocating else None
        first, *more = shown(candidate, self._settings, stock)
        print_text("")
        print_paragraphs(f"{self._asked} · {first}", *more)
        answer = _answer("[y] do it  [s] skip  [q] stop", "ysq")
        if answer == "q":
            raise Stopped
        if answer == "s":
            self._skipped.add((candidate.stage, order_id))
            return
        self._permit(candidate)
        self._resumed.add((candidate.stage, order_id))
        self._act([candidate.stage], Selection(frozenset({order_id})))
        job = self._job(candidate.stage, order_id)
        if not (job is not None and job.reason is Reason.AWAITING_APPROVAL):
            print_text(f"  {became(job)}")

    def _permit(self, candidate: Candidate) -> None:
        """Record the approval, if the ledger holds the order for one."""
        job = candidate.job
        if job is None or job.state is not State.HELD:
            return
        with Ledger.open(self._loaded.runtime.ledger) as ledger:
            if candidate.draft:
                job_actions.approve(ledger, job, utc_now(), "supervised")
            else:
                go_live.release(ledger, job, "go-live of this order", utc_now())

    def _opened(self, seen: Look) -> bool:
        """Whether the operator permits all orders; False to look again. Raises Stopped otherwise."""
        print_text("")
        for stage in self._settings.stages:
            counts = {kind: number for (at, kind), number in seen.accepted.items() if at is stage}
            sentence = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "none yet"
            remaining = sum(one.stage is stage for one in seen.candidates)
            print_text(f"{self._settings.name} {stage}: confirmed {sentence}; {remaining} more listed")
        passed = len(self._skipped)
        skipped = f", the {passed} that you skipped included" if passed else ""
        print_paragraphs(
            "No more questions. From now on orders can be processed automatically, without a question:",
            f"  [a] all listed orders{skipped}  [l] only orders listed later  [w] read the queues again  [q] stop",
        )
        answer = _answer("open up", "alwq")
        if answer == "q":
            raise Stopped
        if answer == "w":
            self._skipped.clear()
            return False
        with Ledger.open(self._loaded.runtime.ledger) as ledger:
            go_live.go_live(ledger, self._settings.name, self._settings.stages, utc_now(), from_now=answer == "l")
        return True

    def _look(self) -> Look:
        with Ledger.open(self._loaded.runtime.ledger, read_only=True) as ledger:
            max_response = self._loaded.runtime.max_response
            seen = asyncio.run(foresee(self._settings, ledger, Selection(), utc_now(), max_response=max_response))
            return look(self._settings, seen.orders, ledger)

    def _act(self, stages: Sequence[Stage], selection: Selection) -> Ended:
        """Run these orders only. typer.Exit if a side cannot be reached, since no further question is possible then."""
        settings = self._settings.model_copy(update={"stages": tuple(stages)})
        alone = replace(self._loaded, tenants={settings.name: settings}, problems=())

        async def go() -> Ended:
            async with Runtime(alone, redaction=REDACTION) as runtime:
                return (await runtime.once(selection, SETTLE_FOR))[settings.name]

        ended = asyncio.run(go())
        if ended.ending not in (Ending.FINISHED, Ending.HELD):
            print_text(f"{settings.name}: {ended.sentence}")
            raise typer.Exit(int(ended.ending))
        return ended

    def _job(self, stage: Stage, order_id: str) -> Job | None:
        with Ledger.open(self._loaded.runtime.ledger, read_only=True) as ledger:
            jobs = ledger.jobs_of_orders(self._settings.name, stage, [order_id])
        return max(jobs, key=lambda job: job.id, default=None)


@contextmanager
def _without_changes() -> Iterator[None]:
    """Log no state changes of single orders."""
    log = logging.getLogger(ROOT)
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


def _answer(asks: str, keys: str) -> str:
    """One of these keys. Raises Stopped if the terminal is closed."""
    while True:
        try:
            answer = str(typer.prompt(asks, prompt_suffix=": ")).strip().lower()
        except typer.Abort:
            print_text("")
            raise Stopped from None
        if len(answer) == 1 and answer in keys:
            return answer
