"""Two persons approve a draft if the tenant requires it; notes are recorded, and change nothing."""

import pytest

from ledger_databases import NOON, a_job
from shipperone_erp.domain.hook_answers import Invoice, InvoiceLine
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.actors import acting_as
from shipperone_erp.operations.job_actions import note_down

pytest.importorskip("starlette", reason="the page needs the extra: pip install 'shipperone-erp[web]'")

from shipperone_erp.web.action_forms import JOB_ACTIONS, ActionRequest
from web_page import configured, ledger_with


def draft(total: str) -> str:
    return invoice_text(Invoice("R-1", (InvoiceLine(11, 2, total),), "0", total, "EUR"))


def waiting(**fields):
    return a_job(
        stage=Stage.INVOICE, state=State.HELD, step=Step.BUILT, reason=Reason.AWAITING_APPROVAL, owner=Owner.ACCOUNTANT,
        reference="R-1", invoice_json=draft("30.79"), **fields,
    )  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    job = waiting()
    with ledger_with(tmp_path, job) as ledger:
        yield ledger, configured(tmp_path, tenant='approve = ["invoice"]\napprovals = 2'), job


def approve(ledger, configuration, job, name):
    with acting_as(name):
        return JOB_ACTIONS["approve"].run(ActionRequest(ledger, configuration, ledger.job(job.id), NOON, None))


def test_the_second_approval_releases_the_draft_and_the_first_alone_does_not(shop):
    ledger, configuration, job = shop
    assert approve(ledger, configuration, job, "anna") == "a second person must approve it, too"
    assert ledger.job(job.id).state is State.HELD
    with pytest.raises(UsageError, match="you have approved it already; a second person must approve it, too"):
        approve(ledger, configuration, job, "anna")
    assert approve(ledger, configuration, job, "ida") is None
    assert (ledger.job(job.id).state, ledger.job(job.id).approved is not None) == (State.NEW, True)
    acts = [(act.actor, act.action.partition(",")[0]) for act in ledger.actions(job.id)]
    assert acts == [("anna", "approve"), ("ida", "approve")]


def test_a_page_that_everybody_may_use_is_no_second_person(shop):
    """Its actor is the user of the process, whoever clicks: also the one who has approved it by the command."""
    ledger, configuration, job = shop
    approve(ledger, configuration, job, "anna")
    with pytest.raises(UsageError, match=r"does not know who you are: name the persons in \[runtime.page.people\]"):
        approve(ledger, configuration, job, "anna (page)")
    assert ledger.job(job.id).state is State.HELD
    with pytest.raises(UsageError, match="you have approved it already"):
        approve(ledger, configuration, job, "Anna")


def test_a_first_approval_is_of_one_document_and_no_other_in_its_place(tmp_path):
    job = waiting()
    configuration = configured(tmp_path, tenant='approve = ["invoice"]\napprovals = 2')
    with ledger_with(tmp_path, job) as ledger:
        approve(ledger, configuration, job, "anna")
        with ledger._writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET invoice_json = ?", (draft("99.00"),))
        assert approve(ledger, configuration, job, "ida") is not None, "ida's is the first of another draft"
        assert ledger.job(job.id).state is State.HELD


def test_one_approval_suffices_by_default(tmp_path):
    job = waiting()
    with ledger_with(tmp_path, job) as ledger:
        assert approve(ledger, configured(tmp_path, tenant='approve = ["invoice"]'), job, "anna") is None
        assert ledger.job(job.id).state is State.NEW


def test_a_note_is_kept_with_its_author_and_changes_nothing(shop):
    ledger, configuration, job = shop
    with acting_as("rea"):
        JOB_ACTIONS["note"].run(ActionRequest(ledger, configuration, job, NOON, "the buyer will call"))
    (act,) = ledger.actions(job.id)
    assert (act.actor, act.action, act.note) == ("rea", "note", "the buyer will call")
    assert ledger.job(job.id) == job
    with pytest.raises(UsageError, match="give the note's text by --note"):
        note_down(ledger, job, NOON, " ")
