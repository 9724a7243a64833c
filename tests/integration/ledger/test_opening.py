"""Opening a ledger: migrations, versions, access, URLs, and its binding."""

import multiprocessing
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from job_rows import varied
from ledger_databases import NOON, a_job, a_lease, an_owner
from shipperone_erp import ledger as package
from shipperone_erp.domain.records import Action, Binding, QueueRecord
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.database_errors import LedgerUnavailable, sentences
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.schema import REVISION, VERSION_TABLE, metadata
from shipperone_erp.ledger.unit_of_work import InsertJob, SaveBinding, SaveQueue

HERE = Binding("https://acme.example", "default", "generic_sql", "erp-1")


def execute(url, statement):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_migrations_make_exactly_these_tables(ledger_url):
    Ledger.open(ledger_url, migrate=True).close()
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_required_schema_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_partial_indexes_are_partial(ledger_url):
    Ledger.open(ledger_url, migrate=True).close()
    query = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%WHERE%'",
    }
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        found = list(connection.scalars(text(query[engine.dialect.name])))
    engine.dispose()
    names = {re.search(r"INDEX (\w+)", index)[1]: index.startswith("CREATE UNIQUE") for index in found}
    assert names == {
        "jobs_one_open": True, "jobs_unfinished": False, "jobs_unconfirmed": False, "jobs_with_bodies": False,
        "jobs_not_compared": False, "jobs_number": False, "jobs_taken": False, "jobs_sales_order": False,
        "jobs_disproved": False, "jobs_tax_not_compared": False,
        "jobs_allocated": False, "effects_open": False, "effects_with_errors": False,
    }  # fmt: skip


def test_an_existing_ledger_keeps_what_it_holds(ledger_url):
    with Ledger.open(ledger_url, migrate=True) as ledger:
        ledger.start_writer()
        job = a_job()
        ledger.write(InsertJob(job), lease=None).result()
    for migrate in (True, False):
        with Ledger.open(ledger_url, migrate=migrate) as again:
            assert again.find_jobs() == [job]


def test_a_missing_ledger_is_not_made_by_looking(ledger_url, tmp_path):
    for read_only in (True, False):
        with pytest.raises(LedgerError, match=r"`shipperone-erp run` creates") as missing:
            Ledger.open(ledger_url, read_only=read_only)
        assert missing.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_schema_needs_run_to_migrate_it(ledger_url):
    Ledger.open(ledger_url, migrate=True).close()
    execute(ledger_url, f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    with pytest.raises(LedgerError, match=r"`shipperone-erp run` creates or migrates it"):
        Ledger.open(ledger_url)


def test_a_later_schema_is_refused_and_left_alone(ledger_url):
    Ledger.open(ledger_url, migrate=True).close()
    execute(ledger_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    execute(ledger_url, "UPDATE ledger_compatible SET from_revision = '9999'")
    for how in ({"migrate": True}, {"read_only": True}, {}):
        with pytest.raises(LedgerError, match=r"later version of shipperone-erp \(its schema is 9999") as no:
            Ledger.open(ledger_url, **how)
        assert no.value.exit_code == 78
    execute(ledger_url, f"UPDATE {VERSION_TABLE} SET version_num = '{REVISION}'")
    Ledger.open(ledger_url).close()


def test_a_later_schema_that_allows_it_is_used_as_it_is(ledger_url):
    """Two versions beside each other: the later one has added columns, and removed none."""
    with Ledger.open(ledger_url, migrate=True) as before:
        before.start_writer()
        execute(ledger_url, "ALTER TABLE jobs ADD COLUMN colour TEXT")
        execute(ledger_url, "ALTER TABLE leases ADD COLUMN load INTEGER NOT NULL DEFAULT 0")
        execute(ledger_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        lease = a_lease(before)
        job = a_job()
        before.write(InsertJob(job), lease=lease).result()
        for how in ({"migrate": True}, {"read_only": True}, {}):
            with Ledger.open(ledger_url, **how) as again:
                assert again.find_jobs() == [job]


def test_many_threads_migrate_at_once(ledger_url):
    with ThreadPoolExecutor(6) as threads:
        ledgers = list(threads.map(lambda n: Ledger.open(ledger_url, migrate=True), range(6)))
    for ledger in ledgers:
        assert ledger.find_jobs() == []
        ledger.close()


def open_and_take(url, name):
    with Ledger.open(url, migrate=True) as ledger:
        a_lease(ledger, name)


def test_several_processes_migrate_at_once(ledger_url):
    forked = multiprocessing.get_context("forkserver")
    processes = [forked.Process(target=open_and_take, args=(ledger_url, f"t{n}/invoice")) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    with Ledger.open(ledger_url) as ledger:
        assert len(ledger.leases()) == 4


def test_sqlite_is_safe_against_a_power_cut(sqlite_url):
    with Ledger.open(sqlite_url, migrate=True) as ledger, ledger._writing() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


def test_read_only_writes_nothing(ledger_url):
    with Ledger.open(ledger_url, migrate=True) as ledger:
        ledger.start_writer()
        job = a_job()
        ledger.write(InsertJob(job), lease=None).result()
    with Ledger.open(ledger_url, read_only=True) as reader:
        reader.start_writer()
        note = Action(id=1, at=NOON, actor="jana", action="note", tenant="acme")
        attempts = [
            lambda: reader.write(InsertJob(a_job("FO-2")), lease=None),
            lambda: reader.try_take("acme/invoice", an_owner(), None, 15.0),
            lambda: reader.steer(job, varied(job, attempts=1), note),
            lambda: reader.save_queue(QueueRecord(tenant="acme", stage=Stage.INVOICE)),
        ]
        for attempt in attempts:
            with pytest.raises(LedgerError, match="opened for reading only"):
                attempt()
        check_binding(reader, "acme", HERE)
        with pytest.raises(Exception, match=r"(?i)read-?only"), reader._database.reading.begin() as connection:
            connection.execute(text("DELETE FROM jobs"))
        assert reader.find_jobs() == [job]
        assert reader.leases() == reader.queues() == []
        assert reader.binding("acme") is None
    with pytest.raises(ValueError, match="not migrated"):
        Ledger.open(ledger_url, read_only=True, migrate=True)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:hunter2@h/d", "the ledger's URL cannot be used; write sqlite:///"),
        ("postgresql+psycopg2://u:hunter2@h/d", "the ledger's URL cannot be used; write sqlite:///"),
        ("hunter2", "the ledger's URL cannot be used; write sqlite:///"),
        ("postgresql://u:hunter2@h:port/d", "the ledger's URL cannot be used; write sqlite:///"),
        ("sqlite://", "the ledger's URL must name a file"),
        ("sqlite:///ledger.db?mode=rw", "the ledger's URL must name a file"),
        ("sqlite:///:memory:", "the ledger's URL must name a file"),
        ("sqlite:///nowhere/at/all/ledger.db", "the ledger cannot be created: the directory"),
    ],
)
def test_urls_that_are_no_ledger(url, sentence):
    with pytest.raises(LedgerError) as refused:
        Ledger.open(url, migrate=True)
    assert str(refused.value).startswith(sentence)
    assert refused.value.exit_code == 78
    assert "hunter2" not in f"{refused.value!r}{refused.value.__cause__!r}"


def test_a_file_that_is_something_else(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_text("this is not a database, it only looks like one" * 50)
    with pytest.raises(LedgerError, match="file is not a database"):
        Ledger.open(f"sqlite:///{path}", migrate=True)


def test_odd_characters_in_a_path(tmp_path):
    path = tmp_path / "a 100 % odd #dir"
    path.mkdir()
    Ledger.open(f"sqlite:///{path}/ledger.db", migrate=True).close()
    assert sqlite3.connect(path / "ledger.db").execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_relative_path_is_that_of_the_moment_of_opening(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Ledger.open("sqlite:///ledger.db", migrate=True) as ledger:
        monkeypatch.chdir("/")
        assert ledger.find_jobs() == []
    assert (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("where", ["u:hunter2@127.0.0.1:1/d", "u@127.0.0.1:1/d?password=hunter2"])
def test_the_password_is_in_no_error(where):
    with pytest.raises(LedgerUnavailable) as refused:
        Ledger.open(f"postgresql+psycopg://{where}", migrate=True)
    assert str(refused.value).startswith("the ledger (database d on 127.0.0.1) is temporarily unavailable: ")
    assert "hunter2" not in f"{refused.value!r} {refused.value}"
    assert refused.value.__suppress_context__


def test_the_password_of_a_refused_login_is_in_no_error(postgresql_url):
    url = make_url(postgresql_url).set(username="nobody", password="hunter2")
    with pytest.raises(LedgerUnavailable, match='role "nobody"') as refused:
        Ledger.open(url.render_as_string(hide_password=False), migrate=True)
    assert "hunter2" not in f"{refused.value!r} {refused.value}"


def test_secrets_are_removed_from_every_driver_message():
    with pytest.raises(LedgerUnavailable) as refused, sentences("database d", ["hunter2"]):
        raise OperationalError("SELECT 1", {"a": "Jana"}, Exception("no service with password=hunter2"))
    assert str(refused.value) == (
        "the ledger (database d) is temporarily unavailable: no service with password=********"
    )


@pytest.mark.case("D5")
def test_postgresql_ends_the_transaction_of_a_suspended_process(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger, ledger._writing() as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
        assert connection.scalar(text("SHOW lock_timeout")) == "30s"


@pytest.mark.case("D6")
def test_a_tenant_is_bound_by_its_first_check(ledger):
    assert check_binding(ledger, "acme", HERE) is None
    assert ledger.binding("acme") == HERE
    assert check_binding(ledger, "acme", HERE) is None
    assert check_binding(ledger, "other", replace(HERE, identity="erp-2")) is None


@pytest.mark.case("D6")
def test_a_tenant_under_another_name_is_refused_by_its_store_and_stage(ledger):
    check_binding(ledger, "acme", HERE, [Stage.ALLOCATION])
    ledger.write(SaveQueue(QueueRecord(tenant="acme", stage=Stage.ALLOCATION)), lease=None).result()
    with pytest.raises(LedgerError) as refused:
        check_binding(ledger, "acme-sk", HERE, [Stage.ALLOCATION, Stage.INVOICE])
    assert refused.value.exit_code == 78
    assert str(refused.value) == (
        "acme-sk: this ledger has served allocation of the same store as tenant acme, and its jobs are recorded under "
        "that name. Nothing was done. Name the table [tenants.acme] again"
    )
    assert ledger.binding("acme-sk") is None
    with pytest.raises(LedgerError, match="as tenant acme"):
        check_binding(ledger, "acme-sk", replace(HERE, base_url=HERE.base_url.upper()), [Stage.ALLOCATION])
    assert check_binding(ledger, "acme-outlet", replace(HERE, store_code="outlet"), [Stage.ALLOCATION]) is None
    assert check_binding(ledger, "acme-books", HERE, [Stage.INVOICE]) is None


@pytest.mark.case("D6")
def test_another_database_of_the_erp_is_refused_until_it_is_adopted(ledger):
    check_binding(ledger, "acme", HERE)
    copy = replace(HERE, identity="erp-staging", store_code="test")
    with pytest.raises(LedgerError) as refused:
        check_binding(ledger, "acme", copy)
    assert refused.value.exit_code == 78
    assert str(refused.value) == (
        "acme: this ledger belongs to another ERP or shop: store_code was 'default' and is now 'test', "
        "identity was 'erp-1' and is now 'erp-staging'. Nothing was done. If the same orders are to continue there, "
        "run `shipperone-erp ledger adopt acme`"
    )
    assert ledger.binding("acme") == HERE
    ledger.write(SaveBinding("acme", copy), lease=None).result()
    assert check_binding(ledger, "acme", copy) is None


@pytest.mark.case("D6")
def test_of_two_first_checks_at_once_one_is_right(ledger_url):
    ledgers = [Ledger.open(ledger_url, migrate=True) for _ in range(2)]
    for ledger in ledgers:
        ledger.start_writer()

    def check(number):
        try:
            check_binding(ledgers[number % 2], "acme", replace(HERE, identity=f"erp-{number}"))
        except LedgerError:
            return None
        return f"erp-{number}"

    with ThreadPoolExecutor(8) as threads:
        bound = [identity for identity in threads.map(check, range(8)) if identity]
    assert bound == [ledgers[0].binding("acme").identity]
    for ledger in ledgers:
        ledger.close()


@pytest.mark.case("D5")
def test_concurrent_openings_of_a_new_file_get_no_locked_error(tmp_path):
    def opened(number: int) -> None:
        Ledger.open(f"sqlite:///{tmp_path}/ledger-{number // 6}.db", migrate=True).close()

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(opened, range(120))) == [None] * 120


@pytest.mark.case("D5")
def test_a_file_that_another_makes_between_two_looks_was_not_deleted(tmp_path, monkeypatch):
    url, exists, others = f"sqlite:///{tmp_path}/ledger.db", Path.exists, []

    def looked(path: Path) -> bool:
        found = exists(path)
        if not found and path.parent == tmp_path and not others:
            monkeypatch.setattr(Path, "exists", exists)
            others.append(Ledger.open(url, migrate=True))
        return found

    monkeypatch.setattr(Path, "exists", looked)
    with Ledger.open(url, migrate=True) as ledger:
        assert ledger.find_jobs() == []
    (other,) = others
    other.close()
