"""The Odoo connector passes the conformance kit: on a real server, and on recordings of 18 and 19.

On a real one: the variables of integration/connectors/odoo/live/test_cases.py, a second database in ODOO_TEST_NEIGHBOUR_DB, and `nox -s odoo`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from odoo_kit import KIT, NOT_PLAYED, SEEDING, Player, Recorder, playing, read, recording_merchants, taped, written
from shipperone_erp.testing import ConnectorSuite, NotApplicable
from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.runner import run_case
from shipperone_erp_odoo.conformance import NEEDED, NEIGHBOUR, OdooHarness

FILES = {"18-jsonrpc.jsonl", "19-json2.jsonl"}
PLAYED = [case for case in CASES.values() if case.id not in NOT_PLAYED]


@pytest.mark.odoo
@pytest.mark.timeout(1500)
class TestLive(ConnectorSuite):
    harness = OdooHarness
    suite = "1.1"

    @pytest.fixture
    def conformance_live(self) -> bool:
        return True


@pytest.mark.odoo
@pytest.mark.timeout(1500)
@pytest.mark.skipif(
    os.environ.get("ODOO_RECORD") != "1", reason="recordings are kept as they are; ODOO_RECORD=1 makes new ones"
)
def test_record(tmp_path):
    tape = Recorder()
    header, merchants = recording_merchants(tape)
    failed, header["cases"] = [], []
    for case in PLAYED:
        folder = tmp_path / case.id
        folder.mkdir()
        result = run_case(case, taped(tape, merchants, case.id), folder, live=True)
        if result.outcome == "failed":
            failed.append(str(result))
            tape.cases.pop(case.id, None)
        else:
            header["cases"].append(case.id)
        written(header, tape)
    assert not failed, "\n".join(failed)


@pytest.fixture(scope="module")
def tapes():
    """By file, its header and its tape."""
    return {file.name: read(file) for file in sorted(KIT.glob("*.jsonl"))}


@pytest.fixture(scope="module")
def merchants(tapes):
    """By file, what its cases share: made by its first part."""
    return {name: playing(header, tape) for name, (header, tape) in tapes.items()}


def test_both_protocols_are_recorded_and_nothing_that_is_left_over(tapes):
    assert set(tapes) == FILES
    for _, tape in tapes.values():
        assert set(tape.cases) <= {SEEDING, *(case.id for case in PLAYED)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("file", sorted(FILES))
def test_from_recordings(file: str, case: Case, tapes, merchants, tmp_path: Path):
    header, tape = tapes[file]
    harness = taped(tape, merchants[file], case.id, header)
    result = run_case(case, harness, tmp_path, live=True)
    if result.outcome == "skipped":
        pytest.skip(result.message)
    assert result.outcome == "passed", str(result)


@pytest.mark.parametrize("wrong", ["another content", "another sequence", "one too few", "one too many"])
@pytest.mark.parametrize("id", ["R1", "S2"])
def test_an_outdated_recording_fails_with_the_command_to_record_again(id, wrong, tapes, tmp_path):
    """S2 looks only for secrets in errors: a swallowed error is reported all the same."""
    file = "18-jsonrpc.jsonl"
    header, tape = tapes[file]
    kept = [dict(one) for one in tape.cases[id]]
    if wrong == "another content":
        kept[-1]["request"] = [*kept[-1]["request"], "more"]
    elif wrong == "another sequence":
        place = next(n for n in range(len(kept) - 1) if kept[n]["request"] != kept[n + 1]["request"])
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    elif wrong == "one too few":
        kept.pop()
    else:
        kept.append(kept[-1])
    changed = Player({**tape.cases, id: kept})
    harness = taped(changed, playing(header, changed), id, header)
    result = run_case(CASES[id], harness, tmp_path, live=True)
    assert result.outcome == "failed"
    assert f"{id}: " in result.message
    assert "ODOO_RECORD=1 nox -s odoo -- tests/integration/connectors/odoo/test_conformance.py" in result.message


def test_without_a_server_the_test_is_skipped_with_the_setting_it_needs(tmp_path, monkeypatch):
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ODOO_TEST_DB", "test")
    result = run_case(CASES["R1"], OdooHarness, tmp_path, live=True)
    missing = "ODOO_TEST_URL, ODOO_TEST_USER, ODOO_TEST_PASSWORD"
    assert (result.outcome, result.message) == ("skipped", f"it needs a test database of a real Odoo: set {missing}")


def test_a_database_without_a_second_one_has_no_neighbour(tmp_path, monkeypatch):
    monkeypatch.delenv(NEIGHBOUR, raising=False)
    with pytest.raises(NotApplicable, match=f"set {NEIGHBOUR}"):
        OdooHarness(tmp_path).neighbour(tmp_path)


def test_the_package_declares_its_harness_and_offline_only_the_class_is_looked_at():
    done = subprocess.run(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "connectors", "test", "odoo"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "odoo, suite 1.1: 4 passed, 0 failed, 87 skipped; it conforms, as far as it was tested" in done.stdout
    assert "because it uses a real ERP: run it with --live" in done.stdout
