"""One exclusive name within a process: callers that give up, leases that are lost, other processes that wait."""

import asyncio

import pytest

from shipperone_erp.engine.named_locks import ExclusiveNames
from shipperone_erp.kernel.errors import LeaseLost


class Leases:
    """The keeper's side: what was taken and given back, how long taking lasts, whether other processes work here."""

    def __init__(self, others=False):
        self.others = others
        self.taken, self.given_back, self.lost = 0, [], set()
        self.reachable = asyncio.Event()
        self.reachable.set()

    async def take(self, name, *, stand_by):
        await self.reachable.wait()
        self.taken += 1
        return f"{name}, lease {self.taken}"

    async def give_back(self, lease):
        self.given_back.append(lease)

    async def check(self, lease):
        if lease in self.lost:
            raise LeaseLost(lease)

    async def contended(self):
        return self.others

    def names(self, **options):
        return ExclusiveNames(self, **options)


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not happen")


def test_a_lease_lost_while_the_process_was_suspended_is_acquired_again():
    async def go():
        ledger = Leases()
        names = ledger.names()
        release = await names.acquire("x")
        second = asyncio.create_task(names.acquire("x"))
        await asyncio.sleep(0)
        ledger.lost.add("exclusive:x, lease 1")
        release()
        await second
        assert ledger.taken == 2

    asyncio.run(go())


def test_a_caller_that_gives_up_leaves_the_lease_to_the_next_one():
    """Left behind in the ledger, the lease would have to be waited out, and each caller would give up before that."""

    async def go():
        ledger = Leases()
        names = ledger.names()
        ledger.reachable.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await names.acquire("x")
        next_one = asyncio.create_task(names.acquire("x"))
        await asyncio.sleep(0)
        ledger.reachable.set()
        release = await next_one
        assert (ledger.taken, ledger.given_back) == (1, [])
        release()
        await until(lambda: ledger.given_back == ["exclusive:x, lease 1"])

    asyncio.run(go())


def test_an_acquired_lease_whose_caller_has_gone_is_returned():
    async def go():
        ledger = Leases()
        names = ledger.names()
        ledger.reachable.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await names.acquire("x")
        ledger.reachable.set()
        await until(lambda: ledger.given_back == ["exclusive:x, lease 1"])
        await names.acquire("x")
        assert ledger.taken == 2

    asyncio.run(go())


def test_a_lease_that_is_passed_to_a_caller_as_it_gives_up_is_given_back():
    """Kept by a process that has nothing to do, it would keep every other process from its work for ever."""

    async def go():
        ledger = Leases()
        names = ledger.names()
        release = await names.acquire("x")
        waits = asyncio.create_task(names.acquire("x"))
        await asyncio.sleep(0)
        release()
        waits.cancel()
        await until(lambda: ledger.given_back == ["exclusive:x, lease 1"])
        async with asyncio.timeout(1):
            await names.acquire("x")
        assert ledger.taken == 2

    asyncio.run(go())


def test_a_ledger_failure_after_the_caller_gave_up_blocks_no_other():
    async def go():
        ledger = Leases()
        fails = asyncio.Event()

        async def take(name, *, stand_by):
            if not fails.is_set():
                await fails.wait()
                raise LeaseLost(name)
            return "lease"

        ledger.take = take
        names = ledger.names()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await names.acquire("x")
        fails.set()
        async with asyncio.timeout(1):
            await names.acquire("x")

    asyncio.run(go())


@pytest.mark.parametrize(("others", "given_back"), [(True, 1), (False, 0)])
def test_a_process_whose_callers_never_stop_lets_another_process_have_its_turn(others, given_back):
    async def go():
        ledger = Leases(others)
        names = ledger.names(share=0.0, pause=0.0)
        release = await names.acquire("x")
        waits = asyncio.create_task(names.acquire("x"))
        await asyncio.sleep(0)
        release()
        await waits
        assert len(ledger.given_back) == given_back
        assert ledger.taken == 1 + given_back

    asyncio.run(go())
