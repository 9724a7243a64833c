"""The files that docs/how-to/deployment.md, operations.md and security.md print: the TOML loads, the unit and the Dockerfile hold.

Every fenced block of these pages is of a kind that some test looks at.
"""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main

from places import ROOT, page_file
from release import DIST, PACKAGES, project
from shipperone_erp.cli.app import app
from shipperone_erp.config import load
from shipperone_erp_generic_sql import recipe

PAGES = [page_file(f"{name}.md") for name in ("operations", "deployment", "security")]
CHECKED = {"console", "toml", "ini", "dockerfile"}
DOCKERFILE = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
ANALYZE = shutil.which("systemd-analyze")


def blocks(kind: str, page: str = "deployment") -> list[str]:
    text = page_file(f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_checked(page):
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= CHECKED
    assert set(fences[1::2]) == {""}


@pytest.fixture
def unit():
    """The unit's sections: each setting with all its values, since some stand more than once."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    (text,) = blocks("ini")
    parser.read_string(text)
    return parser


def written(folder: Path, runtime: str) -> Path:
    """The page's first TOML with the statements that it leaves out, or with this `[runtime]` in the place of its own."""
    text, statements = blocks("toml")[0], recipe("guarded", "sqlite").toml
    header = "[tenants.acme.generic_sql]"
    text = text[: text.index(header)] + statements[statements.index(header) :]
    file = folder / "shipperone-erp.toml"
    file.write_text(runtime + text[text.index("[tenants.acme]") :] if runtime else text, encoding="utf-8")
    return file


def takes_effect(line: str) -> None:
    """A command line of the service, by its words: it exists, and knows these options."""
    program, *words = line.split()
    assert Path(program).name == "shipperone-erp"
    command = typer.main.get_command(app)
    context = command.make_context("shipperone-erp", list(words), resilient_parsing=True)
    name, inner, rest = command.resolve_command(context, [*words])
    inner.make_context(name, rest, parent=context, resilient_parsing=False).close()


def test_the_toml_loads_with_the_credentials_that_the_unit_hands_over(unit, tmp_path):
    handed = [line.partition(":")[0] for line in unit["Service"]["LoadCredential"].splitlines()]
    for name in handed:
        (tmp_path / name).write_text("a-token")
    named = tomllib.loads(blocks("toml")[0])["tenants"]
    assert [tenant["token"]["credential"] for tenant in named.values()] == handed
    loaded = load(written(tmp_path, ""), environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (list(loaded.tenants), loaded.warnings) == (["acme"], ())
    assert loaded.runtime.ledger.startswith(f"sqlite:////var/lib/{unit['Service']['StateDirectory']}/")


def test_the_ledgers_address_comes_from_the_environment(tmp_path):
    (tmp_path / "acme-token").write_text("a-token")
    address = "postgresql+psycopg://shipperone_erp:secret@db.example/shipperone_erp"
    environment = {"SHIPPERONE_ERP_LEDGER": address, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(written(tmp_path, blocks("toml")[1]), environment=environment).runtime.ledger == address


def test_the_unit_starts_the_service_and_gives_it_time_to_stop(unit):
    service = unit["Service"]
    takes_effect(service["ExecStart"])
    assert service["ExecStart"].split()[-1] == "/etc/shipperone-erp/shipperone-erp.toml"
    assert int(service["TimeoutStopSec"]) > 30
    assert service["RestartPreventExitStatus"] == "78"


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed; the unit is parsed above all the same")
def test_systemd_accepts_every_setting_of_the_unit(tmp_path):
    (text,) = blocks("ini")
    file = tmp_path / "shipperone-erp.service"
    text = re.sub(r"/opt/\S+/shipperone-erp ", f"{sys.executable} ", text).replace("User=shipperone-erp", "User=root")
    file.write_text(text, encoding="utf-8")
    printed = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in printed.stderr.splitlines() if "shipperone-erp.service" in line]
    assert ours == []
    file.write_text(text.replace("ProtectHome=", "ProtectHouse="), encoding="utf-8")
    printed = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "ProtectHouse" in printed.stderr, "it would say so"


def test_the_dockerfile_copies_what_is_built_and_runs_the_service_as_nobody_in_particular():
    (text,) = blocks("dockerfile")
    assert text == (ROOT / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line.partition(" ") for line in text.splitlines() if line.strip()]
    assert lines[0][0] == "FROM"
    assert {word for word, _, _ in lines} <= DOCKERFILE
    instructions = {word: rest for word, _, rest in lines}
    assert re.fullmatch(r"python:3\.\d+-slim", instructions["FROM"])
    assert instructions["COPY"].split()[0] == f"{DIST.name}/", "what `nox -s release` builds"
    installed = re.findall(r"shipperone-erp[a-z-]*", next(rest for word, _, rest in lines if "pip install" in rest))
    assert {*installed} <= {project(package)["name"] for package in PACKAGES}
    assert int(instructions["USER"]) > 0
    assert instructions["STOPSIGNAL"] == "SIGTERM"
    takes_effect(" ".join([*json.loads(instructions["ENTRYPOINT"]), *json.loads(instructions["CMD"])]))
