"""Which package of this project may import which, as data; and the imports of every module, read from its source.

An import counts wherever it stands: at the top of a module, in a function, under TYPE_CHECKING.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import shipperone_erp
from places import ROOT

CORE = "shipperone_erp"
PACKAGE = Path(shipperone_erp.__file__).parent

_LOW = frozenset({"kernel", "domain"})
_MIDDLE = _LOW | {"connector", "config", "workflow", "shipperone", "ledger", "sandbox"}
_HIGH = _MIDDLE | {"engine", "operations"}

MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "kernel": frozenset(),
    "domain": frozenset({"kernel"}),
    "connector": _LOW,
    "config": _LOW | {"connector"},
    "workflow": _LOW,
    "shipperone": _LOW | {"workflow"},
    "ledger": _LOW | {"workflow"},
    "sandbox": _LOW,
    "scaffold": _LOW,
    "policies": frozenset(),
    "engine": _MIDDLE,
    "operations": _MIDDLE,
    "web": _HIGH,
    "fleet": _HIGH,
    "testing": _HIGH,
    "demo": _HIGH,
    "cli": _HIGH | {"scaffold", "web", "fleet", "testing", "demo"},
    "tools": _HIGH | {"cli"},
}
"""The floors. A package also imports its own modules. `policies` and connectors import what core exports."""

FLOORS: tuple[tuple[str, ...], ...] = (
    ("kernel",),
    ("domain",),
    ("connector", "workflow"),
    ("config", "ledger", "sandbox", "scaffold", "shipperone"),
    ("engine", "operations"),
    ("demo", "fleet", "testing", "web"),
    ("cli", "policies"),
    ("tools",),
)
"""The packages from the bottom up, as docs/explanation/architecture.md shows them."""

NEVER: Mapping[str, frozenset[str]] = {
    "workflow": frozenset({"aiohttp", "httpx", "pluggy", "sqlalchemy"}),
    "domain": frozenset(
        {"aiohttp", "alembic", "httpx", "pluggy", "simplejson", "sqlalchemy", "stevedore", "tomlkit", "typer", "rich"}
    ),
}
"""Libraries that a package does not import."""

ONLY: Mapping[str, frozenset[str]] = {
    "procrastinate": frozenset({"fleet"}),
    "psycopg": frozenset({"fleet"}),
    "pluggy": frozenset({"connector.api", "connector.discovery", "connector.hook_caller"}),
    "stevedore": frozenset({"connector.discovery"}),
    "importlib.metadata.entry_points": frozenset({"connector.discovery", "connector.installed"}),
    "importlib.metadata.EntryPoint": frozenset({"connector.discovery", "connector.installed"}),
    "aiohttp": frozenset({"shipperone"}),
    "sqlalchemy": frozenset({"ledger"}),
    "alembic": frozenset({"ledger"}),
    "typer": frozenset({"cli"}),
}
"""Libraries that one package alone imports, or one module."""

FOR_CONNECTORS = ("testing", "tools")
"""What a connector may import from besides `shipperone_erp` itself: what these packages export."""


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """One import that a rule forbids."""

    importing: str
    imported: str
    rule: str

    @property
    def line(self) -> str:
        """As the ratchet lists it."""
        return f"{self.importing} -> {self.imported}"

    def __str__(self) -> str:
        return f"{self.importing} imports {self.imported}. Rule: {self.rule}"


@dataclass(frozen=True, slots=True)
class Module:
    """A module of core, without the package's name (`domain.order`), or one of a connector, with it."""

    name: str
    path: Path
    imports: frozenset[str]

    @property
    def package(self) -> str:
        """The floor that it belongs to."""
        return self.name.split(".")[0]


def core() -> dict[str, Module]:
    """Every module of core but its root, by name."""
    return {module.name: module for module in _modules(PACKAGE, "") if module.name}


def connectors() -> list[Module]:
    """Every module of every connector in this repository."""
    found = []
    for source in sorted(ROOT.glob("connectors/*/src/*")):
        if (source / "__init__.py").exists():
            found += list(_modules(source, source.name))
    return found


def breaches(modules: Mapping[str, Module]) -> Iterator[Breach]:
    """What the modules of core import against the floors and against the rules about libraries."""
    for module in modules.values():
        for name in sorted(module.imports):
            if name == CORE or name.startswith(f"{CORE}."):
                yield from _between_floors(module, name, modules)
            else:
                yield from _of_library(module, name)


def of_connectors(modules: Iterable[Module]) -> Iterator[Breach]:
    """What connectors import that core does not export to them."""
    allowed = {CORE, *(f"{CORE}.{name}" for name in FOR_CONNECTORS)}
    exported = {f"{CORE}.{name}" for name in shipperone_erp.__all__}
    for module in modules:
        for name in sorted(module.imports):
            if not name.startswith(f"{CORE}.") or name in exported:
                continue
            package, _, last = name.rpartition(".")
            if name not in allowed and (package not in allowed or package == CORE or not _exports(package, last)):
                others = " or ".join(f"{CORE}.{one}" for one in FOR_CONNECTORS)
                rule = f"a connector imports only what {CORE}, {others} export"
                yield Breach(module.name, name, rule)


def circles(modules: Mapping[str, Module]) -> list[tuple[str, ...]]:
    """Modules that import each other, directly or through others: each circle once, sorted."""
    edges = {name: {_module(one, modules) for one in module.imports} - {None, name} for name, module in modules.items()}
    return sorted(tuple(sorted(circle)) for circle in _components(edges) if len(circle) > 1)  # type: ignore[arg-type]


def _modules(folder: Path, prefix: str) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        parts = [*path.relative_to(folder).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join([prefix, *parts] if prefix else parts)
        yield Module(name, path, _imports(path))


def _imports(path: Path) -> frozenset[str]:
    """The names that are imported, each with its module: `shipperone_erp.domain.order.Party`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _module(name: str, modules: Mapping[str, Module]) -> str | None:
    """The module of core that an imported name is, or lies in; None for a library and for core's root."""
    if not name.startswith(f"{CORE}."):
        return None
    below = name.removeprefix(f"{CORE}.")
    if below in modules:
        return below
    above = below.rpartition(".")[0]
    return above if above in modules else None


def _between_floors(module: Module, name: str, modules: Mapping[str, Module]) -> Iterator[Breach]:
    target = _module(name, modules)
    if target is None:  # a name that core exports
        if module.package not in {"policies", "scaffold"}:
            yield Breach(module.name, name, f"only connectors and policies import what {CORE} exports")
        return
    theirs = target.split(".")[0]
    if theirs == module.package or theirs in MAY_IMPORT[module.package]:
        return
    allowed = ", ".join(sorted(MAY_IMPORT[module.package])) or "no other package"
    yield Breach(module.name, target, f"{module.package} imports {allowed}")


def _of_library(module: Module, name: str) -> Iterator[Breach]:
    top = name.split(".")[0]
    if top in NEVER.get(module.package, ()):
        yield Breach(module.name, top, f"{module.package} never imports {', '.join(sorted(NEVER[module.package]))}")
    for library, places in ONLY.items():
        if (name == library or name.startswith(f"{library}.")) and not _inside(module.name, places):
            yield Breach(module.name, library, f"only {', '.join(sorted(places))} imports {library}")


def _inside(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def _exports(package: str, name: str) -> bool:
    """Whether the package lists the name in `__all__`."""
    file = PACKAGE.joinpath(*package.split(".")[1:], "__init__.py")
    listed = re.search(r"^__all__ = \[(.*?)\]", file.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return listed is not None and f'"{name}"' in listed[1]


def _components(edges: Mapping[str, set[str]]) -> Iterator[set[str]]:  # type: ignore[type-arg]
    """The strongly connected components of a graph (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> Iterator[set[str]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            found = set(stack[stack.index(node) :])
            del stack[stack.index(node) :]
            yield found

    for node in edges:
        if node not in index:
            yield from visit(node)
