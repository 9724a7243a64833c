"""Rates that many tenants and workers share: never more than stated, fewer questions than requests, silence for all."""

import asyncio
import multiprocessing
import time

import pytest

from shipperone_erp.engine.shared_limits import GOOD_FOR, LocalBuckets, SharedLimits, origin
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.fleet_tables import OWN_FILES
from shipperone_erp.ledger.repository import Ledger

SHOP = "https://acme.example"


class Counted:
    """Buckets that count how often they are asked."""

    def __init__(self, buckets):
        self.buckets = buckets
        self.asked = 0

    def take(self, wanted):
        self.asked += 1
        return self.buckets.take(wanted)

    def silence(self, name, seconds):
        self.buckets.silence(name, seconds)


async def send(limits, seconds, at_once=8):
    """As many requests as are let through; when each went out."""
    limit, until, sent = limits.shipperone(SHOP), time.monotonic() + seconds, []

    async def one():
        while time.monotonic() < until:
            if await limit.admit(0.3) is None:
                sent.append(time.monotonic())

    await asyncio.gather(*(one() for _ in range(at_once)))
    return sent


def worker(url, start, seconds, rate, throttled_at, answer):
    """A process of its own; `throttled_at`: seconds after the start at which ShipperOne asks it for three of silence."""
    with Ledger.open(url) as ledger:
        buckets = Counted(ledger.fleet())
        limits = SharedLimits(rate, None, buckets)
        start.wait()

        async def go():
            if throttled_at is not None:
                asyncio.get_running_loop().call_later(throttled_at, throttled)
            return await send(limits, seconds)

        def throttled():
            limits.shipperone(SHOP).throttled(3.0)
            moments.append(time.monotonic())

        moments = []
        answer.put((moments, asyncio.run(go()), buckets.asked))


def two_processes(url, *, rate, seconds, throttled_at=None):
    with Ledger.open(url, migrate=True) as ledger:
        ledger.fleet().apply(OWN_FILES, version="1")
    context = multiprocessing.get_context("forkserver")
    start, answer = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=worker, args=(url, start, seconds, rate, when, answer)) for when in (throttled_at, None)
    ]
    for process in processes:
        process.start()
    found = [answer.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(30)
    return found


def test_two_processes_together_keep_the_rate_with_fewer_queries_than_requests(postgresql_url):
    rate, seconds = 60.0, 3.0
    found = two_processes(postgresql_url, rate=rate, seconds=seconds)
    sent = sorted(at for _, times, _ in found for at in times)
    for first in range(0, len(sent), 10):
        span = [at for at in sent[first:] if at <= sent[first] + 1.0]
        assert len(span) <= rate * (1.0 + 2)
    assert rate * seconds * 0.1 < len(sent) <= rate * (seconds + 2)
    assert sum(asked for _, _, asked in found) < len(sent)
    assert all(len(times) > rate * seconds * 0.02 for _, times, _ in found), "both had their part"


def test_a_pause_requested_from_one_process_is_obeyed_by_the_other(postgresql_url):
    found = two_processes(postgresql_url, rate=60.0, seconds=7.0, throttled_at=1.0)
    (paused_at,) = [at for moments, _, _ in found for at in moments]
    sent = [at for _, times, _ in found for at in times]
    # the other process learns of it with its next chunk: a chunk is used up within a quarter of a second, or a second
    assert not [at for at in sent if paused_at + 1.5 < at < paused_at + 2.9]
    assert [at for at in sent if at > paused_at + 3.0], "and it ends"


def test_a_bucket_holds_one_second_of_tokens():
    now = [100.0]
    buckets = LocalBuckets(lambda: now[0])
    assert buckets.take({"x": (5.0, 100)}) == {"x": (5, 0.0)}
    assert buckets.take({"x": (5.0, 100)}) == {"x": (0, 0.0)}
    now[0] += 0.4
    assert buckets.take({"x": (5.0, 100), "y": (7.0, 3)}) == {"x": (2, 0.0), "y": (3, 0.0)}
    now[0] += 1000
    assert buckets.take({"x": (5.0, 100)}) == {"x": (5, 0.0)}
    buckets.silence("x", 3.0)
    assert buckets.take({"x": (5.0, 100)}) == {"x": (0, 3.0)}


def test_the_buckets_of_many_names_are_queried_at_once_and_each_keeps_its_rate(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        ledger.fleet().apply(OWN_FILES, version="1")
        buckets = ledger.fleet()
        many = {f"erp {number}": (5.0, number) for number in range(1, 9)}
        assert buckets.take(many) == {name: (min(most, 5), 0.0) for name, (_, most) in many.items()}
        again = buckets.take({"erp 7": (5.0, 9), "erp 2": (5.0, 9), "new": (5.0, 1)})
        assert again["erp 7"][0] <= 1
        assert 3 <= again["erp 2"][0] <= 4
        assert again["new"] == (1, 0.0)
        buckets.silence("erp 2", 30.0)
        tokens, quiet = buckets.take({"erp 2": (5.0, 9)})["erp 2"]
        assert tokens == 0
        assert 25 < quiet <= 30


class Late(Counted):
    """Buckets that answer later than a chunk is good for."""

    def take(self, wanted):
        given = super().take(wanted)
        time.sleep(GOOD_FOR + 0.2)
        return given


def test_a_worker_whose_database_answers_late_still_calls_its_erps():
    async def go():
        late = Late(LocalBuckets())
        limits = SharedLimits(None, 50.0, late)
        waits = await asyncio.gather(*(limits.erp(f"erp {number}").admit(30) for number in range(40)))
        assert waits == [None] * 40
        assert late.asked <= 3, "one query takes for all that wait"

    asyncio.run(go())


def test_a_database_that_cannot_be_reached_gives_no_tokens_and_is_asked_again():
    class Broken(Counted):
        def take(self, wanted):
            if self.asked < 2:
                self.asked += 1
                raise LedgerError("the database cannot be reached")
            return super().take(wanted)

    async def go():
        broken = Broken(LocalBuckets())
        assert await SharedLimits(50.0, None, broken).shipperone(SHOP).admit(20) is None
        assert broken.asked == 3

    asyncio.run(go())


def test_without_a_rate_no_tokens_are_taken_and_a_pause_is_obeyed():
    async def go():
        counted = Counted(LocalBuckets())
        limits = SharedLimits(None, None, counted)
        limit = limits.shipperone(SHOP)
        assert await limit.admit(0.1) is None
        limits.shipperone("https://ACME.example:443/").throttled(5.0)
        assert 4.9 < await limit.admit(0.1) <= 5.0
        assert counted.asked == 0
        limits.apply_pauses([("shipperone https://other.example:443", 9.0)])

    asyncio.run(go())


@pytest.mark.parametrize(
    "address",
    ["https://acme.example", "HTTPS://Acme.Example:443/", "https://acme.example./rest", " https://acme.example/x"],
)
def test_one_server_has_one_name_however_it_is_written(address):
    assert origin(address) == "https://acme.example:443"
