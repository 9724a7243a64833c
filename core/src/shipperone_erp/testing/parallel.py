"""Runs cases in several processes at once. Cases are independent, so that they may share one real ERP."""

import multiprocessing
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from pathlib import Path
from typing import Any

from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES, crash, end_to_end
from shipperone_erp.testing.harness import ConnectorHarness
from shipperone_erp.testing.harness_lookup import harness_of
from shipperone_erp.testing.runner import Result, run_case

LONGEST_FIRST = (end_to_end.__name__, crash.__name__)
"""The subjects whose cases take longest: they start first, so that none of them runs alone at the end."""

_harness: type[ConnectorHarness]
"""The harness under test, in a worker process."""


def run_at_once(
    name: str, given: str | None, folder: Path, cases: Sequence[Case], *, live: bool, jobs: int
) -> Iterator[Result]:
    """The result of each of these cases as it ends. `name` and `given` are those of `harness_of`."""
    # a fork is ready at once, but not safe beside other threads or on macOS
    forked = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if forked else "spawn")
    with ProcessPoolExecutor(min(jobs, len(cases)) or 1, context, _begin, (name, given)) as pool:
        waiting: dict[Future[dict[str, Any]], Case] = {
            pool.submit(_run, case.id, folder / case.id, live): case for case in sorted(cases, key=_rank)
        }
        try:
            for done in as_completed(waiting):
                yield Result(case=waiting[done], **_ended(done))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _rank(case: Case) -> int:
    module = case.check.__module__
    return LONGEST_FIRST.index(module) if module in LONGEST_FIRST else len(LONGEST_FIRST)


def _ended(done: "Future[dict[str, Any]]") -> dict[str, Any]:
    try:
        return done.result()
    except BrokenProcessPool:
        sentence = "a process of this run has died; run the case separately, with --case and without --jobs"
        return {"outcome": "failed", "said": sentence}


def _begin(name: str, given: str | None) -> None:
    global _harness
    _harness = harness_of(name, given)


def _run(case: str, place: Path, live: bool) -> dict[str, Any]:
    """The result without its case, whose function cannot be pickled."""
    place.mkdir(parents=True)
    result = run_case(CASES[case], _harness, place, live=live)
    return {field.name: getattr(result, field.name) for field in fields(result) if field.name != "case"}
