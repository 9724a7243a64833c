"""The connector API does not break by accident: versions are compared, deprecations reported, exports compared."""

import os
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import api_surface
import api_types
import shipperone_erp
from installed_plugins import InstalledPlugins
from places import ROOT
from shipperone_erp import API_VERSION, Connector, Done
from shipperone_erp.connector import deprecations, discovery
from shipperone_erp.connector.deprecations import ConnectorDeprecation, Deprecation
from shipperone_erp.connector.installed import plugin_of
from shipperone_erp.kernel.errors import PluginRefused

CONNECTORS = sorted((ROOT / "connectors").glob("*/pyproject.toml"))


@pytest.fixture
def from_the_future(plugins: InstalledPlugins) -> InstalledPlugins:
    plugins.connector("acme", "api = '>=2,<3'")
    return plugins


def test_a_range_that_excludes_this_core_is_refused_with_both_versions_and_the_way_out(from_the_future):
    with pytest.raises(PluginRefused) as raised:
        discovery.load_connector("acme")
    assert str(raised.value) == (
        f"connector acme (acme 1.0): it was written for the connector API >=2,<3, and this core has {API_VERSION}; "
        "upgrade one of them, or set SHIPPERONE_ERP_IGNORE_API=acme to run it anyway"
    )


def test_an_incompatible_connector_named_in_the_ignore_variable_loads_with_a_warning(from_the_future, monkeypatch):
    monkeypatch.setenv("SHIPPERONE_ERP_IGNORE_API", "other, acme")
    with pytest.warns(UserWarning, match=r"written for the connector API >=2,<3.* SHIPPERONE_ERP_IGNORE_API names it"):
        assert discovery.load_connector("acme").__name__ == "Plugged"
    monkeypatch.setenv("SHIPPERONE_ERP_IGNORE_API", "other")
    with pytest.raises(PluginRefused):
        discovery.load_connector("acme")


def test_overriding_a_deprecated_hook_warns_when_the_connector_is_loaded(plugins, monkeypatch):
    plugins.connector("acme", "@hookimpl\ndef deliver(self, request): return Done()")
    monkeypatch.setattr(Connector.deliver, deprecations.MARK, Deprecation("deliver_goods", "2.0"), raising=False)
    with pytest.warns(ConnectorDeprecation) as warned:
        discovery.load_connector("acme")
    assert [str(one.message) for one in warned] == [
        "connector acme (acme 1.0) uses deliver, which connector API 2.0 removes; use deliver_goods"
    ]


def test_a_connector_that_does_not_use_a_deprecated_name_gets_no_warning(plugins, monkeypatch):
    plugins.connector("acme")
    monkeypatch.setattr(Connector.deliver, deprecations.MARK, Deprecation("deliver_goods", "2.0"), raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        discovery.load_connector("acme")


MARKED = """
from shipperone_erp import Connector
from shipperone_erp.connector import deprecations
setattr(Connector.deliver, deprecations.MARK, deprecations.Deprecation("deliver_goods", "2.0"))
from shipperone_erp.cli import main
main()
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("@hookimpl\ndef deliver(self, request): return Done()",
         "connector acme (acme 1.0) uses deliver, which connector API 2.0 removes; use deliver_goods"),
        ("api = '>=2,<3'", "it is run anyway, since SHIPPERONE_ERP_IGNORE_API names it"),
    ],
)  # fmt: skip
def test_a_command_prints_the_warning_too(plugins, body, expected):
    plugins.connector("acme", body)
    done = subprocess.run(
        [sys.executable, "-c", MARKED, "connectors", "show", "acme"], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(plugins.paths), "SHIPPERONE_ERP_IGNORE_API": "acme"},
    )  # fmt: skip
    assert done.stderr.strip().endswith(expected)
    assert len(done.stderr.splitlines()) == 1


def test_a_hook_is_marked_where_it_is_specified():
    class Old:
        @deprecations.deprecated("check", "2.0")
        def probe(self):
            return []

    class New(Old):
        def probe(self):
            return [1]

    assert deprecations.used_by(New, Old) == {"probe": Deprecation("check", "2.0")}
    assert deprecations.used_by(Old, Old) == {}


def test_an_exported_name_that_goes_away_still_works_and_names_who_imports_it(plugins, monkeypatch):
    going = {"Finished": (Deprecation("Done", "2.0"), "shipperone_erp.domain.hook_answers", "Done")}
    monkeypatch.setattr(deprecations, "GOING", going)
    plugins.install("acme", "from shipperone_erp import Finished\nclass Plugged(Connector[ConnectorSettings]): pass")
    with pytest.warns(ConnectorDeprecation) as warned:
        discovery.load_connector("acme")
    assert str(warned[0].message) == (
        "connector acme (acme 1.0), in acme_module, uses shipperone_erp.Finished, which connector API 2.0 removes; "
        "use Done"
    )
    assert sys.modules["acme_module"].Finished is Done
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = shipperone_erp.Nothing


def test_a_module_is_of_the_plugin_whose_entry_point_is_nearest(plugins):
    plugins.connector("acme")
    plugins.install("deep", "", value="company.erp.deep:Plugged")
    plugins.install("other", "", value="company.other:Plugged", group="shipperone_erp.policies")
    assert plugin_of("acme_module") == "connector acme (acme 1.0)"
    assert plugin_of("company.erp.deep.parts") == "connector deep (deep 1.0)"
    assert plugin_of("company.other.parts") == "policy other (other 1.0)"
    assert plugin_of("company") == "connector deep (deep 1.0) and policy other (other 1.0)"
    assert plugin_of("acme_module_of_another") is None
    assert plugin_of("__main__") is None


def test_the_exports_are_compatible_with_every_released_api():
    """An undeclared break: mend it, or declare it in core/api/breaks.toml and count up the API's major version."""
    for released in api_surface.released():
        found = api_surface.breaks(api_surface.read(released), api_surface.surface())
        undeclared = [one for one in found if one not in api_surface.declared(released)]
        assert not undeclared, f"breaks of connector API {released}: {undeclared}"


def test_additions_to_the_api_are_declared_in_its_change_list():
    newest = api_surface.read(api_surface.released()[-1])
    assert api_surface.added(newest, api_surface.surface()) == api_surface.declared_additions()


def test_an_addition_is_found_as_a_name_or_as_a_member():
    new = OLD.replace("LIMIT = 1", "LIMIT = 1\nMORE = 2").replace("def total", "note: str\n    def total")
    assert api_surface.added(OLD, new) == {"MORE", "Order.note"}


@pytest.mark.parametrize(("api", "now", "accepted"), [("1.0", "1.0", False), ("1.1", "1.1", False), ("2.0", "1.4", False),
                                                   ("2.0", "2.0", True), ("2.0", "3.0", True)])  # fmt: skip
def test_a_break_is_declared_for_a_later_major_version_alone(tmp_path, api, now, accepted):
    file = tmp_path / "breaks.toml"
    file.write_text(f'[[break]]\nwhat = "Order: gone"\napi = "{api}"\ninstead = "Sale"\n')
    assert api_surface.declared("1.0", now, file) == ({"Order: gone"} if accepted else set())


def test_the_released_api_of_this_version_is_on_file():
    assert API_VERSION in api_surface.released()


OLD = """
class Order:
    def __init__(self, order_id: str, *, currency: str = None): ...
    def total(self): ...
LIMIT = 1
"""


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD.replace("class Order", "class Renamed"), "Order"),
        (OLD.replace("    def total(self): ...\n", ""), "Order.total"),
        (OLD.replace("order_id: str, *,", "order_id: str, number: str, *,"), "number"),
        (OLD.replace("currency: str = None", "currency: str"), "currency"),
        (OLD.replace(", *, currency: str = None", ""), "currency"),
        (OLD.replace("LIMIT = 1", ""), "LIMIT"),
    ],
)
def test_each_kind_of_break_is_found(new, expected):
    assert any(expected in one for one in api_surface.breaks(OLD, new)), api_surface.breaks(OLD, new)


TYPED = """
class Order:
    lines: tuple[Line, ...]
    def __init__(self, lines: tuple[Line, ...]) -> None: ...
    def total(self, at: date) -> Decimal | None: ...
def rounded(amount: Decimal) -> Decimal: ...
"""


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("    lines: tuple[Line, ...]", "    lines: list[Line]",
         "Order.lines: Type was changed (list[Line], was tuple[Line, ...])"),
        ("at: date", "at: datetime", "Order.total: Type was changed (at: datetime, was date)"),
        ("-> Decimal | None", "-> Decimal", "Order.total: Type was changed (returns Decimal, was Decimal | None)"),
        ("amount: Decimal", "amount", "rounded: Type was changed (amount: None, was Decimal)"),
        ("-> None", "-> int", "Order.__init__: Type was changed (returns int, was None)"),
    ],
)  # fmt: skip
def test_another_type_of_a_field_a_parameter_or_what_is_returned_is_a_break(before, now, expected):
    assert api_surface.breaks(TYPED, TYPED.replace(before, now)) == [expected]
    assert api_surface.breaks(TYPED, TYPED.replace("Line, ...", "Line,  ...")) == []


def test_a_changed_type_of_what_is_exported_is_found_there():
    here = api_surface.surface()
    assert api_surface.breaks(here.replace("wanted: Decimal\n", "wanted: int\n"), here) == [
        "ShortLine.wanted: Type was changed (Decimal, was int)"
    ]
    assert api_surface.breaks(here.replace("check(self) -> list[Check]", "check(self) -> bool"), here) == [
        "Connector.check: Type was changed (returns list[Check], was bool)"
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str | None, "str | None"),
        ("Optional[str]", "Optional[str]"),
        (Mapping[str, tuple[int, ...]], "Mapping[str, tuple[int, ...]]"),
        (Callable[[int, Decimal], None], "Callable[[int, Decimal], None]"),
        (Annotated[ClassVar[Literal["a", 1]], "text"], "ClassVar[Literal['a', 1]]"),
        (Any, "Any"),
    ],
)
def test_a_type_is_written_the_same_wherever_it_comes_from(kind, expected):
    assert api_types.written(kind) == expected


def test_additions_to_the_api_are_no_break():
    new = OLD.replace("currency: str = None", "currency: str = None, note: str = None") + "class More: ...\n"
    assert api_surface.breaks(OLD, new) == []


@pytest.mark.parametrize("file", CONNECTORS, ids=lambda file: file.parent.name)
def test_a_connector_has_a_version_of_its_own_and_works_with_the_workspaces_core(file):
    project = tomllib.loads(file.read_text())["project"]
    core = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]
    (wanted,) = [one for one in map(Requirement, project["dependencies"]) if one.name == "shipperone-erp"]
    assert core["version"] in wanted.specifier
    assert str(wanted.specifier).count("==") == 0, "a pinned core would have to be released together with it"
    for name in project["entry-points"]["shipperone_erp.connectors"]:
        assert API_VERSION in SpecifierSet(discovery.load_connector(name).api)


def test_the_kit_is_found_by_pytest_and_costs_nothing_until_it_is_used():
    printed = subprocess.run(
        [sys.executable, "-m", "pytest", "--conformance-list"], capture_output=True, text=True, timeout=240, check=True, cwd=ROOT / "docs",
    ).stdout  # fmt: skip
    assert "suite 1.1: " in printed
    assert "R3  a shortage names every short line and leaves nothing reserved" in printed
    code = "import sys, shipperone_erp.testing.plugin; sys.exit('shipperone_erp.engine' in str(sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=240).returncode == 0


def test_every_exported_name_exists_and_the_list_is_sorted():
    assert sorted(shipperone_erp.__all__) == list(shipperone_erp.__all__)
    assert all(hasattr(shipperone_erp, name) for name in shipperone_erp.__all__)
