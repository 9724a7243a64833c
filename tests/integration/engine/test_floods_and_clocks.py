"""Thousands of waiting orders after an outage: bounded, oldest first, both queues. And clocks that are set."""

import asyncio
import resource
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine import stage_planning
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.fair_semaphore import FairSemaphore
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.stage_planning import AT_ONCE
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import UpdateJob
from shipperone_erp.sandbox import Fault, SandboxOrder
from skipped_time import SkippedTime

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def order(order_id="FO-1", sku="MUG", **fields):
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"), **fields)


SLOW = """
import threading, time
from dataclasses import replace

class SlowSettings(ConnectorSettings):
    pass

LOCK, AT_ONCE, MOST, CALLS = threading.Lock(), set(), [0], []

def slowly(hook, order_id):
    with LOCK:
        AT_ONCE.add((hook, order_id))
        MOST[0] = max(MOST[0], len(AT_ONCE))
        CALLS.append((hook, order_id))
    time.sleep(0.002)
    with LOCK:
        AT_ONCE.discard((hook, order_id))

class Plugged(Connector[SlowSettings]):
    @hookimpl
    def reserve_stock(self, request):
        slowly("reserve", request.order.order_id)
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        slowly("build", request.order.order_id)
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty) for item in order.items)
        return Invoice(None, lines, order.shipping_amount_incl_tax, order.total_incl_tax)

    @hookimpl
    def issue_invoice(self, request):
        return replace(request.invoice, reference="I", issued=True, number=request.key)
"""


@pytest.mark.case("Q7")
def test_after_an_outage_three_thousand_wait_and_both_queues_advance_side_by_side(world, plugins):
    plugins.install("slow", SLOW)
    world.settings |= {"connector": '"slow"', "concurrency": "6"}
    world.erp_settings = {}
    for number in range(1500):
        world.sandbox.add(order(f"A-{number:04}", first_id=number * 10 + 1))
        world.sandbox.add(order(f"I-{number:04}", first_id=number * 10 + 2), stage="invoice")
    world.sandbox.auto_ship = False
    sizes = []
    configuration = world.read()

    async def go():
        async with Runtime(configuration, observers=[lambda *_: sizes.append(_resident())]) as runtime:
            return await runtime.once(settle_for=timedelta(seconds=5))

    ended = asyncio.run(go())["acme"]
    assert ended.ending is Ending.FINISHED
    slow = sys.modules["slow_module"]
    assert slow.MOST[0] <= 6, "no more calls at once than the tenant allows"
    reserved = [order_id for hook, order_id in slow.CALLS if hook == "reserve"]
    built = [order_id for hook, order_id in slow.CALLS if hook == "build"]
    assert (len(set(reserved)), len(reserved), len(set(built)), len(built)) == (1500,) * 4
    first = slow.CALLS[:600]
    both = sum(1 for hook, _ in first if hook == "reserve")
    assert 200 <= both <= 400, "neither queue waits for the other"
    places = [int(order_id[2:]) for order_id in reserved]
    assert max(abs(place - sorted(places)[at]) for at, place in enumerate(places)) < 60, "about the oldest first"
    third = len(sizes) // 3
    assert sizes[-1] - sizes[third] < 40 << 20, "memory is flat while it goes down"


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.case("H8")
def test_a_long_listing_is_planned_beside_the_event_loop_and_begun_in_steps(world, monkeypatch):
    """No step of the loop that all tenants share grows with what one tenant has listed."""
    world.settings["go_live"] = '"ask"'  # all are held at once: what is seen here is planning and beginning
    for number in range(3 * AT_ONCE):
        world.sandbox.add(order(f"A-{number:03}", first_id=number * 10 + 1))
    planners, begun, most = [], [0], [0]

    def planned(scope, listing, *others):
        if listing.orders:
            planners.append(threading.current_thread())
        return plan(scope, listing, *others)

    monkeypatch.setattr(stage_planning, "plan", planned)

    def counted(loop, coroutine, **options):
        begun[0] += 1
        return asyncio.Task(coroutine, loop=loop, **options)

    async def step() -> None:
        while True:
            most[0], begun[0] = max(most[0], begun[0]), 0
            await asyncio.sleep(0)

    async def go():
        asyncio.get_running_loop().set_task_factory(counted)
        async with Runtime(world.read()) as runtime:
            steps = asyncio.create_task(step())
            await runtime.once(settle_for=timedelta(0))
            steps.cancel()

    asyncio.run(go())
    assert {job.reason for job in world.jobs(stage=A)} == {Reason.BEFORE_GO_LIVE}
    assert len(world.jobs(stage=A)) == 3 * AT_ONCE
    assert AT_ONCE / 2 < most[0] < 2 * AT_ONCE, "tasks in one step of the loop"
    assert planners
    assert threading.main_thread() not in planners


@pytest.mark.case("Q7")
def test_urgent_work_does_not_wait_behind_a_flood():
    async def go():
        slots = FairSemaphore(1)
        await slots.acquire("flood")
        went = []

        async def one(line, urgency, name):
            await slots.acquire(line, urgency)
            went.append(name)
            slots.release()

        tasks = [asyncio.create_task(one("flood", (1, n), f"flood {n}")) for n in (3, 1, 2)]
        tasks += [asyncio.create_task(one("flood", (0, 9), "late")), asyncio.create_task(one("other", (), "other"))]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(one("flood", (0, 0), "cancelled")))
        await asyncio.sleep(0)
        tasks.pop().cancel()
        slots.release()
        await asyncio.gather(*tasks)
        await asyncio.wait_for(slots.acquire(), 1)
        return went

    assert asyncio.run(go()) == ["other", "late", "flood 1", "flood 2", "flood 3"]


def serve(world, act, until, seconds=90.0, **options):
    """A service in this process; `act` is called in the middle, and it ends once `until` is true."""
    configuration = world.read()

    async def go():
        stopping = asyncio.Event()
        async with Runtime(configuration, time=world.clock, **options) as runtime:
            serving = asyncio.create_task(runtime.serve(stopping))
            try:
                await asyncio.to_thread(act)
                async with asyncio.timeout(seconds):
                    while not await asyncio.to_thread(until):
                        await asyncio.sleep(0.05)
            finally:
                stopping.set()
                await serving

    asyncio.run(go())


SET_MEANWHILE = """
import threading

class MeanwhileSettings(ConnectorSettings):
    pass

CALLS, LOCK = [], threading.Lock()

class Plugged(Connector[MeanwhileSettings]):
    @hookimpl
    def reserve_stock(self, request):
        with LOCK:
            CALLS.append(request.order.order_id)
            if len(CALLS) == 9:
                import clock_jump
                clock_jump.jump()
        if CALLS.count(request.order.order_id) == 1:
            return Pending("the goods are counted", 1.0)
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        raise AssertionError("nothing has shipped")

    @hookimpl
    def issue_invoice(self, request):
        raise AssertionError("nothing has shipped")
"""


@pytest.mark.case("Q8")
@pytest.mark.parametrize("days", [4, -4])
def test_orders_that_are_worked_on_while_the_clock_is_set_wait_no_longer_than_the_others(
    world, plugins, monkeypatch, days
):
    """The clock is set amid seventeen orders: some got their next attempt by the old clock, others by the new one."""
    plugins.install("meanwhile", SET_MEANWHILE)
    world.settings |= {"connector": '"meanwhile"', "concurrency": "4", "poll_interval": '"0.3s"'}
    world.erp_settings = {}
    world.sandbox.auto_ship = False
    for number in range(17):
        world.sandbox.add(order(f"FO-{number}", first_id=1 + 10 * number))

    def jump():
        world.clock.ahead += timedelta(days=days)

    def allocated():
        return sum(world.sandbox.order(f"FO-{number}").allocations for number in range(17)) == 17

    monkeypatch.setitem(sys.modules, "clock_jump", SimpleNamespace(jump=jump))
    serve(world, lambda: None, allocated)


class SlowCommit(Ledger):
    """The commit by which a job begins to wait lasts until the queue has been read twice more."""

    def submit(self, entries, ended):
        writes = [write for entry in entries for write in entry.writes]
        if not self.held_up and any(isinstance(one, UpdateJob) and one.job.state is State.WAITING for one in writes):
            type(self).held_up = True
            threading.Thread(target=self._later, args=(entries, ended)).start()
        else:
            super().submit(entries, ended)

    def _later(self, entries, ended):
        self.jump()
        super().submit(entries, ended)


@pytest.mark.case("Q8")
def test_an_order_whose_commit_is_under_way_while_the_clock_is_set_waits_no_longer(world):
    """Its next attempt was computed by the old clock, and the cycle that notices the new one leaves the order alone."""
    world.settings |= {"poll_interval": '"0.2s"', "stock_retry": '"1s"', "concurrency": "2"}
    world.sandbox.auto_ship = False
    world.erp.stock("TEA", 0)
    world.sandbox.add(order("FO-SHORT", "TEA"))

    def jump():
        world.clock.ahead -= timedelta(days=4)
        reads = world.sandbox.requests.total()
        _wait(lambda: world.sandbox.requests.total() > reads + 4)
        world.erp.stock("TEA", 9)

    made = type("SlowCommitOnce", (SlowCommit,), {"held_up": False, "jump": staticmethod(jump)})
    finished = lambda: world.sandbox.order("FO-SHORT").allocations == 1  # noqa: E731
    serve(world, lambda: None, finished, open_ledger=lambda url: made.open(url, migrate=True))


@pytest.mark.case("Q8")
@pytest.mark.parametrize("hours", [-1, 24])
def test_a_clock_jump_loses_and_delays_no_order(world, hours, caplog):
    """A shortage that is tried every few seconds, an ERP that is away, a lost answer: all go on as if nothing was."""
    world.settings |= {"poll_interval": '"0.2s"', "stock_retry": '"2s"', "settle": '"0.5s"'}
    world.sandbox._shop._now = world.clock  # what ships is dated by the same clock, else its date cannot be true
    world.erp.stock("TEA", 0)
    world.sandbox.add(order("FO-SHORT", "TEA"))
    caplog.set_level("WARNING", "shipperone_erp.run")

    def jump():
        _wait(lambda: world.jobs("FO-SHORT") and world.job("FO-SHORT", A).reason is Reason.NOT_ENOUGH_STOCK)
        world.clock.ahead += timedelta(hours=hours)
        world.erp.stock("TEA", 9)
        world.sandbox.add(order("FO-LATER", first_id=50))

    serve(world, jump, lambda: world.erp.delivered() == 2)
    assert {job.state for job in world.jobs()} == {State.DONE}
    assert world.erp.effects("reserve_stock") == 2
    assert any("this machine's clock was changed by" in record.getMessage() for record in caplog.records)


@pytest.mark.case("Q8")
def test_a_clock_that_is_set_a_day_ahead_releases_nothing_early(world):
    """Its order has left the queue, and is believed gone after two hours: not after a second that was called a day."""
    world.settings |= {"poll_interval": '"0.2s"', "gone_grace": '"2h"'}
    world.erp.script("reserve_stock", "unknown_after", times=1)
    world.sandbox.add(order())

    def cancel_and_jump():
        _wait(lambda: world.erp.live("FO-1") == 1)
        world.sandbox.cancel("FO-1")
        _wait(lambda: world.job("FO-1", A).absent_reads >= 2)
        world.clock.ahead += timedelta(days=1)
        reads = world.sandbox.requests.total()
        _wait(lambda: world.sandbox.requests.total() > reads + 5)

    serve(world, cancel_and_jump, lambda: True)
    job = world.job("FO-1", A)
    assert (world.erp.live("FO-1"), job.ended, job.reason is Reason.ORDER_GONE) == (1, False, False)


@pytest.mark.case("Q8")
def test_a_clock_that_was_wrong_in_the_run_before_keeps_no_order_waiting(world, caplog):
    """It was half a year ahead, and was set while nothing ran: what waits is not tried in half a year only."""
    world.settings |= {"stock_retry": '"15m"', "settle": '"0.5s"'}
    world.sandbox.auto_ship = False
    world.erp.stock("TEA", 0)
    world.sandbox.add(order("FO-SHORT", "TEA"))
    world.sandbox.add(order("FO-LOST", first_id=50))
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.clock.ahead = timedelta(days=180)
    world.once(settle_for=0)
    assert world.job("FO-LOST", A).lost_at is not None
    world.clock.ahead = timedelta()
    caplog.set_level("WARNING", "shipperone_erp.run")
    world.once(settle_for=10)
    assert world.job("FO-LOST", A).state is State.DONE
    waits = world.job("FO-SHORT", A)
    assert (waits.reason, world.erp.effects("reserve_stock")) == (Reason.NOT_ENOUGH_STOCK, 1)
    assert waits.next_attempt_at - world.clock.now() <= timedelta(minutes=15)
    assert any("this machine's clock was changed by -" in record.getMessage() for record in caplog.records)


def _wait(true, seconds=60.0):
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError("it never came true")


@pytest.mark.case("Q8")
def test_a_stages_clock_is_set_only_from_look_to_look_and_moves_what_was_written_before_alike():
    machine = SkippedTime(seconds=5.0)
    clock = StageClock(machine)
    before = clock.now() + timedelta(seconds=2)
    machine.set_by = timedelta(days=4)
    machine.advance(1.0)
    meanwhile = clock.now() + timedelta(seconds=2)
    assert meanwhile - before == timedelta(seconds=1), "the clock was set, and the schedule does not see it yet"
    jump = clock.jumped()
    assert (clock.now(), clock.moved) == (machine.now(), jump)
    assert meanwhile + jump - clock.now() == timedelta(seconds=2)


@pytest.mark.case("Q8")
def test_a_drift_is_no_jump():
    machine = SkippedTime()
    watch = StageClock(machine)
    machine.advance(3600)
    machine.set_by += timedelta(seconds=20)
    assert watch.jumped() == timedelta()
    machine.advance(10)
    machine.set_by -= timedelta(hours=1)
    assert watch.jumped() == timedelta(hours=-1)
    assert watch.jumped() == timedelta()
