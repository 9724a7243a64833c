"""The worlds of the `console` blocks of docs/: one generator each, see test_docs_scenarios.

What stands after the last `yield` proves that the page's cure has cured it.
"""

import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from service_process import Service, service
from service_process import until as until_within
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.sandbox import Fault, SandboxOrder, generate
from world import World

Steps = Iterator[None]

FIRST_TO_SEE_IT = {r"\bacme/(allocation|invoice)( was taken over|: the ledger)": r"acme/allocation\2"}
VARIES = {
    "frozen": FIRST_TO_SEE_IT,
    "two_processes": {r"\bacme/(allocation|invoice): on standby": "acme/allocation: on standby"},
    # which of the orders that were tried at once waits first is left to the threads
    "erp_down": {r"\bFO-\d{6}\b": "FO-000001"},
    "disk_full": {
        **FIRST_TO_SEE_IT,
        r"is temporarily unavailable: .*?(\"|$)": r"is temporarily unavailable: database or disk is full\1",
        r"^\S+( +[\d.]+[KMGTP]?){3} +\d+% .*$": "/dev/sdb1        40G   40G     0 100% /srv",
    },
}
"""What is another thing each time in one scenario alone, as `console_pages.VARIES`."""


def until(true: Callable[[], object]) -> None:
    """It comes true, on a busy machine too."""
    until_within(true, 60)


def order(order_id: str = "FO-1", **fields: Any) -> SandboxOrder:
    number = int(order_id.rpartition("-")[2])
    return SandboxOrder.simple(order_id, ("MUG", 3, "10.00"), first_id=number * 10, **fields)


def rests(job: Job) -> bool:
    """It waits, for longer than a command takes to start on a busy machine."""
    return job.next_attempt_at is not None and job.next_attempt_at > utc_now() + timedelta(seconds=5)


@contextmanager
def serving(world: World, name: str = "service") -> Iterator[Service]:
    """A service, its process id and its log in files of that name, as the pages speak of them."""
    world.settings["poll_interval"] = '"0.3s"'
    world.runtime_settings["lease"] = '"3s"'  # a busy machine is no reason to be replaced
    with service(world) as running:
        (world.folder / f"{name}.pid").write_text(str(running.process.pid))
        (world.folder / f"{name}.log").symlink_to(running.log)
        yield running


def serves(world: World, running: Service) -> Callable[[], bool]:
    """Whether it holds the leases of both stages."""

    def both() -> bool:
        with suppress(LedgerError), world.ledger() as ledger:
            return [lease.pid for lease in ledger.leases()] == [running.process.pid] * 2
        return False  # it is about to be made

    return both


def fully_once(world: World, order_id: str = "FO-1") -> None:
    """Reserved, confirmed, invoiced, delivered: each exactly once."""
    assert (world.erp.effects("reserve_stock", order_id), len(world.erp.issued(order_id))) == (1, 1)
    assert (world.sandbox.order(order_id).allocations, world.erp.delivered(order_id)) == (1, 1)


# ----- installing


def installed(world: World) -> Steps:
    world.environment["SHIPPERONE"] = world.sandbox.base_url
    world.sandbox.add(order())
    world.plugins.clear()  # what is installed, and nothing that only tests have
    (world.folder / "erp.db").unlink()
    yield
    assert world.sandbox.posts == []
    assert not list(world.folder.glob("shipperone-erp.db*")), "no ledger was made"


# ----- starting, stopping, who serves what


def stopping(world: World) -> Steps:
    with serving(world) as running:
        until(serves(world, running))
        yield
        assert running.process.wait(timeout=60) == 0
        yield


def two_processes(world: World) -> Steps:
    with serving(world) as first:
        until(serves(world, first))
        with serving(world, "second") as second:
            until(lambda: second.logged.count("on standby") == 2)
            yield
            assert first.process.wait(timeout=60) == -signal.SIGKILL
            until(serves(world, second))
            yield


def frozen(world: World) -> Steps:
    with serving(world) as first:
        until(serves(world, first))
        with serving(world, "second") as second:
            until(lambda: second.logged.count("on standby") == 2)
            yield
            until(serves(world, second))
            yield
            until(lambda: "was taken over by another process" in first.logged)
            yield
            world.sandbox.add(order())
            until(lambda: world.erp.delivered("FO-1"))
            fully_once(world)


# ----- one side is away


def erp_down(world: World) -> Steps:
    for entry in generate(300):
        world.sandbox.add(entry)
    world.erp.script("reserve_stock", "transient", times=10**6)
    world.erp.script("check", "down", times=1, detail="no connection to erp.example:5432")
    world.once(settle_for=0)
    yield
    world.erp.ask("DELETE FROM script")
    world.clock.ahead = timedelta(minutes=2)
    world.once(settle_for=0, limit=20)  # all of them would be the same again, for ten seconds
    assert world.erp.effects("reserve_stock") == 20
    left = [job.attempts for job in world.jobs(stage=Stage.ALLOCATION) if job.state is not State.DONE]
    assert (len(left), max(left)) == (280, 1)
    assert sum(left) < 20, "only those that were tried before it was clear"


def token_revoked(world: World) -> Steps:
    token = world.folder / "acme.token"
    token.write_text(world.sandbox.token)
    token.chmod(0o600)
    world.settings["token"] = '{ file = "acme.token" }'
    with serving(world) as running:
        until(lambda: len(_queues(world)) == 2)
        (world.folder / "new.token").write_text("renewed-token")
        (world.folder / "new.token").chmod(0o600)
        world.sandbox.revoke("renewed-token")
        world.sandbox.add(order())
        until(lambda: all(record.paused_reason for record in _queues(world)))
        yield
        until(lambda: world.erp.delivered("FO-1"))
        fully_once(world)
        assert "the token was reloaded" in running.logged
        assert "renewed-token" not in running.logged


def platform_down(world: World) -> Steps:
    world.finishes()
    world.sandbox.faults.add(Fault("html_502"))
    world.sandbox.add(order())
    world.once(settle_for=0)
    yield
    world.sandbox.faults.clear()
    world.finishes()
    fully_once(world)


def throttled(world: World) -> Steps:
    world.sandbox.faults.add(Fault("429", action="allocate", retry_after="60"))
    world.sandbox.add(order())
    world.once(settle_for=0)
    yield
    world.sandbox.faults.clear()
    world.clock.ahead = timedelta(seconds=61)
    world.finishes()
    fully_once(world)


# ----- one order


def not_enough_stock(world: World) -> Steps:
    world.settings["stock_retry"] = '"15m"'
    world.erp.stock("MUG", 1)
    world.sandbox.add(order())
    world.once(settle_for=0)
    yield
    world.erp.stock("MUG", 10)
    yield
    world.finishes()
    fully_once(world)


def transfer(world: World) -> Steps:
    world.erp_settings["transfers_take_time"] = "true"
    far = order()
    world.sandbox.add(replace(far, items=tuple(replace(item, warehouse_code="outlet") for item in far.items)))
    world.once(settle_for=0)
    yield
    world.erp.ask("UPDATE transfers SET arrived = 1")
    world.finishes()
    fully_once(world)


def connector_bug(world: World) -> Steps:
    world.erp.script("reserve_stock", "raise")
    world.sandbox.add(order())
    world.once(settle_for=0)
    yield
    world.finishes()
    fully_once(world)


def amount_differs(world: World) -> Steps:
    world.erp.script("build_invoice", "cent_off", times=99)
    world.sandbox.add(order())
    world.once(settle_for=1)
    yield
    world.erp.ask("DELETE FROM script")
    yield
    world.finishes()
    assert (len(world.erp.issued("FO-1")), world.erp.drafts()) == (1, 0)


def platform_refused(world: World) -> Steps:
    world.sandbox.add(order())
    dearer: list[Decimal] = []

    def edit(raw: dict[str, Any]) -> dict[str, Any]:
        """What is listed is one thing, what is checked another: the list lags."""
        return raw | {"shipping_amount_incl_tax": dearer[0]} if dearer else raw

    world.sandbox.change("FO-1", edit)
    world.sandbox.faults.add(Fault("call", action="invoice", payload=lambda post: dearer.append(Decimal("5.99"))))
    for _ in range(5):
        world.once(settle_for=0)
        world.clock.ahead += timedelta(minutes=6)
    world.sandbox.faults.clear()
    yield
    dearer.clear()
    yield
    world.finishes()
    fully_once(world)


def lost_answer(world: World) -> Steps:
    world.settings["in_doubt"] = '"hold"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    world.once(settle_for=8)
    yield
    world.finishes()
    fully_once(world)


def order_gone(world: World) -> Steps:
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    world.once(settle_for=0)
    world.sandbox.cancel("FO-1")
    world.clock.ahead = timedelta(days=3)
    for _ in range(3):
        world.once(settle_for=0)
    yield
    world.finishes()
    assert world.job("FO-1", Stage.ALLOCATION).state is State.GONE
    assert world.erp.effects("release_stock") == 0, "by hand, the page says"


def listed_again(world: World) -> Steps:
    world.sandbox.add(order(parts=({10: Decimal(1)}, {10: Decimal(1)}, {10: Decimal(1)})))
    world.once()
    for _ in range(4):
        world.once(settle_for=0)
    yield
    world.once(settle_for=1)
    assert world.erp.issued("FO-1") == ["10:1", "10:1"]


def accepted_not_issued(world: World) -> Steps:
    locked = "erp_period_locked: February 2026 is closed in the books"
    world.erp.script("issue_invoice", "refused", detail=locked)
    world.sandbox.add(order())
    world.once(settle_for=0)
    world.once(settle_for=0)
    yield
    world.finishes()
    fully_once(world)


def issued_not_delivered(world: World) -> Steps:
    world.erp.script("deliver", "refused", detail="erp_stock_inconsistent: lot L-77 of MUG is not in stock any more")
    world.sandbox.add(order())
    world.once(settle_for=0)
    world.once(settle_for=0)
    yield
    world.finishes()
    fully_once(world)


def poison(world: World) -> Steps:
    world.runtime_settings["lease"] = '"0.4s"'
    world.erp.script("reserve_stock", "kill", order="FO-2", times=3)
    for number in (1, 2, 3):
        world.sandbox.add(order(f"FO-{number}"))
    for _ in range(3):
        assert world.command("run", "--once", "--settle-for", "0s").returncode == -signal.SIGKILL
    world.once(settle_for=1)
    yield
    world.finishes()
    for number in (1, 2, 3):
        fully_once(world, f"FO-{number}")


# ----- many orders, a tenant, a ledger


def before_go_live(world: World) -> Steps:
    world.settings["go_live"] = '"ask"'
    for number in (1, 2, 3):
        world.sandbox.add(order(f"FO-{number}"))
    world.once(settle_for=0)
    yield
    world.finishes()
    fully_once(world, "FO-2")
    assert (world.erp.effects("reserve_stock"), len(world.erp.issued())) == (1, 1)


def password_changed(world: World) -> Steps:
    password = world.folder / "erp.password"
    password.write_text("old-password")
    password.chmod(0o600)
    world.erp_settings["password"] = '{ file = "erp.password" }'
    with serving(world) as running:
        until(serves(world, running))
        world.erp.script("*", "auth_unless", times=9999, detail="new-password")
        (world.folder / "new.password").write_text("new-password")
        (world.folder / "new.password").chmod(0o600)
        world.sandbox.add(order())
        until(lambda: any(rests(job) for job in world.jobs()))
        yield
        until(lambda: world.erp.delivered("FO-1"))
        fully_once(world)
        assert "the ERP's secrets were reloaded" in running.logged


def stock_taking(world: World) -> Steps:
    with serving(world) as running:
        until(serves(world, running))
        yield
        until(lambda: "acme/allocation: paused by" in running.logged)
        world.sandbox.add(order())
        yield
        until(lambda: world.erp.delivered("FO-1"))
        fully_once(world)


def bulk_retry(world: World) -> Steps:
    for number in (1, 2, 3):
        world.sandbox.add(order(f"FO-{number}"))
        message = "product_unknown: there is no product MUG"
        world.erp.script("reserve_stock", "refused", order=f"FO-{number}", detail=message)
    world.once(settle_for=0)
    yield
    world.finishes()
    for number in (1, 2, 3):
        fully_once(world, f"FO-{number}")


def ignored(world: World) -> Steps:
    world.erp.script("build_invoice", "cent_off", times=99)
    world.sandbox.add(order())
    world.once(settle_for=1)
    world.erp.ask("DELETE FROM script")
    yield
    world.finishes()
    assert world.erp.issued() == []


def reconciled(world: World) -> Steps:
    world.settings["connector"] = '"counting_lists"'
    for number in (1, 2, 3):
        world.sandbox.add(order(f"FO-{number}"))
        world.finishes()
    world.erp.ask("DELETE FROM invoices WHERE order_id = 'FO-1'")
    world.erp.ask("UPDATE invoices SET total = '30.00' WHERE order_id = 'FO-2'")
    yield
    assert len(world.erp.issued()) == 2, "nothing was made again"
    with (world.folder / "month.csv").open(encoding="utf-8-sig") as written:
        assert len(written.readlines()) == 1 + 6


def ledger_restored(world: World) -> Steps:
    world.sandbox.auto_ship = False
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    world.once(settle_for=0)
    with world.ledger() as ledger:
        ledger.backup(world.folder / "yesterday.db")
    world.sandbox.faults.clear()
    world.clock.ahead = timedelta(seconds=2)
    world.once(settle_for=1)
    assert world.job("FO-1", Stage.ALLOCATION).state is State.DONE
    yield
    world.sandbox.faults.add(Fault("500", action="pending_shipment"))  # the token may not read it
    ended = [world.once(settle_for=0) for _ in range(3)]
    assert [one.ending for one in ended[1:]] == [Ending.HELD] * 2, (ended, world.stuck())
    yield
    world.sandbox.ship("FO-1")
    world.finishes()
    fully_once(world)


def another_erp(world: World) -> Steps:
    world.erp_settings["name"] = '"books-old"'
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=1)
    world.erp_settings["name"] = '"books-new"'
    yield
    world.sandbox.cancel("FO-1")
    world.finishes(settle_for=1)


def moved(world: World) -> Steps:
    world.sandbox.add(order())
    world.finishes()
    yield
    fully_once(world)


def disk_full(world: World) -> Steps:
    with serving(world) as running:
        until(serves(world, running))
        allowed = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        written = max(file.stat().st_size for file in world.folder.glob("ledger.db*"))
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (min(written, 20_000), allowed[1]))
        world.sandbox.add(order())
        until(lambda: "is temporarily unavailable" in running.logged)
        yield
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, allowed)
        until(lambda: world.erp.delivered("FO-1"))
        fully_once(world)


def upgraded(world: World) -> Steps:
    world.sandbox.add(order())
    world.finishes()
    yield
    with closing(sqlite3.connect(world.folder / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE ledger_schema SET version_num = '0999'")
        ledger.execute("UPDATE ledger_compatible SET from_revision = '0999'")
    yield
    world.finishes(settle_for=1)
    fully_once(world)


# ----- deployment and security


def on_postgresql(world: World, postgresql_url: str) -> Steps:
    world.runtime_settings["ledger"] = '"${SHIPPERONE_ERP_LEDGER}"'
    world.environment["SHIPPERONE_ERP_LEDGER"] = postgresql_url
    world.sandbox.add(order())
    yield
    fully_once(world)


def backed_up(world: World) -> Steps:
    world.sandbox.add(order())
    world.finishes()
    yield
    copy = world.folder / "copy.db"
    shutil.copy(next(world.folder.glob("ledger-2*.db")), copy)
    assert copy.stat().st_size


def nothing_leaks(world: World) -> Steps:
    world.sandbox.add(order())
    yield
    fully_once(world)


def readable_by_others(world: World) -> Steps:
    token = world.folder / "acme.token"
    token.write_text(world.sandbox.token)
    token.chmod(0o644)
    world.settings["token"] = '{ file = "acme.token" }'
    yield
    assert not Path(token).stat().st_mode & 0o077


def _queues(world: World) -> list[QueueRecord]:
    """What is known of each queue that was read, or could not be."""
    with suppress(LedgerError), world.ledger() as ledger:
        return ledger.queues()
    return []
