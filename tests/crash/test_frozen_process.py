"""A process that stands still past its lease (SIGSTOP), is replaced, and wakes up again: nothing happens twice.

At every commit of both stages, on SQLite and PostgreSQL; inside a POST; and two services of which the first dies.
"""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from decimal import Decimal as D
from pathlib import Path

import pytest

import new_ledgers
import warm_processes
from places import SUPPORT
from service_process import order, service, until
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder
from stopped import stands_still
from world import World

SCRIPT = SUPPORT / "killed_run.py"


def stop_between_transactions(process: subprocess.Popen | warm_processes.Process, ledger: Path) -> None:
    """Stop it where it does not keep the SQLite file locked for everybody: its heartbeat writes now and then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        stands_still(process)
        with closing(sqlite3.connect(ledger, timeout=0.1, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)


@contextmanager
def frozen(world: World, when: str, commit: int):
    """A run that stands still there; None if it came to its end before. It wakes up when the block ends."""
    arguments = (str(world.write()), when, str(commit), "SIGSTOP")
    with (world.folder / "frozen.log").open("w") as log:
        environment = world.process_environment()
        process = warm_processes.Process(str(SCRIPT), *arguments, env=environment, stdout=log, stderr=log)
    try:
        yield process if stands_still(process) else None
        process.send_signal(signal.SIGCONT)
        process.wait(timeout=120)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """The ledger's address for a world's TOML; a PostgreSQL of its own, or a file in each world's own folder."""
    if request.param == "sqlite":
        return "sqlite:///ledger.db"
    return request.getfixturevalue("postgresql_url")


def emptied(world: World) -> None:
    """A PostgreSQL ledger serves one world after another here: each finds it empty. A file is new."""
    if world.runtime_settings["ledger"].startswith('"sqlite'):
        new_ledgers.place(world.folder / "ledger.db")
        return
    from sqlalchemy import create_engine, text

    engine = create_engine(world.runtime_settings["ledger"].strip('"'), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.mark.case("D5")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
def test_suspended_at_every_commit_replaced_and_resumed_no_effect_is_repeated(tmp_path, database, when):
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        commit = 0
        while True:
            commit += 1
            order_id, item = f"FO-{commit}", commit * 10
            folder = tmp_path / order_id
            folder.mkdir()
            world = World(folder, sandbox)
            world.runtime_settings |= {"ledger": f'"{database}"', "lease": '"0.4s"'}
            world.settings["settle"] = '"0.15s"'
            emptied(world)
            world.erp.stock("MUG", 9)
            sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=item))
            place = f"frozen {when} commit {commit}"
            with frozen(world, when, commit) as process:
                if process is None:
                    break
                ended = world.once(settle_for=10)
                assert ended.ending is Ending.FINISHED, (place, ended, world.stuck())
                jobs = world.jobs()
            # it has woken up, done what it wanted to do, and come to its end
            assert world.jobs() == jobs, f"{place}: it recorded something"
            assert world.erp.live(order_id) == 1, place
            assert world.erp.issued(order_id) == [f"{item}:2"], place
            assert world.erp.delivered(order_id) == 1, place
            assert world.erp.drafts() == 0, place
            assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(7, 0)], place
            assert sandbox.order(order_id).allocations == 1, place
            assert sandbox.order(order_id).invoices == [({item: D(2)}, D("4.99"))], place
            assert [post.order_id for post in sandbox.posts].count(order_id) == 2, f"{place}: it was sent again"
        assert commit > 6


@pytest.mark.case("D5")
@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_suspended_during_a_confirmation_no_effect_is_repeated(world, action):
    """ShipperOne has it, the asker is replaced: the successor finds out, and what wakes up records nothing."""
    world.runtime_settings["lease"] = '"0.4s"'
    world.sandbox.add(order())
    asking = []

    def freeze(post):
        asking.append(post)
        stop_between_transactions(process, world.folder / "ledger.db")

    world.sandbox.faults.add(Fault("call", action=action, times=1, payload=freeze))
    world.write()
    process = subprocess.Popen(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", "--once", "-c", str(world.file)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=world.process_environment(),
    )  # fmt: skip
    try:
        assert stands_still(process)
        world.finishes()
        jobs = world.jobs()
        process.send_signal(signal.SIGCONT)
        _, printed = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "was taken over by another process; this process records and starts nothing more" in printed
    assert world.jobs() == jobs
    assert asking
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
    state = world.sandbox.order("FO-1")
    assert (state.allocations, len(state.invoices)) == (1, 1)


@pytest.mark.case("D5")
def test_a_second_service_is_on_standby_names_the_holder_and_takes_over(world):
    world.settings["poll_interval"] = '"0.3s"'
    world.runtime_settings["lease"] = '"1s"'
    with service(world) as first, service(world) as second:
        world.sandbox.add(order("FO-1"))
        until(lambda: world.erp.delivered("FO-1"))
        until(lambda: "on standby" in first.logged + second.logged)
        working, waiting = (first, second) if "on standby" in second.logged else (second, first)
        for stage in Stage:
            assert f"acme/{stage}: on standby; served by process {working.process.pid} on " in waiting.logged
        assert "on standby" not in working.logged
        world.erp.script("reserve_stock", "hang", order="FO-2", detail="300")
        world.sandbox.add(order("FO-2"))
        until(lambda: world.erp.ask("SELECT times FROM script") == [(0,)])
        working.process.kill()
        died = time.monotonic()
        until(lambda: world.erp.delivered("FO-2"))
        assert time.monotonic() - died > 0.5, "it waited for the lease's time"
        before = f"in place of process {working.process.pid} on "
        assert all(f"acme/{stage}: served by this process from now on, {before}" in waiting.logged for stage in Stage)
        assert waiting.stop() == 0
    assert {job.state for job in world.jobs()} == {State.DONE}
    for order_id in ("FO-1", "FO-2"):
        assert len(world.erp.issued(order_id)) == world.sandbox.order(order_id).allocations == 1


@pytest.mark.case("D5")
def test_run_once_beside_a_service_ends_with_1_and_names_it(world):
    world.settings["poll_interval"] = '"0.3s"'
    with service(world) as running:
        world.sandbox.add(order())
        until(lambda: world.erp.delivered("FO-1"))
        done = world.command("run", "--once")
        assert done.returncode == 1
        assert f"process {running.process.pid} on " in done.stderr
        assert running.stop() == 0
