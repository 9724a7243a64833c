"""Where the tests, the documentation and the packages lie in the repository."""

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
DOCS = ROOT / "docs"
PLUGINS = SUPPORT / "plugins"
"""Connectors that only tests use."""
