"""What takes long on one machine: the heartbeat continues, and a group that leaves meanwhile is no fault."""

import asyncio
import logging
import os
import threading
import time

import pytest

pytest.importorskip("procrastinate")

from fleet_world import NobodysHost, fleet, until
from shipperone_erp.config import load
from shipperone_erp.engine.shared_limits import SharedLimits
from shipperone_erp.fleet import schema_upgrade
from shipperone_erp.fleet.scheduler import FleetScheduler
from shipperone_erp.fleet.upkeep import FleetUpkeep, LoadCounter
from shipperone_erp.ledger.fleet_store import FleetStore
from skipped_time import TimeOf
from world import COUNTING

LOG = logging.getLogger("test.slow_rounds")


def seen_at(running):
    with running.store() as store:
        return [row.seen_at for row in store.workers(stalled=60.0)] if store.exists() else []


def test_a_worker_that_loads_its_configuration_for_long_is_not_taken_for_dead(tmp_path, postgresql_url):
    """The secret's file is a pipe into which nobody has written yet: reading it takes as long as the test wants."""
    with fleet(tmp_path, postgresql_url, shops=2) as two:
        secret = tmp_path / "token"
        os.mkfifo(secret)
        two.token = f'{{ file = "{secret}" }}'
        worker = two.start("slow", two.write())
        pipe = os.open(secret, os.O_WRONLY)  # returns once the worker waits for the secret
        moments = set()
        until(lambda: moments.update(seen_at(two)) or len(moments) > 8, why=worker.logged)
        assert two.serving() == {"slow": 0}

        (tmp_path / "file").write_text(two.sandboxes[0].token)
        (tmp_path / "file").replace(secret)
        os.write(pipe, two.sandboxes[0].token.encode())
        os.close(pipe)
        two.add(1)
        until(lambda: two.serving() == {"slow": 2} and two.done(1), why=worker.logged)
        assert worker.stop() == 0
        assert "was suspended" not in worker.logged, worker.logged
        assert "Traceback" not in worker.logged, worker.logged


class WaitingStore(FleetStore):
    """Standing in `refuse`, once the test wants it, until the test lets it go on."""

    wanted, reached, go_on = threading.Event(), threading.Event(), threading.Event()

    silences_read = 0

    def silences(self):
        self.silences_read += 1
        return super().silences()

    def refuse(self, worker, refusals, *, stalled):
        if self.wanted.is_set():
            self.reached.set()
            assert self.go_on.wait(60)
        return super().refuse(worker, refusals, stalled=stalled)


def test_a_group_that_leaves_while_its_members_are_looked_at_is_no_fault(tmp_path, postgresql_url, monkeypatch, caplog):
    monkeypatch.setenv("TOKEN", "t")
    monkeypatch.syspath_prepend(str(COUNTING))
    with fleet(tmp_path, postgresql_url, shops=1, groups=1) as one, one.ledger() as ledger:
        store = WaitingStore(ledger._database)
        schema_upgrade.prepare(store)
        host, stopping = NobodysHost(), asyncio.Event()
        fast = TimeOf(monotonic=lambda: 1000 * time.monotonic())  # what is done every minute is done in every round
        upkeep = FleetUpkeep(store, LoadCounter(), 600, SharedLimits(None, None), LOG, fast)
        scheduler = FleetScheduler(load(one.file, only=()), store, upkeep, name="only", log=LOG, time=fast)

        async def comes_true(true):
            async with asyncio.timeout(60):
                while not true():
                    await asyncio.sleep(0.02)

        async def serves() -> None:
            running = asyncio.create_task(scheduler.run(host, stopping))
            await comes_true(lambda: host.serving == {"shop0"})
            store.wanted.set()
            await comes_true(store.reached.is_set)
            assert store.drain("only", stalled=60.0) == 1
            await comes_true(lambda: ": released" in caplog.text)
            store.go_on.set()
            store.wanted.clear()
            before = store.silences_read
            await comes_true(lambda: store.silences_read > before)  # the round after
            stopping.set()
            await running

        with caplog.at_level(logging.INFO, LOG.name):
            asyncio.run(serves())
        assert host.serving == frozenset()
        assert "this is a bug in shipperone-erp" not in caplog.text
