"""SIGKILL of a real process before and after every commit of both stages; then a restart, and effects are counted."""

import gc
import signal
from decimal import Decimal as D

import pytest

from kills import KINDS, a_world, killed
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder

LEAST_COMMITS = 6


@pytest.mark.case("D2")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_commit_of_both_stages_no_effect_is_repeated(tmp_path, kind, when):
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        commit = 0
        while True:
            commit += 1
            order_id = f"FO-{commit}"
            world = a_world(tmp_path / order_id, sandbox, kind)
            world.erp.stock("MUG", 9)
            sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=commit * 10))
            struck = killed(world, when, commit)
            if struck:
                ended = world.once(settle_for=10)
                assert ended.ending is Ending.FINISHED, (commit, ended, world.stuck())
            place = f"killed {when} commit {commit}"
            assert world.erp.live(order_id) == 1, place
            assert world.erp.issued(order_id) == [f"{commit * 10}:2"], place
            assert world.erp.delivered(order_id) == 1, place
            assert world.erp.drafts() == 0, place
            assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(7, 0)], place
            assert sandbox.order(order_id).allocations == 1, place
            assert sandbox.order(order_id).invoices == [({commit * 10: D(2)}, D("4.99"))], place
            if not struck:
                break
        assert commit > LEAST_COMMITS


@pytest.mark.case("D2")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_commit_while_a_draft_is_rebuilt(tmp_path, when):
    """The order changes while ShipperOne is asked: 400, discarded, superseded, built again.

    Killed between ShipperOne's 400 and its record, the answer is unknown, and the queue shows neither the
    same nor nothing: that is for a person.
    """
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        commit = 0
        while True:
            commit += 1
            order_id = f"FO-{commit}"
            world = a_world(tmp_path / order_id, sandbox, "drafts")
            sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=commit * 10))

            def dearer(post, order_id=order_id):
                sandbox.change(order_id, lambda raw: {**raw, "shipping_amount_incl_tax": 7, "total_incl_tax": 27})

            sandbox.faults.add(Fault("call", action="invoice", order_id=order_id, times=1, payload=dearer))
            struck = killed(world, when, commit)
            if struck:
                ended = world.once(settle_for=10)
                if ended.ending is Ending.HELD:
                    job = world.job(order_id, Stage.INVOICE)
                    with world.ledger() as ledger:
                        last = ledger.effects(job.id)[-1]
                    assert job.reason is Reason.OUTCOME_UNKNOWN
                    assert (last.kind, last.outcome) == (EffectKind.CONFIRM, Outcome.UNKNOWN), (
                        "only its answer was lost"
                    )
                    assert world.erp.issued(order_id) == []
                    continue
                assert ended.ending is Ending.FINISHED, (commit, ended, world.stuck())
            assert world.erp.issued(order_id) == [f"{commit * 10}:2"], commit
            assert world.erp.drafts() == 0, commit
            assert sandbox.order(order_id).invoices == [({commit * 10: D(2)}, D(7))], commit
            if not struck:
                break
        assert commit > LEAST_COMMITS


@pytest.mark.case("O2")
def test_an_order_that_kills_the_process_alone_twice_is_held_and_its_neighbours_are_not(world):
    world.runtime_settings["lease"] = '"0.2s"'
    for number in range(4):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 1, "10.00"), first_id=number * 10 + 1))
    world.erp.script("reserve_stock", "kill", order="FO-2", times=99)
    ends = [world.command("run", "--once", "--settle-for", "5s").returncode for _ in range(4)]
    assert ends[:3] == [-signal.SIGKILL] * 3, "once among the others, twice alone"
    assert ends[3] == 3, "then it is held, and the run ends"
    held = world.job("FO-2", Stage.ALLOCATION)
    assert held.state is State.HELD
    assert held.sentence.startswith("reserve of this order crashed the process 2 times while it ran alone: ")
    assert held.sentence.endswith("`order retry FO-2`")
    for number in (0, 1, 3):
        assert world.erp.issued(f"FO-{number}") == [f"{number * 10 + 1}:1"]
    assert world.erp.live("FO-2") == 0


class OneByOne(Ledger):
    """A ledger that happens to commit each entry by itself, and whose disk goes away at the n-th."""

    left = 0

    def commit(self, batch):
        for entry in batch:
            type(self).left -= 1
            if type(self).left < 0:
                raise OSError("power cut")
            super().commit([entry])


@pytest.mark.case("D1")
@pytest.mark.timeout(300)
def test_power_lost_after_each_single_record_the_outcome_of_a_post_is_never_forgotten(tmp_path, caplog):
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        commit, struck = 0, True
        while struck:
            commit += 1
            order_id = f"FO-{commit}"
            world = a_world(tmp_path / order_id, sandbox, "drafts")
            sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=commit * 10))
            OneByOne.left = commit
            ended = world.once(settle_for=1, open_ledger=lambda url: OneByOne.open(url, migrate=True))
            struck = ended.ending is not Ending.FINISHED
            ended = world.once(settle_for=5)
            assert ended.ending is Ending.FINISHED, (commit, ended, world.stuck())
            assert world.erp.issued(order_id) == [f"{commit * 10}:2"], (commit, world.jobs())
            assert len(sandbox.order(order_id).invoices) == 1, commit
    gc.collect()
    assert "never retrieved" not in caplog.text, "a failure is reported once, by us"


@pytest.mark.case("O2")
def test_the_count_of_kills_is_reset_by_a_finished_isolated_run_or_a_retry(world):
    """A machine that goes away now and then must not, over weeks, make a suspect of an order that waits."""
    world.runtime_settings["lease"] = '"0.2s"'
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00")))
    stage = Stage.ALLOCATION

    def killed_times(times: int) -> None:
        world.erp.script("reserve_stock", "kill", times=times)
        for _ in range(times):
            assert world.command("run", "--once", "--settle-for", "5s").returncode == -signal.SIGKILL

    killed_times(2)  # among others, then alone
    world.erp.stock("MUG", 0)
    world.once(settle_for=0.1)
    waiting = world.job("FO-1", stage)
    assert (waiting.reason, waiting.crashes_alone) == (Reason.NOT_ENOUGH_STOCK, 0)
    killed_times(3)
    world.once(settle_for=0.1)
    held = world.job("FO-1", stage)
    assert (held.reason, held.crashes_alone) == (Reason.CONNECTOR_BUG, 2)
    assert world.command("order", "retry", "FO-1").returncode == 0
    killed_times(2)
    world.erp.stock("MUG", 9)
    world.finishes()
    assert world.erp.live("FO-1") == 1
