"""Rates that many tenants and workers share: never more than stated, fewer questions than requests, silence for all."""

import asyncio
import multiprocessing
import time

import pytest

from shipperone_erp.engine.shared_limits import LocalBuckets, SharedLimits, origin
from shipperone_erp.ledger.fleet_tables import OWN_FILES
from shipperone_erp.ledger.repository import Ledger

SHOP = "https://acme.example"


class Counted:
    """Buckets that count how often they are asked."""

    def __init__(self, buckets):
        self.buckets = buckets
        self.asked = 0

    def take(self, name, rate, most):
        self.asked += 1
        return self.buckets.take(name, rate, most)

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


def worker(url, start, seconds, rate, told_at, answer):
    """A process of its own; `told_at`: seconds after the start at which ShipperOne asks it for three of silence."""
    with Ledger.open(url) as ledger:
        buckets = Counted(ledger.fleet())
        limits = SharedLimits(rate, None, buckets)
        start.wait()

        async def go():
            if told_at is not None:
                asyncio.get_running_loop().call_later(told_at, throttled)
            return await send(limits, seconds)

        def throttled():
            limits.shipperone(SHOP).throttled(3.0)
            told.append(time.monotonic())

        told = []
        answer.put((told, asyncio.run(go()), buckets.asked))


def two_processes(url, *, rate, seconds, told_at=None):
    with Ledger.open(url, migrate=True) as ledger:
        ledger.fleet().apply(OWN_FILES, version="1")
    context = multiprocessing.get_context("forkserver")
    start, answer = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=worker, args=(url, start, seconds, rate, when, answer)) for when in (told_at, None)
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
    found = two_processes(postgresql_url, rate=60.0, seconds=7.0, told_at=1.0)
    (told,) = [at for moments, _, _ in found for at in moments]
    sent = [at for _, times, _ in found for at in times]
    # the other process learns of it with its next chunk: a chunk is used up within a quarter of a second, or a second
    assert not [at for at in sent if told + 1.5 < at < told + 2.9]
    assert [at for at in sent if at > told + 3.0], "and it ends"


def test_a_bucket_holds_one_second_of_tokens():
    now = [100.0]
    buckets = LocalBuckets(lambda: now[0])
    assert buckets.take("x", 5.0, 100) == (5, 0.0)
    assert buckets.take("x", 5.0, 100) == (0, 0.0)
    now[0] += 0.4
    assert buckets.take("x", 5.0, 100) == (2, 0.0)
    now[0] += 1000
    assert buckets.take("x", 5.0, 100) == (5, 0.0)
    buckets.silence("x", 3.0)
    assert buckets.take("x", 5.0, 100) == (0, 3.0)


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
