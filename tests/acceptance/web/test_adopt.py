"""Rows pasted from a spreadsheet adopt many documents at once, or none."""

import pytest

from ledger_databases import NOON, a_job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State
from web_page import PEOPLE, configured, ledger_with, served, words


def held(order_id):
    return a_job(
        order_id,
        stage=Stage.INVOICE,
        state=State.HELD,
        reason=Reason.BEFORE_GO_LIVE,
        owner=Owner.ACCOUNTANT,
        since=NOON,
    )


@pytest.fixture
def page(tmp_path):
    jobs = [held("FO-1"), held("FO-2")]
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path, more=PEOPLE), ledger) as running:
        yield running, ledger, jobs


def adopt(browser, rows, **fields):
    form = {"tenant": "acme", "rows": rows, "note": "made in January", "back": "/tenant/acme", **fields}
    return browser.post("/adopt", form, on="/tenant/acme")


def test_pasted_rows_adopt_all_documents_or_none(page):
    running, ledger, jobs = page
    anna = running.browser().login("anna")
    refused = adopt(anna, "order_id\treference\tnumber\r\nFO-1\tX-1\t7\r\nFO-9\tX-9\t9\r\n")
    assert "no job of order FO-9 is known" in words(refused.text)
    assert not any(ledger.job(job.id).adopted for job in jobs)
    done = adopt(anna, "order_id\treference\tnumber\r\nFO-1\tX-1\t7\r\nFO-2\tX-2\t8\r\n")
    assert "2 documents are adopted." in words(done.text)
    assert [(ledger.job(job.id).reference, ledger.job(job.id).adopted) for job in jobs] == [
        ("X-1", True),
        ("X-2", True),
    ]
    assert {act.actor for job in jobs for act in ledger.actions(job.id)} == {"anna"}


def test_adopting_needs_the_owners_role_and_a_note(page):
    running, ledger, jobs = page
    rows = "order_id,reference\nFO-1,X-1\n"
    assert adopt(running.browser().login("walter"), rows).status_code == 403
    assert adopt(running.browser().login("anna"), rows, note="").status_code == 409
    assert "the columns are" in words(adopt(running.browser().login("anna"), "id,ref\n1,2").text)
    assert not any(ledger.job(job.id).adopted for job in jobs)
