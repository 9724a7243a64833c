"""An order whose listing alternates is held with both sides, and nothing is made for it until it is stable."""

from datetime import timedelta

from job_rows import varied
from planning import MINUTE, NOW, decide, listing, order, started
from shipperone_erp import Owner, Reason
from shipperone_erp.domain.decisions import Continue, NoAction, RecordObservation, Start, StartHeld, Supersede
from shipperone_erp.domain.states import State

ONE, OTHER, THIRD = order(), order(shipping="5.99"), order(shipping="6.99")


def after(*listed, every=timedelta(seconds=30)):
    """The jobs that the ledger holds once these were listed one after another, and the decision about the last."""
    jobs, now = [started(listed[0])], NOW
    for given in listed[1:]:
        now += every
        decision = decide(listing(given, at=now), *jobs, now=now)
        assert isinstance(decision, Supersede)
        jobs[-1] = varied(jobs[-1], state=State.SUPERSEDED, open=False, since=now)
        jobs.append(decision.successor.job)
    return jobs, decision.successor, now


def test_amounts_that_alternate_are_held_after_three_changes_with_both_of_them():
    assert isinstance(after(ONE, OTHER, ONE)[1], Start)
    _, held, _ = after(ONE, OTHER, ONE, OTHER)
    assert isinstance(held, StartHeld)
    assert (held.job.reason, held.job.owner) == (Reason.ITEMS_CHANGED, Owner.SHIPPERONE)
    assert "3 times within 10m" in held.job.sentence
    assert "shipping_amount_incl_tax: before 4.99, now 5.99" in held.job.sentence


def test_amounts_that_are_new_with_every_read_are_held_as_well():
    assert isinstance(after(ONE, OTHER, THIRD, order(shipping="7.99"))[1], StartHeld)


def test_changes_that_are_hours_apart_are_followed():
    assert isinstance(after(ONE, OTHER, ONE, OTHER, ONE, every=timedelta(hours=1))[1], Start)


def test_a_shipment_that_grows_piece_by_piece_is_followed():
    assert isinstance(after(order("FO-1", 1), order("FO-1", 2), order("FO-1", 3), order("FO-1", 4))[1], Start)


def test_an_alternating_listing_stays_one_held_job_and_resumes_once_it_is_stable():
    jobs, held, now = after(ONE, OTHER, ONE, OTHER)
    job = held.job
    for given in (ONE, OTHER, ONE, OTHER):
        now += MINUTE
        noted = decide(listing(given, at=now), *jobs[:-1], job, now=now)
        assert isinstance(noted, RecordObservation)
        job = noted.job
        assert (job.state, job.key) == (State.HELD, held.job.key)
    assert isinstance(decide(listing(OTHER, at=now), *jobs[:-1], job, now=now + 9 * MINUTE), NoAction)
    still = decide(listing(OTHER, at=now), *jobs[:-1], job, now=now + 10 * MINUTE)
    assert isinstance(still, Continue)
    assert still.job.listed_as is None


def test_an_alternating_listing_that_settles_on_the_other_version_starts_that_job():
    jobs, held, now = after(ONE, OTHER, ONE, OTHER)
    noted = decide(listing(ONE, at=now), *jobs[:-1], held.job, now=now)
    later = now + 10 * MINUTE
    decision = decide(listing(ONE, at=later), *jobs[:-1], noted.job, now=later)
    assert isinstance(decision, Supersede)
    assert isinstance(decision.successor, Start)


def test_an_operator_who_retries_it_is_obeyed_at_once():
    jobs, held, now = after(ONE, OTHER, ONE, OTHER)
    retried = varied(
        held.job, state=State.NEW, reason=None, listed_as=None, next_attempt_at=None, ending=State.SUPERSEDED
    )
    decision = decide(listing(OTHER, at=now), *jobs[:-1], retried, now=now)
    assert isinstance(decision, Supersede)
    assert isinstance(decision.successor, Start)
