"""The order in which the writes of one transaction run, and which of them need not run at all."""

from job_rows import varied
from ledger_databases import a_job, an_effect
from shipperone_erp.domain.states import State, Step
from shipperone_erp.ledger.statements import statements
from shipperone_erp.ledger.unit_of_work import ClaimJob, InsertJob, RecordIntent, ReleaseJob, Restamp, UpdateJob


def arranged(*writes):
    """The first word of each statement, and how many rows it has."""
    return [(run.statement.sql.split()[0], len(run.rows)) for run in statements("sqlite").arranged(writes)]


def test_of_successive_states_of_a_job_only_the_last_is_written():
    job = a_job()
    intent = RecordIntent(an_effect(job))
    working = varied(job, step=Step.RESERVING, state=State.WORKING)
    done = varied(job, step=Step.RESERVED, state=State.WORKING)
    assert arranged(InsertJob(job), UpdateJob(working), intent, UpdateJob(done)) == [("INSERT", 1), ("INSERT", 1)]
    (run, _) = statements("sqlite").arranged([UpdateJob(working), intent, UpdateJob(done)])
    (only,) = statements("sqlite").arranged([UpdateJob(done)])
    assert run.rows == only.rows


def test_jobs_of_other_orders_are_written_each():
    jobs = [a_job(f"FO-{number}") for number in range(3)]
    updates = [UpdateJob(varied(job, attempts=1)) for job in jobs]
    assert arranged(*map(InsertJob, jobs)) == [("INSERT", 3)]
    assert arranged(*updates, *updates) == [("UPDATE", 3)]


def test_a_state_that_a_successor_needs_is_written():
    """An order has one open job at a time: its job is closed before the next one is inserted, and closed it stays."""
    job = a_job()
    closed = varied(job, open=False, state=State.SUPERSEDED)
    successor = a_job()
    runs = arranged(UpdateJob(varied(job, attempts=1)), UpdateJob(closed), InsertJob(successor), UpdateJob(closed))
    assert runs == [("UPDATE", 2), ("INSERT", 1), ("UPDATE", 1)]


def test_a_state_that_a_claim_compares_with_is_written_before_it():
    job = a_job()
    held = varied(job, state=State.HELD)
    runs = arranged(UpdateJob(held), ClaimJob(held), UpdateJob(varied(held, attempts=1)), ReleaseJob(job.id))
    assert runs == [("UPDATE", 1), ("UPDATE", 1), ("UPDATE", 1), ("UPDATE", 1)]


def test_a_restamp_stays_between_two_states():
    job = a_job()
    runs = arranged(InsertJob(job), Restamp(job), UpdateJob(varied(job, attempts=1)))
    assert runs == [("INSERT", 1), ("UPDATE", 1), ("UPDATE", 1)]
