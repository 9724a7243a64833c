"""Documentation that cannot drift: generated parts, links, and the connector of docs/reference/connectors.md as it is printed."""

import asyncio
import re
import sqlite3
import sys
import tomllib
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from types import SimpleNamespace
from typing import ClassVar

import pytest

import docs_render
import places
from places import ROOT, page_file
from shipperone_erp import FreeStock, Goods, Option, Question, Setup, SetupDone
from shipperone_erp.config import load
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.explanations import EXPLANATIONS
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.sandbox import SandboxOrder
from shipperone_erp.sandbox.faults import KINDS
from shipperone_erp.testing import ConnectorHarness, ErpDocument, ErpLine
from shipperone_erp.testing.runner import not_compared, run_all

PAGES = sorted([*places.PAGES, ROOT / "README.md", *ROOT.glob("c*/**/README.md")])


def test_generated_parts_match_the_code():
    stale = [page.name for page, wanted in docs_render.pages().items() if page.read_text(encoding="utf-8") != wanted]
    assert not stale, "rewrite them: python tests/support/docs_render.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_reason_is_explained_in_sentences():
    assert set(EXPLANATIONS) == set(Reason)
    for reason, explanation in EXPLANATIONS.items():
        for text in (explanation.means, explanation.meanwhile, explanation.cure):
            assert text.endswith((".", "`")), (reason, text)
            assert text[0].isupper() or text[0] == "`", (reason, text)
            assert "{" not in text, (reason, text)


def test_every_fault_is_documented():
    page = page_file("sandbox.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []


def blocks(kind: str) -> list[str]:
    page = page_file("connectors.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.fixture
def printed(tmp_path, monkeypatch) -> str:
    """The connector of the page is installed as it is printed; its tables."""
    project, _ = blocks("toml")
    source, _, _ = blocks("python")
    (tables,) = blocks("sql")
    package = tmp_path / "package"
    points = tomllib.loads(project)["project"]["entry-points"]["shipperone_erp.connectors"]
    metadata = package / "acme_erp-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-erp\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[shipperone_erp.connectors]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    (package / "acme_erp.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delitem(sys.modules, "acme_erp", raising=False)
    return tables


def test_the_connector_of_the_page_works_as_it_is_printed(tmp_path, monkeypatch, sandbox, printed):
    _, tenant = blocks("toml")
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("erp.db")) as erp:
        erp.executescript(printed)
        erp.execute("INSERT INTO stock VALUES ('MUG', 5, 0)")
        erp.commit()
    where = f'base_url = "{sandbox.base_url}"\ntoken = "{sandbox.token}"\nstock_retry = "1h"\n'
    file = tmp_path / "shipperone-erp.toml"
    file.write_text('[runtime]\nledger = "sqlite:///ledger.db"\n' + tenant.replace('"acme"\n', f'"acme"\n{where}', 1))
    sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 3, "10.00")))
    sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 3, "10.00"), first_id=50))

    async def run() -> Ending:
        async with Runtime(load(file)) as runtime:
            return (await runtime.once())["acme"].ending

    assert asyncio.run(run()) is Ending.FINISHED
    with closing(sqlite3.connect("erp.db")) as erp:
        assert erp.execute("SELECT reserved FROM stock").fetchall() == [(3,)], "the other order waits for stock"
        assert erp.execute("SELECT number, total FROM invoices").fetchall() == [(1, "34.99")]


def test_the_questions_on_the_page_match_those_asked(tmp_path):
    _, source, _ = blocks("python")
    names = {"Setup": Setup, "SetupDone": SetupDone, "Question": Question, "Option": Option}
    names["warehouses_in"] = lambda file: [("main", "Bratislava")] if file == tmp_path / "erp.db" else []
    exec(source, names)
    ask = names["setup"].__func__
    assert ask(None, Setup("acme", tmp_path)).name == "file"
    second = ask(None, Setup("acme", tmp_path, answers={"file": "erp.db"}))
    assert second.options == (Option("main", "Bratislava"),)
    done = ask(None, Setup("acme", tmp_path, answers={"file": "erp.db", "warehouse": "main"}))
    assert done == SetupDone({"file": "erp.db", "warehouse": "main"})


def test_free_stock_is_returned_as_the_page_prints_it():
    _, _, source = blocks("python")
    names = {"Sequence": Sequence, "Goods": Goods, "FreeStock": FreeStock, "Reason": Reason}
    exec(source, names)
    erp = SimpleNamespace(stock_of=lambda sku, _: SimpleNamespace(on_hand=5, reserved=2) if sku == "MUG" else None)
    mug, cup = names["free_stock"](erp, [Goods("MUG", "main"), Goods("CUP", "main")])
    assert (mug.free, cup.free, cup.reason) == (3, None, Reason.PRODUCT_UNKNOWN)


class PrintedHarness(ConnectorHarness):
    """The page's ERP: one warehouse, no drafts, and a library in this very process."""

    connector = "acme"
    suite = "1.1"
    departures: ClassVar = {
        "L8": "a SQLite file has no users whose rights could be taken away",
        "U5": "SQLite is a library in this very process: no answer can be lost between it and the connector",
    }
    tables = ""
    _lock = None

    @property
    def file(self):
        return self.folder / "erp.db"

    def set_up(self):
        with closing(sqlite3.connect(self.file)) as erp:
            erp.executescript(self.tables)

    def tear_down(self):
        self.mend_connection()

    def settings(self):
        return {"file": str(self.file)}

    def add_product(self, sku, on_hand, warehouse):
        new = (
            "INSERT INTO stock (sku, on_hand) VALUES (?, ?) ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand"
        )
        self._ask(new, sku, int(on_hand))

    def on_hand(self, sku, warehouse):
        return self._ask("SELECT on_hand FROM stock WHERE sku = ?", sku)[0][0] if self._is_ours(warehouse) else 0

    def reserved(self, sku, warehouse):
        return self._ask("SELECT reserved FROM stock WHERE sku = ?", sku)[0][0] if self._is_ours(warehouse) else 0

    def _is_ours(self, warehouse):
        return warehouse != self.other_warehouse  # the page's ERP has one, and looks at no code

    def documents(self, key):
        held = self._ask("SELECT key FROM reservations WHERE key = ?", key)
        issued = self._ask("SELECT number, total, currency, buyer FROM invoices WHERE key = ?", key)
        return [
            *(ErpDocument("reservation", "live", name) for (name,) in held),
            *(
                ErpDocument(
                    "invoice",
                    "issued",
                    f"INV-{number}",
                    str(number),
                    Decimal(total),
                    currency,
                    buyer,
                    self._lines(number),
                )
                for number, total, currency, buyer in issued
            ),
        ]

    def _lines(self, number):
        rows = self._ask("SELECT item_id, qty, total, tax_percent FROM invoice_lines WHERE number = ?", number)
        return tuple(ErpLine(item_id, None, *map(Decimal, figures)) for item_id, *figures in rows)

    def break_connection(self):
        self._lock = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
        self._lock.execute("BEGIN EXCLUSIVE")

    stall_connection = break_connection

    def fail_commit(self):
        self._lock = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
        self._lock.execute("BEGIN")
        self._lock.execute("SELECT * FROM stock").fetchall()

    def mend_connection(self):
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _ask(self, sql, *values):
        with closing(sqlite3.connect(self.file, timeout=20)) as erp, erp:
            return erp.execute(sql, values).fetchall()


@pytest.mark.timeout(300)
def test_the_connector_of_the_page_passes_the_conformance_kit(tmp_path, monkeypatch, printed):
    monkeypatch.setattr(PrintedHarness, "tables", printed)
    results = {result.case.id: result for result in run_all(PrintedHarness, tmp_path / "kit")}
    assert [str(result) for result in results.values() if result.outcome in ("failed", "warned")] == []
    (tmp_path / "look").mkdir()
    assert not_compared(PrintedHarness, tmp_path / "look") == (), "everything is compared in the ERP itself"
    assert {"R2", "R5", "R6", "I4", "U1", "K1", "K4", "E1", "E2"} <= {
        id for id, result in results.items() if result.outcome == "passed"
    }
