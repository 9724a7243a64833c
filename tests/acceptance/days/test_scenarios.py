"""Every scenario of the sandbox is an order that the runtime processes as described."""

import os
from datetime import UTC, datetime

import pytest

import warm_processes
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import SCENARIOS, order_of

FIRST_ENDS = {"transfer": State.WAITING}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_served(world, name):
    world.settings["bundles"] = '"parents"' if name == "set" else '"children"'
    world.erp_settings["transfers_take_time"] = "true"
    if name == "midnight":  # on the day on which it shipped: a date of long ago would be held
        world.clock.ahead = datetime(2026, 3, 31, 22, 40, tzinfo=UTC) - datetime.now(UTC)
    world.sandbox.add(order_of(name, "FO-1", 10))
    world.once(settle_for=0.3)
    assert world.job("FO-1", Stage.ALLOCATION).state is FIRST_ENDS.get(name, State.DONE)
    world.erp.ask("UPDATE transfers SET arrived = 1")
    world.once(settle_for=2)
    assert world.jobs("FO-1", Stage.INVOICE)[0].state is State.DONE, world.stuck()


def test_a_scenario_that_there_is_not_is_refused_by_name():
    done = warm_processes.run("sandbox", "--scenario", "bundel", env=os.environ)
    assert done.returncode == 2
    assert "there is no scenario bundel; the scenarios are bundle, set," in done.stderr
