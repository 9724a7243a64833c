"""Operator actions at the moment in which a stage claims the job: each is executed, or refused with a message."""

from datetime import timedelta

import pytest

from job_rows import varied
from ledger_databases import NOON, a_job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Action
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.database_errors import WriteRefused
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import ClaimJob, InsertJob, ReleaseAllJobs, ReleaseJob, UpdateJob
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import SandboxOrder

ACT = Action(id=1, at=NOON, actor="jana", action="ignore", tenant="acme")


def test_a_claimed_job_refuses_operator_actions_until_it_is_released(ledger):
    job = a_job(state=State.HELD)
    ledger.write(InsertJob(job), lease=None).result()
    ledger.write(ClaimJob(job), lease=None).result()
    ignored = varied(job, state=State.IGNORED)
    assert not ledger.steer(job, ignored, ACT)
    ledger.write(UpdateJob(varied(job, attempts=1)), lease=None).result()
    assert ledger.job(job.id).taken, "until it is let go, whatever is written of it"
    ledger.write(ReleaseJob(job.id), lease=None).result()
    assert ledger.steer(varied(job, attempts=1), ignored, ACT)
    assert ledger.job(job.id) == ignored


@pytest.mark.parametrize(
    "changed",
    [{"state": State.WAITING}, {"step": Step.RESERVING}, {"since": NOON.replace(hour=13)}, {"attempts": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_job_that_has_changed_since_an_operator_read_it_is_left_as_it_is(ledger, changed):
    job = a_job(state=State.HELD)
    ledger.write(InsertJob(job), UpdateJob(now := varied(job, **changed)), lease=None).result()
    assert not ledger.steer(job, varied(job, state=State.IGNORED), ACT)
    assert ledger.job(job.id) == now


def test_of_many_jobs_claimed_at_once_only_the_changed_one_is_refused(ledger):
    jobs = [a_job(f"FO-{number}", state=State.WAITING) for number in range(20)]
    ledger.write(*map(InsertJob, jobs), lease=None).result()
    assert ledger.steer(jobs[7], varied(jobs[7], state=State.IGNORED, since=NOON.replace(hour=13)), ACT)
    futures = [ledger.write(ClaimJob(job), lease=None) for job in jobs]
    refused = [number for number, future in enumerate(futures) if future.exception(10) is not None]
    assert refused == [7]
    assert isinstance(futures[7].exception(), WriteRefused)
    assert [ledger.job(job.id).taken for job in jobs] == [number != 7 for number in range(20)]
    with pytest.raises(WriteRefused):
        ledger.write(ClaimJob(jobs[0]), lease=None).result()
    ledger.write(ReleaseAllJobs("other", Stage.ALLOCATION), ReleaseAllJobs("acme", Stage.INVOICE), lease=None).result()
    assert ledger.job(jobs[0].id).taken
    ledger.write(ReleaseAllJobs("acme", Stage.ALLOCATION), lease=None).result()
    assert not any(ledger.job(job.id).taken for job in jobs)


class Interrupted(Ledger):
    """A person wants FO-1 ignored just before, or just after, a stage takes it."""

    when = ""
    answer: Exception | None = None

    def commit(self, batch):
        claims = [write for entry in batch for write in entry.writes if isinstance(write, ClaimJob)]
        taking = bool(claims) and self.answer is None
        if taking and self.when == "before":
            self.ignore(claims[0].job)
        super().commit(batch)
        if taking and self.when == "after":
            self.ignore(claims[0].job)

    def ignore(self, job):
        self.answer = UsageError("done")
        try:
            job_actions.ignore(self, self.job(job.id), job.since, "handled by hand")
        except UsageError as error:
            self.answer = error


def interrupted(when, opened):
    """Opens the ledger in which a person acts at that moment, and keeps it in `opened`."""

    def open_ledger(url):
        opened.append(Interrupted.open(url, migrate=True))
        opened[0].when = when
        return opened[0]

    return open_ledger


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_order_ignored_while_it_is_claimed_again_stays_ignored(world, when):
    world.settings["stock_retry"] = '"1s"'
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), first_id=1))
    world.erp.stock("MUG", 0)
    world.once(settle_for=0)
    assert world.job("FO-1", Stage.ALLOCATION).reason is Reason.NOT_ENOUGH_STOCK
    world.erp.stock("MUG", 5)
    opened: list[Interrupted] = []
    world.once(settle_for=4, open_ledger=interrupted(when, opened))
    job = world.job("FO-1", Stage.ALLOCATION)
    assert not job.taken
    if when == "before":
        assert str(opened[0].answer) == "done"
        assert (job.state, world.erp.live("FO-1")) == (State.IGNORED, 0)
    else:
        assert str(opened[0].answer) == (
            f"{job.key} has just changed; check it again with `shipperone-erp order show FO-1`"
        )
        assert (job.state, world.erp.live("FO-1")) == (State.DONE, 1)


@pytest.mark.case("Q8")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_order_ignored_during_a_clock_jump_stays_ignored(world, when, monkeypatch):
    world.settings["stock_retry"] = '"1h"'
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), first_id=1))
    world.erp.stock("MUG", 0)
    world.once(settle_for=0)
    due = world.job("FO-1", Stage.ALLOCATION).next_attempt_at
    jumps = [timedelta(hours=1), timedelta()]  # none when the stage begins, one at its first look
    look = StageClock.jumped

    def set_first(clock):
        world.clock.ahead += jumps.pop() if jumps else timedelta()
        return look(clock)

    monkeypatch.setattr(StageClock, "jumped", set_first)
    opened: list[Interrupted] = []
    world.settings["stages"] = '["allocation"]'
    world.once(settle_for=0, open_ledger=interrupted(when, opened))
    job = world.job("FO-1", Stage.ALLOCATION)
    assert (job.taken, bool(jumps)) == (False, False)
    if when == "before":
        assert (job.state, str(opened[0].answer)) == (State.IGNORED, "done")
    else:
        assert "has just changed" in str(opened[0].answer)
        assert job.state is State.WAITING
        assert abs(job.next_attempt_at - due - timedelta(hours=1)) < timedelta(seconds=5)
