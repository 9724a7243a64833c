"""Which limit a fleet meets first, by arithmetic from measured costs: no process is started.

    python tests/bench/fleet_scale.py --tenants 100000 --poll 30 --orders 40

The costs below are those of docs/explanation/benchmarks.md and of fleet_bench.py; give your own with the options.
"""

import argparse
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU in milliseconds, rows, bytes."""

    cycle: float = 2.4
    """An idle cycle of one stage: a request, its parsing, the comparison with the ledger."""
    order: float = 5.6
    """An order through both stages, in the worker."""
    rows: int = 6
    """Rows that an order writes: two jobs, four effects; each effect is written twice."""
    writes: int = 14
    heartbeat: float = 6.4
    hand_out: float = 3.6
    lease_row: float = 0.0024
    """CPU of the server to move the heartbeat of one lease."""
    memory: float = 0.15
    """MiB of a tenant in its worker."""
    connections: int = 18
    idle_connections: int = 8
    order_bytes: int = 9_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The fleet that is asked about."""

    tenants: int
    poll: float
    orders: int
    lease: float
    cores: int
    server_cores: int
    max_connections: int
    server_writes: float
    memory: float


def limits(shape: Shape, costs: Costs) -> list[tuple[str, float, str]]:
    """What each resource needs, as a share of what there is, the scarcest first."""
    cycles = 2 * shape.tenants / shape.poll
    orders = shape.tenants * shape.orders / 86_400 * 3  # the busiest hours have three times the mean
    cpu = cycles * costs.cycle / 1000 + orders * costs.order / 1000
    workers = max(1, math.ceil(cpu / 0.6), math.ceil(shape.tenants * costs.memory / shape.memory))
    beats = 2 * shape.tenants / (shape.lease / 5)
    server = (
        beats * costs.lease_row / 1000
        + workers / 5 * costs.heartbeat * 0.4 / 1000
        + orders * costs.writes * 0.05 / 1000
    )
    writes = beats + orders * costs.writes
    machines = math.ceil(workers / shape.cores)
    print(f"{shape.tenants} tenants, both stages, polled every {shape.poll:g} s, {shape.orders} orders a day each")
    print(f"  polls               {cycles:12.0f} a second")
    print(f"  orders              {orders:12.1f} a second in the busiest hours")
    print(f"  workers             {workers:12} (one a core, 60 % busy), {machines} machines of {shape.cores} cores")
    print(f"  leases' heartbeats  {beats:12.0f} rows a second at lease = {shape.lease:g} s")
    print(f"  rows written        {writes:12.0f} a second")
    print(f"  disk                {orders / 3 * 86_400 * costs.order_bytes / 2**30:12.1f} GiB a day")
    return sorted(
        [
            ("connections at the peak", workers * costs.connections / shape.max_connections, "PgBouncer by session"),
            ("connections at rest", workers * costs.idle_connections / shape.max_connections, "PgBouncer by session"),
            ("rows a second of the ledger", writes / shape.server_writes, "a longer lease; several ledgers"),
            ("CPU of the database", server / (0.6 * shape.server_cores), "a longer lease; several ledgers"),
            ("CPU of two workers' machines", cpu / (0.6 * 2 * shape.cores), "more machines; a longer poll_interval"),
        ],
        key=lambda one: -one[1],
    )


def main() -> None:
    options = argparse.ArgumentParser()
    for name, default in (
        ("tenants", 100_000), ("poll", 30.0), ("orders", 40), ("lease", 15.0), ("cores", 16), ("server-cores", 32),
        ("max-connections", 2000), ("server-writes", 20_000.0), ("memory", 4096.0),
    ):  # fmt: skip
        options.add_argument(f"--{name}", type=type(default), default=default)
    shape = Shape(**vars(options.parse_args()))
    found = limits(shape, Costs())
    print("  of what there is:")
    for what, share, cure in found:
        print(f"  {100 * share:8.0f} %  {what:34} {'' if share < 1 else cure}")


if __name__ == "__main__":
    main()
