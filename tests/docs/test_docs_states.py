"""The diagrams of docs/explanation/two-stages.md show every way that a job takes, and no other: orders take them here."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from docs_scenarios import order
from docs_states import PATHS, WAYS
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, Step
from shipperone_erp.sandbox import Fault
from shipperone_erp.workflow.execution import JobExecution
from world import World

Way = tuple[Stage, Step, Step]
SEEN: set[Way] = set()

POLICY = """
class Plugged(Policy[ConnectorSettings]):
    api = ">=1,<2"

    @hookimpl
    def handle_mismatch(self, mismatch):
        return Resolution.retry() if mismatch.action == "compare" else Resolution.rebuild()
"""


def nothing_happens(world: World) -> None:
    pass


def short(world: World) -> None:
    world.erp.stock("MUG", 1)
    world.once(settle_for=0)
    world.erp.stock("MUG", 9)


def refused_by_shipperone(world: World) -> None:
    world.sandbox.faults.add(Fault("echo", action="allocate", times=1))


def rebuilt_by_a_policy(world: World) -> None:
    world.settings["policies"] = '["deciding"]'
    world.sandbox.faults.add(Fault("echo", action="allocate", times=1))
    world.sandbox.faults.add(Fault("echo", action="invoice", times=1))


def built_again_by_a_policy(world: World) -> None:
    world.settings["policies"] = '["deciding"]'
    world.erp.script("build_invoice", "cent_off", times=1)


def differs(world: World) -> None:
    world.erp.script("build_invoice", "cent_off", times=1)


def voided(world: World) -> None:
    for hook in ("reserve_stock", "build_invoice", "issue_invoice"):
        world.erp.script(hook, "voided", times=1)


def without_deliver(world: World) -> None:
    world.settings["connector"] = '"counting_bare"'


DAYS: tuple[Callable[[World], None], ...] = (
    nothing_happens, short, refused_by_shipperone, rebuilt_by_a_policy, built_again_by_a_policy, differs, voided,
    without_deliver,
)  # fmt: skip


def test_orders_take_every_way_of_the_diagrams_and_no_other(tmp_path, sandbox, monkeypatch, plugins):
    plugins.install("deciding", POLICY, group="shipperone_erp.policies")
    current = JobExecution.job

    def watched(execution: JobExecution, job: Job) -> None:
        before = execution.job.step
        current.fset(execution, job)
        if job.step is not before:
            SEEN.add((job.stage, before, job.step))

    monkeypatch.setattr(JobExecution, "job", property(current.fget, watched))
    for number, day in enumerate(DAYS, 1):
        folder = tmp_path / day.__name__
        folder.mkdir()
        world = World(folder, sandbox)
        sandbox.add(order(f"FO-{number}"))
        day(world)
        world.finishes()
        sandbox.faults.clear()
    assert {(stage, *way) for stage, ways in WAYS.items() for way in ways} == SEEN


@pytest.mark.parametrize("stage", Stage)
def test_the_ordinary_way_is_on_the_diagram_from_its_first_step_to_its_last(stage):
    path = [Step(word) for word in PATHS[stage].split()]
    assert (path[0], path[-1]) == (Step.NEW, Step.DONE)
    assert set(pairwise(path)) <= set(WAYS[stage])
