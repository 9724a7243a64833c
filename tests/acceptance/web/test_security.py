"""The operations page against everybody who should not see it, steer it, or run a script on it."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ledger_databases import a_job
from shipperone_erp.config import load
from shipperone_erp.config.page import PageSettings
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.hook_answers import Document, Invoice, InvoiceLine
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.serialization import invoice_text, order_text
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State
from shipperone_erp.kernel.errors import ConfigurationError, UsageError
from shipperone_erp.operations import actors, pauses
from shipperone_erp.operations.installation_checks import Line, Verdict
from shipperone_erp.operations.reconcile.finding_kinds import Compared, Finding, Shipped
from shipperone_erp.operations.reconcile.running import NotCompared, Reconciled
from shipperone_erp.web.access import FAILURES, Access
from shipperone_erp.web.background_runs import Run
from web_page import PEOPLE, TOKENS, Browser, add, configured, ledger_with, served, words

NOW = datetime.now(UTC)
SCREENS = (
    "/", "/held", "/waiting", "/search?q=FO", "/order/acme/FO-1", "/bodies/acme/FO-1", "/reconcile", "/reconcile/acme",
    "/inspect", "/inspect/acme", "/actions", "/doctor", "/tenant/acme", "/nope",
)  # fmt: skip
FORMS = ("/act/preview", "/act", "/pause", "/go-live", "/compare", "/examine", "/inspect", "/logout", "/login")


def held(order_id: str = "FO-1", **fields):
    given = {
        "state": State.HELD, "reason": Reason.TOTAL_DIFFERS, "owner": Owner.ACCOUNTANT, "stage": Stage.INVOICE,
        "sentence": "the invoice comes to 19.99, the order to 14.99", "since": NOW, "first_listed_at": NOW,
    }  # fmt: skip
    return a_job(order_id, **{**given, **fields})


@pytest.fixture
def page(tmp_path):
    """Open to this machine, with one held invoice."""
    with ledger_with(tmp_path, held()) as ledger, served(configured(tmp_path), ledger) as running:
        yield running


@pytest.fixture
def guarded(tmp_path):
    """Four people with tokens; a held invoice of the accountant, a held allocation of the warehouse."""
    short = held("FO-2", stage=Stage.ALLOCATION, owner=Owner.WAREHOUSE, reason=Reason.KIT_INCOMPLETE)
    with (
        ledger_with(tmp_path, held(), short) as ledger,
        served(configured(tmp_path, more=PEOPLE), ledger) as running,
    ):
        yield running


def job_of(page, order_id="FO-1"):
    (job,) = page.site.ledger.find_jobs(order_id=order_id)
    return job


def test_every_answer_confines_the_browser_and_is_not_kept(page):
    browser = page.browser()
    for path in SCREENS:
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store", path
        assert "server" not in answer.headers
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:|\sstyle=", answer.text), path


def test_assets_are_kept_and_nothing_beside_them_is_served(page):
    browser = page.browser()
    (style,) = re.findall(r'href="(/static/page\.css[^"]+)"', browser.get("/").text)
    assert "immutable" in browser.get(style).headers["cache-control"]
    for path in (
        "/static/../site.py", "/static/%2e%2e/site.py", "/static/..%2f..%2fcli/app.py", "/static//etc/passwd",
        "/static/%2fetc/passwd", "/order/acme/..%2f..%2f..%2fetc%2fpasswd", "/reconcile/..%2f../csv",
    ):  # fmt: skip
        answer = browser.http.get(path)
        assert answer.status_code == 404, path
        assert "import" not in answer.text
        assert "root:" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:80"])
def test_a_foreign_host_is_refused(page, host):
    answer = page.browser().get("/", headers={"host": host})
    assert answer.status_code in (400, 421)
    assert "FO-1" not in answer.text


def test_the_names_of_this_machine_are_answered(page):
    for host in ("127.0.0.1:1", "localhost", "[::1]:8642"):
        assert page.browser().get("/held", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_the_token_of_its_session_does_nothing(page, path):
    browser = page.browser()
    browser.get("/held")
    before = job_of(page)
    form = {"act": "ignore", "key": before.key, "note": "n", "tenant": "acme", "csrf": "x" * 43}
    assert browser.http.post(path, data=form).status_code == 403
    other = page.browser()
    assert other.http.post(path, data={**form, "csrf": browser.csrf("/held")}).status_code == 403
    assert job_of(page) == before
    assert page.site.ledger.newest_actions() == []


def test_a_post_from_another_site_is_refused_even_with_a_valid_token(page):
    browser = page.browser()
    form = {"act": "ignore", "key": job_of(page).key, "note": "n"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert browser.post("/act", form, on="/held", headers=headers).status_code == 403
    assert job_of(page).state is State.HELD
    answer = browser.post("/act", form, on="/held", headers={"origin": page.base})
    assert answer.status_code == 200, answer.text
    assert job_of(page).state is State.IGNORED


def test_a_get_never_changes_anything(page):
    browser = page.browser()
    before = job_of(page)
    for path in FORMS[:-1]:
        answer = browser.get(f"{path}?act=ignore&key={before.key}&note=n&tenant=acme&csrf={browser.csrf('/held')}")
        # the address of a form that is a page of its own as well
        assert answer.status_code in ((200,) if path == "/inspect" else (404, 405)), path
    assert job_of(page) == before
    assert page.site.ledger.newest_actions() == []


def test_a_form_is_bounded(page):
    browser = page.browser()
    answer = browser.post("/act", {"act": "ignore", "note": "x" * 100_000}, on="/held")
    assert answer.status_code == 413
    answer = browser.post("/act", {"act": "ignore", "key": [str(number) for number in range(2_001)]}, on="/held")
    assert answer.status_code == 413


def test_back_leads_to_this_page_and_nowhere_else(page):
    browser = page.browser()
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx"):
        form = {"act": "pause", "tenant": "acme", "back": target}
        answer = browser.post("/pause", form, on="/tenant/acme", follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_without_a_login_nothing_is_shown(guarded):
    browser = guarded.browser()
    for path in SCREENS:
        answer = browser.get(path, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?back="), path
    for path in ("/statusz",):
        assert browser.get(path).status_code == 401
    for path in ("/livez", "/readyz"):
        assert browser.get(path).text == "ok\n"
    assert "FO-1" not in browser.get("/held").text


def test_a_session_is_new_after_the_login_and_ends_with_the_logout(guarded):
    browser = guarded.browser()
    browser.get("/login")
    (before,) = browser.http.cookies.values()
    browser.login("anna")
    after = browser.http.cookies["shipperone_erp"]
    assert after != before
    assert "You are anna" in words(browser.get("/").text)
    browser.post("/logout", {}, on="/held")
    stolen = Browser(guarded.base, cookies={"shipperone_erp": after})
    assert "You are anna" not in words(stolen.get("/").text)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(guarded):
    cookie = guarded.browser().get("/login").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_login_that_fails_is_slowed_down_and_a_right_one_waits_too(guarded):
    browser = guarded.browser()
    for _ in range(FAILURES):
        assert browser.post("/login", {"token": "wrong"}, on="/login").status_code == 403
    answer = browser.post("/login", {"token": TOKENS["anna"]}, on="/login")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "anna" not in browser.get("/").text


def test_the_wait_after_failed_logins_ends_automatically():
    now = [0.0]
    access = Access(PageSettings(), "me", monotonic=lambda: now[0])
    for _ in range(FAILURES):
        access.limit.failed("10.0.0.1")
    assert access.limit.wait("10.0.0.1") == 60.0
    assert access.limit.wait("10.0.0.2") == 0.0
    now[0] = 61.0
    assert access.limit.wait("10.0.0.1") == 0.0


@pytest.mark.parametrize(
    ("who", "order_id", "may"),
    [("anna", "FO-1", True), ("anna", "FO-2", False), ("walter", "FO-2", True), ("walter", "FO-1", False),
     ("ida", "FO-1", True), ("ida", "FO-2", True), ("rea", "FO-1", False)],
)  # fmt: skip
def test_each_role_acts_on_its_own_orders_and_under_its_own_name(guarded, who, order_id, may):
    browser = guarded.browser().login(who)
    job = job_of(guarded, order_id)
    shown = browser.get(f"/order/acme/{order_id}").text
    assert ('name="act" value="ignore"' in shown) is may
    answer = browser.post("/act", {"act": "ignore", "key": job.key, "note": "as agreed"}, on="/held" if may else "/")
    assert (answer.status_code == 200) is may, answer.text
    assert (job_of(guarded, order_id).state is State.IGNORED) is may
    acted = [(action.actor, action.action, action.note) for action, *_ in guarded.site.ledger.newest_actions()]
    assert acted == ([(who, "ignore", "as agreed")] if may else [])


def test_only_it_pauses_tenants_and_a_reader_sees_no_bodies(guarded):
    for who, status in (("anna", 403), ("rea", 403), ("ida", 200)):
        browser = guarded.browser().login(who)
        assert browser.post("/pause", {"act": "pause", "tenant": "acme"}, on="/").status_code == status, who
    assert {pause.actor for pause in guarded.site.ledger.pauses()} == {"ida"}
    assert guarded.browser().login("rea").get("/bodies/acme/FO-1").status_code == 403
    assert guarded.browser().login("anna").get("/bodies/acme/FO-1").status_code == 200


def test_a_bearer_token_reads_and_never_acts(guarded):
    http = guarded.browser(headers={"authorization": f"Bearer {TOKENS['ida']}"})
    assert http.get("/statusz").json()["status"][0]["tenant"] == "acme"
    assert http.http.post("/act", data={"act": "ignore", "key": job_of(guarded).key, "note": "n"}).status_code == 403
    assert guarded.browser(headers={"authorization": "Bearer nobody"}).get("/statusz").status_code == 401


def test_a_read_only_page_refuses_every_action(tmp_path):
    configuration = configured(tmp_path, more="[runtime.page]\nread_only = true\n")
    with ledger_with(tmp_path, held()) as ledger, served(configuration, ledger) as page:
        browser = page.browser()
        before = job_of(page)
        assert "Retry" not in browser.get("/order/acme/FO-1").text
        for path, form in (("/act", {"act": "ignore", "key": before.key, "note": "n"}), ("/pause", {"tenant": "acme"})):
            assert browser.post(path, form, on="/doctor").status_code == 403
        assert job_of(page) == before


def test_a_name_in_a_header_counts_only_from_the_proxy(tmp_path):
    def settings(address):
        return f'[runtime.page.proxy]\nheader = "X-Remote-User"\naddresses = ["{address}"]\n[runtime.page.people.ida]\nroles = ["it"]\n'

    (tmp_path / "far").mkdir()
    for folder, address, status in ((tmp_path, "127.0.0.1", 200), (tmp_path / "far", "10.9.9.9", 401)):
        configuration = configured(folder, more=settings(address))
        with ledger_with(folder, held()) as ledger, served(configuration, ledger) as page:
            ida = page.browser(headers={"x-remote-user": "ida"})
            assert ida.get("/held").status_code == status
            assert page.browser().get("/held").status_code == 401, "without the header nobody is named"
            if status == 200:
                form = {"act": "ignore", "key": job_of(page).key, "note": "n"}
                newcomer = page.browser(headers={"x-remote-user": "newcomer"})
                assert newcomer.post("/act", form, on="/doctor").status_code == 403, "who is not listed only looks"
                assert ida.post("/act", form, on="/held").status_code == 200
                assert [action.actor for action, *_ in ledger.newest_actions()] == ["ida"]


@pytest.mark.parametrize(
    ("runtime", "more", "expected"),
    [
        ('http = "0.0.0.0:8642"', "", "would be open to everybody who can reach 0.0.0.0"),
        ('http = "[::]:8642"', "", "would be open to everybody who can reach ::"),
        ('http = "8642"', "", "write an address of this machine and a port"),
        ("", '[runtime.page.people.anna]\ntoken = "short"', "at least 20 characters"),
        ("", '[runtime.page.people.anna]\ntoken = { env = "ANNA" }', "the environment variable ANNA is not set"),
        ("", '[runtime.page]\nreadonly = true', "unknown setting; did you mean read_only?"),
        ("", '[runtime.page.proxy]\nheader = "X-User"\naddresses = ["example"]', "write an address such as 10.0.0.5"),
    ],
)  # fmt: skip
def test_a_page_that_would_be_open_to_others_is_not_served(tmp_path, runtime, more, expected):
    with pytest.raises(ConfigurationError) as refused:
        configured(tmp_path, runtime=runtime, more=more)
    assert expected in str(refused.value)
    assert "short" not in str(refused.value)


def test_other_addresses_are_served_only_with_tokens(tmp_path):
    loaded = configured(tmp_path, runtime='http = "0.0.0.0:8642"', more=PEOPLE)
    assert loaded.runtime.http == "0.0.0.0:8642"
    assert TOKENS["anna"] in loaded.secrets
    assert TOKENS["anna"] not in repr(loaded)
    assert {warning.key for warning in loaded.warnings} >= {"runtime.page.people.anna.token"}
    file = tmp_path / "reference.toml"
    file.write_text((tmp_path / "shipperone-erp.toml").read_text().replace(f'"{TOKENS["ida"]}"', '{ env = "IDA" }'))
    assert load(file, environment={"IDA": TOKENS["ida"]}).runtime.page.people["ida"].token is not None


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def evil_order() -> FulfillmentOrder:
    party = Party(**{name: EVIL for name in Party.__dataclass_fields__ if name != "extra"})
    item = OrderItem(
        item_id=EVIL, sku=EVIL, name=EVIL, qty=Decimal(1), row_total_incl_tax=Decimal("19.99"), item_type=EVIL,
        warehouse_code=EVIL, extra={EVIL: EVIL},
    )  # fmt: skip
    return FulfillmentOrder(
        order_id=EVIL, warehouse_code=EVIL, items=(item,), currency=EVIL, total_incl_tax=Decimal("19.99"),
        order_number=EVIL, payment_method=EVIL, payment_reference=EVIL, customer=party, billing=party, shipping=party,
        extra={EVIL: [EVIL]}, charges=(Charge(EVIL, Decimal(1), "line"),),
    )  # fmt: skip


def test_no_field_of_an_order_and_no_sentence_runs_as_markup(tmp_path):
    invoice = Invoice(
        EVIL, (InvoiceLine(EVIL, Decimal(1), Decimal("19.99")),), Decimal(0), Decimal("19.99"), currency=EVIL, number=EVIL,
        url=EVIL,
    )  # fmt: skip
    job = held(
        EVIL, key="i-evil", order_json=order_text(evil_order()), invoice_json=invoice_text(invoice), sentence=EVIL,
        reference=EVIL, number=EVIL, url="javascript:alert(3)", erp=EVIL, order_number=EVIL, item_ids=(EVIL,),
        differences=(Difference(EVIL, EVIL, EVIL),),
    )  # fmt: skip
    effect = Effect(
        id=1, job_id=job.id, kind=EffectKind.CONFIRM, key=job.key, intent_at=NOW, request=EVIL, outcome=Outcome.REFUSED,
        outcome_at=NOW, answer=EVIL,
    )  # fmt: skip
    with ledger_with(tmp_path, job) as ledger, served(configured(tmp_path), ledger) as page:
        add(ledger, replace(effect, outcome=None, outcome_at=None, answer=None))
        browser = page.browser()
        order = re.search(r'href="(/order/acme/[^"]+)"', browser.get("/held").text)
        assert order is not None
        browser.post("/act", {"act": "retry", "key": job.key, "note": EVIL, "back": "/actions"}, on="/held")
        browser.post("/act", {"act": "ignore", "key": EVIL, "note": EVIL}, on="/doctor")
        add(ledger, held("FO-2", sentence=EVIL))
        seen = {path: browser.get(path).text for path in (
            html.unescape(order[1]), html.unescape(order[1]).replace("/order/", "/bodies/"), "/held", "/waiting", "/",
            "/actions", f"/search?q={'%3Cscript%3E'}", "/actions?actor=%3Cscript%3E", "/login?back=%22%3E%3Cscript%3E",
            "/held?tenant=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/order/acme/%3Cscript%3E", "/tenant/%3Cscript%3E",
        )}  # fmt: skip
    everything = "".join(seen.values())
    assert everything.count("&lt;script&gt;alert(1)") > 15, "the text itself is shown"
    for path, text in seen.items():
        assert "<script>alert" not in text, path
        assert "<img" not in text, path
        assert 'href="javascript:' not in text, path
        assert ">49<" not in text, path
        assert not re.search(r"<[^>]*\sonerror", text), path


def test_nothing_that_the_erp_or_an_operator_wrote_runs_as_markup(tmp_path):
    document = Document(
        "invoice", reference=EVIL, number=EVIL, state=EVIL, key="i-evil", order_id=EVIL, url="javascript:alert(3)"
    )
    configuration = configured(tmp_path)
    settings = configuration.tenants["acme"]
    with ledger_with(tmp_path, held()) as ledger, served(configuration, ledger) as page:
        with actors.acting_as("<b>anna</b>"):
            pauses.pause(ledger, "acme", [Stage.INVOICE], NOW, EVIL)
        found = [
            Compared(None, document, Finding.NOT_IN_LEDGER, EVIL),
            Compared(job_of(page), document, Finding.CHANGED_IN_ERP, EVIL, (Difference(EVIL, EVIL, EVIL),)),
        ]
        shipped, missing = [Shipped(EVIL, Decimal(1), EVIL, NOW)], NotCompared(EVIL, Ending.ERP)
        runs = page.site.background.runs
        runs["reconcile", "acme"] = Run(EVIL, NOW, NOW, Reconciled(settings, NOW, found, shipped, missing, missing))
        runs[("doctor",)] = Run(EVIL, NOW, NOW, [Line(EVIL, EVIL, Verdict.FAIL, EVIL, EVIL)])
        runs["inspect", "acme"] = Run(EVIL, NOW, NOW, error=UsageError(EVIL))
        runs["make_anew", "acme", "FO-1"] = Run(EVIL, NOW, NOW, error=UsageError(EVIL))
        browser = page.browser()
        paths = ("/", "/tenant/acme", "/actions", "/reconcile/acme", "/doctor", "/inspect/acme", "/order/acme/FO-1")
        for path in paths:
            text = browser.get(path).text
            assert "&lt;script&gt;alert(1)" in text, path
            assert "<script>alert" not in text, path
            assert "<img" not in text, path
            assert "<b>anna" not in text, path
            assert "javascript:" not in text, path
        file = browser.get("/reconcile/acme/csv")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["x-content-type-options"] == "nosniff"


def test_no_secret_is_on_any_page(tmp_path):
    planted = {name: f"planted-{name}-secret-0123456789" for name in ("token", "person", "password")}
    more = f'[runtime.page.people.ida]\ntoken = "{planted["person"]}"\nroles = ["it"]\n'
    file = tmp_path / "shipperone-erp.toml"
    configured(tmp_path, more=more)
    file.write_text(file.read_text().replace("the-token-of-acme", planted["token"]))
    configuration = load(file, environment={})
    sentence = f"the ERP said: token {planted['token']} and {planted['person']} are refused"
    job = held(sentence=sentence, reference=planted["token"])
    effect = Effect(id=1, job_id=job.id, kind=EffectKind.CONFIRM, key=job.key, intent_at=NOW, request=sentence)
    with ledger_with(tmp_path, job) as ledger, served(configuration, ledger) as page:
        add(ledger, effect)
        browser = page.browser()
        browser.post("/login", {"token": planted["person"]}, on="/login")
        browser.post("/examine", {}, on="/doctor")
        assert "You are ida" in browser.get("/").text
        for path in (*SCREENS, "/statusz", "/livez", "/readyz"):
            answer = browser.get(path)
            for name in ("token", "person"):
                assert planted[name] not in answer.text, path
                assert planted[name] not in str(answer.headers), path
        assert "********" in browser.get("/held").text


def test_a_session_ends_after_its_time(tmp_path):
    now = [0.0]
    settings = configured(tmp_path, more=PEOPLE).runtime.page
    access = Access(settings, "me", monotonic=lambda: now[0])
    session = access.login("10.0.0.1", TOKENS["anna"])
    assert session is not None
    visit = access.visit("10.0.0.1", {}, session.id)
    assert visit.person is not None
    assert visit.person.name == "anna"
    now[0] = settings.session.total_seconds() + 1
    assert access.visit("10.0.0.1", {}, session.id).person is None
    assert timedelta(hours=12) == settings.session
