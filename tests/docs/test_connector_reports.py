"""The pages of the connectors, docs/connector-*.md: made from the code and from reports that are not out of date."""

import pytest

from connector_reports import HOW, harness_for, report_of
from docs_render import connector_page_file
from shipperone_erp.connector import discovery, plugin_checks
from shipperone_erp.connector.installed import CONNECTORS, installed
from shipperone_erp.testing import SUITE
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.harness import declared
from shipperone_erp.testing.runner import connector_of

AGAIN = "run it again: python tests/support/connector_reports.py"


def test_each_connector_of_this_repository_has_a_page():
    ours = {found.name for found in installed(CONNECTORS) if found.distribution.startswith("shipperone-erp-")}
    assert ours == set(HOW)


@pytest.mark.parametrize("name", HOW)
def test_a_report_is_of_todays_suite_and_leaves_out_what_the_connector_leaves_out(name):
    """Of a connector whose capabilities, hooks or departures have changed, another case is skipped."""
    kept = report_of(name)
    assert kept["suite"] == SUITE, AGAIN
    assert [(case["id"], case["line"]) for case in kept["cases"]] == [(one.id, one.line) for one in CASES.values()], (
        AGAIN
    )
    assert [case["id"] for case in kept["cases"] if case["outcome"] in ("failed", "warned")] == []
    skipped = {case["id"]: case["said"] for case in kept["cases"] if case["outcome"] == "skipped"}
    for case in CASES.values():
        harness = harness_for(name, case)
        found = connector_of(harness)
        why = case.lacking(plugin_checks.overridden(found), declared(harness, found))
        if case.id in harness.departures:
            why = f"the connector departs from it: {harness.departures[case.id]}"
        elif why is not None:
            assert skipped.get(case.id) in (why, _older(harness.recorded, case.since)), AGAIN
            continue
        if why is not None:
            assert skipped.get(case.id) == why, AGAIN


@pytest.mark.parametrize("name", HOW)
def test_a_page_has_settings_capabilities_and_what_the_suite_has_found(name):
    text = connector_page_file(name).read_text(encoding="utf-8")
    described = discovery.describe(name)
    assert all(f"| `{key}` |" in text for key in described["settings"])
    assert all(f"| `{one}` | yes |" in text for one in described["capabilities"])
    assert f"{report_of(name)['published']}." in text
    assert HOW[name] in text


def _older(recorded: str | None, since: str) -> str:
    return f"the recording was made with suite {recorded}, but the case came in {since}"
