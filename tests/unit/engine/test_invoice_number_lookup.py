"""Look-ups of invoice numbers: gathered while a query runs, answered one by one, also where the query fails."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger_databases import a_job
from shipperone_erp.domain.records import NumberHolder
from shipperone_erp.engine.invoice_number_lookup import InvoiceNumberLookup
from shipperone_erp.ledger.database_errors import LedgerUnavailable

HOLDER = NumberHolder("7", 1, "acme", "FO-0", "i-FO-0-x")


class Ledger:
    """Answers each query once `answers` is set."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.queries: list[list[str]] = []
        self.answers = threading.Event()
        self._failure = failure

    def holders(self, tenant, asked):
        self.queries.append([own.number for own in asked])
        assert self.answers.wait(20)
        if self._failure is not None:
            raise self._failure
        return {own: HOLDER for own in asked if own.number == "7"}


async def looked_up(ledger, numbers):
    lookup = InvoiceNumberLookup("acme", ledger.holders)
    jobs = [a_job(f"FO-{number}", key=f"i-{number}") for number in numbers]
    asked = [asyncio.ensure_future(lookup.holder(number, job)) for number, job in zip(numbers, jobs, strict=True)]
    await asyncio.sleep(0)
    ledger.answers.set()
    return lookup, await asyncio.gather(*asked, return_exceptions=True)


def test_numbers_that_gather_are_one_query_and_each_gets_its_own_answer():
    ledger = Ledger()

    async def run():
        lookup, first = await looked_up(ledger, ["5", "6", "7"])
        assert first == [None, None, HOLDER]
        assert await lookup.holder("8", a_job("FO-8", key="i-8")) is None

    asyncio.run(run())
    assert ledger.queries == [["5", "6", "7"], ["8"]]


def test_a_number_that_was_issued_a_moment_ago_is_found_without_a_query():
    ledger = Ledger()

    async def run():
        lookup, _ = await looked_up(ledger, ["5"])
        found = await lookup.holder("5", a_job("FO-9", key="i-9"))
        assert (found.order_id, found.key) == ("FO-5", "i-5")

    asyncio.run(run())
    assert ledger.queries == [["5"]]


def test_of_two_that_get_one_number_at_once_the_second_alone_is_held():
    """The second is recorded with the number before the query of the first has run."""
    first, second = a_job("FO-1", key="i-1"), a_job("FO-2", key="i-2")

    class Both(Ledger):
        def holders(self, tenant, asked):
            super().holders(tenant, asked)
            return {own: NumberHolder("5", second.id, "acme", "FO-2", "i-2") for own in asked}

    ledger = Both()

    async def run():
        lookup = InvoiceNumberLookup("acme", ledger.holders)
        asked = [asyncio.ensure_future(lookup.holder("5", job)) for job in (first, second)]
        await asyncio.sleep(0)
        ledger.answers.set()
        return await asyncio.gather(*asked)

    kept, held = asyncio.run(run())
    assert kept is None
    assert (held.order_id, held.key) == ("FO-1", "i-1")


def test_a_query_that_fails_fails_in_every_look_up_and_the_next_one_asks_again():
    ledger = Ledger(LedgerUnavailable("away"))

    async def run():
        lookup, found = await looked_up(ledger, ["5", "6"])
        assert [type(one) for one in found] == [LedgerUnavailable, LedgerUnavailable]
        with pytest.raises(LedgerUnavailable):
            await lookup.holder("9", a_job("FO-9", key="i-9"))

    asyncio.run(run())
    assert len(ledger.queries) == 2


def test_the_look_ups_of_many_stages_share_the_loops_few_threads():
    """Each in a thread of its own, they would ask the ledger for more connections than it has."""
    threads: set[int] = set()

    def holders(tenant, asked):
        threads.add(threading.get_ident())
        time.sleep(0.001)
        return {}

    async def run():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3))
        job = a_job("FO-1", key="i-1")
        await asyncio.gather(*(InvoiceNumberLookup(f"t{number}", holders).holder("1", job) for number in range(60)))

    asyncio.run(run())
    assert len(threads) <= 3
