"""Processes of the previous version beside those of this one, on one ledger: the wheel of 0.2.0 as it was built then."""

import zipfile

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

pytest.importorskip("procrastinate")

from fleet_world import fleet, until
from places import SUPPORT
from shipperone_erp.ledger.schema import REVISION

WHEEL = SUPPORT / "frozen" / "shipperone_erp-0.2.0-py3-none-any.whl"
ITS_REVISION = "0013"


@pytest.fixture(scope="module")
def previous(tmp_path_factory):
    """The folder of the previous version's packages."""
    folder = tmp_path_factory.mktemp("previous")
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return folder


def asked(url, sql):
    """What a statement returns; the ledger may be of the previous version, which this one only opens to migrate it."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar()


def done(url):
    """How many jobs are done; 0 before there is a ledger."""
    if asked(url, "SELECT to_regclass('jobs')") is None:
        return 0
    return asked(url, "SELECT count(*) FROM jobs WHERE state = 'done'")


def revision(url):
    return asked(url, "SELECT version_num FROM ledger_schema")


def test_run_of_the_previous_version_serves_its_tenant_beside_a_worker_of_this_one(tmp_path, postgresql_url, previous):
    with fleet(tmp_path, postgresql_url, shops=2) as two:
        theirs, ours = two.write("run.toml", without=("shop1",)), two.write("worker.toml", without=("shop0",))
        two.add(1)
        service = two.run(theirs, previous)
        until(lambda: done(two.url) == 2, why=service.logged)
        assert revision(two.url) == ITS_REVISION

        worker = two.start("now", ours)  # migrates the ledger under the running service
        until(lambda: done(two.url) == 4, why=worker.logged)
        assert revision(two.url) == REVISION > ITS_REVISION
        two.add(2, first=2)
        until(lambda: two.done(3), why=service.logged + worker.logged)

        assert service.stop() == 0
        service = two.run(theirs, previous)  # it also starts on the later schema
        two.add(1, first=4)
        until(lambda: two.done(4), why=service.logged + worker.logged)
        two.once_each(4)
        assert (service.stop(), worker.stop()) == (0, 0)
        for process in two.workers:
            assert "Traceback" not in process.logged, process.logged
            assert "on standby" not in process.logged, process.logged
            assert "standing by" not in process.logged, process.logged  # the previous version's word


def test_a_fleet_is_upgraded_machine_by_machine(tmp_path, postgresql_url, previous):
    with fleet(tmp_path, postgresql_url, shops=3) as three:
        three.add(1)
        first, second = three.start("one", package=previous), three.start("two", package=previous)
        until(lambda: done(three.url) == 6, why=first.logged)
        assert revision(three.url) == ITS_REVISION

        upgraded = three.start("one-upgraded")
        until(lambda: "one-upgraded" in three.serving(), why=upgraded.logged)
        assert revision(three.url) == REVISION
        three.add(1, first=2)
        assert first.stop() == 0
        until(lambda: three.done(2), why=second.logged + upgraded.logged)
        second.kill()  # whichever of the two took over meanwhile: all of it moves to this version, after the lease
        three.add(1, first=3)
        until(lambda: three.done(3) and three.serving() == {"one-upgraded": 3}, why=upgraded.logged)

        back = three.start("two", package=previous)  # and a machine can go back
        until(lambda: three.serving().get("two") is not None, why=back.logged)
        three.add(1, first=4)
        assert upgraded.stop() == 0
        until(lambda: three.done(4) and three.serving() == {"two": 3}, why=back.logged)
        three.once_each(4)
        assert back.stop() == 0
        for worker in three.workers:
            assert "Traceback" not in worker.logged, worker.logged
