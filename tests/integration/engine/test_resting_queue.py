"""Where a cycle plans nothing because nothing has changed, a full plan would have done nothing either.

Random days with two stages of one tenant: orders come, change and leave, stock comes, operators act from a process of
their own, the clock is set forward and back, time passes, leases are lost. Whenever a queue is taken to be at rest, the
plan is made all the same, and compared.
"""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from types import SimpleNamespace

import pytest

from shipperone_erp.domain import ids
from shipperone_erp.domain.decisions import NoAction
from shipperone_erp.domain.events import WorkLeft
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.resting_plan import rests
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine import queue_record
from shipperone_erp.engine.next_read import LastRead, next_read_for
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.engine.resting_queue import PLANNED_EVERY
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.engine.stage_planning import StagePlanning
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.time_source import MachineTime
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder
from world import World

EVERYTHING = Selection()


class PassingTime(MachineTime):
    """The machine's time; `passed` seconds more have passed on all its clocks, and the wall clock was set by `set_by`."""

    def __init__(self):
        self.passed = 0.0
        self.set_by = timedelta()

    def now(self):
        return super().now() + timedelta(seconds=self.passed) + self.set_by

    def monotonic(self):
        return super().monotonic() + self.passed

    def elapsed(self):
        return super().elapsed() + self.passed


@pytest.fixture
def taken(monkeypatch):
    """How often a queue was taken to be at rest, by stage; each time a full plan is compared."""
    counted = Counter()
    resting = StagePlanning.resting

    def compared(self, listing):
        found = resting(self, listing)
        if found is None:
            return None
        planner_input, record = load_planner_input(
            self._ledger, self.rules, listing, go_live=self.context.settings.go_live, shipped=self._others.shipped()
        )
        now = self.context.now()
        decisions = plan(self.rules, listing, planner_input, now)
        assert all(isinstance(decision, NoAction) for decision in decisions), decisions
        assert rests(decisions, listing, planner_input)
        left = [job for job in planner_input.jobs if not job.ended]
        assert sorted(found.jobs, key=lambda job: job.id) == sorted(left, key=lambda job: job.id)
        times = [next_read_for(job, LastRead(now, True, frozenset()), self.rules.settings.settle) for job in left]
        assert found.next_read_at == min((time for time in times if time is not None), default=None)
        assert replace(found.record, last_good_read_at=None) == replace(record, last_good_read_at=None)
        counted[self.stage] += 1
        return found

    monkeypatch.setattr(StagePlanning, "resting", compared)
    return counted


class Service:
    """Both stages of one tenant as a service runs them, one cycle at a time."""

    def __init__(self, runtime):
        self.runtime = runtime
        (self.tenant,) = runtime.tenants
        self.signals = runtime._shared.signals
        self.runs = {}
        self.left = []
        runtime.events.add(lambda event: self.left.append(event) if isinstance(event, WorkLeft) else None)

    async def serve(self, stage):
        await self.tenant.open()
        await self.tenant.bind()
        lease = await self.runtime._keeper.take(f"{self.tenant.name}/{stage}")
        self.runs[stage] = lease, await self.tenant.stage(stage, lease)

    async def leave(self, stage):
        lease, _ = self.runs.pop(stage)
        self.tenant.stage_released(stage)
        await self.runtime._keeper.give_back(lease)

    async def cycles(self, times=2):
        await self.signals.look()
        for _ in range(times):
            for _, run in self.runs.values():
                with suppress(ReadFailed):
                    await run.cycle(EVERYTHING, wait=True)


@asynccontextmanager
async def serving(world, time):
    """Ids, by which operators' actions are found, are of the same clock as everything else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: int(time.now().timestamp() * 10**9)))
        async with _runtime(world, time) as service:
            yield service


@asynccontextmanager
async def _runtime(world, time):
    async with Runtime(world.read(), time=time) as runtime:
        service = Service(runtime)
        for stage in Stage:
            await service.serve(stage)
        yield service


async def something_happens(chance, world, time, service, orders):
    what = chance.choice(
        ["nothing"] * 4 + ["order", "changes", "leaves", "stock", "operator", "clock", "time", "lease"]
    )
    of = chance.choice(orders) if orders else None
    if what == "order" and len(orders) < 5:
        orders.append(f"FO-{len(orders)}")
        world.sandbox.add(
            SandboxOrder.simple(orders[-1], ("MUG", chance.choice([1, 2]), "10.00"), first_id=10 * len(orders))
        )
    elif what == "changes" and of:
        fee = D(chance.choice(["4.99", "6.50"]))
        world.sandbox.change(of, lambda raw: {**raw, "shipping_amount_incl_tax": fee})
    elif what == "leaves" and of:
        world.sandbox.cancel(of)
    elif what == "stock":
        world.erp.stock("MUG", chance.choice([0, 1, 50]))
    elif what == "operator":
        with Ledger.open(world.ledger_url) as ledger:
            for job in ledger.find_jobs(states=[State.HELD, State.WAITING, State.IGNORED]):
                act = chance.choice([job_actions.retry, job_actions.ignore])
                with suppress(UsageError):
                    act(ledger, job, time.now(), "by the test")
    elif what == "clock":
        time.set_by += timedelta(seconds=chance.choice([-7200, -20, -1, 1, 20, 7200]))
    elif what == "time":
        time.passed += chance.choice([1, 31, 61, 400, 5000])
    elif what == "lease":
        stage = chance.choice(list(Stage))
        await service.leave(stage)
        await service.serve(stage)


async def a_day(chance, world):
    time, orders = PassingTime(), []
    async with serving(world, time) as service:
        for _ in range(25):
            await something_happens(chance, world, time, service, orders)
            if chance.random() < 0.1:
                fault = Fault(chance.choice(["500", "lost_answer", "empty"]), times=1, retry_after="0")
                world.sandbox.faults.add(fault)
            await service.cycles()


def test_a_queue_at_rest_is_one_for_which_nothing_is_planned(tmp_path, taken):
    for seed in range(6):
        with Sandbox() as sandbox:
            sandbox.auto_ship = seed % 2 == 0
            folder = tmp_path / str(seed)
            folder.mkdir()
            world = World(folder, sandbox)
            world.settings |= {"stock_retry": '"1m"', "gone_grace": f'"{seed % 3}m"'}
            world.runtime_settings["lease"] = '"10s"'
            asyncio.run(a_day(random.Random(f"day {seed}"), world))
    assert taken[Stage.ALLOCATION] > 30, taken
    assert taken[Stage.INVOICE] > 30, taken


@asynccontextmanager
async def at_rest(tmp_path, lease="30s", **settings):
    """A service with one order that waits for stock; both queues are at rest."""
    with Sandbox() as sandbox:
        world, time = World(tmp_path, sandbox), PassingTime()
        world.settings |= {"stock_retry": '"2h"', **settings}
        world.runtime_settings["lease"] = f'"{lease}"'
        world.erp.stock("MUG", 0)
        sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00")))
        async with serving(world, time) as service:
            await service.cycles(3)
            yield world, time, service


async def rest_in(service, taken):
    """The stages that a cycle of each takes to be at rest."""
    before = Counter(taken)
    await service.cycles(1)
    return {stage.value for stage in taken - before}


BOTH = {"allocation", "invoice"}


def test_what_is_done_without_a_plan_is_what_is_done_with_one(tmp_path, taken, monkeypatch):
    async def go():
        async with at_rest(tmp_path) as (world, time, service):
            before = world.jobs()
            service.left.clear()
            taken.clear()
            passed = await service.runs[Stage.ALLOCATION][1].cycle(EVERYTHING, wait=True)
            assert taken == {Stage.ALLOCATION: 1}
            assert (passed.moved, passed.orders) == (0, frozenset())
            assert passed.due_in == pytest.approx(2 * 3600, abs=60)
            (left,) = service.left
            assert [job.order_id for job in left.jobs] == ["FO-1"]
            # the read is recorded, at most once a minute
            recorded = service.runtime.ledger.queue("acme", Stage.ALLOCATION)
            time.passed += queue_record.REPORT_EVERY.total_seconds()
            await service.cycles(3)
            read = service.runtime.ledger.queue("acme", Stage.ALLOCATION)
            assert read.last_good_read_at > recorded.last_good_read_at
            assert replace(read, last_good_read_at=None) == replace(recorded, last_good_read_at=None)
            assert world.jobs() == before

    asyncio.run(go())


def test_whatever_may_have_changed_is_planned(tmp_path, taken):
    async def go():
        async with at_rest(tmp_path) as (world, time, service):
            assert await rest_in(service, taken) == BOTH
            # an operator's action, from another process
            with Ledger.open(world.ledger_url) as ledger:
                (job,) = ledger.find_jobs()
                job_actions.retry(ledger, job, time.now(), None)
            assert not await rest_in(service, taken)
            await service.cycles(2)
            assert await rest_in(service, taken) == BOTH
            # a listing that changes; the other queue's rests
            world.sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 1, "10.00"), first_id=20))
            assert "allocation" not in await rest_in(service, taken)
            await service.cycles(2)
            # time: the longest without a plan; a retry that is due; the clock, set forward or back
            for seconds in (PLANNED_EVERY.total_seconds(), 7200):
                time.passed += seconds
                await service.signals.look()
                assert not await rest_in(service, taken), seconds
                await service.cycles(2)
            for by in (7200, -7200, -31):
                time.set_by += timedelta(seconds=by)
                assert not await rest_in(service, taken), by
                await service.cycles(2)
                assert await rest_in(service, taken) == BOTH
            # a queue that could not be read in between
            world.sandbox.faults.add(Fault("500", action="pending_invoice", times=1))
            await service.cycles(1)
            assert "invoice" not in await rest_in(service, taken)

    asyncio.run(go())


async def passes(time, service, seconds):
    """That much time, in which operators' actions are looked for as often as a service does: none is missed."""
    for _ in range(seconds // 5):
        time.passed += 5
        await service.signals.look()


def test_a_rest_ends_at_the_moment_of_the_next_attempt(tmp_path, taken):
    """The leases are proven all the time, so that nothing else makes a plan due."""

    async def go():
        async with at_rest(tmp_path, lease="1h", stock_retry='"60s"') as (world, time, service):
            (before,) = world.jobs()
            await passes(time, service, 45)
            assert await rest_in(service, taken) == BOTH
            await passes(time, service, 15)
            assert "allocation" not in await rest_in(service, taken)
            (after,) = world.jobs()
            assert after.next_attempt_at > before.next_attempt_at, "the ERP was asked again"

    asyncio.run(go())


def test_a_full_plan_is_made_every_five_minutes_although_nothing_is_due(tmp_path, taken):
    async def go():
        async with at_rest(tmp_path, lease="1h") as (_, time, service):
            await passes(time, service, 285)
            assert await rest_in(service, taken) == BOTH
            await passes(time, service, 15)
            assert not await rest_in(service, taken)
            assert await rest_in(service, taken) == BOTH

    asyncio.run(go())


def test_in_doubt_everything_is_planned(tmp_path, taken):
    async def go():
        async with at_rest(tmp_path) as (_, _, service):
            assert await rest_in(service, taken) == BOTH
            # the other stage may be served, and its jobs changed, by another process
            await service.leave(Stage.INVOICE)
            assert not await rest_in(service, taken)
            await service.serve(Stage.INVOICE)
            assert not await rest_in(service, taken)
            await service.cycles(1)
            assert await rest_in(service, taken) == BOTH
            # nobody looks for operators' actions
            service.signals._looked_at -= 3600
            for _, run in service.runs.values():
                await run.cycle(EVERYTHING, wait=True)
            assert not await rest_in(service, taken), "an action may have been missed"
            await service.cycles(1)
            assert await rest_in(service, taken) == BOTH

    asyncio.run(go())


def test_an_operators_change_of_the_record_outlives_a_read(tmp_path, taken):
    """`go-live` writes the record of a queue before its action is recorded: a read between the two keeps it."""

    async def go():
        async with at_rest(tmp_path, go_live='"ask"') as (world, time, service):
            record = service.runtime.ledger.queue("acme", Stage.ALLOCATION)
            assert record.live_at is None
            with Ledger.open(world.ledger_url) as ledger:
                ledger.save_queue(replace(record, live_at=time.now(), last_good_read_at=time.now() - timedelta(days=9)))
            time.passed += 9
            _, run = service.runs[Stage.ALLOCATION]
            run._planning._queue.read_again(run.context.view.newest, replace(record, last_good_read_at=None))
            run._planning._queue.read_again(run.context.view.newest, replace(record, live_at=None))
            await run.context.effect_log.flushed()
            kept = service.runtime.ledger.queue("acme", Stage.ALLOCATION)
            assert kept.live_at is not None
            assert kept.last_good_read_at < time.now() - timedelta(days=8)

    asyncio.run(go())
