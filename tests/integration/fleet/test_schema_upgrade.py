"""The fleet's tables: made once, upgraded file by file, nothing removed while an older worker lives."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, inspect, text

pytest.importorskip("procrastinate")

from ledger_databases import NOON, a_job
from shipperone_erp.config import load
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.domain.events import StepEnded
from shipperone_erp.domain.fleet_records import Refusal, slots
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import EffectKind, Outcome, Stage
from shipperone_erp.fleet import schema_upgrade
from shipperone_erp.fleet.upkeep import LoadCounter
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.fleet_tables import SCHEMA
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.fleet_report import status_with_fleet, with_fleet, worker_line, worker_rows
from skipped_time import TimeOf

STALLED = 20.0


@pytest.fixture
def store(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        yield ledger.fleet()


@pytest.fixture
def made(store):
    schema_upgrade.prepare(store)
    return store


def process(name, engine="3.9.0"):
    return {"id": name, "name": name, "host": "here", "pid": 1, "version": "0.1.0", "engine": engine}


def test_a_ledger_on_sqlite_has_no_fleet(sqlite_url):
    with Ledger.open(sqlite_url, migrate=True) as ledger:
        assert ledger.fleet() is None


def test_several_workers_make_the_tables_at_once_and_each_file_is_run_once(store, postgresql_url):
    with ThreadPoolExecutor(3) as together:
        ran = list(together.map(lambda _: schema_upgrade.prepare(store), range(3)))
    assert sorted(map(len, ran)) == [0, 0, 2]
    assert schema_upgrade.prepare(store) == []
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        applied = set(connection.execute(text(f"SELECT file FROM {SCHEMA}.applied")).scalars())
        assert not [name for name in inspect(connection).get_table_names() if "procrastinate" in name]
    engine.dispose()
    assert applied == {schema_upgrade.WHOLE, "fleet_0001_workers.sql", *schema_upgrade.engine_files()}


def test_a_removing_migration_waits_for_older_workers_and_later_ones_wait_for_it(made):
    files = [("9_pre_x.sql", "CREATE TABLE newer (id int)"), ("9_post_x.sql", "DROP TABLE newer")]
    made.register(process("old", "3.9.0"))
    assert made.apply(files, version="3.10.0", held_back=["9_post_x.sql"]) == ["9_pre_x.sql"]
    with pytest.raises(LedgerError, match="while old run"):
        made.apply([*files, ("9_z.sql", "SELECT 1")], version="3.10.0", held_back=["9_post_x.sql"])
    made.unregister("old")
    made.register(process("new", "3.10.0"))
    assert made.apply(files, version="3.10.0", held_back=["9_post_x.sql"]) == ["9_post_x.sql"]


def test_a_file_that_fails_is_run_again(made):
    with pytest.raises(LedgerError):
        made.apply([("9_a.sql", "CREATE TABLE half (id int); SELECT nothing")], version="3.10.0")
    assert made.apply([("9_a.sql", "CREATE TABLE half (id int)")], version="3.10.0") == ["9_a.sql"]


def test_the_fleet_takes_a_configuration_when_every_live_worker_has_it(made):
    made.add({"acme": ("group-1", "old"), "beta": ("group-1", "same")})
    made.register(process("one"))
    made.register(process("two"))
    other = Refusal("acme", "new", "its configuration on this machine differs from the fleet's")
    assert made.refuse("one", [other], stalled=STALLED) == 0
    assert made.digests()["acme"] == "old"
    assert made.refuse("two", [other], stalled=STALLED) == 1
    assert made.digests() == {"acme": "new", "beta": "same"}


def test_the_fleet_drops_a_tenant_that_no_live_worker_names(made):
    made.add({"acme": ("group-1", "old")})
    made.register(process("one"))
    made.register(process("two"))
    gone = Refusal("acme", None, "the configuration of this machine does not contain it")
    assert made.refuse("one", [gone], stalled=STALLED) == 0
    assert made.refuse("two", [gone], stalled=STALLED) == 1
    assert made.digests() == {}


def test_a_tenant_that_one_machine_refuses_parts_only_if_another_one_takes_it(made):
    made.add({"acme": ("group-1", "same"), "beta": ("group-1", "same")})
    made.register(process("one"))
    lacks = Refusal("acme", "same", "the environment variable ACME_TOKEN is not set")
    made.refuse("one", [lacks], stalled=STALLED)
    assert not made.part("acme", refused_by="one", stalled=STALLED)
    made.register(process("two"))
    assert made.part("acme", refused_by="one", stalled=STALLED)
    assert made.members(["tenant:acme"]) == {"acme": "tenant:acme"}
    assert made.members(["group-1"]) == {"beta": "group-1"}
    (acme, _) = made.tenants(stalled=STALLED)
    assert acme.refused == ("worker one: the environment variable ACME_TOKEN is not set",)


@pytest.mark.parametrize(
    ("groups", "live", "each"), [(64, 1, 65), (64, 2, 33), (64, 4, 17), (3, 4, 2), (0, 1, 1), (5, 0, 6)]
)
def test_a_worker_has_one_slot_more_than_its_share(groups, live, each):
    assert slots(groups, live) == each


def test_a_tenant_is_heavy_over_five_minutes_never_by_a_burst():
    now = [0.0]
    counter = LoadCounter(TimeOf(monotonic=lambda: now[0]))
    event = StepEnded(a_job(), EffectKind.RESERVE, Outcome.OK, NOON, 0.1)
    for _ in range(500):
        counter(event)
    assert counter.heavy(600) == set()
    for minute in range(5):
        now[0] = minute * 60.0
        for _ in range(600):
            counter(event)
    assert counter.heavy(600) == {"acme"}
    now[0] += 300.0
    assert counter.heavy(600) == set()


def test_status_and_metrics_show_who_serves_what_and_who_refuses_it(made):
    made.add({"acme": ("group-1", "same"), "beta": ("group-2", "same")})
    made.register(process("one"))
    made.handed_out("group-1", "one")
    made.refuse("one", [Refusal("beta", "same", "the environment variable BETA_TOKEN is not set")], stalled=STALLED)
    (row,) = worker_rows(made, FleetSettings())
    assert worker_line(row) == "worker one: serving, 1 groups with 1 tenants, 1 hand-outs"
    assert row["refuses"] == [{"tenant": "beta", "sentence": "the environment variable BETA_TOKEN is not set"}]
    acme, beta = with_fleet([{"tenant": "acme"}, {"tenant": "beta"}], made.tenants(stalled=STALLED))
    assert (acme["worker"], acme["group"], acme["refused"]) == ("one", "group-1", [])
    assert (beta["worker"], beta["refused"]) == (None, ["worker one: the environment variable BETA_TOKEN is not set"])
    assert made.drain("one", stalled=STALLED) == 1
    assert worker_rows(made, FleetSettings())[0]["state"] == "draining"
    made.handed_back("group-1", "one")
    assert worker_rows(made, FleetSettings())[0]["state"] == "drained"


def test_status_shows_the_oldest_read_of_each_worker(made, postgresql_url, tmp_path):
    made.add({name: (f"group-{name}", "same") for name in ("acme", "beta", "gamma")})
    made.register(process("one"))
    made.handed_out("group-acme", "one")
    made.handed_out("group-beta", "one")
    file = tmp_path / "shipperone-erp.toml"
    tenants = "".join(f'[tenants.{name}]\nbase_url = "https://{name}.example"\n' for name in ("acme", "beta", "gamma"))
    file.write_text(
        f'[runtime]\nledger = "{postgresql_url}"\n[defaults]\nconnector = "counting"\ntoken = "a-token-of-them"\n'
        f'[defaults.counting]\ndatabase = "erp.db"\n{tenants}'
    )
    configuration = load(file, environment={})
    with Ledger.open(postgresql_url) as ledger:
        for minutes, tenant in enumerate(("acme", "beta", "gamma")):
            read_at = NOON - timedelta(minutes=minutes)
            ledger.save_queue(QueueRecord(tenant=tenant, stage=Stage.INVOICE, last_good_read_at=read_at))
        rows, (worker,) = status_with_fleet(configuration, ledger, NOON)
    assert {row["tenant"]: row["worker"] for row in rows} == {"acme": "one", "beta": "one", "gamma": None}
    assert worker["oldest_read"] == "2026-03-02T11:59:00Z", "beta's; gamma's is not the worker's"
