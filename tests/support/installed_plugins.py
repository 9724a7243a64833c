"""Packages as pip installs them: a module beside a .dist-info that declares its entry points."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

HEAD = """\
from shipperone_erp import *
from shipperone_erp import hookimpl
"""
HOOKS = {
    "reserve_stock": "def reserve_stock(self, request): return Reserved('R')",
    "build_invoice": "def build_invoice(self, request): return Invoice(None, (), None, None)",
    "issue_invoice": "def issue_invoice(self, request): return Invoice('I', (), None, None, issued=True)",
}


class InstalledPlugins:
    """Installs packages for one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []
        self.paths: list[str] = []

    def install(
        self,
        distribution: str,
        source: str,
        *,
        group: str = "shipperone_erp.connectors",
        name: str | None = None,
        value: str | None = None,
        version: str = "1.0",
    ) -> None:
        """A package of that distribution name whose module `{distribution}_module` is `source`."""
        module = f"{distribution}_module"
        place = self.folder / distribution
        metadata = place / f"{distribution}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (place / f"{module}.py").write_text(HEAD + dedent(source), encoding="utf-8")
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        point = f"[{group}]\n{name or distribution} = {value or f'{module}:Plugged'}\n"
        (metadata / "entry_points.txt").write_text(point)
        sys.path.insert(0, str(place))
        self.paths.append(str(place))
        self.modules.append(module)

    def connector(
        self, distribution: str, body: str = "", *, hooks: Sequence[str] = tuple(HOOKS), name: str | None = None
    ) -> None:
        """A connector with these plain hooks and `body` among its methods."""
        methods = [f"@hookimpl\n{HOOKS[hook]}" for hook in hooks]
        lines = "\n".join([*methods, dedent(body)]).splitlines() or ["pass"]
        text = "class Plugged(Connector[ConnectorSettings]):\n    api = '>=1,<2'\n"
        self.install(distribution, text + "\n".join(f"    {line}" for line in lines) + "\n", name=name)

    def uninstall_all(self) -> None:
        for path in self.paths:
            sys.path.remove(path)
        for module in self.modules:
            sys.modules.pop(module, None)


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[InstalledPlugins]:
    """Installs connectors and policies that are gone after the test."""
    installed = InstalledPlugins(tmp_path / "site-packages")
    yield installed
    installed.uninstall_all()
