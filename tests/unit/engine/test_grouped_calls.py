"""Calls that wait for one another are answered together, each by a question that was asked after it called."""

import asyncio
import threading

import pytest

from shipperone_erp.engine.grouped_calls import GroupedCalls


def test_callers_that_wait_are_answered_by_one_call():
    asked: list[list[int]] = []
    first_is_under_way, others_wait = threading.Event(), threading.Event()

    def answer(keys):
        asked.append(sorted(keys))
        first_is_under_way.set()
        others_wait.wait(60)
        return {key: key * 10 for key in keys if key % 2}

    async def go():
        grouped = GroupedCalls(answer)
        first = asyncio.create_task(grouped.call(1))
        while not first_is_under_way.is_set():
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(grouped.call(key)) for key in (1, 2, 3, 3)]
        await asyncio.sleep(0)
        others_wait.set()
        return [await task for task in (first, *others)]

    # an answer is given once: a lease has one holder
    assert asyncio.run(go()) == [10, 10, None, 30, None]
    assert asked == [[1], [1, 2, 3, 3]]


def test_what_fails_fails_for_those_that_waited_and_for_no_later_caller():
    faults = [ValueError("first"), None]

    def answer(keys):
        if (fault := faults.pop(0)) is not None:
            raise fault
        return dict.fromkeys(keys, "answered")

    async def go():
        grouped = GroupedCalls(answer)
        failed = await asyncio.gather(*(grouped.call(key) for key in range(3)), return_exceptions=True)
        assert [str(error) for error in failed] == ["first"] * 3
        assert len(set(map(id, failed))) == 3
        return await grouped.call(0)

    assert asyncio.run(go()) == "answered"


def test_a_caller_that_is_cancelled_stops_nobody():
    goes_on = threading.Event()

    def answer(keys):
        goes_on.wait(60)
        return dict.fromkeys(keys, "answered")

    async def go():
        grouped = GroupedCalls(answer)
        cancelled, other = (asyncio.create_task(grouped.call(key)) for key in "ab")
        await asyncio.sleep(0)
        cancelled.cancel()
        goes_on.set()
        assert await other == "answered"
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return await grouped.call("c")

    assert asyncio.run(go()) == "answered"
