"""Where the tests, the documentation and the packages lie in the repository."""

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
"""The documentation's pages. Each has a name of its own, whatever part of the documentation it is in."""
PLUGINS = SUPPORT / "plugins"
"""Connectors that only tests use."""


def page_file(name: str) -> Path:
    """The page of that name, such as "odoo.md"; LookupError if there is none."""
    found = [page for page in PAGES if page.name == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} pages of docs/ are called {name}")
    return found[0]
