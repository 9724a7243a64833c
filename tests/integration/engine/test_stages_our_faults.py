"""Our own code fails while a confirmation is on its way: its outcome is unknown, and nothing accepted is opened again."""

from dataclasses import replace

import pytest

from job_rows import varied
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.ids import new_id
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.ledger.unit_of_work import RecordIntent, UpdateJob
from shipperone_erp.shipperone import client as shipperone_client
from stage_orders import act, order

pytestmark = pytest.mark.case("D8")

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.fixture(params=["the answer is read", "no thread can start"])
def our_fault(request, monkeypatch):
    """The next confirmations of one action fail in our code, after ShipperOne has done what was asked or before."""

    def strike(action, times=1):
        left = [times]
        if request.param == "the answer is read":
            read, post, asked = shipperone_client.post_answer, shipperone_client.ShipperOne._post, []

            async def posts(self, url, *rest):
                asked.append(str(url))
                return await post(self, url, *rest)

            def fails(*given):
                if asked[-1].endswith(action) and left[0]:
                    left[0] -= 1
                    raise RecursionError("of a text that must not be quoted: s3cret")
                return read(*given)

            monkeypatch.setattr(shipperone_client.ShipperOne, "_post", posts)
            monkeypatch.setattr(shipperone_client, "post_answer", fails)
            return True
        call, stage = shipperone_client.ShipperOne.confirm, A if action == "allocate" else I

        async def no_thread(self, of, body):
            if of is stage and left[0]:
                left[0] -= 1
                raise RuntimeError("can't start new thread")
            return await call(self, of, body)

        monkeypatch.setattr(shipperone_client.ShipperOne, "confirm", no_thread)
        return False

    return strike


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_a_fault_of_ours_after_a_post_is_an_unknown_outcome_that_the_queue_decides(world, our_fault, action):
    world.sandbox.add(order())
    taken = our_fault(action)
    world.finishes(settle_for=15)
    job = world.job("FO-1", A if action == "allocate" else I)
    assert job.inferred is taken
    with world.ledger() as ledger:
        confirmations = [effect for effect in ledger.effects(job.id) if effect.kind is EffectKind.CONFIRM]
    assert confirmations[0].outcome is Outcome.UNKNOWN
    assert "a bug in shipperone-erp" in confirmations[0].answer
    assert "s3cret" not in confirmations[0].answer
    assert Reason.CONNECTOR_BUG not in {after.reason for _, after in world.changes}
    assert (world.sandbox.order("FO-1").allocations, len(world.sandbox.order("FO-1").invoices)) == (1, 1)
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])


@pytest.mark.parametrize("our_fault", ["the answer is read"], indirect=True)
def test_a_done_job_stays_done_at_the_next_start_for_every_outcome_of_its_first_post(world, our_fault):
    """The sequence of an accepted POST whose answer could not be read, a person's retry, and a restart."""
    world.sandbox.add(order())
    our_fault("invoice")
    world.settings["in_doubt"] = '"hold"'
    assert world.once().ending is Ending.HELD
    world.settings["in_doubt"] = '"accept"'
    act(world, "retry", "FO-1", I)
    world.finishes()
    issued = world.erp.issued("FO-1")
    world.finishes()
    assert world.job("FO-1", I).state is State.DONE
    assert world.erp.issued("FO-1") == issued == ["1:2"]


def done_once(world, stage=I) -> Job:
    world.sandbox.add(order())
    world.finishes()
    return world.job("FO-1", stage)


def rewritten(world, job: Job, *writes) -> None:
    """As an earlier version has left the ledger."""
    with world.ledger() as ledger:
        ledger.start_writer()
        ledger.write(UpdateJob(job), *writes, lease=None).result()


@pytest.mark.parametrize("stage", [A, I])
def test_an_intent_without_an_outcome_does_not_open_a_done_job_again(world, stage):
    job = done_once(world, stage)
    effect = Effect(id=new_id(), job_id=job.id, kind=EffectKind.CONFIRM, key=job.key, intent_at=job.since)
    rewritten(world, job, RecordIntent(effect))
    world.finishes()
    assert world.job("FO-1", stage) == job
    with world.ledger() as ledger:
        (found,) = [one for one in ledger.effects(job.id) if one.id == effect.id]
    assert found.outcome is Outcome.UNKNOWN


def opened_again(job: Job, **changes) -> Job:
    """What the recovery of 0.1.0 made of a job whose intent had no outcome."""
    return varied(job, state=State.WAITING, reason=Reason.OUTCOME_UNKNOWN, sentence="ShipperOne's queue decides", lost_at=job.since,
        settle_reads=(), next_attempt_at=job.since, **changes,
    )  # fmt: skip


@pytest.mark.parametrize("stage", [A, I])
@pytest.mark.parametrize("retried", [False, True])
def test_a_done_job_that_an_earlier_version_opened_again_comes_to_rest(world, stage, retried):
    rewritten(world, opened_again(done_once(world, stage)))
    if retried:
        act(world, "retry", "FO-1", stage)
    posts, issued = len(world.sandbox.posts), world.erp.effects("issue_invoice")
    world.finishes(settle_for=1)
    assert world.job("FO-1", stage).state is State.DONE
    assert (len(world.sandbox.posts), world.erp.effects("issue_invoice")) == (posts, issued)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"step": Step.DONE}, State.DONE),
        ({"step": Step.ACCEPTED}, State.NEW),
        ({"step": Step.ISSUING}, State.NEW),
        ({"step": Step.DONE, "ending": State.GONE}, State.NEW),
        ({"step": Step.NEW}, State.GONE),
        ({"step": Step.NEW, "accepted_at": None}, State.SUPERSEDED),
    ],
)
def test_each_job_that_was_opened_again_gets_its_own_state_back(world, changes, state):
    done = done_once(world)
    after = opened_again(done, **changes).healed()
    assert (after.state, after.reason, after.lost_at, after.ending) == (state, None, None, changes.get("ending"))
    assert after.healed() is after
    waiting = opened_again(done, open=True, accepted_at=None, step=Step.CONFIRMING)
    assert waiting.healed() is waiting, "an open job in doubt is settled by the queue"
    ignored = replace(waiting, open=False, state=State.IGNORED)
    assert ignored.healed() is ignored
