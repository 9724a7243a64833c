"""The operations page in a real browser: every screen at two widths and in both themes, the keyboard, the refresh.

Needs a Chromium on this machine, which playwright drives: `apt-get install chromium`, or SHIPPERONE_ERP_CHROMIUM names one.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

pytest.importorskip("playwright.sync_api", reason="pip install playwright axe-playwright-python")
pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from ledger_databases import a_job
from shipperone_erp.domain.hook_answers import Invoice, InvoiceLine
from shipperone_erp.domain.ids import first_id_at
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import EffectKind, Stage, State, Step
from shipperone_erp.operations import actors, job_actions
from shipperone_erp.operations.installation_checks import Line, Verdict
from shipperone_erp.operations.reconcile.erp_comparison import reconcile
from shipperone_erp.operations.reconcile.finding_kinds import Finding, Shipped
from shipperone_erp.operations.reconcile.running import Reconciled
from shipperone_erp.web.background_runs import Run
from web_page import Served, add, configured, ledger_with, served

CHROMIUM = os.environ.get("SHIPPERONE_ERP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium: apt-get install chromium, or set SHIPPERONE_ERP_CHROMIUM"
    ),
    pytest.mark.xdist_group("browser"),
]

NOW = datetime.now(UTC)
WIDTHS = {"phone": (390, 844), "desk": (1280, 800)}
SCREENS = (
    "/", "/held", "/held?owner=accountant&reason=total_differs", "/waiting", "/order/acme/FO-1", "/bodies/acme/FO-1",
    "/search?q=FO", "/reconcile/acme", "/inspect/acme", "/actions", "/doctor", "/tenant/acme", "/nope",
)  # fmt: skip


def entries() -> list[object]:
    """Orders of every kind that a screen shows otherwise, some with very long words."""
    held = {"state": State.HELD, "since": NOW - timedelta(hours=3), "first_listed_at": NOW, "stage": Stage.INVOICE}
    long = "x" * 90
    one = a_job("FO-1", **held, reason=Reason.TOTAL_DIFFERS, owner=Owner.ACCOUNTANT,
                sentence=f"the invoice comes to 19.99, the order to 14.99: see `{long}`", number="2026-17",
                reference=long, url="https://erp.example/1")  # fmt: skip
    return [
        one,
        Effect(id=1, job_id=one.id, kind=EffectKind.CONFIRM, key=one.key, intent_at=NOW, request='{"order": {}}'),
        *(a_job(f"FO-2{n}", **held, reason=Reason.TOTAL_DIFFERS, owner=Owner.ACCOUNTANT, sentence="it differs by 1.00")
          for n in range(5)),
        a_job(f"FO-{long}", **held, reason=Reason.CONNECTOR_BUG, owner=Owner.IT, sentence=f"ValueError: {long}"),
        a_job("FO-3", state=State.WAITING, reason=Reason.NOT_ENOUGH_STOCK, owner=Owner.WAREHOUSE, since=NOW,
              sentence="3 wanted, 1 available", next_attempt_at=NOW + timedelta(minutes=9)),
        a_job("FO-4", state=State.DONE, step=Step.DONE, open=False, accepted_at=NOW, reference="R-4"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


def checked(page: Served) -> None:
    """A comparison and an examination have run: what they found is on their screens."""
    settings = page.site.configuration.tenants["acme"]
    month = NOW - timedelta(days=30)
    invoice = Invoice("R-9", (InvoiceLine(11, Decimal(3), Decimal("10.00"), tax_percent=Decimal(21)),), Decimal(0),
                      Decimal("10.00"), currency="EUR", number="2026-9", issued=True)  # fmt: skip
    done = a_job("FO-9", id=first_id_at(NOW), stage=Stage.INVOICE, state=State.DONE, step=Step.DONE, open=False, accepted_at=NOW, since=NOW,
                 first_listed_at=NOW, reference="R-9", number="2026-9", invoice_json=invoice_text(invoice))  # fmt: skip
    add(page.site.ledger, done)
    found = reconcile(page.site.ledger, "acme", [], since=month, asked_at=NOW + timedelta(hours=1), settings=settings)
    assert {one.finding for one in found} >= {Finding.MISSING_IN_ERP, Finding.OPEN}, found
    shipped = [Shipped("FO-1", Decimal("19.99"), "EUR", NOW), Shipped("FO-20", None, "EUR", NOW)]
    runs = page.site.background.runs
    runs["reconcile", "acme"] = Run("anna", NOW, NOW, Reconciled(settings, month, found, shipped))
    lines = [Line("acme", "token", verdict, f"it is `{verdict}`", "renew it") for verdict in Verdict]
    runs[("doctor",)] = Run("anna", NOW, NOW, lines)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("page")
    with ledger_with(folder, *entries()) as ledger, served(configured(folder), ledger) as page:
        page.site.refresh = 1
        checked(page)
        yield page


@pytest.fixture
def page(browser, shop):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.complaints = []
    opened.on("console", lambda entry: opened.complaints.append(entry.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()


@pytest.mark.parametrize("size", WIDTHS)
def test_no_screen_scrolls_sideways_and_the_browser_complains_of_nothing(browser, shop, size):
    width, height = WIDTHS[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for screen in SCREENS:
        page.goto(shop.base + screen)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, screen
        if size == "phone":
            small = page.evaluate(
                "[...document.querySelectorAll('main button, main .button, main .act > summary, main select')]"
                ".filter(one => one.getBoundingClientRect().height && one.getBoundingClientRect().height < 44)"
                ".map(one => one.textContent)"
            )
            assert small == [], (screen, small)
    assert [line for line in complaints if "404" not in line] == []
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_screen(browser, shop, theme):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme)
    page = context.new_page()
    found = {}
    for screen in SCREENS:
        page.goto(shop.base + screen)
        result = Axe().run(page).response
        serious = [
            (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
            for one in result["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        if serious:
            found[screen] = serious
        assert result["passes"], screen
    context.close()
    assert found == {}


def test_the_keyboard_alone_finds_an_order_and_acts_on_it(page, shop):
    page.goto(f"{shop.base}/")
    page.keyboard.press("/")
    page.keyboard.type("FO-20")
    page.keyboard.press("Enter")
    page.wait_for_url("**/order/acme/FO-20")
    page.get_by_role("group", name="Available actions").locator("summary", has_text="Retry").focus()
    page.keyboard.press("Enter")
    note = page.locator("details.act[open] input[name=note]")
    note.focus()
    page.keyboard.type("checked on the phone")
    page.keyboard.press("Enter")
    page.wait_for_selector(".flash")
    assert "Retry: 1 order" in page.locator(".flash").inner_text()
    (job,) = shop.site.ledger.find_jobs(order_id="FO-20")
    assert job.state is State.NEW
    assert shop.site.ledger.newest_actions()[0][0].note == "checked on the phone"
    assert page.complaints == []


def test_j_and_k_move_in_a_list_and_x_selects(page, shop):
    page.goto(f"{shop.base}/held")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == first
    page.keyboard.press("x")
    assert page.locator(".orders input:checked").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/order/acme/**")


def test_bulk_by_the_browser_shows_a_preview_and_then_acts(page, shop):
    page.goto(f"{shop.base}/held?reason=total_differs")
    for order_id in ("FO-21", "FO-22"):
        page.get_by_label(f"Select {order_id}").check()
    page.locator("form select[name=act]").select_option("ignore")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("h1:has-text('Ignore')")
    assert page.locator("form.preview li").count() == 2
    page.get_by_role("button", name="Ignore 2 orders").click()
    assert "what will happen" in page.locator("h1").inner_text(), "the browser asks for the note first"
    page.fill("#note", "agreed with the shop")
    page.get_by_role("button", name="Ignore 2 orders").click()
    page.wait_for_selector(".flash")
    states = {job.state for name in ("FO-21", "FO-22") for job in shop.site.ledger.find_jobs(order_id=name)}
    assert states == {State.IGNORED}


def test_one_press_retries_an_order_of_the_list(page, shop):
    page.goto(f"{shop.base}/held?reason=total_differs")
    page.get_by_role("button", name="Retry FO-24", exact=True).click()
    page.wait_for_selector(".flash")
    assert "Retry: 1 order. FO-24:" in page.locator(".flash").inner_text()
    assert page.url.endswith("/held?reason=total_differs")
    (job,) = shop.site.ledger.find_jobs(order_id="FO-24")
    assert job.state is State.NEW
    assert page.complaints == []


def test_a_resolved_order_is_marked_and_leaves_the_list_and_a_selected_one_stays(page, shop):
    page.goto(f"{shop.base}/held?reason=total_differs")
    page.get_by_label("Select FO-1", exact=True).check()
    page.mouse.move(0, 0)
    (job,) = shop.site.ledger.find_jobs(order_id="FO-23")
    with actors.acting_as("somebody"):
        job_actions.ignore(shop.site.ledger, job, datetime.now(UTC), "healed meanwhile")
    healed = page.wait_for_selector("li.healed", timeout=60_000)
    assert "FO-23" in healed.inner_text()
    assert "FO-23 needs no operator any more" in page.locator("[data-said]").inner_text()
    page.wait_for_selector("li.healed", state="detached", timeout=60_000)
    assert page.get_by_label("Select FO-1", exact=True).is_checked()
    assert page.complaints == []


def test_an_open_form_is_not_taken_away_by_a_refresh(page, shop):
    page.goto(f"{shop.base}/order/acme/FO-1")
    page.locator("summary", has_text="Ignore").click()
    page.locator("details.act[open] input[name=note]").fill("half a sent")
    with page.expect_response(lambda answer: "/order/acme/FO-1" in answer.url):
        pass
    page.wait_for_timeout(200)
    assert page.locator("details.act[open] input[name=note]").input_value() == "half a sent"


def test_without_scripts_everything_is_there(browser, shop):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    for screen in SCREENS[:-1]:
        page.goto(shop.base + screen)
        assert page.locator("h1").count() == 1, screen
    page.goto(f"{shop.base}/order/acme/FO-1")
    page.locator("summary", has_text="Retry").first.click()
    assert page.locator("details.act[open] button").is_visible()
    context.close()
