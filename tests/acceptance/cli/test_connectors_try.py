"""`connectors try`: one hook, its answer, core's reaction, the ERP's documents; and a fast `connectors test`."""

import json
import os
from xml.etree import ElementTree as ET

import pytest

import warm_processes
from places import PLUGINS
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.last_failures import LastFailures
from shipperone_erp.testing.runner import Result, chosen

HOSTILE = PLUGINS / "hostile"

WRONG = """
from honest_harness import HonestHarness
from honest_erp import HonestConnector
from dataclasses import replace
from decimal import Decimal
from shipperone_erp import AuthFailed, hookimpl

class ACentOff(HonestConnector):
    @hookimpl
    def build_invoice(self, request):
        built = super().build_invoice(request)
        return replace(built, total_incl_tax=built.total_incl_tax - Decimal("0.01"))

class Silent(HonestConnector):
    @hookimpl
    def reserve_stock(self, request):
        return None

class Locked(HonestConnector):
    @hookimpl
    def reserve_stock(self, request):
        raise AuthFailed("the ERP refuses the login")

class Forgetful(HonestConnector):
    @hookimpl
    def list_documents(self, since):
        return [one for one in super().list_documents(since) if one.kind == "invoice"]

class Half(HonestHarness):
    connector = Forgetful

    def reserved(self, sku, warehouse):
        raise OSError("the test database is gone")

class Cent(HonestHarness):
    connector = ACentOff

class Mute(HonestHarness):
    connector = Silent

class Shut(HonestHarness):
    connector = Locked

class Real(HonestHarness):
    live = True

class Blind(HonestHarness):
    from shipperone_erp.testing import ConnectorHarness as _base
    documents, on_hand = _base.documents, _base.on_hand
"""


@pytest.fixture
def connectors(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)

    def run(*arguments: str):
        environment = {**os.environ, "PYTHONPATH": f"{HOSTILE}{os.pathsep}{tmp_path}", "COLUMNS": "200"}
        return warm_processes.run("connectors", *arguments, env=environment, cwd=tmp_path, timeout=100)

    return run


def test_a_hook_is_shown_from_both_sides_with_what_it_needed_before(connectors):
    done = connectors("try", "honest", "deliver", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [step["hook"] for step in report["steps"]] == ["reserve_stock", "build_invoice", "issue_invoice", "deliver"]
    reserved, built, issued, delivered = report["steps"]
    assert reserved["core"] == ["it is confirmed at ShipperOne next"]
    assert [line.partition(": ")[2] for line in reserved["erp"][1:]] == [
        "10 on hand, 2 reserved",
        "10 on hand, 1 reserved",
    ]
    assert built["core"] == [
        "lines, shipping, currency, tax and total match ShipperOne's listing; it is sent to ShipperOne next"
    ]
    assert "state=draft" in built["erp"][0]
    assert "state=issued" in issued["erp"][0]
    assert [line.partition(": ")[2] for line in delivered["erp"][1:]] == [
        "8 on hand, 0 reserved",
        "9 on hand, 0 reserved",
    ]


ORDER = {
    "order_id": "FO-7", "warehouse_code": "main", "currency": "EUR", "shipping_amount_incl_tax": 4.99,
    "total_incl_tax": 25.99, "items": [{"item_id": 7, "sku": "MUG", "qty": 2, "row_total_incl_tax": 21.00, "tax_percent": 21}],
}  # fmt: skip


def test_an_order_of_shipperone_is_tried_and_a_cent_is_seen_before_a_merchant_sees_it(connectors, tmp_path):
    (tmp_path / "order.json").write_text(json.dumps([ORDER]))
    printed = connectors("try", "honest", "build_invoice", "--order", "order.json")
    assert printed.returncode == 0, printed.stderr
    lines = printed.stdout.splitlines()
    assert lines[:2] == ["order FO-7 from main, total 25.99 EUR", "  item 7: 2 of MUG, 21.0"]
    assert "  ERP     ErpDocument(kind=invoice, state=draft" in printed.stdout
    assert "          MUG in main: 2 on hand, 0 reserved" in lines
    wrong = connectors("try", "honest", "build_invoice", "--order", "order.json", "--harness", "wrong:Cent")
    assert wrong.returncode == 1
    assert "  core    the order would be held: total_incl_tax: ERP 25.98, ShipperOne 25.99" in wrong.stdout


def test_a_list_of_documents_is_looked_at_as_reconcile_does(connectors):
    good = connectors("try", "honest", "list_documents", "--json")
    assert good.returncode == 0, good.stdout
    assert json.loads(good.stdout)["steps"][-1]["core"] == ["reconcile finds this order's documents"]
    half = connectors("try", "honest", "list_documents", "--harness", "wrong:Half")
    assert half.returncode == 1
    assert " core    reconcile would report a-KIT-" in half.stdout
    assert "          Half raised OSError: the test database is gone" in half.stdout


@pytest.mark.parametrize(
    ("harness", "code", "expected"),
    [
        ("Mute", 1, "  core    the job is held with connector_bug"),
        ("Shut", 5, "  answer  raised AuthFailed: the ERP refuses the login"),
        ("Blind", 0, "  ERP     Blind does not override documents: not checked"),
    ],
)
def test_a_failed_hook_is_reported_with_cores_reaction(connectors, harness, code, expected):
    done = connectors("try", "honest", "reserve_stock", "--harness", f"wrong:{harness}")
    assert (done.returncode, expected in done.stdout) == (code, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["reserve"], "reserve cannot be tried; these can: reserve_stock, release_stock, build_invoice, "),
        (
            ["reserve_stock", "--harness", "wrong:Real"],
            "Real uses a real ERP: give --live, and use a test database",
        ),
        (["reserve_stock", "--order", "nothing.json"], "nothing.json cannot be read as JSON"),
        (["reserve_stock", "--order", "wrong.py"], "wrong.py cannot be read as JSON"),
        (["reserve_stock", "--order", "bare.json"], "bare.json: "),
        (["reserve_stock", "--order", "text.json"], "text.json contains no order"),
    ],
)
def test_a_hook_that_cannot_be_tried_is_explained(connectors, tmp_path, arguments, expected):
    (tmp_path / "bare.json").write_text('{"order_id": "FO-1", "warehouse_code": "main"}')
    (tmp_path / "text.json").write_text('"FO-1"')
    done = connectors("try", "honest", *arguments)
    assert (done.returncode, expected in done.stderr) == (2, True), done.stderr


SOME = [part for case in ("L1", "R3", "R4", "R7", "V1") for part in ("--case", case)]


def test_cases_run_at_once_are_reported_as_those_that_run_in_turn(connectors, tmp_path):
    done = connectors(
        "test", "honest", *SOME, "--exclude", "R7", "--jobs", "2", "--durations", "2", "--junit", "report.xml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *cases, first, second, together, last = done.stdout.splitlines()
    assert sorted(line.split()[1] for line in cases) == ["L1", "R3", "R4", "V1"]
    assert [float(line.split()[0]) >= 0 for line in (first, second)] == [True, True]
    assert together.endswith(" s  all 4 cases")
    assert last.startswith("honest, suite ")
    listed = [case.get("name").split()[0] for case in ET.parse(tmp_path / "report.xml").getroot()]
    assert listed == ["L1", "R3", "R4", "V1"]


def test_failed_cases_run_first_the_next_time(connectors, tmp_path):
    wrong = ["--harness", "wrong:Mute"]
    assert connectors("test", "honest", "--case", "L1", "--case", "R4", *wrong).returncode == 1
    assert LastFailures("honest", tmp_path).ids() == {"R4"}
    printed = connectors("test", "honest", "--case", "L1", "--case", "R4", "--failed-first", *wrong).stdout.splitlines()
    assert printed[0].startswith("FAIL  R4")
    assert connectors("test", "honest", "--case", "R4").returncode == 0
    assert LastFailures("honest", tmp_path).ids() == frozenset()


def test_a_green_run_leaves_no_file_behind(tmp_path):
    last = LastFailures("acme", tmp_path)
    last.keep([Result(CASES["R4"], "passed")])
    assert list(tmp_path.iterdir()) == []
    last.keep([Result(CASES["R4"], "failed"), Result(CASES["R3"], "passed")])
    last.keep([Result(CASES["R3"], "failed")])
    assert last.ids() == {"R3", "R4"}, "what did not run keeps its place"
    (tmp_path / ".conformance_cache" / "acme.json").write_text("not JSON")
    assert last.ids() == frozenset()


def test_cases_are_chosen_by_what_is_wanted_left_out_and_first():
    ids = [case.id for case in chosen(["R3", "R1", "V1"], ["R1"], ["V1"])]
    assert ids == ["V1", "R3"]
    assert [case.id for case in chosen()] == list(CASES)


def test_the_page_of_a_connector_has_its_settings_capabilities_hooks_and_what_was_not_proved(connectors, tmp_path):
    report = connectors("test", "honest", "--case", "R3", "--case", "R4", "--harness", "wrong:Mute", "--json")
    (tmp_path / "report.json").write_text(report.stdout)
    page = connectors("show", "honest", "--markdown", "--report", "report.json").stdout
    assert page.startswith("# honest\n")
    assert "| `database` | required | " in page
    assert "| `patience` | `" in page
    assert "| `transfers` | yes | goods in another warehouse are reserved there" in page
    assert "| `deliver` | yes |" in page
    assert ", 0 of 2." in page
    assert "| R4 | available is on hand minus reserved | failed | kit: reserve_stock of connector Silent" in page
    assert "password" in page
    assert "honest-erp-password" not in page
    wrong = connectors("show", "honest", "--markdown", "--report", "wrong.py")
    assert (wrong.returncode, "wrong.py does not contain the output" in wrong.stderr) == (2, True)
    assert "connectors test honest --json" in connectors("show", "honest", "--markdown").stdout
