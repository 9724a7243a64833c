"""Crashes right before or right after a commit: what is in the ledger afterwards (D2)."""

import multiprocessing
import os
import signal

import pytest

from job_rows import varied
from ledger_databases import NOON, a_job, a_lease, an_effect, an_owner
from shipperone_erp.domain.records import Lease
from shipperone_erp.domain.states import Outcome, Stage, Step
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob, RecordIntent, RecordOutcome, UpdateJob


class Killed(Ledger):
    """Dies, as by a power cut, when a write of this kind is committed."""

    kind = None
    after = False

    def commit(self, batch):
        struck = any(type(write) is self.kind for entry in batch for write in entry.writes)
        if struck and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        super().commit(batch)
        if struck:
            os.kill(os.getpid(), signal.SIGKILL)


def reserve(url, kind, after):
    """One reservation, recorded as a stage does it; `outside` is what the connector would do."""
    with Killed.open(url, migrate=True) as ledger:
        ledger.kind, ledger.after = kind, after
        ledger.start_writer()
        lease = a_lease(ledger)
        job = a_job(id=1)
        effect = an_effect(job, id=2)
        ledger.write(InsertJob(job), lease=lease)
        job = varied(job, step=Step.RESERVING)
        ledger.write(UpdateJob(job), RecordIntent(effect), lease=lease).result()
        ledger.write(RecordOutcome(effect.id, Outcome.OK, NOON, "R-1"), lease=lease)
        ledger.write(UpdateJob(varied(job, step=Step.RESERVED, reference="R-1")), lease=lease).result()


@pytest.mark.case("D2")
@pytest.mark.parametrize(
    ("kind", "after", "step", "outcomes", "unknown"),
    [
        (RecordIntent, False, None, [], 0),
        (RecordIntent, True, Step.RESERVING, [None], 1),
        (RecordOutcome, False, Step.RESERVING, [None], 1),
        (RecordOutcome, True, Step.RESERVED, [Outcome.OK], 0),
        (None, False, Step.RESERVED, [Outcome.OK], 0),
    ],
)
def test_killed_at_a_commit(ledger_url, kind, after, step, outcomes, unknown):
    process = multiprocessing.get_context("forkserver").Process(target=reserve, args=(ledger_url, kind, after))
    process.start()
    process.join(60)
    assert process.exitcode == (0 if kind is None else -signal.SIGKILL)
    with Ledger.open(ledger_url, migrate=True) as ledger:
        jobs = ledger.unfinished_jobs("acme", Stage.ALLOCATION)
        assert [job.step for job in jobs] == ([step] if step else [])
        assert [job.reference for job in jobs] == (["R-1"] if step is Step.RESERVED else [None] if step else [])
        assert [effect.outcome for effect in ledger.effects(1)] == outcomes
        assert len(ledger.open_effects("acme", Stage.ALLOCATION)) == unknown
        owner = an_owner()
        seen = ledger.try_take("acme/allocation", owner, None, 0.0).seen
        assert isinstance(ledger.try_take("acme/allocation", owner, seen, 0.0), Lease)
