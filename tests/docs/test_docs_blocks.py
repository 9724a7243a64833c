"""Every fenced block of every page is executed, loaded or generated: for each kind on a page, the test that does it."""

import re
import textwrap
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml

from docs_blocks import blocks, shown
from places import PAGES, ROOT, TESTS
from shipperone_erp.cli import connectors
from shipperone_erp.config import load
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.sandbox import Sandbox
from shipperone_erp_generic_sql import recipe
from shipperone_erp_odoo import conformance

LOOKED_AT = {
    "alerts.md": {"sh toml": "docs/test_docs_blocks.py", "console": "integration/operations/test_alerts.py"},
    "amounts.md": {"json toml text": "docs/test_amounts_page.py"},
    "configuration.md": {"toml": "docs/test_docs_blocks.py"},
    "conformance.md": {"sh python toml text": "docs/test_docs_kit.py"},
    "connectors.md": {"toml python sql": "docs/test_docs.py"},
    "deployment.md": {"toml ini dockerfile": "docs/test_docs_deployment.py", "console": "docs/test_docs_scenarios.py"},
    "fleet.md": {"sh toml": "docs/test_docs_blocks.py"},
    "generic-sql.md": {"toml text": "docs/test_generic_sql_page.py"},
    "going-live.md": {
        "toml console": "acceptance/days/test_going_live_page.py",
        "text": "acceptance/cli/test_supervised.py",
    },
    "install.md": {"console": "docs/test_docs_scenarios.py"},
    "metrics.md": {"sh yaml": "docs/test_docs_blocks.py"},
    "month-end.md": {"console": "acceptance/days/test_pages.py"},
    "odoo.md": {"toml": "docs/test_odoo_page.py", "text": "docs/test_docs_blocks.py"},
    "operations.md": {"console": "docs/test_docs_scenarios.py"},
    "page.md": {"sh toml": "docs/test_docs_blocks.py"},
    "policies.md": {"toml": "docs/test_docs_kit.py"},
    "privacy.md": {"text": "docs/test_docs_blocks.py"},
    "sandbox.md": {"python": "docs/test_docs_blocks.py"},
    "security.md": {"console": "docs/test_docs_scenarios.py"},
    "stock-taking.md": {"console": "acceptance/days/test_pages.py"},
    "tour.md": {"console": "readme/run.py"},
    "tryton.md": {"toml sh": "docs/test_tryton_page.py"},
    "tutorial.md": {"console python diff": "docs/test_docs_tutorial.py"},
}
"""What is not here is generated (`docs_render`), or a directive of the site, which its build checks."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_kind_of_block_on_a_page_has_a_test_that_names_the_page(page):
    looked_at = LOOKED_AT.get(page.name, {})
    named = {kind for kinds in looked_at for kind in kinds.split()}
    found = {kind for kind, _ in blocks(page)}
    assert found == named, f"name in LOOKED_AT the tests that execute, load or compare the blocks of {page.name}"
    for test in looked_at.values():
        source = (TESTS / test).read_text(encoding="utf-8")
        assert page.name in source or page.stem in source or "in ALL_PAGES" in source, test


def test_the_configuration_page_loads_as_it_is_printed(tmp_path):
    whole, _, charges = shown("configuration.md", "toml")
    statements = recipe("guarded", "sqlite").toml
    tables = statements[statements.index("[[tenants.acme.generic_sql.find_reservation]]") :]
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(f"{whole}\n{tables}\n{charges}", encoding="utf-8")
    acme = load(file, environment={"ACME_TOKEN": "a-token"}).tenants["acme"]
    assert (acme.poll_interval.total_seconds(), acme.currency) == (20, "EUR")
    assert acme.fields["sku"] == "product.sku"
    assert [charge.name for charge in acme.charges] == ["coupon"]


@pytest.mark.parametrize("page", ["alerts.md", "page.md", "metrics.md", "fleet.md"])
def test_the_extras_named_on_a_page_exist(page):
    (command,) = shown(page, "sh")
    named = re.search(r"shipperone-erp\[(.*)\]", command)[1].split(",")
    project = tomllib.loads((ROOT / "core/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(named) <= set(project["optional-dependencies"])


def test_the_settings_of_the_operations_page_load_as_they_are_printed(tmp_path):
    people, proxy = shown("page.md", "toml")
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets/anna.token").write_text("a-token-of-anna-that-is-long-enough")
    (tmp_path / "secrets/anna.token").chmod(0o600)
    file = tmp_path / "shipperone-erp.toml"
    whole, _, _ = shown("configuration.md", "toml")
    tenant = whole[whole.index("[tenants.acme]") : whole.index("[tenants.acme.generic_sql]")]
    file.write_text(f"{people}\n{proxy}\n{tenant}{recipe('guarded', 'sqlite').toml}", encoding="utf-8")
    page = load(file, environment={"ACME_TOKEN": "a-token"}).runtime.page
    assert (page.hosts, page.https) == (("erp-orders.acme.example",), True)
    assert page.people["anna"].token.get_secret_value() == "a-token-of-anna-that-is-long-enough"
    assert page.proxy.header == "X-Remote-User"


def test_the_documented_settings_of_a_fleet_are_the_defaults(tmp_path):
    (settings,) = shown("fleet.md", "toml")
    whole, _, _ = shown("configuration.md", "toml")
    tenant = whole[whole.index("[tenants.acme]") : whole.index("[tenants.acme.generic_sql]")]
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(f"{settings}\n{tenant}{recipe('guarded', 'sqlite').toml}", encoding="utf-8")
    runtime = load(file, environment={"ACME_TOKEN": "a-token"}).runtime
    assert runtime.fleet == FleetSettings()
    assert runtime.ledger.startswith("postgresql+psycopg://")


def test_the_settings_of_alerts_load_as_they_are_printed(tmp_path):
    (printed,) = shown("alerts.md", "toml")
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets/slack.url").write_text("slack://a/b/c")
    (tmp_path / "secrets/slack.url").chmod(0o600)
    file = tmp_path / "shipperone-erp.toml"
    whole, _, _ = shown("configuration.md", "toml")
    tenant = whole[whole.index("[tenants.acme]") : whole.index("[tenants.acme.generic_sql]")]
    file.write_text(f"{printed}\n{tenant}{recipe('guarded', 'sqlite').toml}", encoding="utf-8")
    environment = {"ACME_TOKEN": "a-token", "ALERTS_MAIL": "mailtos://me:secret@acme.example"}
    alerts = load(file, environment=environment).runtime.alerts
    assert [address.get_secret_value().partition("://")[0] for address in alerts.to] == ["mailtos", "slack"]
    assert (alerts.quiet, alerts.digest) == ("22:00-06:00", "08:00")


def test_prometheus_is_configured_as_the_page_prints_it():
    (printed,) = shown("metrics.md", "yaml")
    (job,) = yaml.safe_load(printed)["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8642"]}]
    assert job["authorization"] == {"credentials_file": "/etc/prometheus/shipperone-erp.token"}


@pytest.mark.parametrize("kind", ["env", "file", "credential"])
def test_each_place_of_a_secret_works_as_the_page_writes_it(kind, tmp_path):
    whole, tokens, _ = shown("configuration.md", "toml")
    (line,) = [line for line in tokens.splitlines() if f"{{ {kind} =" in line]
    statements = recipe("guarded", "sqlite").toml
    text = whole[: whole.index("[tenants.acme.generic_sql]")] + statements
    text = re.sub(r"^token = .*$", line, text, flags=re.MULTILINE)
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(text, encoding="utf-8")
    for name in ("acme.token", "acme-token"):
        (tmp_path / name).write_text("the-token")
        (tmp_path / name).chmod(0o600)
    environment = {"ACME_TOKEN": "the-token", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    loaded = load(file, environment=environment)
    assert loaded.tenants["acme"].token.get_secret_value() == "the-token"
    assert loaded.warnings == ()


def test_the_sandbox_behaves_as_documented_on_its_page(tmp_path):
    """Its five lines as they stand, with nothing done between them but what the page leaves out."""
    (source,) = shown("sandbox.md", "python")
    before, after = source.split("    ...")
    done: dict[str, object] = {}
    acting = "    import httpx\n" + textwrap.indent(ACTING, "    ")
    exec(compile(before + acting + "\n    #" + after, "sandbox.md", "exec"), done)
    assert isinstance(done["sandbox"], Sandbox)


ACTING = """
headers = {"Authorization": f"Bearer {sandbox.token}"}
with httpx.Client(base_url=f"{sandbox.base_url}/rest/default/V1", headers=headers) as client:
    [listed] = client.get("/fulfillmentOrders/pending_allocation").json()
    items = [{"item_id": item["id"]} for item in listed["items"]]
    order = {"order_id": "FO-1", "items": items}
    assert client.post("/fulfillmentOrder/allocate", json={"order": order}).status_code == 200
    try:
        client.post("/fulfillmentOrder/invoice", json={"order": order | {"shipping_amount_incl_tax": 4.99}})
    except httpx.RemoteProtocolError:
        pass  # the answer is lost, and it is done
    else:
        raise AssertionError("the fault did not strike")
"""


def test_the_log_fields_on_the_privacy_page_match_the_code():
    (line,) = shown("privacy.md", "text")
    source = (TESTS.parent / "core/src/shipperone_erp/engine/retention_schedule.py").read_text(encoding="utf-8")
    words = re.sub(r"\d+", "", line).split()
    assert [word for word in words if word.strip(",") not in source] == []


def test_the_commands_for_ones_own_odoo_are_there_and_read_what_they_set():
    """They need a real Odoo: they are typed where there is one, and looked up here."""
    session, kit = shown("odoo.md", "text")
    sessions = (TESTS.parent / "noxfile.py").read_text(encoding="utf-8")
    assert f"def {session.split()[-1]}(session" in sessions
    _, _, typed = kit.partition("shipperone-erp connectors ")
    name, *words = typed.split()
    typer.main.get_command(connectors.app).commands[name].make_context(name, words).close()
    files = [*TESTS.rglob("*odoo*.py"), Path(conformance.__file__)]
    reads = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [name for name in re.findall(r"(\w+)=", session + kit) if name not in reads] == []
