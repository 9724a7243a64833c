"""A tenant that makes much work: the scheduler in this process, on a host that only takes note of whom it serves."""

import asyncio
import logging
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("procrastinate")

from fleet_world import STALLED, NobodysHost, fleet
from shipperone_erp.config import load
from shipperone_erp.fleet import schema_upgrade
from shipperone_erp.fleet.scheduler import FleetScheduler
from shipperone_erp.fleet.upkeep import FleetUpkeep
from skipped_time import TimeOf
from world import COUNTING

LOG = logging.getLogger("test")


def test_a_tenant_that_makes_much_work_gets_a_group_of_its_own(tmp_path, postgresql_url, monkeypatch):
    monkeypatch.setenv("TOKEN", "t")
    monkeypatch.syspath_prepend(str(COUNTING))
    with fleet(tmp_path, postgresql_url, shops=3, groups=1) as three, three.store() as store:
        schema_upgrade.prepare(store)
        host, stopping = NobodysHost(), asyncio.Event()
        asked = []

        def heavy(a_minute):
            asked.append(a_minute)
            return frozenset({"shop1"}) if len(host.serving) == 3 else frozenset()

        async def serves() -> None:
            fast = TimeOf(monotonic=lambda: 1000 * time.monotonic())
            load_counter, limits = SimpleNamespace(heavy=heavy), SimpleNamespace(apply_pauses=lambda silences: None)
            configuration = load(three.file, only=())
            upkeep = FleetUpkeep(store, load_counter, configuration.runtime.fleet.heavy, limits, LOG, fast)
            scheduler = FleetScheduler(configuration, store, upkeep, name="only", log=LOG, time=fast)
            running = asyncio.create_task(scheduler.run(host, stopping))
            async with asyncio.timeout(60):
                while not (served_apart() and len(host.serving) == 3):
                    await asyncio.sleep(0.05)
            stopping.set()
            await running

        def served_apart():
            rows = {row.tenant: (row.group, row.worker) for row in store.tenants(stalled=STALLED)}
            return rows.get("shop1") == ("tenant:shop1", "only")

        asyncio.run(serves())
        groups = {row.tenant: row.group for row in store.tenants(stalled=STALLED)}
        assert groups == {"shop0": "group-0000", "shop1": "tenant:shop1", "shop2": "group-0000"}
        assert set(asked) == {600}
