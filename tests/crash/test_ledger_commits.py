"""Crashes right before or right after a commit: what is in the ledger afterwards (D2)."""

import multiprocessing
import os
import signal

import pytest

from job_rows import varied
from ledger_databases import NOON, a_job, a_lease, an_effect, an_owner
from shipperone_erp.domain.records import Lease
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, Step
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob, RecordIntent, RecordOutcome, UpdateJob


class Killed(Ledger):
    """Dies, as by a power cut, when an entry of this label is committed."""

    label = ""
    after = False

    def commit(self, batch):
        struck = any(entry.label == self.label for entry in batch)
        if struck and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        super().commit(batch)
        if struck:
            os.kill(os.getpid(), signal.SIGKILL)


def reserve(url, label, after):
    """One reservation, recorded as a stage does it; `outside` is what the connector would do."""
    with Killed.open(url, migrate=True) as ledger:
        ledger.label, ledger.after = label, after
        ledger.start_writer()
        lease = a_lease(ledger)
        job = a_job(id=1)
        effect = an_effect(job, id=2)
        ledger.write(InsertJob(job), lease=lease)
        job = varied(job, step=Step.RESERVING)
        ledger.write(UpdateJob(job), RecordIntent(effect), lease=lease).result()
        ledger.write(RecordOutcome(effect.id, Outcome.OK, NOON, "R-1", EffectKind.RESERVE), lease=lease)
        ledger.write(UpdateJob(varied(job, step=Step.RESERVED, reference="R-1")), lease=lease).result()


@pytest.mark.case("D2")
@pytest.mark.parametrize(
    ("label", "after", "step", "outcomes", "unknown"),
    [
        ("intent:reserve", False, None, [], 0),
        ("intent:reserve", True, Step.RESERVING, [None], 1),
        ("outcome:reserve", False, Step.RESERVING, [None], 1),
        ("outcome:reserve", True, Step.RESERVED, [Outcome.OK], 0),
        ("never", False, Step.RESERVED, [Outcome.OK], 0),
    ],
)
def test_killed_at_a_commit(ledger_url, label, after, step, outcomes, unknown):
    process = multiprocessing.get_context("forkserver").Process(target=reserve, args=(ledger_url, label, after))
    process.start()
    process.join(60)
    assert process.exitcode == (0 if label == "never" else -signal.SIGKILL)
    with Ledger.open(ledger_url, migrate=True) as ledger:
        jobs = ledger.unfinished_jobs("acme", Stage.ALLOCATION)
        assert [job.step for job in jobs] == ([step] if step else [])
        assert [job.reference for job in jobs] == (["R-1"] if step is Step.RESERVED else [None] if step else [])
        assert [effect.outcome for effect in ledger.effects(1)] == outcomes
        assert len(ledger.open_effects("acme", Stage.ALLOCATION)) == unknown
        owner = an_owner()
        seen = ledger.try_take("acme/allocation", owner, None, 0.0).seen
        assert isinstance(ledger.try_take("acme/allocation", owner, seen, 0.0), Lease)
