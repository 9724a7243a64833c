"""Waiting jobs are decoded once, and read as whoever wrote last has left them."""

from job_rows import varied
from ledger_databases import NOON, a_job
from shipperone_erp.domain.records import Action
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob, UpdateJob


def test_an_unchanged_job_is_reused_and_a_changed_one_is_read_again(ledger, ledger_url):
    jobs = [a_job(f"FO-{number}") for number in range(3)]
    for job in jobs:
        ledger.write(InsertJob(job), lease=None).result()
    first = ledger.living_jobs("acme", Stage.ALLOCATION)
    assert first == jobs
    held = varied(jobs[0], state=State.HELD, sentence="by this process")
    ledger.write(UpdateJob(held), lease=None).result()
    steered = varied(jobs[1], state=State.HELD, sentence="by an operator elsewhere")
    with Ledger.open(ledger_url) as elsewhere:
        act = Action(id=1, job_id=jobs[1].id, tenant="acme", at=NOON, actor="me", action="hold", note=None)
        assert elsewhere.steer(jobs[1], steered, act)
    second = ledger.living_jobs("acme", Stage.ALLOCATION)
    assert second == [held, steered, jobs[2]]
    assert second[2] is first[2]


def test_stages_and_tenants_are_kept_apart_and_ended_jobs_are_left_out(ledger):
    job, other = a_job(), a_job(tenant="other")
    for one in (job, other):
        ledger.write(InsertJob(one), lease=None).result()
    assert ledger.living_jobs("acme", Stage.ALLOCATION) == [job]
    assert ledger.living_jobs("other", Stage.ALLOCATION) == [other]
    assert ledger.living_jobs("acme", Stage.INVOICE) == []
    ledger.write(UpdateJob(varied(job, state=State.DONE, open=False, accepted_at=NOON)), lease=None).result()
    assert ledger.living_jobs("acme", Stage.ALLOCATION) == []
    assert ledger.unfinished_jobs("acme", Stage.ALLOCATION) == []
