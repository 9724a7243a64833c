"""The configuration: every problem at once, with its place and cure; no secret anywhere."""

import json
import os
import tomllib
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import entry_points

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import warm_processes
from examples import examples
from places import ROOT
from shipperone_erp.config import load, schema, show
from shipperone_erp.config.settings import FIELD_NAMES, TENANT_KEYS
from shipperone_erp.connector import discovery
from shipperone_erp.connector.installed import CONNECTORS
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import ConfigurationError, Problem

TOKEN = "planted-token-4711"
PASSWORD = "planted-password-0815"

GOOD = """\
[runtime]
ledger = "sqlite:///state/ledger.db"

[tenants.acme]
base_url = "https://acme.example/"
token = { env = "ACME_TOKEN" }
connector = "counting"

[tenants.acme.counting]
database = "erp.db"
password = { env = "ACME_PASSWORD" }
"""
ENVIRONMENT = {"ACME_TOKEN": TOKEN, "ACME_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def described():
    """A validator of the file's JSON schema, which is a valid one itself; to check that takes half a second."""
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


@pytest.fixture
def toml(tmp_path):
    """Writes the file; reads it, or returns its problems as they are shown, the folder left out."""

    class Toml:
        file = tmp_path / "shipperone-erp.toml"

        def read(self, text=GOOD, environment=ENVIRONMENT, **options):
            self.file.write_text(text, encoding="utf-8")
            return load(self.file, environment=environment, **options)

        def problems(self, text, environment=ENVIRONMENT, **options):
            with pytest.raises(ConfigurationError) as raised:
                self.read(text, environment, **options)
            return [str(problem).replace(f"{tmp_path}{os.sep}", "") for problem in raised.value.problems]

    return Toml()


def test_omitted_settings_have_the_documented_defaults(toml):
    read = toml.read()
    acme = read.tenants["acme"]
    assert read.runtime.ledger == f"sqlite:///{toml.file.parent}/state/ledger.db"
    assert read.runtime.lease == timedelta(seconds=15)
    assert (acme.base_url, acme.store_code, acme.stages) == (
        "https://acme.example", "default", ("allocation", "invoice"),
    )  # fmt: skip
    assert acme.poll_interval == timedelta(seconds=30)
    assert (acme.concurrency, acme.hook_timeout, acme.settle) == (8, timedelta(seconds=120), timedelta(seconds=60))
    assert (acme.go_live, acme.timezone, acme.tolerance) == ("ask", "UTC", Decimal("0.00"))
    assert (acme.tax_date, acme.transfer, acme.in_doubt) == ("shipped", "arrived", "accept")
    assert (acme.gone_grace, acme.stock_retry) == (timedelta(hours=2), timedelta(minutes=15))
    assert (acme.approve, acme.policies, acme.fiscal_first) == ((), (), False)
    assert acme.token.get_secret_value() == TOKEN
    assert acme.connector_settings.password.get_secret_value() == PASSWORD


def test_all_problems_come_at_once_each_with_its_line_and_cure(toml):
    found = toml.problems("""\
[runtime]
ledgr = "sqlite:///ledger.db"
lease = "soon"

[defaults]
concurency = 4

[tenants.acme]
base_url = "ftp://acme.example"
token = { env = "NOT_THERE" }
connector = "countin"
settle = "1 fortnight"
stages = ["allocation", "billing"]
go_live = "later"
timezone = "Europe/Atlantis"
tolerance = "a cent"
approve = ["allocation"]
charges = 3

[tenants.acme.fields]
skuu = "product.sku"

[tenants.shop]
base_url = "https://shop.example"
token = { file = "no-such-file" }
connector = "counting"

[tenants.shop.counting]
databse = "erp.db"

[tenant.typo]
""")
    span = 'write a duration such as "90s", "15m", "2h", or a number of seconds'
    names = ", ".join(sorted({point.name for point in entry_points(group=CONNECTORS)}))
    assert {"counting", "generic_sql", "odoo"} <= set(names.split(", "))
    assert found == [
        "shipperone-erp.toml:2: runtime.ledgr: unknown setting; did you mean ledger?",
        f"shipperone-erp.toml:3: runtime.lease: {span}",
        "shipperone-erp.toml:6: defaults.concurency: unknown setting; did you mean concurrency?",
        "shipperone-erp.toml:9: tenants.acme.base_url: write an address such as https://acme.example",
        "shipperone-erp.toml:10: tenants.acme.token: the environment variable NOT_THERE is not set",
        "shipperone-erp.toml:11: tenants.acme.connector: there is no connector countin; did you mean counting? "
        f"(installed: {names}); is its package installed in this environment?",
        f"shipperone-erp.toml:12: tenants.acme.settle: {span}",
        "shipperone-erp.toml:13: tenants.acme.stages.1: write 'allocation' or 'invoice'",
        "shipperone-erp.toml:14: tenants.acme.go_live: write 'ask' or 'now'",
        "shipperone-erp.toml:15: tenants.acme.timezone: not a time zone; write one such as Europe/Bratislava",
        'shipperone-erp.toml:16: tenants.acme.tolerance: write an amount such as "0.01"',
        "shipperone-erp.toml:17: tenants.acme.approve.0: write 'invoice'",
        'shipperone-erp.toml:18: tenants.acme.charges: write a list, such as ["…"]',
        "shipperone-erp.toml:21: tenants.acme.fields.skuu: there is no such field; did you mean sku?",
        f"shipperone-erp.toml:25: tenants.shop.token: the file {toml.file.parent}/no-such-file cannot be read "
        "(No such file or directory)".replace(f"{toml.file.parent}/", ""),
        "shipperone-erp.toml:28: tenants.shop.counting.database: it is missing",
        "shipperone-erp.toml:29: tenants.shop.counting.databse: unknown setting; did you mean database?",
        "shipperone-erp.toml:31: tenant: unknown table; did you mean tenants?",
    ]


CHARGES = """\
[[tenants.acme.charges]]
name = "coupon"
path = "totals.coupon"
sign = "-"
kind = "line"

[[tenants.acme.charges]]
name = "gift card"
path = "totals..card"
sing = "-"
kind = "money"

[[tenants.acme.charges]]
name = "coupon"
path = "totals.coupon"
sign = "minus"
"""


@pytest.mark.case("B1")
def test_every_fault_of_a_charge_has_its_own_line(toml):
    found = toml.problems(GOOD + CHARGES)
    assert found == [
        "shipperone-erp.toml:19: tenants.acme.charges.1.name: string should match pattern '^[A-Za-z0-9._-]{1,64}$'",
        "shipperone-erp.toml:20: tenants.acme.charges.1.path: write a key of the order, or a path such as totals.cod_fee",
        "shipperone-erp.toml:21: tenants.acme.charges.1.sing: unknown setting; did you mean sign?",
        "shipperone-erp.toml:22: tenants.acme.charges.1.kind: write 'line' or 'payment'",
        "shipperone-erp.toml:24: tenants.acme.charges.2.kind: it is missing",
        "shipperone-erp.toml:25: tenants.acme.charges.2.name: an earlier charge has the name coupon already; its amount "
        "would be counted twice",
        "shipperone-erp.toml:26: tenants.acme.charges.2.path: an earlier charge has the path totals.coupon already; its "
        "amount would be counted twice",
        "shipperone-erp.toml:27: tenants.acme.charges.2.sign: write '+' or '-'",
    ]


@pytest.mark.parametrize(
    ("key", "words"),
    [("discount", "'in_row' or 'off_row' or 'off_row_net'"), ("shipping_on_parts", "'hold' or 'as_listed'"),
     ("not_compared", "'accept' or 'hold'")],
)  # fmt: skip
def test_a_choice_of_words_names_the_words(toml, key, words):
    found = toml.problems(GOOD.replace("connector =", f'{key} = "sometimes"\nconnector ='))
    assert found == [f"shipperone-erp.toml:7: tenants.acme.{key}: write {words}"]


@pytest.mark.case("B1")
def test_charges_are_shown_as_they_are_written(toml, described):
    good = (
        GOOD
        + CHARGES.split("\n\n")[0]
        + '\n[[tenants.acme.charges]]\nname = "fee"\npath = "${PLACE}"\nkind = "payment"\n'
    )
    read = toml.read(good, {**ENVIRONMENT, "PLACE": "totals.fee"})
    assert [(charge.name, charge.path, charge.sign, charge.kind) for charge in read.tenants["acme"].charges] == [
        ("coupon", "totals.coupon", "-", "line"), ("fee", "totals.fee", "+", "payment"),
    ]  # fmt: skip
    assert tomllib.loads(show(read))["tenants"]["acme"]["charges"] == [
        {"name": "coupon", "path": "totals.coupon", "sign": "-", "kind": "line"},
        {"name": "fee", "path": "********", "sign": "+", "kind": "payment"},
    ]
    described.validate(tomllib.loads(good))


def test_a_file_that_is_no_toml_names_the_line(toml):
    assert toml.problems("[tenants.acme]\nbase_url = https\n") == [
        "shipperone-erp.toml:2: the file: this is not TOML: Invalid value"
    ]


def test_a_missing_configuration_file_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "nothing.toml")
    assert "the file does not exist; `shipperone-erp init NAME --connector C` writes one" in str(raised.value)


def test_a_fault_of_one_tenant_alone_leaves_the_others(toml):
    two = GOOD + '[tenants.shop]\nbase_url = "https://shop.example"\ntoken = { env = "SHOP" }\nconnector = "counting"\n'
    two += '[tenants.shop.counting]\ndatabase = "shop.db"\n'
    read = toml.read(two, tenants_may_fail=True)
    assert list(read.tenants) == ["acme"]
    assert [(problem.tenant, problem.cause) for problem in read.problems] == [
        ("shop", "the environment variable SHOP is not set")
    ]
    assert len(toml.problems(two)) == 1


def test_one_queue_is_served_by_one_tenant(toml):
    second = (
        GOOD.partition("\n[tenants.acme]")[2]
        .replace("acme", "shop")
        .replace("https://shop.example/", "https://acme.example")
    )
    two = f"{GOOD}\n[tenants.shop]{second}"
    assert toml.problems(two, {**ENVIRONMENT, "SHOP_TOKEN": TOKEN}) == [
        "shipperone-erp.toml:14: tenants.shop.base_url: tenant acme serves allocation and invoice of the same store "
        "already: every order would be processed twice"
    ]
    third = two + f"\n[tenants.third]{second.replace('tenants.shop.', 'tenants.third.')}"
    problems = toml.problems(third, {**ENVIRONMENT, "SHOP_TOKEN": TOKEN})
    assert [problem.partition(" serves")[0] for problem in problems] == [
        "shipperone-erp.toml:14: tenants.shop.base_url: tenant acme",
        "shipperone-erp.toml:23: tenants.third.base_url: tenant acme",
    ], "the one that serves it already is named, not every pair"
    apart = two.replace("[tenants.shop]", '[tenants.shop]\nstages = ["invoice"]')
    apart = apart.replace("[tenants.acme]", '[tenants.acme]\nstages = ["allocation"]')
    assert list(toml.read(apart, {**ENVIRONMENT, "SHOP_TOKEN": TOKEN}).tenants) == ["acme", "shop"]


SAME_STORE = [
    "https://ACME.example", "HTTPS://acme.example/", "https://acme.example:443", "https://acme.example./",
    "https://acme.example//", "http://acme.example", "http://acme.example:80",
]  # fmt: skip


@pytest.mark.parametrize("written", SAME_STORE)
@pytest.mark.parametrize("only", [None, ()], ids=["all tenants", "a worker that loads none yet"])
def test_one_queue_is_served_by_one_tenant_however_its_address_is_written(toml, written, only):
    second = GOOD.partition("\n[tenants.acme]")[2].replace("acme", "shop").replace("https://shop.example/", written)
    environment = {**ENVIRONMENT, "SHOP_TOKEN": TOKEN}
    text = f"{GOOD}\n[tenants.shop]\nallow_http = true{second}"
    (problem,) = toml.problems(text, environment, only=only, served=lambda ledger: {"shop"})
    assert "tenants.shop.base_url: tenant acme serves allocation and invoice of the same store already" in problem


@pytest.mark.parametrize(
    "written", ["https://acme.example:8443", "https://acme.example/b", "https://b.acme.example", "${BASE}/b"]
)
def test_another_port_path_or_host_is_another_store(toml, written):
    second = GOOD.partition("\n[tenants.acme]")[2].replace("acme", "shop").replace("https://shop.example/", written)
    environment = {**ENVIRONMENT, "SHOP_TOKEN": TOKEN, "BASE": "https://acme.example"}
    assert list(toml.read(f"{GOOD}\n[tenants.shop]{second}", environment).tenants) == ["acme", "shop"]


@pytest.mark.parametrize(
    ("setting", "cause"),
    [
        ('stages = ["invoice", "invoice"]', "stages: write each stage once"),
        ('services = ["virtual", " "]', "services.1: an empty text would be every item without a type"),
        ('hook_timeout = "0s"', 'hook_timeout: write at least "0.001s"'),
        ("poll_interval = 0", 'poll_interval: write at least "0.001s"'),
        ('timezone = "Europe"', "timezone: not a time zone; write one such as Europe/Bratislava"),
        ('name = "shop"', "name: unknown setting"),
        ("queue_fields = {}", "queue_fields: unknown setting"),
        ('fields = { sku = "" }', "fields.sku: write a key of the order, or a path such as totals.shipping"),
        ('fields = { invoice = { qty = "a..b" } }', "fields.invoice.qty: write a key of the order, or a path"),
    ],
)
def test_a_setting_that_could_not_take_effect_as_meant_is_named(toml, setting, cause):
    (problem,) = toml.problems(GOOD.replace("[tenants.acme]\n", f"[tenants.acme]\n{setting}\n"))
    assert f"tenants.acme.{cause}" in problem


@pytest.mark.parametrize(
    ("setting", "cause"),
    [
        ("approvals = 2", "approvals: no approval is required of this tenant's invoices"),
        ('stages = ["allocation"]\napprove = ["invoice"]', "approve: this tenant does not serve the stage invoice"),
    ],
)
def test_an_approval_that_nobody_will_be_asked_for_is_warned_of(toml, setting, cause):
    (warning,) = toml.read(GOOD.replace("[tenants.acme]\n", f"[tenants.acme]\n{setting}\n")).warnings
    assert f"tenants.acme.{cause}" in str(warning)


@pytest.mark.parametrize(
    ("setting", "most"),
    [
        ('tolerance = "1.01"', "1.00"),
        ('currency = "KWD"\ntolerance = "0.5"', "0.100"),
        ('currency = "JPY"\ncurrencies = ["EUR"]\ntolerance = "5"', "1.00"),
    ],
)
def test_a_tolerance_that_accepts_more_than_rounding_is_warned_of(toml, setting, most):
    (warning,) = toml.read(GOOD.replace("[tenants.acme]\n", f"[tenants.acme]\n{setting}\n")).warnings
    assert "tenants.acme.tolerance: " in str(warning)
    assert f"{most} is the most for rounding" in str(warning)


@pytest.mark.parametrize("setting", ['tolerance = "1.00"', 'currency = "JPY"\ntolerance = "100"'])
def test_a_tolerance_for_rounding_is_not_warned_of(toml, setting):
    assert toml.read(GOOD.replace("[tenants.acme]\n", f"[tenants.acme]\n{setting}\n")).warnings == ()


def test_a_connector_that_is_not_installed_is_looked_for_once_and_named_for_each_tenant(toml, monkeypatch):
    looked, load_connector = [], discovery.load_connector

    def counted(name):
        looked.append(name)
        return load_connector(name)

    monkeypatch.setattr(discovery, "load_connector", counted)
    missing = GOOD.replace('connector = "counting"', 'connector = "sapp"')
    assert missing != GOOD
    second = missing.partition("\n[tenants.acme]")[2].replace("acme", "shop")
    problems = toml.problems(f"{missing}\n[tenants.shop]{second}", {**ENVIRONMENT, "SHOP_TOKEN": TOKEN})
    named = [problem.partition(": ")[2].partition(":")[0] for problem in problems if "no connector sapp" in problem]
    assert named == ["tenants.acme.connector", "tenants.shop.connector"]
    assert looked == ["sapp"]


def test_two_approvals_in_the_defaults_are_those_of_the_tenants_that_approve(toml):
    text = "[defaults]\napprovals = 2\n" + GOOD
    assert toml.read(text).tenants["acme"].approve == ()
    acme = toml.read(text.replace("[tenants.acme]\n", '[tenants.acme]\napprove = ["invoice"]\n')).tenants["acme"]
    assert (acme.approve, acme.approvals) == (("invoice",), 2)


@pytest.mark.parametrize(
    ("setting", "cause"),
    [
        *(
            (f'ledger = "{url}"', "ledger: write sqlite:///shipperone-erp.db or postgresql+psycopg://")
            for url in ("nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "mysql://db/erp")
        ),
        ('lease = "0s"', 'lease: write at least "0.001s"'),
        ('fleet = { heartbeat = "20s", stalled = "20s" }', "fleet: stalled (20s) must be longer than heartbeat (20s)"),
        ('include = [""]', "include.0: "),
        ('alerts = { timezone = "Europe" }', "alerts.timezone: not a time zone"),
    ],
)
def test_a_setting_of_the_process_that_cannot_work_is_named(toml, setting, cause):
    kept = GOOD.replace('ledger = "sqlite:///state/ledger.db"\n', "")
    (problem,) = toml.problems(kept.replace("[runtime]\n", f"[runtime]\n{setting}\n"))
    assert f"runtime.{cause}" in problem


def test_an_include_may_be_absolute_and_one_that_names_no_file_is_warned_of(toml, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shop = GOOD.partition("\n[tenants.acme]")[2].replace("acme", "shop")
    (folder / "shop.toml").write_text(f"[tenants.shop]{shop}")

    def including(*patterns):
        listed = ", ".join(f'"{pattern}"' for pattern in patterns)
        text = GOOD.replace("[runtime]\n", f"[runtime]\ninclude = [{listed}]\n")
        return toml.read(text, {**ENVIRONMENT, "SHOP_TOKEN": TOKEN})

    assert list(including(f"{folder}/*.toml").tenants) == ["acme", "shop"]
    assert list(including("elsewhere/**").tenants) == ["acme", "shop"], "a directory is no file"
    for pattern in ("tenents.d/*.toml", ".", "elsewhere"):
        (warning,) = including(pattern).warnings
        assert warning.key == "runtime.include"
        assert f"no file matches {pattern}" in warning.cause


def test_a_fault_of_the_toml_stops_the_service_as_well(toml):
    found = toml.problems(GOOD.replace("connector =", "conector ="), tenants_may_fail=True)
    assert found[0] == "shipperone-erp.toml:4: tenants.acme.connector: it is missing"
    assert "did you mean connector?" in found[1]


def test_an_invoice_stage_without_issue_invoice_needs_fiscal_first(toml, plugins):
    plugins.connector("noissue", hooks=("reserve_stock", "build_invoice"))
    text = GOOD.replace('"counting"', '"noissue"').split("[tenants.acme.counting]")[0]
    assert toml.problems(text) == [
        "shipperone-erp.toml:7: tenants.acme.connector: connector noissue does not implement issue_invoice, which this "
        "tenant's stages need; build_invoice issues the invoice itself only with fiscal_first = true"
    ]
    line = 'base_url = "https://acme.example/"\n'
    assert toml.read(text.replace(line, line + "fiscal_first = true\n")).tenants["acme"].fiscal_first
    assert toml.read(text.replace(line, line + 'stages = ["allocation"]\n')).tenants["acme"].stages == ("allocation",)


def test_defaults_apply_to_every_tenant_and_their_faults_are_at_their_own_line(toml):
    text = '[defaults]\nconcurrency = 3\ncurrency = "EUR"\n' + GOOD
    more = '[tenants.shop]\nbase_url = "https://s.example"\ntoken = "t"\nconnector = "counting"\nconcurrency = 5\n'
    more += '[tenants.shop.counting]\ndatabase = "b.db"\n'
    read = toml.read(text + more)
    assert {name: tenant.concurrency for name, tenant in read.tenants.items()} == {"acme": 3, "shop": 5}
    assert toml.problems((text + more).replace("\ncurrency = ", "\ncurrencyy = ")) == [
        "shipperone-erp.toml:3: defaults.currencyy: unknown setting; did you mean currency?"
    ]


def test_included_files_hold_tenants_and_their_paths_are_their_own(toml, tmp_path):
    folder = tmp_path / "tenants.d"
    folder.mkdir()
    (folder / "token").write_text("from-a-file\n")
    (folder / "token").chmod(0o600)
    (folder / "shop.toml").write_text(
        '[tenants.shop]\nbase_url = "https://s.example"\ntoken = { file = "token" }\nconnector = "counting"\n'
        '[tenants.shop.counting]\ndatabase = "b.db"\n'
    )
    text = GOOD.replace("[runtime]\n", '[runtime]\ninclude = ["tenants.d/*.toml"]\n')
    read = toml.read(text)
    assert read.tenants["shop"].token.get_secret_value() == "from-a-file"
    assert read.warnings == ()
    (folder / "twice.toml").write_text("[runtime]\nlease = 3\n[tenants.acme]\n")
    assert toml.problems(text) == [
        "tenants.d/twice.toml:1: runtime: an included file contains [tenants.*] tables and nothing else",
        f"tenants.d/twice.toml:3: tenants.acme: tenant acme is in {toml.file} already".replace(f"{tmp_path}/", ""),
    ]


def test_secrets_come_from_the_environment_a_file_or_a_systemd_credential(toml, tmp_path):
    (tmp_path / "acme-token").write_text(f"{TOKEN}\n")
    credential = GOOD.replace('{ env = "ACME_TOKEN" }', '{ credential = "acme-token" }')
    read = toml.read(credential, {**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert read.tenants["acme"].token.get_secret_value() == TOKEN
    assert toml.problems(credential) == [
        "shipperone-erp.toml:6: tenants.acme.token: the credential acme-token was looked for, but "
        "CREDENTIALS_DIRECTORY is not set: systemd sets it where the unit has LoadCredential=acme-token:…"
    ]
    (tmp_path / "acme-token").chmod(0o644)
    read = toml.read(GOOD.replace('{ env = "ACME_TOKEN" }', '{ file = "acme-token" }'))
    assert [warning.cause for warning in read.warnings] == [
        f"other users can read {tmp_path}/acme-token: chmod 600 {tmp_path}/acme-token"
    ]
    plain = toml.read(GOOD.replace('{ env = "ACME_TOKEN" }', f'"{TOKEN}"'))
    assert [str(warning.key) for warning in plain.warnings] == ["tenants.acme.token"]
    assert TOKEN not in str(plain.warnings)


@pytest.mark.parametrize("token", ["two words", "tökén", "a\nb"])
def test_a_token_that_no_header_can_carry_is_a_fault_of_its_tenant_alone(toml, token):
    text = GOOD.replace('{ env = "ACME_TOKEN" }', '{ env = "ODD_TOKEN" }')
    expected = (
        "shipperone-erp.toml:6: tenants.acme.token: it is empty, or contains a character that is invalid in a token"
    )
    assert toml.problems(text, {**ENVIRONMENT, "ODD_TOKEN": token}) == [expected]
    read = toml.read(text, {**ENVIRONMENT, "ODD_TOKEN": token}, tenants_may_fail=True)
    assert (read.tenants, [problem.tenant for problem in read.problems]) == ({}, ["acme"])


@pytest.mark.parametrize("written", ["{}", '{ env = "A", file = "b" }', '{ vault = "x" }', "{ env = 5 }", "7"])
def test_an_invalid_secret_reference_shows_the_valid_forms(toml, written):
    (found,) = toml.problems(GOOD.replace('{ env = "ACME_TOKEN" }', written))
    assert found.startswith("shipperone-erp.toml:6: tenants.acme.token: ")
    assert "write {" in found or "must be a text" in found


def test_variables_are_put_in_after_parsing_and_masked_when_shown(toml):
    text = GOOD.replace('"erp.db"', '"${ERP_HOME}/erp $${x}.db"')
    read = toml.read(text, {**ENVIRONMENT, "ERP_HOME": 'a"b'})
    assert read.tenants["acme"].connector_settings.database == 'a"b/erp ${x}.db'
    shown = show(read)
    assert 'database = "********/erp ${x}.db"' in shown
    assert toml.problems(text) == [
        "shipperone-erp.toml:10: tenants.acme.counting.database: the environment variable ERP_HOME is not set"
    ]


@pytest.mark.case("G7")
def test_no_secret_is_in_the_message_about_a_wrong_sibling(toml):
    found = toml.problems(
        GOOD.replace('{ env = "ACME_TOKEN" }', f'"{TOKEN}"')
        .replace('{ env = "ACME_PASSWORD" }', f'"{PASSWORD}"')
        .replace("database =", "databse =")
        .replace("base_url", "base_ur")
    )
    assert len(found) == 4
    assert TOKEN not in str(found)
    assert PASSWORD not in str(found)


@pytest.mark.case("G7")
def test_no_secret_is_shown_or_represented(toml):
    read = toml.read()
    for text in (show(read), repr(read), str(read), repr(read.tenants), read.tenants["acme"].model_dump_json()):
        assert TOKEN not in text
        assert PASSWORD not in text
    assert 'token = "********"' in show(read)


def test_retention_settings_have_a_minimum_and_accept_days(toml):
    text = GOOD.replace("[runtime]\n", '[runtime]\nkeep_bodies = "60d"\nkeep_jobs = "30d"\nkeep_invoices = "12000d"\n')
    runtime = toml.read(text).runtime
    assert (runtime.keep_errors, runtime.keep_bodies) == (timedelta(days=30), timedelta(days=60))
    assert (runtime.keep_jobs, runtime.keep_invoices) == (timedelta(days=30), timedelta(days=12000))
    assert 'keep_invoices = "12000d"' in show(toml.read(text))
    assert toml.problems(text.replace('"30d"', '"29d"').replace("12000d", "364d")) == [
        'shipperone-erp.toml:3: runtime.keep_jobs: write at least "30d"',
        'shipperone-erp.toml:4: runtime.keep_invoices: write at least "365d"',
    ]


def test_a_password_in_the_ledgers_address_is_masked(toml):
    text = GOOD.replace('"sqlite:///state/ledger.db"', '"postgresql+psycopg://erp:s3cr3t@db.example/ledger"')
    shown = show(toml.read(text))
    assert "s3cr3t" not in shown
    assert "postgresql+psycopg://erp:********@db.example/ledger" in shown


def test_config_show_prints_toml_with_every_setting(toml):
    shown = tomllib.loads(show(toml.read()))
    unset = {"fields", "currency", "discount", "tax_rates", "unlisted_parties"}
    assert shown["tenants"]["acme"].keys() >= set(TENANT_KEYS) - unset
    assert shown["tenants"]["acme"]["counting"]["database"] == "erp.db"


def test_the_schema_takes_the_good_file_and_names_every_field(described):
    document = tomllib.loads(GOOD)
    described.validate(document)
    document["tenants"]["acme"]["fields"] = dict.fromkeys(FIELD_NAMES, "a.place")
    described.validate(document)
    text = json.dumps(described.schema)
    assert "counting" in text
    assert "generic_sql" in text


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d["tenants"]["acme"].update(token={"vault": "x"}),
        lambda d: d["tenants"]["acme"].update(conector="x"),
        lambda d: d["tenants"]["acme"].update(go_live="later"),
        lambda d: d["tenants"]["acme"]["counting"].update(databse="x"),
        lambda d: d["tenants"]["acme"].update(fields={"skuu": "x"}),
        lambda d: d["runtime"].update(ledgr="x"),
        lambda d: d["tenants"]["acme"].update(discount="off"),
        lambda d: d["tenants"]["acme"].update(charges=[{"name": "x", "path": "y"}]),
        lambda d: d["tenants"]["acme"].update(charges=[{"name": "x", "path": "y", "kind": "line", "sing": "-"}]),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(break_it, described):
    document = tomllib.loads(GOOD)
    break_it(document)
    with pytest.raises(jsonschema.ValidationError):
        described.validate(document)


ANY = st.recursive(
    st.sampled_from(["5", "-1", "true", '"text"', '""', "1.5", "1979-05-27", "{}", "[]", "nan"]),
    lambda inner: st.one_of(inner.map(lambda v: f"[{v}]"), inner.map(lambda v: f"{{ env = {v} }}")),
    max_leaves=3,
)


@examples(300)
@given(key=st.sampled_from([*TENANT_KEYS, "fields.sku", "counting", "counting.database"]), value=ANY)
def test_any_value_of_a_setting_is_read_or_reported(key, value, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    lines = [line for line in GOOD.split("[tenants.acme.counting]")[0].splitlines() if not line.startswith(f"{key} ")]
    if not key.startswith("counting"):
        lines.append('counting = { database = "erp.db" }')
    file.write_text("\n".join([*lines, f"{key} = {value}\n"]))
    try:
        load(file, environment=ENVIRONMENT)
        problems: tuple[Problem, ...] = ()
    except ConfigurationError as error:
        problems = error.problems
    assert all(problem.line and problem.key.startswith("tenants.acme") for problem in problems), problems


@pytest.mark.parametrize("table", ["runtime", "defaults", "tenants", "tenants.acme"])
@pytest.mark.parametrize("value", ["5", '"text"', "[]", "[{}]", "true", "{ x = 5 }"])
def test_a_value_in_place_of_a_table_is_named(tmp_path, table, value):
    file = tmp_path / "any.toml"
    file.write_text(f"{table} = {value}\n")
    with pytest.raises(ConfigurationError):
        load(file)


def test_fields_of_one_queue_take_the_place_of_those_of_both_in_it_alone(toml, described):
    text = GOOD + '\n[tenants.acme.fields.invoice]\nqty = "qty_shipped"\n'
    loaded = toml.read(text)
    acme = loaded.tenants["acme"]
    assert acme.fields_of(Stage.INVOICE) == {**acme.fields, "qty": "qty_shipped"}
    assert acme.fields_of(Stage.ALLOCATION) == acme.fields
    assert tomllib.loads(show(loaded))["tenants"]["acme"]["fields"] == {
        **acme.fields,
        "invoice": {"qty": "qty_shipped"},
    }
    described.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('skuu = "x"', "fields.invoice.skuu: there is no such field; did you mean sku?"),
        ("sku = 5", "fields.invoice.sku: write a text"),
    ],
)
def test_a_fault_in_the_fields_of_one_queue_is_named_with_its_place(toml, described, written, expected):
    with pytest.raises(ConfigurationError) as raised:
        toml.read(f"{GOOD}\n[tenants.acme.fields.invoice]\n{written}\n")
    assert expected in str(raised.value)
    with pytest.raises(jsonschema.ValidationError):
        described.validate(tomllib.loads(f"{GOOD}\n[tenants.acme.fields.invoice]\n{written}\n"))


def test_init_writes_a_file_that_config_check_accepts_once_completed(tmp_path):
    file = tmp_path / "acme.toml"

    def run(*arguments: str, **environment: str):
        return warm_processes.run(*arguments, cwd=tmp_path, env={**os.environ, **environment})

    assert run("init", "acme", "--connector", "generic_sql", "-c", str(file)).returncode == 0
    again = run("init", "acme", "--connector", "generic_sql", "-c", str(file))
    assert again.returncode == 2
    assert "exists already; name another file with -c" in again.stderr
    unfinished = run("config", "check", "-c", str(file))
    assert unfinished.returncode == 78
    assert "tenants.acme.token: the environment variable ACME_TOKEN is not set" in unfinished.stderr
    recipe = ROOT / "connectors/generic_sql/src/shipperone_erp_generic_sql/recipes/guarded/sqlite"
    assert (recipe / "tenant.toml").exists()
