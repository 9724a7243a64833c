"""Threads for hooks: as many as there is work for, at most as many as there are slots, none while nothing is to do."""

import asyncio
import threading
import time

import pytest

from shipperone_erp import Unknown
from shipperone_erp.engine import hook_threads
from shipperone_erp.engine.hook_threads import HookThreads
from shipperone_erp.kernel.offload import aside


def alive(name: str) -> int:
    return sum(thread.name == f"hooks of {name}" for thread in threading.enumerate())


@pytest.fixture
def briefly_idle(monkeypatch):
    monkeypatch.setattr(hook_threads, "IDLE_AT_MOST", 0.2)


def test_one_call_after_another_needs_one_thread_and_many_at_once_the_slots():
    async def calls() -> None:
        hooks = HookThreads("one-or-many", 4)
        for _ in range(5):
            assert await hooks.run(lambda: 7, deadline=5) == 7
        assert alive("one-or-many") == 1
        await asyncio.gather(*(hooks.run(time.sleep, 0.02, deadline=5) for _ in range(12)))
        assert alive("one-or-many") == 4
        hooks.close()

    asyncio.run(calls())
    until = time.monotonic() + 5
    while alive("one-or-many"):
        assert time.monotonic() < until, "closed, they end"
        time.sleep(0.02)


def test_a_tenant_that_has_nothing_to_do_holds_no_thread(briefly_idle):
    async def calls() -> None:
        hooks = HookThreads("idle", 3)
        for _ in range(3):
            assert await asyncio.gather(*(hooks.run(lambda: 7, deadline=5) for _ in range(6))) == [7] * 6
            until = time.monotonic() + 5
            while alive("idle"):
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        hooks.close()

    asyncio.run(calls())


def test_calls_that_come_just_when_the_threads_end_are_all_answered(monkeypatch):
    monkeypatch.setattr(hook_threads, "IDLE_AT_MOST", 0.001)

    async def calls() -> None:
        hooks = HookThreads("hasty", 2)
        for number in range(400):
            await asyncio.sleep(0.001 if number % 2 else 0)
            answers = await asyncio.gather(*(hooks.run(lambda: 7, deadline=5) for _ in range(3)))
            assert answers == [7] * 3
            assert alive("hasty") <= 2
        hooks.close()

    asyncio.run(calls())


def test_one_that_hangs_keeps_its_thread_and_the_others_go_on():
    async def calls() -> None:
        hooks = HookThreads("hanging", 2)
        gate = threading.Event()
        hanging = asyncio.create_task(hooks.run(gate.wait, deadline=30))
        for _ in range(10):
            assert await hooks.run(lambda: 7, deadline=5) == 7
        assert alive("hanging") == 2
        gate.set()
        assert await hanging
        hooks.close()

    asyncio.run(calls())


@pytest.mark.parametrize("raised", [SystemExit, StopIteration, KeyboardInterrupt])
def test_an_exception_that_no_future_can_raise_ends_the_call_and_the_thread_continues(raised):
    def hook():
        raise raised

    async def calls() -> None:
        hooks = HookThreads("raising", 1)
        with pytest.raises(RuntimeError, match=f"{raised.__name__} was raised in a thread"):
            await hooks.run(hook, deadline=30)
        assert await hooks.run(lambda: 7, deadline=30) == 7
        with pytest.raises(RuntimeError, match=f"{raised.__name__} was raised in a thread"):
            await asyncio.wait_for(aside(hook), 30)
        hooks.close()

    asyncio.run(calls())


def test_a_time_out_of_the_connector_is_not_taken_for_the_deadline():
    def hook():
        raise TimeoutError("password=planted timed out")

    async def calls() -> None:
        hooks = HookThreads("timed", 1)
        with pytest.raises(Unknown, match=r"gave up waiting for the ERP \(TimeoutError\)") as unknown:
            await hooks.run(hook, deadline=30)
        assert "planted" not in str(unknown.value)
        assert await hooks.run(lambda: 7, deadline=30) == 7
        hooks.close()

    asyncio.run(calls())
