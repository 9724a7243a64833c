"""The screens of the operations page over real ledgers: their contents, and that actions equal the command line's."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger_databases import a_job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import new_action
from shipperone_erp.operations.reconcile.finding_kinds import Compared, Finding
from shipperone_erp.operations.reconcile.running import Reconciled
from shipperone_erp.web import texts
from shipperone_erp.web.action_forms import IN_ROW, JOB_ACTIONS
from shipperone_erp.web.background_runs import Run
from shipperone_erp.web.screens.actions import MOST
from shipperone_erp.web.site import HERE
from stage_orders import order
from web_page import add, configured, ledger_with, served, words

NOW = datetime.now(UTC)


def held(order_id, **fields):
    given = {
        "state": State.HELD, "reason": Reason.TOTAL_DIFFERS, "owner": Owner.ACCOUNTANT, "stage": Stage.INVOICE,
        "sentence": "the invoice comes to 19.99", "since": NOW, "first_listed_at": NOW,
    }  # fmt: skip
    return a_job(order_id, **{**given, **fields})


@pytest.fixture
def merchant(world):
    """A merchant with one order done and one that the ERP refuses; the page over that ledger."""
    world.sandbox.add(order("FO-OK"))
    world.sandbox.add(order("FO-BAD", first_id=50))
    world.erp.script("build_invoice", "refused", order="FO-BAD")
    world.once()
    assert world.job("FO-BAD", Stage.INVOICE).state is State.HELD
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        yield world, page


def test_the_overview_begins_with_orders_that_need_an_operator(merchant):
    _, page = merchant
    shown = words(page.browser().get("/").text)
    assert shown.index("1 order needs an operator") < shown.index("Tenants")
    assert "Nothing needs an operator" not in shown


def test_the_pages_of_an_empty_ledger_report_that_it_is_empty(tmp_path):
    with ledger_with(tmp_path) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        assert "Nothing needs an operator" in words(browser.get("/held").text)
        assert "Nothing waits" in words(browser.get("/waiting").text)
        assert "No actions yet" in words(browser.get("/actions").text)
        assert "No process serves it" in words(browser.get("/").text), "a tenant that nobody serves is not well"


def test_an_order_is_retried_from_the_page_and_goes_through(merchant):
    world, page = merchant
    browser = page.browser()
    key = world.job("FO-BAD", Stage.INVOICE).key
    shown = words(browser.get("/order/acme/FO-BAD").text)
    assert "Invoice: held" in shown
    assert "stock reserved" in shown
    answer = browser.post("/act", {"act": "retry", "key": key, "note": "price list mended"}, on="/order/acme/FO-BAD")
    assert "a running service processes it at once" in words(answer.text)
    world.finishes()
    assert world.erp.issued("FO-BAD") == ["50:2"]
    assert "Nothing needs an operator" in words(browser.get("/held").text)
    log = words(browser.get("/actions").text)
    assert "retry" in log
    assert "price list mended" in log


def test_a_resolved_job_reopens_while_shipperone_lists_it(merchant):
    world, page = merchant
    browser = page.browser()
    key = world.job("FO-BAD", Stage.INVOICE).key
    form = {"act": "resolve_cancelled", "key": key, "note": "by hand"}
    assert browser.post("/act", form, on="/held").status_code == 200
    assert world.job("FO-BAD", Stage.INVOICE).state is State.GONE
    world.erp.script("build_invoice", "refused", order="FO-BAD")
    world.once()
    assert "FO-BAD" in words(browser.get("/held").text)


def test_a_bulk_action_previews_its_effect_on_each_order(tmp_path):
    jobs = [held(f"FO-{number}") for number in range(3)]
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        form = {"act": "ignore", "key": [job.key for job in jobs] + ["nothing"], "back": "/held?owner=accountant"}
        shown = words(browser.post("/act/preview", form, on="/held").text)
        assert "Ignore 3 orders" in shown
        assert str(texts.TEXTS["effect_ignore"]) in shown
        assert "this order is not known" in shown
        assert {job.state for job in ledger.find_jobs()} == {State.HELD}, "a preview does nothing"
        done = browser.post("/act", {**form, "key": [job.key for job in jobs], "note": "agreed"}, on="/held")
        assert str(done.url).endswith("/held?owner=accountant")
        assert {job.state for job in ledger.find_jobs()} == {State.IGNORED}
        assert [action.note for action, *_ in ledger.newest_actions()] == ["agreed"] * 3


def test_the_button_of_an_order_in_the_list_acts_on_that_order_only(tmp_path):
    pressed, selected = held("FO-1"), held("FO-2")
    with ledger_with(tmp_path, pressed, selected) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        assert f'value="retry {pressed.key}" formaction="/act" aria-label="Retry FO-1"' in browser.get("/held").text
        # what the form of the list submits with the button: the boxes that are checked and the action of the selection
        form = {"row": f"retry {pressed.key}", "key": [selected.key], "act": "ignore", "back": "/held"}
        assert "Retry: 1 order. FO-1:" in words(browser.post("/act", form, on="/held").text)
        assert ledger.find_jobs(order_id="FO-1")[0].state is State.NEW
        assert ledger.find_jobs(order_id="FO-2")[0].state is State.HELD


def test_a_button_in_the_list_that_changes_documents_leads_to_the_preview(tmp_path):
    job = held("FO-1", reference="I-1", step=Step.BUILT, reason=Reason.AWAITING_APPROVAL)
    with ledger_with(tmp_path, job) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        shown = browser.get("/held").text
        assert f'<button name="row" value="approve {job.key}" aria-label="Approve FO-1">Approve…' in shown
        preview = words(browser.post("/act/preview", {"row": f"approve {job.key}", "back": "/held"}, on="/held").text)
        assert "Approve 1 order" in preview
        assert ledger.find_jobs()[0].state is State.HELD, "a preview does nothing"


def test_actions_offered_in_a_list_need_no_input():
    assert IN_ROW == ("approve", "retry", "rebuild")
    assert [name for name in IN_ROW if JOB_ACTIONS[name].fields or JOB_ACTIONS[name].needs_note] == []
    assert [name for name in IN_ROW if JOB_ACTIONS[name].harmless] == ["retry"]


def test_a_refresh_of_an_open_page_leaves_the_message_to_the_next_page(tmp_path):
    job = held("FO-1")
    with ledger_with(tmp_path, job) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        browser.http.follow_redirects = False
        assert browser.post("/act", {"act": "retry", "key": job.key}, on="/held").status_code == 303
        assert "Retry: 1 order" not in browser.get("/held", headers={"x-refresh": "1"}).text
        assert "Retry: 1 order" in browser.get("/held").text
        assert "Retry: 1 order" not in browser.get("/held").text


def test_one_that_changed_meanwhile_stops_none_of_the_others(tmp_path):
    jobs = [held("FO-1"), held("FO-2", state=State.DONE, step=Step.DONE, open=False, reason=None, owner=None)]
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path), ledger) as page:
        form = {"act": "retry", "key": [job.key for job in jobs], "note": "n"}
        shown = words(page.browser().post("/act", form, on="/held").text)
        assert "1 done, 1 not: FO-2: it is done; this action does not apply to it" in shown
        assert ledger.find_jobs(order_id="FO-1")[0].state is State.NEW


def test_a_form_decides_only_about_what_it_has_shown(tmp_path):
    """An operator approves what the page showed, not what has come in its place under the same key."""
    job = held("FO-1", reason=Reason.AWAITING_APPROVAL, step=Step.BUILT)
    with ledger_with(tmp_path, job) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        shown = browser.get("/order/acme/FO-1").text
        (seen,) = set(re.findall(r'name="seen" value="([0-9a-f]+)"', shown))
        (stored,) = ledger.find_jobs()
        another = replace(stored, invoice_json='{"reference": "I-2", "lines": [], "total_incl_tax": 99.99}')
        assert ledger.steer(stored, another, new_action("test", "acme", NOW, None, stored.id))
        form = {"act": "approve", "key": job.key, "seen": seen, "note": "right"}
        answer = browser.post("/act", form, on="/held")
        assert "it has changed since this page showed it; look at it again" in words(answer.text)
        assert ledger.find_jobs()[0].state is State.HELD
        newest = browser.get("/order/acme/FO-1").text
        (now,) = set(re.findall(r'name="seen" value="([0-9a-f]+)"', newest))
        answer = browser.post("/act", {**form, "seen": [now, seen]}, on="/held")
        assert "it has changed since this page showed it" in words(answer.text), "of which of the two is not known"
        assert ledger.find_jobs()[0].state is State.HELD
        (seen,) = set(re.findall(r'name="seen" value="([0-9a-f]+)"', newest))
        assert "Approve: 1 order" in words(browser.post("/act", {**form, "seen": seen}, on="/held").text)
        assert ledger.find_jobs()[0].state is State.NEW


def test_a_form_over_the_largest_number_of_orders_is_short_enough(tmp_path):
    jobs = [held(f"FO-{number:021}") for number in range(MOST)]
    assert {len(job.key) for job in jobs} == {max(len(job.key) for job in jobs)}
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        selected = {"act": "resolve_cancelled", "key": [job.key for job in jobs]}
        shown = browser.post("/act/preview", selected, on="/held").text
        form = {**selected, "seen": re.findall(r'name="seen" value="([0-9a-f]+)"', shown), "note": "n" * 500}
        assert len(form["seen"]) == MOST
        form["key"] = [f"{key}-g10-n10" for key in form["key"]]  # as long as a key can be
        answer = browser.post("/act", form, on="/held")
        assert answer.status_code == 409, "not known, but not too long either"


def test_an_act_that_needs_a_note_is_refused_without(tmp_path):
    job = held("FO-1")
    with ledger_with(tmp_path, job) as ledger, served(configured(tmp_path), ledger) as page:
        answer = page.browser().post("/act", {"act": "ignore", "key": job.key, "note": " "}, on="/held")
        assert answer.status_code == 409
        assert ledger.find_jobs()[0].state is State.HELD


def test_filters_and_pages_are_in_the_address(tmp_path):
    jobs = [held(f"FO-A{number:03}") for number in range(60)]
    jobs += [held("FO-W", owner=Owner.WAREHOUSE, reason=Reason.KIT_INCOMPLETE, stage=Stage.ALLOCATION)]
    jobs += [held("FO-S", state=State.WAITING, owner=Owner.WAREHOUSE, reason=Reason.NOT_ENOUGH_STOCK)]
    jobs += [held("FO-E", state=State.WAITING, owner=Owner.IT, reason=Reason.ERP_AUTH)]
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        everything = words(browser.get("/held").text)
        assert "Show all 60" in everything
        assert "FO-W" in everything
        assert "FO-E" in everything, "it waits for what IT must do"
        assert "FO-S" not in everything, "stock comes without an operator of the page"
        assert "FO-S" in words(browser.get("/waiting").text)
        assert "FO-A000" not in words(browser.get("/held?owner=warehouse").text)
        assert "FO-W" not in words(browser.get("/held?stage=invoice").text)
        assert "Nothing matches this filter" in words(browser.get("/held?tenant=other").text)
        first = words(browser.get("/held?owner=accountant&reason=total_differs").text)
        assert "1 to 50 of 60" in first
        second = words(browser.get("/held?owner=accountant&reason=total_differs&from=50").text)
        assert "51 to 60 of 60" in second
        seen = set(re.findall(r"FO-A\d{3}", first)) | set(re.findall(r"FO-A\d{3}", second))
        assert len(seen) == 60
        for nonsense in ("owner=nobody2", "reason=x", "stage=%00", "from=-1", "from=99999999999", "tenant=%FF"):
            assert browser.get(f"/held?{nonsense}").status_code == 200, nonsense


def test_search_finds_by_order_key_and_number(tmp_path):
    jobs = [held("FO-100", number="2026-7", order_number="S-1"), held("FO-1001"), held("X/Y ?#%")]
    with ledger_with(tmp_path, *jobs) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        assert str(browser.get("/search?q=2026-7").url).endswith("/order/acme/FO-100")
        assert str(browser.get("/search?q=S-1").url).endswith("/order/acme/FO-100")
        assert str(browser.get(f"/search?q={jobs[1].key}").url).endswith("/order/acme/FO-1001")
        shown = words(browser.get("/search?q=FO-1").text)
        assert "FO-100" in shown
        assert "FO-1001" in shown
        odd = browser.get("/search", params={"q": "X/Y ?#%"})
        assert odd.status_code == 200
        assert "X/Y ?#%" in words(odd.text)
        assert "No order matches" in words(browser.get("/search?q=nothing").text)


def test_an_unknown_order_is_reported(tmp_path):
    with ledger_with(tmp_path) as ledger, served(configured(tmp_path), ledger) as page:
        answer = page.browser().get("/order/acme/FO-9")
        assert answer.status_code == 404
        assert "No job of order FO-9 is known at acme" in words(answer.text)


def test_a_tenant_is_paused_and_resumed_with_a_note(merchant):
    world, page = merchant
    browser = page.browser()
    form = {"tenant": "acme", "stage": "invoice", "act": "pause", "note": "stock-taking", "back": "/tenant/acme"}
    assert "acme: Invoice paused" in words(browser.post("/pause", form, on="/tenant/acme").text)
    assert "stock-taking" in words(browser.get("/tenant/acme").text)
    assert "paused" in words(browser.get("/").text)
    browser.post("/pause", {**form, "act": "resume"}, on="/tenant/acme")
    with world.ledger() as ledger:
        assert ledger.pauses() == []
        assert [action.action for action, *_ in ledger.newest_actions()] == ["resume", "pause"]


def test_go_live_decides_about_what_was_listed_before(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order("FO-OLD"))
    world.once()
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        assert "1 order(s) are listed and held" in words(browser.get("/tenant/acme").text)
        form = {"tenant": "acme", "act": "all", "note": "the stock is counted"}
        browser.post("/go-live", form, on="/tenant/acme")
        log = [(action.action, order_id, action.note) for action, order_id, _ in ledger.newest_actions()]
        assert log == [
            ("go-live --all", None, "the stock is counted"), ("go-live --all", "FO-OLD", "the stock is counted"),
        ]  # fmt: skip
    world.finishes()
    assert world.erp.issued("FO-OLD") == ["1:2"]


def until(browser, path, expected):
    """Look until the page says so: what runs in the background has ended then."""
    ends = time.monotonic() + 60
    while expected not in (shown := words(browser.get(path).text)):
        assert time.monotonic() < ends, shown
        time.sleep(0.05)
    return shown


def test_reconcile_runs_in_the_background_and_its_totals_add_up(world):
    world.settings["connector"] = '"counting_lists"'
    world.sandbox.add(order("FO-OK"))
    world.sandbox.add(order("FO-2", first_id=50))
    world.finishes()
    world.erp.ask("DELETE FROM invoices WHERE order_id = 'FO-2'")
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        browser.post("/compare", {"tenant": "acme", "since": ""}, on="/reconcile/acme")
        shown = until(browser, "/reconcile/acme", "Findings")
        assert "missing_in_erp" in shown
        assert "FO-2" in shown
        total, equal, late, differs = re.search(
            r"EUR ([\d.]+) EUR ([\d.]+) EUR ([\d.]+) EUR ([\d.]+) EUR", shown
        ).groups()  # type: ignore[union-attr]
        assert float(total) == float(equal) + float(late) + float(differs)
        assert float(differs) > 0
        assert not re.findall(r"\d\.\d{3,} EUR", shown), "every amount is rounded"
        file = browser.get("/reconcile/acme/csv")
        assert file.headers["content-type"].startswith("text/csv")
        assert "missing_in_erp" in file.text
        assert "FO-OK" in file.text, "those that agree too"


def test_a_long_comparison_shows_the_most_urgent_and_the_csv_has_the_rest(tmp_path):
    configuration = configured(tmp_path)
    found = [
        Compared(held(f"FO-{number}"), None, Finding.OPEN, f"invoice R-{number} waits for its period " * 4)
        for number in range(200)
    ]
    with ledger_with(tmp_path) as ledger, served(configuration, ledger) as page:
        done = Reconciled(configuration.tenants["acme"], NOW, found)
        page.site.background.runs["reconcile", "acme"] = Run("anna", NOW, NOW, done)
        browser = page.browser()
        answer = browser.get("/reconcile/acme")
        assert "140 more findings are in the CSV." in words(answer.text)
        assert len(answer.content) < 60_000
        assert browser.get("/reconcile/acme/csv").text.count("\n") == 201


def test_doctor_runs_in_the_background_with_what_fails_first(world):
    world.once()
    world.environment["ACME_TOKEN"] = "another-token"
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        browser.post("/examine", {}, on="/doctor")
        shown = until(browser, "/doctor", "are OK")
        assert "Cure" in shown
        assert shown.index("fail") < shown.index("the ledger opens, has this version")


def test_an_inspection_runs_in_the_background_and_shows_what_the_command_prints(world):
    world.sandbox.add(order("FO-1"))
    world.sandbox.change("FO-1", lambda raw: {**raw, "payable": raw["total_incl_tax"], "total_incl_tax": None})
    world.write()
    with Ledger.open(world.ledger_url, migrate=True) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        browser.post("/inspect", {"tenant": "acme"}, on="/inspect")
        shown = until(browser, "/inspect/acme", "would be held")
        assert "With this mapping 0 of 1 orders would be held" in shown
        assert "The ERP knows 1 of 1 listed items." in shown
        assert 'total_incl_tax = "payable"' in shown
        assert "payable 1/1" in shown
        world.sandbox.revoke()
        browser.post("/inspect", {"tenant": "acme"}, on="/inspect")
        assert "401" in until(browser, "/inspect/acme", "refuse")
        assert browser.post("/inspect", {"tenant": "nobody"}, on="/inspect").status_code == 404
        assert browser.get("/inspect/nobody").status_code == 404
    assert not world.sandbox.posts


def test_a_release_reads_both_queues_first_and_reports_its_result(world):
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1"))
    world.once()
    job = world.job("FO-1", Stage.ALLOCATION)
    assert job.accepted
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        form = {"act": "release", "key": job.key, "note": "customer is dead", "back": "/order/acme/FO-1"}
        browser.post("/act", form, on="/order/acme/FO-1")
        for _ in range(200):
            run = page.site.background.runs["release", "acme", "FO-1"]
            if not run.under_way:
                break
            browser.get("/livez")
        assert run.error is None
        released = next(action for action, *_ in ledger.newest_actions())
        assert (released.action, released.note) == ("release", "customer is dead")
        assert released.actor.endswith("(page)")


def test_a_lost_document_is_made_anew_from_the_page_and_an_existing_one_is_not(world):
    world.settings["connector"] = '"counting_lists"'
    world.sandbox.add(order("FO-1"))
    world.finishes()
    job = world.job("FO-1", Stage.INVOICE)
    form = {"act": "make_anew", "key": job.key, "note": "ERP put back", "back": "/order/acme/FO-1"}
    with Ledger.open(world.ledger_url) as ledger, served(world.read(), ledger) as page:
        browser = page.browser()
        shown = browser.get("/order/acme/FO-1").text
        assert shown.count('value="make_anew"') == 1, "the invoice alone: what has shipped is not reserved again"
        browser.post("/act", form, on="/order/acme/FO-1")
        until(browser, "/order/acme/FO-1", "Rebuild: missing in the ERP: i-FO-1")
        assert "the ERP has its document" in words(browser.get("/order/acme/FO-1").text)
        assert ledger.job(job.id) == job

        world.erp.ask("DELETE FROM invoices WHERE order_id = 'FO-1'")
        browser.post("/act", form, on="/order/acme/FO-1")
        until(browser, "/order/acme/FO-1", "Invoice: new")
        (action, *_) = ledger.newest_actions()
        assert action[0].action == "retry --rebuild, its document is missing in the ERP"
    world.finishes()
    assert world.job("FO-1", Stage.INVOICE).key == f"{job.key}-g2"
    assert world.erp.issued("FO-1") == ["1:2"]
    assert len(world.sandbox.order("FO-1").invoices) == 1


def test_the_page_stays_while_the_ledger_is_away(tmp_path):
    with ledger_with(tmp_path, held("FO-1")) as ledger, served(configured(tmp_path), ledger) as page:
        browser = page.browser()
        form = {"tenant": "acme", "act": "pause", "csrf": browser.csrf("/held")}
        hidden = tmp_path / "elsewhere.db"
        (tmp_path / "ledger.db").rename(hidden)
        answer = browser.http.post("/pause", data=form)
        assert answer.status_code == 503
        assert "The ledger cannot be read" in words(answer.text)
        assert browser.get("/livez").status_code == 200
        assert browser.get("/readyz").status_code == 503
        hidden.rename(tmp_path / "ledger.db")
        assert browser.get("/readyz").status_code == 200


def test_every_action_and_every_state_has_its_text():
    for name in JOB_ACTIONS:
        assert f"act_{name}" in texts.TEXTS
        assert f"effect_{name}" in texts.TEXTS
    for state in State:
        assert f"state_{state}" in texts.TEXTS
    for owner in Owner:
        assert f"owner_{owner}" in texts.TEXTS


def test_all_words_of_the_page_are_in_one_package():
    used = set()
    for template in (HERE / "templates").iterdir():
        source = template.read_text(encoding="utf-8")
        plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", "", re.sub(r'="[^"]*"', "", source), flags=re.DOTALL)
        assert not re.findall(r"[A-Za-z]{2,}", plain.replace("UTC", "")), (template.name, plain)
        used |= set(re.findall(r'say\("([a-z_]+)"[,)]', source))
    assert used <= set(texts.TEXTS), used - set(texts.TEXTS)


def test_the_oldest_wait_is_shown_as_a_span(tmp_path):
    old = held("FO-1", first_listed_at=NOW - timedelta(days=9), since=NOW - timedelta(days=9))
    with ledger_with(tmp_path, old) as ledger, served(configured(tmp_path), ledger) as page:
        assert "open for 9 d" in words(page.browser().get("/").text)
        add(ledger, held("FO-2"))
        assert "2 orders, the oldest for 9 d" in words(page.browser().get("/held").text)
