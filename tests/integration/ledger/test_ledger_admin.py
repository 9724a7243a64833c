"""A ledger is copied, restored, adopted: nothing is released or done twice because of an old copy."""

import shutil

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.sandbox import Fault, SandboxOrder, generate

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def order(order_id="FO-1"):
    return SandboxOrder.simple(order_id, ("MUG", 2, "10.00"))


def test_a_backup_is_whole_while_the_ledger_is_written(world, tmp_path):
    for entry in generate(40, seed=3):
        world.sandbox.add(entry)
    copies = []

    def copy_now(before, after):
        if len(copies) < 5 and after.state is State.DONE:
            copies.append(tmp_path / f"copy-{len(copies)}.db")
            assert world.command("ledger", "backup", str(copies[-1])).returncode == 0

    world.changes = type("Watch", (list,), {"append": lambda self, change: copy_now(*change)})()
    world.finishes(settle_for=30)
    assert len(copies) == 5
    for copy in copies:
        with Ledger.open(f"sqlite:///{copy}", read_only=True) as ledger:
            assert ledger.find_jobs()


def test_a_backup_overwrites_nothing_and_leaves_no_half(world, tmp_path):
    world.finishes()
    target = tmp_path / "copy.db"
    target.write_text("precious")
    done = world.command("ledger", "backup", str(target))
    assert (done.returncode, target.read_text()) == (1, "precious")
    assert "exists already; nothing was overwritten" in done.stderr
    assert world.command("ledger", "backup", str(tmp_path / "no" / "such" / "folder.db")).returncode == 1
    assert not list(tmp_path.glob("*.unfinished"))


def test_postgresql_is_copied_by_its_own_tool(postgresql_url, tmp_path):
    with Ledger.open(postgresql_url, migrate=True) as ledger, pytest.raises(LedgerError, match="pg_dump"):
        ledger.backup(tmp_path / "copy.db")


def restored_to_before_the_confirmation(world):
    """The copy has the reservation of FO-1 and not its confirmation; its order waits to be shipped."""
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1"))
    world.sandbox.faults.add(_refuses_to_allocate())
    world.once(settle_for=1)
    assert world.erp.live("FO-1") == 1
    copy = world.folder / "yesterday.db"
    assert world.command("ledger", "backup", str(copy)).returncode == 0

    world.sandbox.faults.clear()
    world.once(settle_for=8)
    assert world.job("FO-1", A).state is State.DONE
    for leftover in world.folder.glob("ledger.db*"):
        leftover.unlink()
    shutil.copy(copy, world.folder / "ledger.db")
    printed = world.command("ledger", "restored", "--note", "disk failed")
    assert "1 order(s) were unfinished in this copy" in printed.stdout


def test_after_a_restore_nothing_is_released_because_it_is_not_listed_any_more(world):
    restored_to_before_the_confirmation(world)
    world.sandbox.faults.add(_may_not_read_what_ships())
    for _ in range(3):
        world.once(settle_for=2)
    job = world.job("FO-1", A)
    assert (job.state, job.reason) == (State.HELD, Reason.ORDER_GONE)
    assert (world.erp.live("FO-1"), world.erp.effects("release_stock")) == (1, 0)
    assert world.command("order", "resolve", "FO-1", "--outcome", "confirmed").returncode == 0
    world.sandbox.ship("FO-1")
    world.finishes()
    assert (world.erp.effects("reserve_stock"), len(world.erp.issued("FO-1"))) == (1, 1)


def test_after_a_restore_an_order_that_waits_to_be_shipped_counts_as_confirmed(world):
    restored_to_before_the_confirmation(world)
    for _ in range(3):
        world.once(settle_for=2)
    job = world.job("FO-1", A)
    assert (job.state, job.inferred, world.erp.live("FO-1")) == (State.DONE, True, 1)
    world.sandbox.ship("FO-1")
    world.finishes()
    assert (world.erp.effects("reserve_stock"), len(world.erp.issued("FO-1"))) == (1, 1)


def _refuses_to_allocate():
    return Fault("503", action="allocate", retry_after="1")


def _may_not_read_what_ships():
    return Fault("echo", action="pending_shipment")


def test_without_saying_so_a_copy_that_was_read_today_is_believed(world):
    """The control of the test above: the same order, no restore, and its reservation is given back."""
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1"))
    world.sandbox.faults.add(_refuses_to_allocate())
    world.once(settle_for=1)
    world.sandbox.cancel("FO-1")
    for _ in range(3):
        world.once(settle_for=2)
    assert (world.job("FO-1", A).state, world.erp.live("FO-1")) == (State.GONE, 0)


def test_adopting_another_erp_needs_everything_finished_and_is_recorded(world):
    world.sandbox.add(order("FO-1"))
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=3)
    world.erp_settings["name"] = '"new-database"'
    assert world.command("run", "--once").returncode == 78
    refused = world.command("ledger", "adopt", "acme")
    assert refused.returncode == 2
    assert "1 unfinished order(s) name documents of the previous ERP or shop" in refused.stderr
    assert "i-FO-1-" in refused.stderr

    world.erp_settings.pop("name")
    assert world.command("order", "resolve", "FO-1", "--outcome", "confirmed").returncode == 0
    world.sandbox.cancel("FO-1")
    world.erp_settings["name"] = '"new-database"'
    adopted = world.command("ledger", "adopt", "acme", "--note", "migrated to the new server")
    assert adopted.returncode == 0, adopted.stderr
    assert f"identity: counting:{world.erp.file} -> new-database" in adopted.stdout
    assert "nothing changed" in world.command("ledger", "adopt", "acme").stdout
    assert world.command("run", "--once", "--settle-for", "1s").returncode == 0
    with world.ledger() as ledger:
        assert [(act.action, act.note) for act in ledger.actions("acme")][-1] == (
            "ledger adopt", "migrated to the new server",
        )  # fmt: skip
