"""The shared lock: an exclusive holder is alone, waits for those who share, and lets nobody in meanwhile."""

import asyncio

from shipperone_erp.engine.shared_lock import SharedLock


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_exclusive_holder_waits_for_sharers_and_later_sharers_wait_for_it():
    async def go():
        lock, came = SharedLock(), []
        await lock.shared().__aenter__()
        await lock.shared().__aenter__()

        async def alone():
            async with lock.alone():
                came.append("alone")
                assert lock.sharing == 0
                await settled()
                came.append("over")

        async def share():
            async with lock.shared():
                came.append("shared")

        tasks = [asyncio.create_task(alone())]
        await settled()
        tasks += [asyncio.create_task(share()), asyncio.create_task(alone())]
        await settled()
        await lock.shared().__aexit__()
        await settled()
        assert came == [], "one still shares it"
        await lock.shared().__aexit__()
        await asyncio.gather(*tasks)
        assert came[:2] == ["alone", "over"]
        assert sorted(came[2:]) == ["alone", "over", "shared"]
        assert (came.index("over", 2) - came.index("alone", 2)) == 1, "nobody shares it in between"
        assert lock.sharing == 0

    asyncio.run(go())


def test_a_holder_that_gives_up_waiting_lets_the_others_in():
    async def go():
        lock = SharedLock()
        await lock.shared().__aenter__()

        async def alone():
            async with lock.alone():
                raise AssertionError("one still shares it")

        waiting = asyncio.create_task(alone())
        await settled()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(lock.shared().__aenter__(), 20)
        assert lock.sharing == 2

    asyncio.run(go())
