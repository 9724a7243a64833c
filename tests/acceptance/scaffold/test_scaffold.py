"""`connectors new`: each generated variant is installed, linted, typed and tested as its author would do it."""

import json
import os
import pty
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import warm_processes
from author import MYPY_CACHE
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.scaffold import make

VARIANTS = {"drafts": True, "no_drafts": False}
"""By the connector's name: whether its ERP has drafts."""

LONG = "a_connector_of_thirty_letters1"
HERE = Path(sys.executable).parent


def runs(*command: str, folder: Path, **environment: str) -> str:
    """The command ends well; what it printed."""
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def beside(service: str, script: str, *, folder: Path, **environment: str) -> str:
    """The script ends well while the service runs, on a port of their own; what it printed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    service, script = (text.replace("8650", port) for text in (service, script))
    running = subprocess.Popen(
        ["sh", "-c", f"exec {service}"], cwd=folder, stdout=subprocess.PIPE, env={**os.environ, **environment}
    )
    try:
        assert running.stdout is not None
        running.stdout.readline()  # it says where it listens
        return runs("sh", "-ec", script, folder=folder, **environment)
    finally:
        running.terminate()
        running.communicate(timeout=60)


@pytest.fixture(scope="module", params=VARIANTS)
def written(request, tmp_path_factory):
    return make(request.param, tmp_path_factory.mktemp("new") / "package", {"drafts": VARIANTS[request.param]})


def test_it_is_in_style(written, tmp_path):
    made = [written.folder, make(LONG, tmp_path / "long", {"drafts": VARIANTS[written.connector]}).folder]
    for folder in made:
        runs(str(HERE / "ruff"), "check", ".", folder=folder)
        runs(str(HERE / "ruff"), "format", "--check", ".", folder=folder)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("written", ["drafts"], indirect=True)
def test_it_is_typed(written):
    """By `mypy --strict`, as its own configuration says. The other variant's README does that below."""
    runs(sys.executable, "-m", "mypy", folder=written.folder, MYPYPATH="src", **MYPY_CACHE)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("written", ["no_drafts"], indirect=True)
def test_it_installs_and_its_tests_are_green_at_once(written, author_environment):
    """Its tests run the conformance kit, and the installed command against the sandbox. With drafts: docs/tutorials/tutorial.md.

    Also linted and typed, as the README says.
    """
    path = f"{author_environment}{os.pathsep}{os.environ['PATH']}"
    develop, sandbox, sample = re.findall(r"```sh\n(.*?)```", (written.folder / "README.md").read_text(), re.DOTALL)
    printed = ""
    for line in develop.splitlines():
        printed += runs("sh", "-c", line, folder=written.folder, PATH=path, **MYPY_CACHE)
    assert " passed" in printed
    assert "Success: no issues found" in printed
    printed = runs(
        "shipperone-erp", "connectors", "test", written.connector, "--case", "R3", folder=written.folder, PATH=path
    )
    assert printed.startswith("ok    R3  a shortage names every short line")
    printed = beside(sandbox, sample, folder=written.folder, PATH=path)
    assert re.search(r"done +5", printed), printed
    printed = runs(
        "shipperone-erp", "connectors", "show", written.connector, "--json", folder=written.folder, PATH=path
    )
    shown = json.loads(printed)
    assert shown["state"] == "ok"
    hooks = {"reserve_stock", "release_stock", "build_invoice", "issue_invoice", "discard_invoice", "deliver"}
    assert set(shown["hooks"]) == {*hooks, "handle_mismatch"}


def test_it_is_complete(written):
    files = {str(path.relative_to(written.folder)) for path in written.folder.rglob("*") if path.is_file()}
    assert files >= {"pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/ci.yml", "sandbox.toml"}
    texts = "".join(path.read_text() for path in written.folder.rglob("*") if path.suffix in {".py", ".md", ".toml"})
    assert "{{" not in texts
    assert "{%" not in texts
    project = tomllib.loads((written.folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"shipperone-erp-{written.connector.replace('_', '-')}"
    assert list(project["entry-points"]["shipperone_erp.connectors"]) == [written.connector]


@pytest.mark.parametrize("author", ['Ann & "Sons"', "Zoë Čapek\\", "{{ camel }}"])
def test_an_author_is_written_as_he_writes_himself(author, tmp_path):
    made = make("acme", tmp_path / "acme", {"author": author})
    (named,) = tomllib.loads((made.folder / "pyproject.toml").read_text())["project"]["authors"]
    assert named == {"name": author}
    assert author in (made.folder / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My ERP", "try my_erp"),
        ("9lives", "try lives"),
        ("class", "is no name"),
        ("a" * 31, "at most 30"),
        ("../acme", "try acme"),
        ("acme__erp", "try"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_with_a_better_one(name, expected, tmp_path):
    with pytest.raises(UsageError, match=expected):
        make(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_existing_files_are_not_changed(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="--into"):
        make("acme", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_copier_the_package_to_install_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "copier", None)
    with pytest.raises(UsageError, match=r"pip install 'shipperone-erp\[scaffold\]'"):
        make("acme", tmp_path / "acme")


def command(*arguments: str) -> list[str]:
    return [str(warm_processes.command_for_shells() / "shipperone-erp"), "connectors", "new", *arguments]


def test_the_command_prints_the_next_step(tmp_path):
    printed = runs(*command("acme", "--no-drafts", "--author", "Ann"), folder=tmp_path)
    assert printed == (
        "wrote the connector acme into shipperone-erp-acme; now:\n  cd shipperone-erp-acme\n"
        "  pip install -e . && pytest\nIts README describes how to run it and which parts to replace.\n"
    )
    assert "no drafts" in (tmp_path / "shipperone-erp-acme/src/shipperone_erp_acme/connector.py").read_text()
    done = subprocess.run(command("generic_sql"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("a connector generic_sql is installed already;")


def on_a_terminal(folder: Path, key: bytes) -> tuple[int, str]:
    """The command asks about drafts and is answered by that key; its exit code, and what was to be seen."""
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(command("acme", "--author", "Ann"), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"draft of an invoice" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, key)
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal is closed
    os.close(ours)
    return asked.wait(timeout=60), shown.decode()


def test_on_a_terminal_missing_options_are_asked(tmp_path):
    code, shown = on_a_terminal(tmp_path, b"n")
    assert code == 0, shown
    assert "Who writes" not in shown
    assert "no drafts" in (tmp_path / "shipperone-erp-acme/src/shipperone_erp_acme/connector.py").read_text()


def test_an_interrupted_guide_has_written_nothing(tmp_path):
    code, shown = on_a_terminal(tmp_path, b"\x03")
    assert (code, list(tmp_path.iterdir())) == (2, []), shown
    assert "nothing was written" in shown
