"""Merchants, real service processes, a real ledger; everything goes wrong at once; then effects are counted.

    nox -s chaos                                          2,000 orders and 100 kills, on SQLite, then on PostgreSQL
    nox -s chaos -- --orders 300 --kills 12 --database sqlite --seed 7
    nox -s chaos -- --fleet                               4 workers, 200 tenants, 10,000 orders, on one PostgreSQL
    nox -s chaos -- --fleet --tenants 20 --orders 400 --kills 12

While orders come and change, services are killed (SIGKILL), frozen past their lease (SIGSTOP) and stopped at random
moments, ShipperOne and the ERP stumble, and a person retries and pauses. With `--fleet` the services are workers of one
fleet, and PostgreSQL is restarted under them. In the end the faults go off, a person acts on what is held, and what was
reserved, issued and delivered is compared with what ShipperOne has accepted.
"""

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from endurance.chaos_counts import counts, table
from endurance.merchants import merchants
from endurance.processes import Fleet, Workers
from endurance.verdict import everything, nothing_unaccepted
from ledger_databases import OwnPostgresql, empty_postgresql, own_postgresql, running_postgresql
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import ENDED, Stage, State
from shipperone_erp.kernel.errors import LedgerError, UsageError
from shipperone_erp.ledger.database_errors import LedgerUnavailable
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions, pauses
from world import COUNTING

LEASE = 0.8
LEASE_OF_WORKERS, STALLED = 1.5, 5.0
"""Long enough for a loaded machine: a fleet that takes its living workers for dead does nothing else."""

TICK = 0.05
VISITED = 10
"""To so many merchants a second comes what comes by the second, and their effects are counted."""

REST_WITHIN = 75.0
"""Seconds in which something must come to its end once the faults are off, until that is called stuck."""

SETTINGS = """\
[runtime]
ledger = "{ledger}"
lease = "{lease}s"
[defaults]
poll_interval = "0.3s"
settle = "0.5s"
stock_retry = "1s"
gone_grace = "0.5s"
hook_timeout = "2s"
go_live = "now"
currency = "EUR"
shipping_on_parts = "as_listed"
"""

FLEET_SETTINGS = """\
[runtime]
ledger = "{ledger}"
lease = "{lease}s"
limits = {{ shipperone = 100, erp = 100 }}
[runtime.fleet]
groups = {groups}
heartbeat = "300ms"
stalled = "{stalled}s"
poll = "300ms"
[defaults]
poll_interval = "{poll}s"
settle = "2s"
stock_retry = "2s"
gone_grace = "2s"
hook_timeout = "2s"
go_live = "now"
currency = "EUR"
shipping_on_parts = "as_listed"
"""
"""Every merchant's ShipperOne is a thread of this one process, and answers later than that of two merchants."""


@dataclass(frozen=True)
class Size:
    """How much of everything; `life` is for how many seconds somebody serves, on average, until a strike.

    With `workers` they are that many workers of one fleet, and its PostgreSQL is restarted `restarts` times.
    """

    orders: int
    kills: int
    freezes: int
    stops: int
    life: float
    tenants: int = 2
    workers: int = 0
    restarts: int = 0


LONG = Size(orders=2000, kills=100, freezes=8, stops=6, life=1.5)
SHORT = Size(orders=80, kills=8, freezes=1, stops=1, life=1.0)
LONG_FLEET = Size(orders=10_000, kills=60, freezes=20, stops=6, life=4.0, tenants=200, workers=4, restarts=4)
SHORT_FLEET = Size(orders=200, kills=4, freezes=2, stops=1, life=1.0, tenants=20, workers=3, restarts=1)


@dataclass
class Result:
    """What was found wrong (nothing, it is hoped), and every count, in the order in which it is printed."""

    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int | str] = field(default_factory=dict)


class Chaos:
    """One run on one ledger. `folder` holds all that it leaves: the ERPs, the services' logs, a SQLite ledger.

    A fleet needs `server`, the PostgreSQL of its ledger.
    """

    def __init__(
        self, folder: Path, ledger_url: str, size: Size, seed: int, server: OwnPostgresql | None = None
    ) -> None:
        self.size = size
        self.chance = random.Random(seed)
        self.url = ledger_url
        self.merchants = merchants(folder, self.chance, size.tenants, size.orders)
        self._visits = itertools.cycle(self.merchants)
        self.file = folder / "shipperone-erp.toml"
        tokens = {merchant.variable: merchant.sandbox.token for merchant in self.merchants}
        common = (folder, self.file, {**tokens, "PYTHONPATH": str(COUNTING)}, self.chance)
        if server is not None:
            self.fleet: Fleet = Workers(*common, LEASE_OF_WORKERS, count=size.workers, stalled=STALLED, server=server)
        else:
            self.fleet = Fleet(*common, LEASE)
        self.result = Result()
        self.held: set[tuple[int, Reason]] = set()
        self.acts: Counter[str] = Counter()

    def run(self) -> Result:
        """From the first order to the verdict."""
        began = time.monotonic()
        with ExitStack() as stack:
            for merchant in self.merchants:
                stack.enter_context(merchant.sandbox)
            self.file.write_text(self._settings() + "".join(m.table() for m in self.merchants))
            stack.callback(self.fleet.kill_all)
            self.fleet.tend()
            self.ledger = stack.enter_context(_opened(self.url))
            self._bad_days()
            worst = time.monotonic()
            self._all_is_well()
            self._a_person_until_nothing_moves()
            self._until_each_is_served()
            self.fleet.end()
            self._judge()
            self.result.counts["seconds of trouble, and until all was done"] = (
                f"{worst - began:.0f} + {time.monotonic() - worst:.0f}"
            )
        return self.result

    def _settings(self) -> str:
        if not self.size.workers:
            return SETTINGS.format(ledger=self.url, lease=LEASE)
        groups, poll = max(4, self.size.tenants // 4), max(0.3, self.size.tenants / 100)
        return FLEET_SETTINGS.format(ledger=self.url, lease=LEASE_OF_WORKERS, stalled=STALLED, groups=groups, poll=poll)

    def _bad_days(self) -> None:
        """Each life of a service has its share of what happens, and ends at a random moment."""
        for merchant in self.merchants:
            merchant.faults_on()
        acts, strikes = self._acts(), self._strikes()
        done = 0
        self._looks_at = time.monotonic()
        for number, how in enumerate(strikes):
            until = len(acts) * (number + 1) // len(strikes)
            self._until_somebody_serves()
            life = self.chance.uniform(0.1, 2 * self.size.life)
            began, first = time.monotonic(), done
            while (lived := (time.monotonic() - began) / life) < 1 or done < until:
                while done < min(until, first + int((until - first) * lived) + 1):
                    acts[done]()
                    done += 1
                self._tick()
            while not self.fleet.strike(how, self.ledger):
                self._tick()

    def _until_somebody_serves(self) -> None:
        ends = time.monotonic() + 60
        while not self.fleet.serving(self.ledger):
            self._tick()
            if time.monotonic() > ends:
                raise TimeoutError("for a minute no service has taken a lease")

    def _tick(self) -> None:
        self.fleet.tend()
        if time.monotonic() >= self._looks_at:
            self._looks_at = time.monotonic() + 1.0
            self._every_second()
        time.sleep(TICK)

    def _acts(self) -> list:
        """What is done to the merchants, in the sequence in which it is done; a burst of orders now and then."""
        acts: list = []
        for merchant in self.merchants:
            coming = len(merchant.coming)
            own = [merchant.order_comes] * coming
            shares = (
                (merchant.shop_edits, 0.2), (merchant.shop_edits_lines, 0.12), (merchant.shop_cancels, 0.05),
                (merchant.order_vanishes, 0.02), (merchant.erp_stumbles, 0.25),
            )  # fmt: skip
            for act, share in shares:
                for _ in range(int(coming * share + self.chance.random())):  # of ten orders, half an order at times
                    own.insert(self.chance.randint(1, len(own)), act)
            acts.append(own)
        return [act for pair in itertools.zip_longest(*acts) for act in pair if act is not None]

    def _strikes(self) -> list[str]:
        strikes = ["kill"] * self.size.kills + ["freeze"] * self.size.freezes + ["stop"] * self.size.stops
        strikes += ["restart"] * self.size.restarts
        self.chance.shuffle(strikes)
        return strikes

    def _every_second(self) -> None:
        for merchant in itertools.islice(self._visits, min(VISITED, len(self.merchants))):
            for _ in range(4):
                merchant.goods_come()
            merchant.transfers_arrive(0.5)
            merchant.parcels_go_out(0.6)
            self.result.wrong += [f"{merchant.name}: {wrong}" for wrong in nothing_unaccepted(merchant)]
        if self.chance.random() < 0.3:
            held = self._jobs_in([State.HELD]) or []
            self._a_person_acts(self.chance.sample(held, min(len(held), 3)))
        if self.chance.random() < 0.05:
            merchant, stage = self.chance.choice(self.merchants), self.chance.choice(list(Stage))
            pauses.pause(self.ledger, merchant.name, [stage], _now(), "stock-taking")
            self.acts["pause"] += 1
        elif self.chance.random() < 0.4:
            self._resume_all()

    def _resume_all(self) -> None:
        for pause in self.ledger.pauses():
            pauses.resume(self.ledger, pause.tenant, [pause.stage], _now(), None)

    def _all_is_well(self) -> None:
        """The faults go off, what is still to come comes, everything is in stock, nothing is paused."""
        for merchant in self.merchants:
            merchant.faults_off()
            merchant.all_have_come()
            merchant.all_goods_come()
        self._resume_all()
        self.fleet.one_is_left()

    def _a_person_until_nothing_moves(self) -> None:
        """Until all is done, or until what is held stays held whatever the person says."""
        rounds, before, moved_at = 0, frozenset[int](), time.monotonic()
        while time.monotonic() - moved_at < REST_WITHIN:
            self.fleet.tend()
            for merchant in self.merchants:
                merchant.transfers_arrive()
                merchant.parcels_go_out()
            time.sleep(max(0.5, len(before) / 1000))  # reading them all must not take the machine from those who work
            unfinished = self._jobs_in(state for state in State if state not in ENDED)
            if unfinished is None:
                continue
            now = frozenset(job.id for job in unfinished)
            if now != before:
                before, moved_at = now, time.monotonic()
            if any(job.state is not State.HELD for job in unfinished) or self._listed_and_not_held(unfinished):
                continue
            if not unfinished or rounds == 5:
                return
            rounds += 1
            self._a_person_acts(unfinished)

    def _jobs_in(self, states: Iterable[State]) -> list[Job] | None:
        """The jobs in these states; None if this machine is too busy to read them before PostgreSQL gives up."""
        try:
            return self.ledger.find_jobs(states=list(states))
        except LedgerUnavailable:
            return None

    def _until_each_is_served(self) -> None:
        ends = time.monotonic() + REST_WITHIN
        while (wrong := self.fleet.unserved(self.ledger)) is not None and time.monotonic() < ends:
            time.sleep(0.5)
        if wrong is not None:
            self.result.wrong.append(wrong)

    def _listed_and_not_held(self, jobs: Sequence[Job]) -> bool:
        held = {(job.tenant, job.order_id) for job in jobs}
        return any(
            (merchant.name, order_id) not in held
            for merchant in self.merchants
            for queue in ("pending_allocation", "pending_shipment", "pending_invoice")
            for order_id in merchant.sandbox_ids(queue)
        )

    def _a_person_acts(self, jobs: Sequence[Job]) -> None:
        """Says what the answers were that nobody knows, having asked ShipperOne; tries everything else again."""
        merchants = {merchant.name: merchant for merchant in self.merchants}
        for job in jobs:
            if job.reason is not None:
                self.held.add((job.id, job.reason))
            try:
                if job.reason is Reason.OUTCOME_UNKNOWN and job.lost_at and job_actions.can_be_ended(job):
                    outcome = "confirmed" if merchants[job.tenant].took(job) else "cancelled"
                    job_actions.resolve(self.ledger, job, _now(), "asked", outcome=outcome)
                    self.acts[f"resolved as {outcome}"] += 1
                elif job_actions.can_be_retried(job):
                    job_actions.retry(self.ledger, job, _now(), "by a person")
                    self.acts["retried"] += 1
            except UsageError:
                self.acts["too late: it has just changed"] += 1

    def _judge(self) -> None:
        jobs = self.ledger.find_jobs()
        wrong = self.result.wrong
        for merchant in self.merchants:
            mine = [job for job in jobs if job.tenant == merchant.name]
            wrong += [f"{merchant.name}: {found}" for found in everything(merchant, mine)]
        wrong += self.fleet.odd_ends
        log_text = self.fleet.logged()
        wrong += [f"a service logged: {line}" for line in log_text.splitlines() if "bug in shipperone-erp" in line]
        if any(merchant.sandbox.token in log_text for merchant in self.merchants):
            wrong.append("a token is in a log")
        wrong[:] = list(dict.fromkeys(wrong))
        self.result.counts |= counts(
            self.merchants, self.ledger, jobs, struck=self.fleet.struck, held=self.held, acts=self.acts
        )
        self.result.counts["wrong: twice, unaccepted, lost, stock, stuck"] = len(wrong)


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _opened(url: str) -> Iterator[Ledger]:
    """The ledger that a service makes at its start."""
    ends = time.monotonic() + 30
    while True:
        try:
            ledger = Ledger.open(url)
            break
        except LedgerError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
    with ledger:
        yield ledger


def main() -> int:
    options = argparse.ArgumentParser(prog="nox -s chaos --")
    options.add_argument("--fleet", action="store_true", help="workers of one fleet, on one PostgreSQL")
    for what in ("orders", "kills", "freezes", "stops", "tenants", "workers", "restarts"):
        options.add_argument(f"--{what}", type=int)
    options.add_argument("--life", type=float, help="seconds that a service serves, on average")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options.add_argument("--keep", type=Path, help="a folder for all that is left: ERPs, logs, a SQLite ledger")
    chosen = options.parse_args()
    given = {name: value for name, value in vars(chosen).items() if value is not None and hasattr(LONG, name)}
    size = replace(LONG_FLEET if chosen.fleet else LONG, **given)
    failed = False
    databases = ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]
    for database in ["fleet"] if chosen.fleet else databases:
        print(f"\n{database}, seed {chosen.seed}", flush=True)
        with ExitStack() as stack:
            folder = chosen.keep / database if chosen.keep else Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            server = stack.enter_context(own_postgresql()) if chosen.fleet else None
            if server is not None:
                url = stack.enter_context(empty_postgresql(server.url))
            elif database == "postgresql":
                url = stack.enter_context(empty_postgresql(stack.enter_context(running_postgresql())))
            else:
                url = f"sqlite:///{folder.absolute()}/ledger.db"
            result = Chaos(folder, url, size, chosen.seed, server).run()
        print(table(result.counts))
        for wrong in result.wrong:
            print(f"WRONG {wrong}")
        failed = failed or bool(result.wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
