"""The queue of hand-outs: which workers count as dead, and the state of their rows."""

import asyncio
import logging

import pytest
from sqlalchemy import create_engine, text

pytest.importorskip("procrastinate")

from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.fleet import schema_upgrade
from shipperone_erp.fleet.group_queue import GroupQueue
from shipperone_erp.ledger.repository import Ledger

LOG = logging.getLogger("test")


@pytest.fixture
def url(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        schema_upgrade.prepare(ledger.fleet())
    return postgresql_url


def rows_of(url, sql):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO shipperone_erp_fleet"))
        found = connection.execute(text(sql))
        rows = [tuple(row) for row in found] if found.returns_rows else []
    engine.dispose()
    return rows


def hour_old(url):
    rows_of(url, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def of_jobs(url):
    return rows_of(url, "SELECT status::text, worker_id IS NOT NULL FROM procrastinate_jobs ORDER BY id")


async def serving(url, during, *, groups=("group-1",)):
    """A worker that has been handed these groups, while `during(queue)` runs; a queue stands beside it."""
    async with GroupQueue(url, FleetSettings(), "one", LOG) as queue:
        for group in groups:
            await queue.defer(group)
        held, done = [], asyncio.Event()

        async def serve(group, job):
            held.append(group)
            await done.wait()

        running = asyncio.create_task(queue.run(serve, lambda: len(held) < len(groups)))
        async with asyncio.timeout(60):
            while len(held) < len(groups):
                await asyncio.sleep(0.01)
        try:
            return await during(queue)
        finally:
            done.set()
            queue.stop()
            await running


def test_a_worker_whose_own_heartbeat_is_late_does_not_rescue_itself(url):
    """Its loop was busy for longer than `stalled`: the next rescue is its own, before anybody else's."""

    async def late(queue):
        for _ in range(3):
            hour_old(url)
            assert await queue.rescue() == []

    asyncio.run(serving(url, late, groups=("group-1", "group-2")))
    assert of_jobs(url) == []  # closed by the worker that had them, which leaves no row


def test_the_group_of_a_dead_worker_is_failed_once_and_waits_once(url):
    async def dies(queue):
        hour_old(url)
        async with GroupQueue(url, FleetSettings(), "two", LOG) as other:
            assert [await other.rescue() for _ in range(3)] == [["group-1"], [], []]
        return of_jobs(url)

    assert asyncio.run(serving(url, dies)) == [("failed", False), ("todo", False)]


def test_a_worker_declared_dead_rescues_no_group_before_it_is_registered_again(url):
    async def removed(queue):
        before = queue.worker_id
        hour_old(url)
        async with GroupQueue(url, FleetSettings(), "two", LOG) as other:
            await other.rescue()
        await queue.register_again()
        assert queue.worker_id != before
        assert rows_of(url, "SELECT id FROM procrastinate_workers") == [(queue.worker_id,)]
        return await queue.rescue()

    assert asyncio.run(serving(url, removed)) == []


def test_the_rows_of_rescued_hand_outs_are_pruned_after_a_day(url):
    async def dies(queue):
        hour_old(url)
        async with GroupQueue(url, FleetSettings(), "two", LOG) as other:
            await other.rescue()
            await other.prune()
            young = of_jobs(url)
            rows_of(url, "UPDATE procrastinate_events SET at = at - interval '25 hours'")
            await other.prune()
        return young, of_jobs(url)

    young, old = asyncio.run(serving(url, dies))
    assert young == [("failed", False), ("todo", False)]
    assert old == [("todo", False)]


@pytest.mark.parametrize("listen", [True, False], ids=["LISTEN", "polling"])
def test_a_group_is_found_with_listen_and_without(url, listen):
    """Behind PgBouncer nothing is heard: the worker looks every `poll`."""

    async def finds():
        settings = FleetSettings(listen=listen, poll="100ms")
        async with GroupQueue(url, settings, "one", LOG) as queue:
            found = asyncio.Event()

            async def serve(group, job):
                found.set()

            running = asyncio.create_task(queue.run(serve, lambda: True))
            async with asyncio.timeout(60):
                while not queue.worker_id:
                    await asyncio.sleep(0.01)
                while listen and not rows_of(url, listening):
                    await asyncio.sleep(0.05)
                await queue.defer("group-1")
                await found.wait()
            listens = rows_of(url, listening)
            queue.stop()
            await running
            return listens

    listening = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN \"procrastinate%'"
    )
    assert len(asyncio.run(finds())) == listen
