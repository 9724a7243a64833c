"""Documentation that cannot drift: generated parts, links, and the connector of docs/connectors.md as it is printed."""

import asyncio
import re
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import docs_render  # noqa: E402
from shipperone_erp.config import load  # noqa: E402
from shipperone_erp.explanations import EXPLANATIONS  # noqa: E402
from shipperone_erp.reasons import Reason  # noqa: E402
from shipperone_erp.runtime.outcome import Ending  # noqa: E402
from shipperone_erp.runtime.runtime import Runtime  # noqa: E402
from shipperone_erp.sandbox import SandboxOrder  # noqa: E402
from shipperone_erp.sandbox.faults import KINDS  # noqa: E402

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *ROOT.glob("c*/**/README.md")])


@pytest.mark.parametrize("page", docs_render.pages(), ids=lambda page: page.name)
def test_generated_parts_are_what_the_code_says(page):
    wanted = docs_render.pages()[page]
    assert page.read_text(encoding="utf-8") == wanted, "rewrite it: PYTHONPATH=tests python tests/docs_render.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_reason_is_explained_in_sentences():
    assert set(EXPLANATIONS) == set(Reason)
    for reason, said in EXPLANATIONS.items():
        for text in (said.means, said.meanwhile, said.cure):
            assert text.endswith((".", "`")), (reason, text)
            assert text[0].isupper() or text[0] == "`", (reason, text)
            assert "{" not in text, (reason, text)


def test_every_fault_is_documented():
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []


def blocks(kind: str) -> list[str]:
    page = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def test_the_connector_of_the_page_works_as_it_is_printed(tmp_path, monkeypatch, sandbox):
    project, tenant = blocks("toml")
    (source,) = blocks("python")
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
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("erp.db")) as erp:
        erp.executescript(tables)
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
