"""The ledger's file: private, noticed when it is gone, never another program's, and its damage is reported."""

import json
import os
import shutil
import socket
import sqlite3
import stat
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from sqlalchemy import create_engine, make_url

from ledger_databases import a_job, a_lease
from service_process import service, until
from shipperone_erp import Reason
from shipperone_erp.cli import options, orders
from shipperone_erp.domain.records import Binding, QueueRecord
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerDamaged, LedgerError
from shipperone_erp.ledger.database_errors import LedgerReplaced, LedgerUnavailable
from shipperone_erp.ledger.leases import Owner
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.served_tenants import tenants_served
from shipperone_erp.ledger.unit_of_work import FirstBinding, InsertJob
from shipperone_erp.operations import disk_space
from shipperone_erp.operations.reports import status_rows

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes")


def mode(file):
    return oct(stat.S_IMODE(file.stat().st_mode))


@pytest.fixture
def loose():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ledger.db"


def opened(file, **options):
    return Ledger.open(f"sqlite:///{file}", **({"migrate": True} | options))


def beside(file):
    return [file, file.with_name("ledger.db-wal"), file.with_name("ledger.db-shm")]


@posix
def test_a_ledger_and_what_sqlite_keeps_beside_it_are_read_by_their_owner_alone(file, loose):
    with opened(file) as ledger:
        ledger.can_write()
        assert {mode(part) for part in beside(file)} == {"0o600"}
        copy = file.with_name("copy.db")
        ledger.backup(copy)
    assert mode(copy) == "0o600"


@posix
def test_a_ledger_that_others_could_read_is_tightened_by_the_next_run_and_by_no_reader(file, loose):
    opened(file).close()
    file.chmod(0o644)
    opened(file, migrate=False, read_only=True).close()
    assert mode(file) == "0o644"
    opened(file).close()
    assert mode(file) == "0o600"


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_nothing_more_is_written_to_a_ledger_that_is_not_at_its_place_any_more(file, how):
    with opened(file) as ledger:
        ledger.start_writer()
        lease = a_lease(ledger)
        assert ledger.beat([lease]) == ()
        if how == "deleted":
            file.unlink()
        else:
            file.rename(file.with_name("elsewhere.db"))
        if how == "replaced":
            shutil.copy(file.with_name("elsewhere.db"), file)
        what = "was replaced by another file" if how == "replaced" else "was deleted or moved"
        with pytest.raises(LedgerReplaced, match=what):
            ledger.beat([lease])
        with pytest.raises(LedgerReplaced, match="ledger restored"):
            ledger.write(InsertJob(a_job()), lease=lease).result(10)
        with pytest.raises(LedgerReplaced):
            ledger.verify()


def test_the_next_heartbeat_notices_that_the_newest_part_was_deleted(file):
    with opened(file) as ledger:
        lease = a_lease(ledger)
        file.with_name("ledger.db-wal").unlink()
        with pytest.raises(LedgerReplaced, match=r"lost ledger\.db-wal, its newest part"):
            ledger.beat([lease])


def test_a_ledger_that_went_away_from_under_a_process_invites_no_second_one(file):
    with opened(file) as ledger:
        ledger.can_write()
        file.unlink()
        with pytest.raises(LedgerError, match="Do not start another process; restore the ledger file"):
            opened(file, migrate=False, read_only=True)
        with pytest.raises(LedgerError, match=r"ledger\.db-wal exists.*Nothing was started") as refused:
            opened(file)
    assert refused.value.exit_code == 78
    assert not file.exists()


def test_a_service_whose_ledger_is_deleted_stops_with_a_sentence(world):
    world.runtime_settings["lease"] = '"1s"'
    with service(world) as running:
        until(lambda: (world.folder / "ledger.db").exists() and "started" in running.logged)
        until(lambda: world.command("status").returncode == 0)
        (world.folder / "ledger.db").unlink()
        assert running.process.wait(timeout=20) == 1
        assert "was deleted or moved while it was in use. This process stops" in running.logged
        assert "Traceback" not in running.logged
    again = world.command("run", "--once", "--settle-for", "0s")
    assert (again.returncode, (world.folder / "ledger.db").exists()) == (78, False)


@pytest.mark.parametrize("access", [{"migrate": True}, {"migrate": False}, {"migrate": False, "read_only": True}])
def test_the_database_of_another_program_is_refused_and_left_as_it_is(file, access):
    with closing(sqlite3.connect(file)) as other:
        other.executescript("CREATE TABLE res_partner (id INTEGER); CREATE TABLE stock_move (id INTEGER);")
    before = file.read_bytes()
    with pytest.raises(LedgerError, match=r"another program \(its tables: res_partner, stock_move\)") as refused:
        opened(file, **access)
    assert refused.value.exit_code == 78
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_reported_in_a_sentence(file):
    file.write_bytes(b"This is a letter to the accountant. " * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        opened(file)


DAMAGE = {
    "a word that no version knows": ("state = 'dreaming'", "state cannot be read"),
    "a time that is none": ("since = 'yesterday'", "since cannot be read"),
    "a list cut off": ("item_ids = '[1,'", "item_ids cannot be read"),
}


@pytest.mark.parametrize(("change", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_row_is_named_and_nothing_is_guessed_in_its_place(file, change, expected):
    job = a_job()
    with opened(file) as ledger:
        ledger.start_writer()
        ledger.write(InsertJob(job), lease=None).result(10)
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(f"UPDATE jobs SET {change}")
    with opened(file) as ledger:
        with pytest.raises(LedgerDamaged, match=f"row {job.id} of jobs: {expected}"):
            ledger.find_jobs()
        assert list(ledger.damage()) == [f"row {job.id} of jobs: {expected}"]


def test_an_order_whose_text_is_damaged_is_named_and_a_sound_ledger_has_no_damage(file):
    job = a_job()
    with opened(file) as ledger:
        ledger.start_writer()
        ledger.write(InsertJob(job), lease=None).result(10)
        assert list(ledger.damage()) == []
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE jobs SET order_json = '{\"items\": 7'")
    with opened(file) as ledger:
        (found,) = ledger.find_jobs()
        with pytest.raises(LedgerDamaged, match=f"order_json of order {job.order_id} "):
            _ = found.order
        assert list(ledger.damage()) == [f"row {job.id} of jobs: order_json cannot be read"]


def test_the_databases_own_check_finds_a_page_that_was_overwritten(file):
    with opened(file) as ledger:
        ledger.start_writer()
        for number in range(200):
            ledger.write(InsertJob(a_job(f"FO-{number}")), lease=None).result(10)
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(size // 2)
        raw.write(b"\xff" * 8192)
    with opened(file, migrate=False, read_only=True) as ledger, pytest.raises(LedgerDamaged) as found:
        for finding in ledger.damage():
            raise LedgerDamaged(finding)
    assert "integrity check" in str(found.value) or "malformed" in str(found.value)


def test_doctor_and_orders_report_a_damaged_row_without_a_traceback(world):
    assert world.command("run", "--once", "--settle-for", "0s").returncode == 0
    job, sound = a_job(), [a_job("FO-2"), a_job("FO-3")]
    with Ledger.open(f"sqlite:///{(world.folder / 'ledger.db')}") as ledger:
        ledger.start_writer()
        for each in (job, *sound):
            ledger.write(InsertJob(each), lease=None).result(10)
    with closing(sqlite3.connect(world.folder / "ledger.db")) as other, other:
        other.execute("UPDATE jobs SET state = 'dreaming', since = 'yesterday' WHERE id = ?", (job.id,))
        other.execute("UPDATE jobs SET order_json = '{' WHERE id = ?", (sound[0].id,))  # which no list shows
    listed = world.command("orders", "--json")
    assert (listed.returncode, "Traceback" in listed.stderr) == (1, False)
    assert [row["order_id"] for row in json.loads(listed.stdout)] == ["FO-2", "FO-3"], "the others are listed"
    assert f"1 row(s) are not listed: row {job.id} of jobs: state and since cannot be read" in listed.stderr
    in_words = world.command("orders")
    assert (in_words.returncode, "FO-3" in in_words.stdout, "FO-1" in in_words.stdout) == (1, True, False)
    file = world.folder / "orders.csv"
    assert world.command("orders", "--csv", str(file)).returncode == 1
    assert file.read_text(encoding="utf-8-sig").count("\n") == 3
    assert world.command("orders", "--limit", "1", "--state", "waiting").returncode == 0, "it is in no such list"
    found = world.command("doctor", "--json")
    assert f"row {job.id} of jobs: state and since cannot be read" in found.stdout


@posix
def test_a_directory_in_place_of_the_ledger_is_refused_and_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    with pytest.raises(LedgerError, match="is a directory") as refused:
        Ledger.open(f"sqlite:///{tmp_path}", migrate=True)
    assert refused.value.exit_code == 78
    assert mode(tmp_path) == "0o755"


def test_the_tenants_of_a_ledger_of_any_version_are_listed(file):
    url = f"sqlite:///{file}"
    assert tenants_served(url) == frozenset()
    with opened(file) as ledger:
        ledger.start_writer()
        binding = Binding("http://shop.lan", "default", "counting", "erp")
        ledger.write(FirstBinding("acme", binding), lease=None).result(10)
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE ledger_schema SET version_num = '0001'")
    assert tenants_served(url) == {"acme"}


def test_status_reports_a_full_disk_that_the_service_cannot_record(file, monkeypatch):
    usage = namedtuple("usage", "total used free")
    for free, expected in ((0, "no space left"), (3 << 20, "only 3 MiB left"), (1 << 30, None)):
        monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder, free=free: usage(0, 0, free))
        found = disk_space.full_disk(f"sqlite:///{file}")
        assert (
            found is None
            if expected is None
            else found.startswith(f"{expected} on the disk of the ledger, {file.parent}:")
        )
    assert disk_space.full_disk("postgresql+psycopg://h/db") is None


def test_status_reports_a_full_disk_with_and_without_a_readable_ledger(world, monkeypatch, capsys):

    monkeypatch.setattr(disk_space, "free_space", lambda file: 0)
    monkeypatch.setenv("ACME_TOKEN", "t-1")
    loaded = world.read()
    with Ledger.open(loaded.runtime.ledger, migrate=True):
        orders.status(world.file, as_json=True)
    assert json.loads(capsys.readouterr().out)[-1]["paused"] == "disk_full"
    monkeypatch.setattr(Ledger, "open", refuse := Mock(side_effect=LedgerUnavailable("disk I/O error")))
    with pytest.raises(LedgerUnavailable, match="disk I/O error; no space left on the disk of the ledger"):
        options.ledger_to_read(loaded)
    assert refuse.called


def test_a_ledger_on_postgresql_whose_tables_were_dropped_is_reported_in_a_sentence(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        lease = a_lease(ledger)
        assert list(ledger.damage()) == []
        engine = create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE leases")
        engine.dispose()
        with pytest.raises(LedgerError, match='refused a statement: relation "leases" does not exist'):
            ledger.beat([lease])


def test_a_database_of_another_program_on_postgresql_is_refused(postgresql_url):
    engine = create_engine(make_url(postgresql_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE res_partner (id integer)")
    with pytest.raises(LedgerError, match=r"another program \(its tables: res_partner\)"):
        Ledger.open(postgresql_url, migrate=True)
    engine.dispose()


@pytest.mark.parametrize(
    ("here", "alive", "expected"),
    [
        (True, True, "runs, and has recorded no read of this queue since 2026-03-01 12:00:00 UTC"),
        (True, False, "is not running any more, and has recorded no read"),
        (False, True, "it is not running any more, or cannot record anything"),
    ],
    ids=["it runs", "it has ended", "on another machine"],
)
def test_status_reports_a_stage_that_is_served_and_records_nothing(world, here, alive, expected):
    """As where the service's user has used up its quota, or the disk of a PostgreSQL server is full."""
    configuration, read_at = world.read(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    owner = Owner("x", socket.gethostname() if here else "another", os.getpid() if alive else 2**22 + 1)
    stage = Stage.ALLOCATION

    def silent(after):
        with opened(world.folder / "ledger.db", read_only=True, migrate=False) as ledger:
            return status_rows(configuration, ledger, read_at + timedelta(minutes=after))[0]["silent"]

    with opened(world.folder / "ledger.db") as ledger:
        ledger.start_writer()
        record = QueueRecord(tenant="acme", stage=stage, last_good_read_at=read_at)
        ledger.save_queue(record)
        assert silent(60) is None, "nobody serves it"
        lease = ledger.try_take("acme/allocation", owner, None, 15.0)
        with closing(sqlite3.connect(world.folder / "ledger.db")) as other, other:
            other.execute("UPDATE leases SET taken_at = ?", ((read_at - timedelta(days=1)).isoformat(),))
        assert silent(9) is None
        assert expected in silent(11)
        ledger.save_queue(replace(record, paused_reason=Reason.PLATFORM_UNAVAILABLE, paused_sentence="away"))
        assert silent(11) is None, "what ShipperOne does not answer is recorded, and shown as such"
        ledger.give_back(lease)
