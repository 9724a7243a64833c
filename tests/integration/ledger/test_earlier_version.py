"""A ledger that version 0.1.0 wrote, with a job at every step in every state: it opens, and no row of it ends a plan."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from ledger_databases import NOON, empty_postgresql
from places import SUPPORT
from planning import scope
from shipperone_erp import Owner, Reason
from shipperone_erp.domain.decisions import NoAction, PutOnHold
from shipperone_erp.domain.job import InvalidTransition, Job
from shipperone_erp.domain.keys import fingerprint
from shipperone_erp.domain.listing import Listed, Listing, UnreadableOrder
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.states import STEPS, Outcome, Stage, State, Step
from shipperone_erp.ledger.repository import Ledger

WRITTEN = SUPPORT / "frozen" / "ledger_0_1_0.sql"
WRITTEN_POSTGRESQL = SUPPORT / "frozen" / "ledger_0_1_0_postgresql.sql"
ODD = {
    "odd-done-open": "it is done and still open",
    "odd-accepted-open": "ShipperOne has accepted it, and it is still open",
    "odd-issuing": "it is at step issuing, and ShipperOne has not accepted it",
    "odd-step": "its stage, allocation, has no step built",
    "odd-closed": "it is closed, but neither ended nor accepted by ShipperOne",
}


def sqlite_written(folder: Path) -> str:
    file = folder / "ledger.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(WRITTEN.read_text(encoding="utf-8"))
    return f"sqlite:///{file}"


@contextmanager
def postgresql_written(server: str) -> Iterator[str]:
    with empty_postgresql(server) as url:
        engine = create_engine(url, poolclass=NullPool)
        with closing(engine.raw_connection()) as connection:
            connection.driver_connection.execute(WRITTEN_POSTGRESQL.read_text(encoding="utf-8"))
            connection.commit()
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def written(request, tmp_path_factory):
    if request.param == "sqlite":
        yield sqlite_written(tmp_path_factory.mktemp("earlier"))
        return
    with postgresql_written(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture(scope="module")
def earlier(written):
    with Ledger.open(written, migrate=True) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def jobs(earlier) -> list[Job]:
    return earlier.find_jobs()


def test_every_row_is_loaded_as_it_was_written(earlier, jobs):
    assert list(earlier.damage()) == []
    seen = {(job.stage, job.step, job.state) for job in jobs}
    assert seen >= {(stage, step, state) for stage in Stage for step in STEPS[stage] for state in State}
    for job in jobs:
        assert job.order.order_id == job.order_id
        assert job.invoice is None or job.invoice.reference == job.reference
    found = [effect.outcome for job in jobs for effect in earlier.effects(job.id)]
    assert set(found) == {*Outcome, None}
    assert found.count(Outcome.OK) == 2, "`inferred`, which only that version had, is read as `ok`"


def test_only_the_contradictory_rows_contradict_themselves(jobs):
    assert {job.order_id: job.contradiction for job in jobs if job.contradiction} == ODD


def read(stage: Stage, jobs: list[Job], *, listed: str) -> Listing:
    """A read an hour later: nothing is listed, or everything as it was, or at another price, or unreadably."""
    orders, unreadable = {}, []
    for job in jobs:
        order = job.order
        if listed == "repriced":
            order = replace(order, shipping_amount_incl_tax=None)
        if listed in ("same", "repriced"):
            orders[job.order_id] = Listed(order=order, fingerprint=fingerprint(order))
        if listed == "unreadable":
            unreadable.append(UnreadableOrder(order_id=job.order_id, sentence="no sku", raw="{}"))
    at = NOON + timedelta(days=2)
    return Listing(
        stage=stage, began_at=at, orders=orders, unreadable=tuple(unreadable), complete=True,
        proves_absence=True, alert=None, doubt=None,
    )  # fmt: skip


def planned(stage: Stage, jobs: list[Job], listed: str, **memory):
    return plan(
        scope(stage),
        read(stage, jobs, listed=listed),
        PlannerInput(jobs=tuple(jobs), **memory),
        NOON + timedelta(days=2),
    )


@pytest.mark.parametrize("listed", ["absent", "same", "repriced", "unreadable"])
@pytest.mark.parametrize("stage", Stage)
def test_planning_holds_what_contradicts_itself_and_nothing_else_for_it(jobs, stage, listed):
    mine = [job for job in jobs if job.stage is stage]
    decisions = planned(stage, mine, listed)
    held = {one.job.order_id: one for one in decisions if isinstance(one, PutOnHold) and one.job.order_id in ODD}
    assert set(held) == {job.order_id for job in mine if job.contradiction}
    for order_id, one in held.items():
        assert (one.reason, one.owner) == (Reason.CONNECTOR_BUG, Owner.IT)
        assert f"contradicts itself about this job: {ODD[order_id]}. Nothing is done for the order" in one.sentence
        assert f"`order retry {order_id}`" in one.sentence
    again = [one.job.held(one.reason, one.sentence, one.owner, at=NOON) for one in held.values()]
    assert all(isinstance(one, NoAction) for one in planned(stage, again, listed)), "held once"


def test_a_retry_ends_the_contradiction(jobs):
    for job in (job for job in jobs if job.order_id in ODD):
        fresh = job.held(Reason.CONNECTOR_BUG, "odd", Owner.IT).retried(NOON)
        assert fresh.contradiction is None
        assert fresh.step is (Step.RESERVING if job.stage is Stage.ALLOCATION else Step.BUILDING)


def test_an_order_whose_job_refuses_a_transition_is_held_and_hides_no_other(jobs, monkeypatch):
    first, second = [job for job in jobs if job.order_id in ("a-new-new", "a-reserving-new")]

    def not_listed(job: Job, at: datetime, *, doubtful: bool) -> Job:
        if job.id == first.id:
            raise InvalidTransition(job, "absent from its queue")
        return job

    monkeypatch.setattr(Job, "not_listed", not_listed)
    decisions = planned(Stage.ALLOCATION, [first, second], "absent")
    held = [one for one in decisions if isinstance(one, PutOnHold)]
    assert [one.job.id for one in held] == [first.id]
    assert "absent from its queue" in held[0].sentence
    assert len(decisions) == 2


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_run_takes_the_ledger_up_and_leaves_what_contradicts_itself_to_an_operator(world, request, database):
    if database == "sqlite":
        sqlite_written(world.folder)
        taken_up(world)
        return
    with postgresql_written(request.getfixturevalue("postgresql_server")) as url:
        world.runtime_settings["ledger"] = f'"{url}"'
        taken_up(world)


def taken_up(world):
    with Ledger.open(world.ledger_url, migrate=True) as ledger:
        steps = {job.order_id: job.step for job in ledger.find_jobs()}
    world.once(settle_for=0.5)
    with world.ledger() as ledger:
        after = {job.order_id: job for job in ledger.find_jobs()}
    for order_id in sorted({*ODD} - {"odd-done-open"}):  # which is not loaded before its order is listed again
        assert after[order_id].state is State.HELD, order_id
        assert after[order_id].step is steps[order_id]
    assert {order_id for order_id, job in after.items() if order_id.startswith("opened-again") and job.lost_at} == set()
    assert world.erp.issued("odd-issuing") == []
