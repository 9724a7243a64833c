"""Connectors that cannot be used are refused when they are loaded, each fault with its own sentence (G1, G2, G3, G8)."""

import json
import logging
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from installed_plugins import InstalledPlugins
from shipperone_erp import API_VERSION
from shipperone_erp.connector import discovery, plugin_checks
from shipperone_erp.connector.installed import CONNECTORS, installed
from shipperone_erp.kernel.errors import PluginRefused

GOOD = "@hookimpl\ndef reserve_stock(self, request): return Reserved('R')"


def refusal(name: str = "acme") -> str:
    with pytest.raises(PluginRefused) as raised:
        discovery.load_connector(name)
    return str(raised.value)


def test_a_connector_from_the_designs_words_alone_is_accepted(plugins: InstalledPlugins):
    plugins.connector("acme")
    assert plugin_checks.overridden(discovery.load_connector("acme")) == {
        "reserve_stock",
        "build_invoice",
        "issue_invoice",
    }


@pytest.mark.case("G1")
def test_a_connector_that_raises_at_import_is_shown_and_breaks_no_other(plugins: InstalledPlugins):
    plugins.install("broken", "raise RuntimeError('password=hunter2')")
    message = refusal("broken")
    assert message.startswith("connector broken (broken 1.0) cannot be imported: RuntimeError in ")
    assert message.endswith("broken_module.py, line 3; reinstall it, or ask its author")
    assert "hunter2" not in message
    assert discovery.load_connector("counting").__name__ == "CountingConnector"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import no_such_module", "ModuleNotFoundError (there is no module no_such_module) in "),
        ("from json import loadz", "ImportError (json has no loadz) in "),
        ("import json\njson.loadz", "AttributeError (json has no attribute loadz) in "),
        ("Plugged = Conector", "NameError (Conector is not defined) in "),
        ("raise ImportError('password=hunter2')", "ImportError in "),
        ("class Plugged(:", "SyntaxError in "),
    ],
)
def test_a_missing_import_is_named_with_its_place(plugins: InstalledPlugins, source, expected):
    plugins.install("broken", source)
    message = refusal("broken")
    assert f"cannot be imported: {expected}" in message
    assert re.search(r"broken_module\.py, line \d; reinstall it", message), message
    assert "hunter2" not in message


@pytest.mark.case("G1")
def test_listing_shows_the_broken_one_and_why(plugins: InstalledPlugins):
    plugins.install("broken", "import no_such_module")
    plugins.connector("acme")
    rows = {row["connector"]: row for row in map(discovery.describe, ("acme", "broken"))}
    assert (rows["acme"]["state"], rows["acme"]["version"], rows["acme"]["api"]) == ("ok", "1.0", ">=1,<2")
    assert "cannot be imported: ModuleNotFoundError" in rows["broken"]["state"]
    assert rows["broken"]["hooks"] == []


@pytest.mark.case("G1")
def test_only_what_a_tenant_names_is_imported(plugins: InstalledPlugins, tmp_path: Path):
    plugins.install("trap", f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    plugins.connector("acme")
    assert "trap" in {found.name for found in installed(CONNECTORS)}
    discovery.load_connector("acme")
    assert not (tmp_path / "imported").exists()


@pytest.mark.case("G2")
def test_two_packages_that_claim_one_name_are_both_named(plugins: InstalledPlugins):
    plugins.connector("first", name="acme")
    plugins.connector("second", name="acme")
    assert refusal() == "two packages claim the connector acme: first 1.0 and second 1.0; uninstall one of them"
    assert discovery.describe("acme")["package"] == "first and second"


@pytest.mark.case("G2")
def test_the_same_package_found_twice_on_the_path_is_one(plugins: InstalledPlugins):
    plugins.connector("acme")
    sys.path.append(plugins.paths[0])
    try:
        assert discovery.load_connector("acme").__name__ == "Plugged"
    finally:
        sys.path.reverse()
        sys.path.remove(plugins.paths[0])
        sys.path.reverse()


HOSTILE = {
    "misspelt hook": (
        "@hookimpl\ndef reserve_stok(self, request): ...",
        "reserve_stok is marked @hookimpl, but is not a hook; did you mean reserve_stock?",
    ),
    "misspelt argument": (
        "@hookimpl\ndef reserve_stock(self, req): ...",
        "reserve_stock takes (req); its one argument is named request: def reserve_stock(self, request)",
    ),
    "the argument of a batch form": (
        "@hookimpl\ndef reserve_stock_batch(self, request): ...",
        "its one argument is named requests: def reserve_stock_batch(self, requests)",
    ),
    "the argument of handle_mismatch": (
        "@hookimpl\ndef handle_mismatch(self, request): ...",
        "its one argument is named mismatch: def handle_mismatch(self, mismatch)",
    ),
    "no argument": ("@hookimpl\ndef deliver(self): ...", "deliver takes (nothing); its one argument is named request"),
    "another argument beside": (
        "@hookimpl\ndef deliver(self, request, again=False): ...",
        "deliver takes (request, again=False); its one argument is named request",
    ),
    "async": (
        "@hookimpl\nasync def deliver(self, request): ...",
        "deliver is `async def`; hooks are ordinary blocking functions that run in threads",
    ),
    "a generator": ("@hookimpl\ndef deliver(self, request):\n    yield", "deliver has a `yield`; a hook returns its answer"),
    "keyword-only": (
        "@hookimpl\ndef deliver(self, *, request): ...",
        "deliver takes request as keyword-only; declare it as an ordinary parameter",
    ),
    "a default": (
        "@hookimpl\ndef deliver(self, request=None): ...",
        "deliver gives request a default; pluggy would never pass the request: leave the default out",
    ),
    "an override without the mark": (
        "def deliver(self, request): ...",
        "deliver overrides a hook without @hookimpl and would never be called; add @hookimpl",
    ),
    "a static method": ("@staticmethod\n@hookimpl\ndef deliver(request): ...", "deliver is a staticmethod; a hook is an ordinary method"),
    "a class method": ("@classmethod\n@hookimpl\ndef deliver(cls, request): ...", "deliver is a classmethod; a hook is an ordinary method"),
    "a property": ("@property\ndef deliver(self): ...", "deliver is a property; a hook is an ordinary method"),
    "a value": ("deliver = None", "deliver is a NoneType; a hook is an ordinary method"),
    "a wrapper": (
        "@hookimpl(wrapper=True)\ndef deliver(self, request):\n    return (yield)",
        "deliver",
    ),
    "an __init__ of its own": (
        "def __init__(self): ...",
        "its __init__ must take (settings, *, tenant, log); better leave it out and use self.settings, self.tenant, self.log",
    ),
    "a policy's hook": (
        "@hookimpl\ndef before_build(self, request): ...",
        "before_build is marked @hookimpl, but is not a hook; they are ",
    ),
}  # fmt: skip


@pytest.mark.case("G3")
@pytest.mark.parametrize("case", HOSTILE)
def test_each_malformed_connector_has_its_own_sentence(plugins: InstalledPlugins, case):
    body, sentence = HOSTILE[case]
    plugins.connector("acme", body)
    message = refusal()
    assert message.startswith("connector acme (acme 1.0): ")
    assert sentence in message


@pytest.mark.case("G3")
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class C(Connector[ConnectorSettings]): ...\nPlugged = C(None, tenant='t')",
         "acme_module:Plugged is an instance of C; the entry point must name the class, a subclass of Connector"),
        ("Plugged = 5", "acme_module:Plugged is a int; the entry point must name the class"),
        ("class Plugged: ...", "acme_module:Plugged is not a subclass of shipperone_erp.Connector"),
        ("class Plugged(Policy[ConnectorSettings]): ...", "acme_module:Plugged is not a subclass of shipperone_erp.Connector"),
        ("class Plugged(Connector[ConnectorSettings]): api = '>=2'",
         f"it was written for the connector API >=2, and this core has {API_VERSION}; upgrade one of them"),
        ("class Plugged(Connector[ConnectorSettings]): api = 'newest'",
         "api = 'newest' is not a range of versions, such as '>=1,<2'"),
        ("class Plugged(Connector[ConnectorSettings]): api = 1", "api = 1 is not a range of versions, such as '>=1,<2'"),
    ],
)  # fmt: skip
def test_an_entry_point_that_is_no_connector_class_is_refused(plugins: InstalledPlugins, source, sentence):
    plugins.install("acme", source)
    assert sentence in refusal()


@pytest.mark.case("G3")
def test_an_entry_point_that_leads_nowhere(plugins: InstalledPlugins):
    plugins.install("acme", "", value="acme_module:NotThere")
    assert "cannot be imported: AttributeError (acme_module has no attribute NotThere)" in refusal()


@pytest.mark.case("G8")
def test_a_package_without_metadata_does_not_break_the_listing(plugins: InstalledPlugins):
    plugins.connector("acme")
    metadata = next(Path(plugins.paths[0]).glob("*.dist-info")) / "METADATA"
    metadata.unlink()
    names = [found.name for found in installed(CONNECTORS)]
    assert "acme" in names
    assert "counting" in names


@pytest.mark.case("G8")
def test_a_connector_that_was_just_installed_is_found_and_no_cache_is_written(
    plugins: InstalledPlugins, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(PluginRefused):
        discovery.load_connector("acme")
    plugins.connector("acme")
    assert discovery.load_connector("acme").__name__ == "Plugged"
    assert not list(tmp_path.rglob("python-entrypoints*"))


@pytest.mark.case("G8")
def test_stevedore_neither_swallows_nor_logs_a_load_error(plugins: InstalledPlugins, caplog):
    plugins.install("broken", "1 / 0")
    with caplog.at_level(logging.DEBUG, "stevedore"):
        assert "ZeroDivisionError" in refusal("broken")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_uninstalled_connector_lists_the_installed_ones():
    assert refusal("generic-sql").startswith(
        "there is no connector generic-sql; did you mean generic_sql? (installed: counting, counting_bare,"
    )


def test_commands_work_beside_a_broken_connector(plugins: InstalledPlugins):
    plugins.install("broken", "raise SystemExit(9)")
    began = time.monotonic()
    listed = subprocess.run(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "connectors", "list", "--json"],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": plugins.paths[0], "PATH": ""}, timeout=60,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    states = {row["connector"]: row["state"] for row in json.loads(listed.stdout)}
    assert "SystemExit" in states["broken"]
    assert states["generic_sql"] == "ok"
    assert time.monotonic() - began < 30
