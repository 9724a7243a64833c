"""Text from outside cannot steer a terminal, forge a row, run as a formula or hide a blank; its files are private."""

import csv
import io
import json
import logging
import os
import stat

import pytest

from shipperone_erp.cli.logs import JsonLines, TextLines
from shipperone_erp.cli.options import print_json, print_text, say
from shipperone_erp.cli.tables import print_table
from shipperone_erp.kernel import csv_files, private_files
from shipperone_erp.kernel.errors import ConfigurationError, Problem
from shipperone_erp.kernel.printable import as_cell, json_document, label, lines, one_line

HOSTILE = {
    "a colour": ("\x1b[31mred", "\\x1b[31mred"),
    "a C1 control": ("\x9b2J", "\\x9b2J"),
    "a line break": ("A\nFO-2 done", "A\\nFO-2 done"),
    "a carriage return": ("A\rB", "A\\rB"),
    "a tab": ("A\tB", "A\\tB"),
    "NUL": ("A\0B", "A\\x00B"),
    "a backspace": ("A\bB", "A\\x08B"),
    "DEL": ("A\x7fB", "A\\x7fB"),
    "a line separator": ("A\u2028B", "A\\u2028B"),
    "a reversed reading direction": ("A\u202egpj.exe", "A\\u202egpj.exe"),
    "an isolate": ("A\u2066B", "A\\u2066B"),
    "a zero-width blank": ("MUG\u200b", "MUG\\u200b"),
    "a byte order mark": ("\ufeffMUG", "\\ufeffMUG"),
    "an invisible letter": ("MUG\u3164", "MUG\\u3164"),
    "a tag": ("A\U000e0041", "A\\U000e0041"),
    "half a surrogate pair": ("A\ud800", "A\\ud800"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_terminal_control_characters_are_shown_escaped(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize("text", ["MUG", "Ľubica Nováková", "10 × 4,99 €", "茶", "1\u00a0234,00", "👍🏽", ""])
def test_ordinary_text_is_printed_unchanged(text):
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("sku", "shown"),
    [("MUG", "MUG"), ("MUG ", "'MUG '"), (" MUG", "' MUG'"), ("", "''"), ("A B", "A B"), ("MUG\u00a0", "'MUG\\xa0'"),
     ("A\u00a0B", "'A\\xa0B'"), ("MUG\n", "'MUG\\n'"), ("Ž\u200b", "Ž\\u200b")],
)  # fmt: skip
def test_a_blank_at_the_end_of_a_sku_is_seen(sku, shown):
    assert label(sku) == shown


def test_a_cell_of_a_table_shows_blanks_at_its_ends_and_an_empty_one_is_empty():
    assert [as_cell(text) for text in ("FO-1 ", "FO-1", "")] == ["'FO-1 '", "FO-1", ""]


@pytest.mark.parametrize("text", [text for text, _ in HOSTILE.values()], ids=HOSTILE)
def test_a_json_document_escapes_terminal_control_characters(text):
    document = json_document(json.dumps({"sku": text, "name": "Nováková"}, indent=2, ensure_ascii=False))
    assert json.loads(document) == {"sku": text, "name": "Nováková"}
    assert all(line.isprintable() for line in document.split("\n"))
    assert "Nováková" in document


def test_a_value_forges_no_row_of_a_table_and_no_line_of_a_message(capsys):
    print_table(["order", "state"], [["FO-1\nFO-2  done", "held"]])
    print_text("acme: a\nacme: b")
    say("acme: c\nacme: d\x1b[2J")
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["FO-1\\nFO-2  done  held", "acme: a\\nacme: b"]
    assert err == "acme: c\\nacme: d\\x1b[2J\n"


def test_json_on_the_terminal_has_no_control_character(capsys):
    print_json([{"order_id": "FO-\x9b31m1\u202e"}])
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == [{"order_id": "FO-\x9b31m1\u202e"}]


def record(message, exc_info=None):
    return logging.LogRecord("shipperone_erp.run", logging.INFO, "f", 1, message, None, exc_info)


def test_a_text_log_record_is_always_one_line():
    line = TextLines().format(record("acme invoice FO-1 held: <title>x\n12:00:00 acme invoice FO-2 done\x1b]0;"))
    assert line.endswith("<title>x\\n12:00:00 acme invoice FO-2 done\\x1b]0;")
    assert line.isprintable()


def test_a_traceback_in_the_log_is_set_in_so_that_it_forges_no_line():
    try:
        raise ValueError("x\n12:00:00 acme invoice FO-2 done\x1b[2J")
    except ValueError as error:
        first, *more = TextLines().format(record("acme: a fault", (ValueError, error, error.__traceback__))).split("\n")
    assert first.endswith(" acme: a fault")
    assert more
    assert all(line.startswith("    ") and line.isprintable() for line in more)


def test_a_json_log_line_escapes_control_characters():
    line = JsonLines().format(record("a\x9b\u2028b\nc"))
    assert line.isprintable()
    assert json.loads(line)["message"] == "a\x9b\u2028b\nc"


def test_a_key_of_the_toml_forges_no_line_of_the_problems():
    problem = Problem("c.toml", 3, "tenants.a\nc.toml:9: all is well\x1b[2J", "unknown setting")
    assert str(ConfigurationError((problem,))).splitlines() == [
        "1 problem in the configuration; nothing was started:",
        "  c.toml:3: tenants.a\\nc.toml:9: all is well\\x1b[2J: unknown setting",
    ]


def test_a_cause_of_several_lines_keeps_them_and_loses_its_control_characters():
    assert lines(str(Problem("c.toml", 3, "url", "not SQL\n    SELEKT\x1b\n    ^^^^^^"))) == [
        "c.toml:3: url: not SQL", "    SELEKT\\x1b", "    ^^^^^^",
    ]  # fmt: skip


def read_by(text, separator):
    """The cells as a spreadsheet has them that splits at this separator, and takes a quote inside a cell as it is."""
    return [cell.strip().strip('"').lstrip() for line in text.splitlines() for cell in line.split(separator)]


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\n=1", "\r\n=1", "\t=1", "  =1", "\u00a0=1", "\ufeff=1", "\u200b=1",
            "＝1", "＋1", "－1", "＠SUM", "﹦1", "−1+A1", "a;=1", "a; =1", 'a;"=1"', "a|=1", "a\n=1", '"=1', "a;\t=1",
            "a;+1", "x;-1+A1;y", "\x00=1", ";=1"]  # fmt: skip
SIGNS = tuple("=+-@＝＋－＠﹦﹣﹢﹫−")


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_cell_runs_as_a_formula_with_any_separator(text):
    written = io.StringIO()
    csv.writer(written).writerow(["x", csv_files.cell(text), "y"])
    (row,) = csv.reader(io.StringIO(written.getvalue()))
    found = [row[1].strip(), *read_by(written.getvalue(), ";"), *read_by(written.getvalue(), "|"),
             *read_by(written.getvalue(), "\t")]  # fmt: skip
    assert not [cell for cell in found if cell.startswith(SIGNS)], found


@pytest.mark.parametrize("text", ["FO-1", "10.00 - 2.00", "a;b", "-5.00", "+3", "a, -1 left", "5 - 3; 4", "x=1"])
def test_a_text_that_is_no_formula_is_written_unchanged(text):
    assert csv_files.cell(text) == text


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_a_csv_file_is_readable_by_its_owner_alone_under_any_umask(tmp_path, before):
    file = tmp_path / "out.csv"
    if before is not None:
        file.write_text("an earlier one")
        file.chmod(before)
    umask = os.umask(0)
    try:
        csv_files.write(file, ["order", "sum"], [["FO-1", "10.00"], ["=FO", None]])
    finally:
        os.umask(umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text(encoding="utf-8-sig") == "order,sum\nFO-1,10.00\n'=FO,\n"


def test_a_new_private_file_overwrites_nothing(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("kept")
    with pytest.raises(FileExistsError), private_files.written(file, new=True):
        pass
    assert file.read_text() == "kept"
