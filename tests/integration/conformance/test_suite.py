"""The kit as a pytest plugin and as a command: listing, skipping, refused omissions, reports."""

import json
import os
import re
import signal
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from honest_erp import HonestConnector, HonestSettings
from honest_harness import HonestHarness
from hostile_erp import FAULTS

import warm_processes
from places import PLUGINS, SUPPORT
from shipperone_erp import AuthFailed, Secret, Transient, hookimpl
from shipperone_erp.connector.discovery import load_connector
from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp.testing import Bench, ErpDocument, ErpLine, Finding, NotApplicable
from shipperone_erp.testing.case_pages import listed
from shipperone_erp.testing.cases import CASES, SUBJECTS
from shipperone_erp.testing.findings import binding
from shipperone_erp.testing.harness import ConnectorHarness
from shipperone_erp.testing.invoice_comparison import invoice_is
from shipperone_erp.testing.kill_points import spread
from shipperone_erp.testing.runner import connector_of, run_case
from shipperone_erp.testing.source_location import place_of, raised_at

HOSTILE = PLUGINS / "hostile"
WARM_PYTEST = str(SUPPORT / "warm_pytest.py")
HEAD = """
import pytest
from shipperone_erp.testing import ConnectorSuite
from honest_harness import HonestHarness
"""


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HOSTILE), "COLUMNS": "200"}


def run_pytest(folder: Path, suite: str, *arguments: str) -> dict[str, str]:
    """The suite in a file of its own, as an author has it: each test's outcome, and the output under ""."""
    (folder / "test_acme.py").write_text(HEAD + suite)
    options = ["-v", "-rsf", "-p", "no:cacheprovider", *arguments]
    done = warm_processes.run_script(WARM_PYTEST, *options, env=ENVIRONMENT, cwd=folder, timeout=100)
    lines = [line.split() for line in done.stdout.splitlines() if "::test_" in line and "%]" in line]
    return {"": done.stdout + done.stderr, **{words[0].partition("::test_")[2]: words[1] for words in lines}}


def connectors_test(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return warm_processes.run("connectors", "test", *arguments, cwd=folder, env=ENVIRONMENT, timeout=100)


def test_every_case_has_an_id_of_its_subject_a_page_and_what_it_costs():
    letters = {module.__name__: letter for letter, _, module in SUBJECTS}
    for found in CASES.values():
        assert found.id[0] == letters[found.check.__module__]
        assert found.id[1:].isdigit()
        assert len(found.page) > 40
        assert found.page.endswith((".", "`.", ")."))
        assert found.suffers.endswith(".")
        assert found.cure.endswith(".")
        assert len(found.cure) < 140
        assert not found.line.endswith(".")
        assert all(hasattr(ConnectorHarness, probe) for probe in found.probes)
    assert len({found.line for found in CASES.values()}) == len(CASES)


def test_the_list_has_a_line_for_each_case():
    assert [line.split()[0] for line in listed().splitlines()[2:]] == list(CASES)


OVERRIDES = """
class TestAcme(ConnectorSuite):
    harness = HonestHarness
    test_R1 = None

    def test_R4(self, bench):
        pass
"""


def test_a_case_that_is_removed_or_overridden_without_a_reason_fails(tmp_path):
    found = run_pytest(tmp_path, OVERRIDES, "-k", "R1 or R3 or R4")
    assert (found["R1"], found["R3"], found["R4"]) == ("FAILED", "PASSED", "FAILED")
    assert (
        "R1 (the same key reserves once) is removed without a reason; say why in HonestHarness.departures" in found[""]
    )
    assert "R4 (available is on hand minus reserved) is overridden without a reason" in found[""]


REPLACED = """
class TestAcme(ConnectorSuite):
    harness = HonestHarness

class TestBelow(TestAcme):
    harness = HonestHarness

TestAcme.test_R4 = lambda self: None
TestAcme.test_R1 = None
pytest.mark.skip(TestAcme.test_R7)
"""


def test_a_case_that_is_replaced_after_the_class_was_made_fails(tmp_path):
    found = run_pytest(tmp_path, REPLACED, "-k", "R1 or R3 or R4 or R7")
    printed = found[""]
    assert "6 failed, 2 passed" in printed, printed
    assert (
        "R4 (available is on hand minus reserved) is overridden without a reason; say why in HonestHarness" in printed
    )
    assert "R1 (the same key reserves once) is removed without a reason" in printed
    assert "and the order waits for them) is marked skip without a reason" in printed


LEFT_OUT = """
class Acme(HonestHarness):
    departures = {"R5": "Acme never sells its last piece", "R6": "one SKU a line"}

class TestDeparting(ConnectorSuite):
    harness = Acme
    test_R6 = pytest.mark.skip(ConnectorSuite.test_R6)

    def test_R5(self, bench):
        pass

class TestBelow(TestDeparting):
    harness = HonestHarness
    test_R7 = pytest.mark.xfail(ConnectorSuite.test_R7)
"""


def test_a_case_that_is_marked_or_overridden_for_another_harness_fails(tmp_path):
    marked = run_pytest(tmp_path, LEFT_OUT, "-k", "R5 or R6 or R7")[""]
    assert "R5 (of many orders for the last piece exactly one gets it) is overridden without a reason" in marked
    assert (
        "R7 (goods in another warehouse are reserved there, and the order waits for them) is marked xfail without a reason"
        in marked
    )
    assert "SKIPPED [1]" in marked
    assert "the connector departs from it: one SKU a line" in marked


DEPARTS = """
class Acme(HonestHarness):
    departures = {"R1": "Acme reserves by day", "R4": "Acme counts otherwise", "R5": " ", "R6": "one SKU a line"}

class TestAcme(ConnectorSuite):
    harness = Acme
    test_R1 = None

    def test_R4(self, bench):
        assert bench.desk.connector.tenant == "kit"
        assert bench.stock(bench.product(3)) == (3, 0)
"""


def test_with_a_reason_it_is_left_out_or_runs_as_the_suite_has_it(tmp_path):
    found = run_pytest(tmp_path, DEPARTS, "-k", "R1 or R4 or R5 or R6")
    assert (found["R4"], found["R5"], found["R6"]) == ("PASSED", "FAILED", "SKIPPED")
    assert found["R1"] == "SKIPPED"
    assert "the connector departs from it: Acme reserves by day" in found[""]
    assert "Acme departs from R5 without a reason" in found[""]


LACKING = """
from shipperone_erp import Connector, ConnectorSettings, Reserved, hookimpl
from shipperone_erp.testing import ConnectorHarness

class Little(Connector[ConnectorSettings]):
    @hookimpl
    def reserve_stock(self, request):
        return Reserved("R")

class Blind(ConnectorHarness):
    connector = Little

    def settings(self):
        return {}

class TestLittle(ConnectorSuite):
    harness = Blind
"""


def test_cases_of_absent_hooks_are_skipped_and_uninspectable_ones_fail(tmp_path):
    found = run_pytest(tmp_path, LACKING, "-k", "I1 or R1 or C1")
    assert (found["I1"], found["R1"], found["C1"]) == ("SKIPPED", "FAILED", "PASSED")
    assert "the connector does not override build_invoice" in found[""]
    assert (
        "Blind does not override add_product, on_hand, reserved, documents: write it, or give the reason" in found[""]
    )


LIVE = """
class Real(HonestHarness):
    live = True

class TestReal(ConnectorSuite):
    harness = Real
    suite = "1.1"
"""


def test_a_real_erp_is_used_only_with_the_live_option(tmp_path):
    found = run_pytest(tmp_path, LIVE, "-k", "R4 or L1")
    assert (found["R4"], found["L1"]) == ("SKIPPED", "PASSED"), "L1 looks at the class alone"
    assert "it uses a real ERP: run it with --live" in found[""]
    assert run_pytest(tmp_path, LIVE, "-k", "R4", "--live")["R4"] == "PASSED"


class Miscounting(HonestHarness):
    def on_hand(self, sku, warehouse):
        return 99


@pytest.mark.parametrize(
    ("base", "expected"), [(Miscounting, "on hand and reserved"), (HonestHarness, "the disk is gone")]
)
def test_a_failing_tear_down_is_reported_beside_the_finding(tmp_path, base, expected):
    class Torn(base):
        def tear_down(self):
            raise OSError("the disk is gone")

    result = run_case(CASES["R4"], Torn, tmp_path)
    assert result.outcome == "failed"
    assert expected in result.message


def test_an_erp_that_cannot_be_had_skips_the_case_in_the_words_of_its_harness(tmp_path):
    class Away(HonestHarness):
        def set_up(self):
            raise NotApplicable("set ACME_URL to a test system")

    result = run_case(CASES["R4"], Away, tmp_path)
    assert (result.outcome, result.message) == ("skipped", "set ACME_URL to a test system")


def test_names_are_unique_unless_the_harness_sets_them(tmp_path):
    def order(run):
        harness = HonestHarness(tmp_path)
        harness.run = run
        bench = Bench(harness, connector_of(HonestHarness), tmp_path)
        return bench.order(bench.item("KIT-SKU"))

    assert order("R1") == order("R1")
    assert len({order(run).items[0].item_id for run in ("R1", "R2", None, None)}) == 4
    assert order(None).order_id != order(None).order_id


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (
            "class TestA(ConnectorSuite):\n    harness = HonestHarness\n    suite = '9.9'",
            "there is no suite 9.9; this kit has 1.0, 1.1",
        ),
        (
            "class H(HonestHarness):\n    departures = {'Z9': 'so'}\nclass TestA(ConnectorSuite):\n    harness = H",
            "H departs from Z9, and there is no such case",
        ),
    ],
)
def test_a_suite_that_names_a_missing_harness_reports_it(tmp_path, suite, expected):
    assert expected in run_pytest(tmp_path, suite)[""]


def test_a_failed_case_reports_its_finding_and_its_consequence_without_the_kits_internals(tmp_path):
    suite = """
from hostile_stock import SellsWhatIsReserved
class Wrong(HonestHarness):
    connector = SellsWhatIsReserved
class TestWrong(ConnectorSuite):
    harness = Wrong
"""
    printed = run_pytest(tmp_path, suite, "-k", "R4")[""]
    assert "found: reserve_stock answered Reserved(" in printed
    assert "what it costs a merchant: The same piece is sold to two customers" in printed
    assert "the usual cure: Subtract what is reserved from what is on hand" in printed
    assert re.search(r"in the connector: honest_erp\.py:\d+, in reserve_stock", printed), (
        "R4 has no traceback: its hook"
    )
    assert "bench.py" not in printed


def test_the_command_prints_text_and_writes_junit(tmp_path):
    (tmp_path / "wrong.py").write_text(
        "from honest_harness import HonestHarness\nfrom hostile_stock import SellsWhatIsReserved\n"
        "class Wrong(HonestHarness):\n    connector = SellsWhatIsReserved\n    departures = {'R5': 'it never does'}\n"
    )
    arguments = ["--harness", "wrong:Wrong", "--case", "R3", "--case", "R4", "--case", "R5"]
    done = connectors_test(tmp_path, "acme", *arguments, "--junit", "report.xml")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "ok    R3  a shortage names every short line and leaves nothing reserved"
    assert lines[1] == "FAIL  R4  available is on hand minus reserved"
    assert (
        lines[4]
        == "          what it costs a merchant: The same piece is sold to two customers; one of them waits for goods that do not exist."
    )
    assert re.fullmatch(r" {10}in the connector: honest_erp\.py:\d+, in reserve_stock", lines[3])
    assert lines[5].startswith("          the usual cure: Subtract what is reserved")
    assert lines[7] == "          because the connector departs from it: it never does"
    assert lines[-1] == "acme, suite 1.1: 1 passed, 1 failed, 1 skipped; it does not conform yet"
    suite = ET.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [len(case) for case in suite] == [0, 1, 1]


def test_the_command_finds_the_declared_harness_and_prints_json(tmp_path):
    done = connectors_test(tmp_path, "honest", "--case", "R3", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["connector"], report["suite"], report["conforms"]) == ("honest", "1.1", True)
    (only,) = report["cases"]
    assert (only["id"], only["outcome"], only["said"], only["suffers"]) == ("R3", "passed", None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["honest", "--case", "R99"], 2, "there is no case R99; the cases are L1, "),
        (
            ["hostile"],
            2,
            "no package declares a harness for hostile: write a ConnectorHarness (docs/reference/conformance.md)",
        ),
        (["honesty"], 2, "there is no connector honesty; did you mean honest? (installed: "),
        (["honest", "--harness", "honest_erp:SCHEMA"], 2, "not a subclass of shipperone_erp.testing.ConnectorHarness"),
        (["honest", "--harness", "honest_erp"], 78, "'honest_erp' is not MODULE:CLASS"),
        (["honest", "--harness", "no_such_module:X"], 78, "no_such_module:X cannot be imported: ModuleNotFoundError"),
    ],
)
def test_the_command_reports_unsupported_input(tmp_path, arguments, code, expected):
    done = connectors_test(tmp_path, *arguments)
    assert (done.returncode, expected in done.stderr) == (code, True), done.stderr


def test_the_report_begins_with_what_the_harness_does_not_compare(tmp_path):
    (tmp_path / "blind.py").write_text(BLIND)
    done = connectors_test(tmp_path, "honest", "--harness", "blind:Blind", "--case", "I1", "--case", "I7")
    assert done.stdout.splitlines() == [
        "NOT COMPARED  `currency` of invoices is not compared in the ERP: Blind.documents leaves it out",
        "NOT COMPARED  `lines` of invoices is not compared in the ERP: Blind.documents leaves it out",
        "NOT COMPARED  `party` of invoices is not compared in the ERP: Blind.documents leaves it out",
        "ok    I1  the invoice matches the order, and the same key builds once",
        "ok    I7  two lines with one SKU stay two lines",
        "honest, suite 1.1: 2 passed, 0 failed, 0 skipped; it conforms, as far as it was tested",
    ]
    report = connectors_test(tmp_path, "honest", "--harness", "blind:Blind", "--case", "I7", "--json").stdout
    assert [sentence.split("`")[1] for sentence in json.loads(report)["not_compared"]] == ["currency", "lines", "party"]


BLIND = """
from dataclasses import astuple
from honest_harness import HonestHarness
from shipperone_erp.testing import ErpDocument

class Blind(HonestHarness):
    suite = "1.0"

    def documents(self, key):
        return [ErpDocument(*astuple(one)[:4], one.total_incl_tax) for one in super().documents(key)]
"""

PINNED = """
import warnings
from hostile_figures import WritesACent

class Old(HonestHarness):
    connector = WritesACent

with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    class TestOld(ConnectorSuite):
        harness = Old
        suite = "1.0"

class TestNew(ConnectorSuite):
    harness = Old
    suite = "1.1"

def test_ends():
    assert "TestOld uses suite 1.0, which connector API 2.0 removes; use suite 1.1" in str(warned[0].message)
"""


def test_a_suite_of_the_first_version_is_warned_of_what_the_second_one_fails(tmp_path):
    """The connector writes 0.01 into the ERP for every order, and states the right total."""
    found = run_pytest(tmp_path, PINNED, "-k", "I1 or ends")
    printed = found[""]
    assert (found["ends"], "1 failed, 1 passed, 1 skipped" in printed) == ("PASSED", True), printed
    assert "ConformanceWarning: I1 the invoice matches the order" in printed
    assert "the total of the draft invoice in the ERP: 0.01 instead of 29.49" in printed


def test_a_suites_warning_becomes_a_failure_after_its_version():
    assert binding("1.0", "1.0", "1.0")
    assert not binding("1.1", "1.0", "1.9")
    assert binding("1.1", "1.0", "2.0")
    assert binding("1.1", "1.1", "1.0")


ITEMS = (
    OrderItem(item_id=1, sku="MUG", qty=Decimal(2), row_total_incl_tax=Decimal("20.00"), tax_percent=Decimal(21)),
    OrderItem(item_id=2, sku="MUG", qty=Decimal(3), row_total_incl_tax=Decimal("27.00"), tax_percent=Decimal(12)),
)
SOLD = FulfillmentOrder(
    "FO-1", "main", ITEMS, currency="EUR", shipping_amount_incl_tax=Decimal("4.99"), billing=Party(name="Anna Nova"),
    charges=(Charge("fee", Decimal("1.00"), "line"), Charge("card", Decimal(-5), "payment")),
)  # fmt: skip
BY_ID = tuple(ErpLine(i.item_id, i.sku, i.qty, i.row_total_incl_tax, i.tax_percent) for i in ITEMS)
BY_SKU = tuple(replace(line, item_id=None) for line in BY_ID)
WRITTEN = ErpDocument("invoice", "issued", "I-1", "1", Decimal("52.99"), "EUR", "Anna Nova", BY_ID)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"total_incl_tax": Decimal("0.01")}, "the total of the issued invoice in the ERP: 0.01 instead of 52.99"),
        ({"currency": "CZK"}, "the currency of the issued invoice in the ERP: CZK instead of EUR"),
        ({"party": "Eva Nova"}, "the buyer of the issued invoice in the ERP: Eva Nova instead of Anna Nova"),
        ({"lines": BY_ID[:1]}, "lines of goods of the issued invoice in the ERP: 1 instead of 2"),
        ({"lines": (BY_ID[0], BY_ID[0])}, "an item is on the issued invoice in the ERP twice"),
        ({"lines": (BY_ID[0], replace(BY_ID[1], item_id=9))}, "is no item of the order"),
        ({"lines": (BY_ID[0], replace(BY_ID[1], qty=Decimal(2)))}, "item 2 of the issued invoice in the ERP: {sku: MUG, qty: 2"),
        ({"lines": (BY_ID[0], replace(BY_ID[1], tax_percent=Decimal(21)))}, "item 2 of the issued invoice in the ERP"),
        ({"lines": (BY_SKU[0], replace(BY_SKU[1], total_incl_tax=Decimal(20)))}, "total_incl_tax of product MUG"),
        ({"lines": (BY_SKU[0], replace(BY_SKU[1], sku="TEA"))}, "lines of product MUG"),
    ],
)  # fmt: skip
def test_an_invoice_in_the_erp_that_is_not_the_orders_is_found(changed, expected):
    shipping = ErpLine(total_incl_tax=Decimal("4.99"))
    invoice_is(WRITTEN, SOLD, None)
    invoice_is(replace(WRITTEN, lines=(*BY_SKU[::-1], shipping)), SOLD, None)
    with pytest.raises(Finding) as found:
        invoice_is(replace(WRITTEN, **changed), SOLD, None)
    assert expected in str(found.value)


@pytest.mark.parametrize(("module", "missing"), [(os, "fork"), (signal, "SIGKILL")])
def test_kill_cases_are_skipped_with_a_reason_where_no_process_can_be_killed(tmp_path, monkeypatch, module, missing):
    monkeypatch.delattr(module, missing)
    result = run_case(CASES["K1"], HonestHarness, tmp_path)
    assert (result.outcome, "this system has no fork and SIGKILL" in result.message) == ("skipped", True), result


def test_kills_are_spread_evenly_with_the_first_and_the_last_among_them():
    assert spread([3, 5, 9], None) == [3, 5, 9, 0]
    assert spread([3, 5, 9], 7) == [3, 5, 9, 0]
    assert spread(list(range(1, 101)), 4) == [1, 34, 67, 100, 0]


def test_a_class_that_no_package_declares_flows_from_the_queue_to_its_invoice(tmp_path):
    class Undeclared(connector_of(HonestHarness)):
        pass

    class Bare(HonestHarness):
        connector = Undeclared

    result = run_case(CASES["E1"], Bare, tmp_path)
    assert result.outcome == "passed", result
    with pytest.raises(PluginRefused, match="there is no connector undeclared_"):
        load_connector("undeclared_1")


def test_the_place_is_the_last_line_of_the_connectors_own_code():
    """Of the error that was raised first, where one was raised from another."""
    found = FAULTS["CallsAnOutageABug"]
    connector = found(HonestSettings(database="/nowhere/erp.db", password=Secret("wrong")), tenant="kit")
    with pytest.raises(AuthFailed) as raised:
        connector.reserve_stock(None)
    assert re.fullmatch(r"honest_erp\.py:\d+, in _erp", raised_at(raised.value, found))
    wrapped = Finding("it raised")
    wrapped.__cause__ = raised.value
    assert place_of(wrapped, found, "build_invoice") == raised_at(raised.value, found)
    assert re.fullmatch(r"hostile_outages\.py:\d+, in build_invoice", place_of(Finding("no"), found, "build_invoice"))
    assert place_of(Finding("no"), found, "list_orders") is None
    assert place_of(Finding("no"), found, None) is None


@pytest.mark.parametrize(("name", "expected"), [
    ("CutsKeysAtForty", "it keeps between 40 and 63 characters of a key of 64"),
    ("CutsInvoiceKeysAtFifty", "it keeps between 50 and 63 characters of a key of 64"),
])  # fmt: skip
def test_a_connector_that_truncates_keys_fails_with_the_length(tmp_path, name, expected):
    harness = type("Cut", (HonestHarness,), {"connector": FAULTS[name]})
    result = run_case(CASES[FAULTS[name].caught_by], harness, tmp_path)
    assert (result.outcome, expected in result.message) == ("failed", True), result


def test_a_secret_in_a_long_line_is_shown_by_its_place_and_without_itself(tmp_path):
    class Long(FAULTS["TellsThePasswordInACause"]):
        @hookimpl
        def reserve_stock(self, request):
            try:
                return HonestConnector.reserve_stock(self, request)
            except Transient as away:
                login = f"{'x' * 5000} erp://admin:{self.settings.password.get_secret_value()}@erp {'y' * 5000}"
                raise Transient(away.sentence) from ConnectionError(login)

    result = run_case(CASES["S3"], type("Wordy", (HonestHarness,), {"connector": Long}), tmp_path)
    assert result.outcome == "failed"
    assert "honest-erp-password" not in str(result)
    assert "erp://admin:********@erp" in result.message
    assert re.search(r"shown by an exception that was raised at test_suite\.py:\d+, in reserve_stock", result.message)
    assert len(result.message) < 500


def test_a_connector_that_prints_while_it_is_imported_or_called_can_still_be_killed(plugins, tmp_path):
    """The answers of the process that forks have a pipe of their own."""
    plugins.install(
        "chatty",
        "print('imported')\nfrom honest_erp import HonestConnector\n"
        "class Plugged(HonestConnector):\n"
        "    @hookimpl\n    def reserve_stock(self, request):\n"
        "        print('reserving')\n        return super().reserve_stock(request)",
    )
    harness = type("Chatty", (HonestHarness,), {"connector": "chatty", "kills": 2})
    result = run_case(CASES["K1"], harness, tmp_path)
    assert result.outcome == "passed", result


def test_a_played_back_erp_gets_only_recorded_calls(tmp_path):
    """Later cases wait for another recording, and in the old ones nothing more is looked up."""
    asked = []

    class Played(HonestHarness):
        recorded = "1.0"

        def documents(self, key):
            asked.append(key)
            return super().documents(key)

    assert run_case(CASES["I5"], Played, tmp_path).outcome == "passed"
    assert asked == [], "the amounts of five drafts came with suite 1.1"
    later = run_case(CASES["W1"], Played, tmp_path / "W1")
    assert (later.outcome, later.message) == (
        "skipped", "the recording was made with suite 1.0, but the case came in 1.1",
    )  # fmt: skip


def test_a_harness_that_names_an_unknown_version_of_the_kit_fails(tmp_path):
    result = run_case(CASES["R4"], type("Ahead", (HonestHarness,), {"suite": "9.9"}), tmp_path)
    assert (result.outcome, result.message) == ("failed", "there is no suite 9.9; this kit has 1.0, 1.1")
