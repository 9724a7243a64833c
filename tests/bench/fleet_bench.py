"""What it costs to hand out groups of tenants, beside the simplest alternative: rendezvous hashing over live workers.

    nox -s bench_fleet                                             this, after the workers side by side
    python tests/bench/fleet_bench.py --tenants 5000 --groups 64

CPU is that of this process and of its PostgreSQL backends together, so that a busy machine does not change it much. No
tenant is served: what a tenant costs is measured by `nox -s idle`.
"""

import argparse
import asyncio
import hashlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from sqlalchemy import text

from ledger_databases import empty_postgresql, running_postgresql
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.domain.records import Lease
from shipperone_erp.engine.lease_keeper import BEATS as BEATS_A_LEASE
from shipperone_erp.fleet.group_queue import GroupQueue
from shipperone_erp.fleet.scheduler import group_of
from shipperone_erp.fleet.schema_upgrade import prepare
from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.leases import Owner
from shipperone_erp.ledger.repository import Ledger

BEATS = 100
LEASE = 15
TICKS = os.sysconf("SC_CLK_TCK")


def of_server(store: FleetStore) -> float:
    """Seconds of CPU of the server's processes for this database."""
    with store._turn() as connection:
        pids = connection.execute(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")).scalars()
        return sum(map(_cpu, pids))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


shares: list[float] = []
"""The share of a core of each kind of recurring work."""


@contextmanager
def measured(store: FleetStore, what: str, times: int, a_second: float | None = None) -> Iterator[None]:
    server, own = of_server(store), time.process_time()
    yield
    own, server = time.process_time() - own, of_server(store) - server
    each = (own + server) / times
    share = f"{100 * each * a_second:8.3f} % of a core" if a_second else ""
    if a_second:
        shares.append(each * a_second)
    print(f"{what:58} {1000 * each:8.2f} ms ({1000 * server / times:.2f} of it the server's) {share}", flush=True)


async def hand_outs(url: str, store: FleetStore, groups: list[str]) -> None:
    """Each group is deferred, fetched, deferred again and closed, as in a life of a hand-out."""
    served = 0
    settings = FleetSettings()
    async with GroupQueue(url, settings, "bench", logging.getLogger("bench")) as queue:
        for group in groups:
            await queue.defer(group)

        async def serve(group: str, job: int) -> None:
            nonlocal served
            served += 1
            if served >= len(groups):
                queue.stop()

        with measured(store, "a hand-out: fetched, served, closed", len(groups)):
            await queue.run(serve, lambda: True)


async def rescues(url: str, store: FleetStore, workers: int) -> None:
    """What each worker does for those that may be dead, with every heartbeat."""
    async with GroupQueue(url, FleetSettings(), "bench", logging.getLogger("bench")) as queue:
        await queue.rescue()
        with measured(store, "the look for dead workers", BEATS, workers / 5):
            for _ in range(BEATS):
                await queue.rescue()


def rendezvous(tenants: list[str], workers: list[str]) -> dict[str, str]:
    """The worker of each tenant: the one whose hash with it is the highest."""
    return {
        tenant: max(workers, key=lambda worker: hashlib.blake2b(f"{worker}/{tenant}".encode(), digest_size=8).digest())
        for tenant in tenants
    }


def leases(ledger: Ledger, store: FleetStore, tenants: list[str], workers: int) -> None:
    """The heartbeat of the leases of one worker, of both stages of its tenants, among those of all others."""
    owners = [Owner(f"w{number}", "h", 1) for number in range(workers)]
    names = [f"{tenant}/{stage}" for tenant in tenants for stage in ("allocation", "invoice")]
    with store._session() as connection:
        for number, owner in enumerate(owners):
            connection.execute(
                text(
                    "INSERT INTO leases (name, owner, host, pid, number, heartbeat, taken_at) "
                    "SELECT name, :owner, 'h', 1, 1, 1, now() FROM unnest(CAST(:names AS text[])) AS name"
                ),
                {"owner": owner.id, "names": names[number::workers]},
            )
        connection.commit()
    held = [Lease(name, owners[0].id, 1) for name in names[::workers]]
    with measured(store, f"the heartbeat of {len(held)} leases of a worker", BEATS, workers * BEATS_A_LEASE / LEASE):
        for _ in range(BEATS):
            assert ledger.beat(held) == ()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--tenants", type=int, default=5000)
    options.add_argument("--groups", type=int, default=64)
    options.add_argument("--workers", type=int, default=4)
    chosen = options.parse_args()
    tenants = [f"shop{number:05}" for number in range(chosen.tenants)]
    with running_postgresql() as server, empty_postgresql(server) as url, Ledger.open(url, migrate=True) as ledger:
        store = ledger.fleet()
        assert store is not None
        prepare(store)
        for number in range(chosen.workers):
            row = {"id": f"w{number}", "name": f"w{number}", "host": "h", "pid": 1, "version": "0", "engine": "3.9"}
            store.register(row)
        groups = sorted({group_of(tenant, chosen.groups) for tenant in tenants})
        print(f"{chosen.tenants} tenants, {len(groups)} groups, {chosen.workers} workers; a heartbeat every 5 s")
        with measured(store, f"{chosen.tenants} tenants join the fleet, once", 1):
            store.add({tenant: (group_of(tenant, chosen.groups), "digest") for tenant in tenants})
        asyncio.run(hand_outs(url, store, groups))
        held = list(range(1, len(groups) // chosen.workers + 2))
        with measured(store, "a heartbeat, with what it brings back", BEATS, chosen.workers / 5):
            for _ in range(BEATS):
                store.beat("w0", 1, held, slots=17, stalled=1e9)
                store.silences()
                store.without_hand_out()
        with measured(store, "the digests and members again, after a change", 10):
            for _ in range(10):
                store.digests()
                store.members(groups[: len(held)])
        asyncio.run(rescues(url, store, chosen.workers))
        leases(ledger, store, tenants, chosen.workers)
        print(f"{'all recurring work, 15 s leases':58} {100 * sum(shares):39.3f} % of a core")
    began = time.process_time()
    names = [f"w{number}" for number in range(chosen.workers)]
    before = rendezvous(tenants, names)
    print(f"{'rendezvous hashing of all tenants':58} {1000 * (time.process_time() - began):8.2f} ms")
    after = rendezvous(tenants, [*names, "w9"])
    moved = sum(before[tenant] != after[tenant] for tenant in tenants)
    print(f"tenants that move when a worker joins: {moved} of {len(tenants)} with rendezvous hashing")


if __name__ == "__main__":
    main()
