"""The fenced blocks of the documentation's pages."""

import re
import textwrap
from pathlib import Path

from docs_render import PART
from places import page_file

FENCE = re.compile(r"^ *(`{3,})(\S*)[^\n]*\n(.*?)^ *\1$", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The kind and the text of each block that was written by hand."""
    text = PART.sub("", page.read_text(encoding="utf-8"))
    return [(kind, inner) for _, kind, inner in FENCE.findall(text) if not kind.startswith("{")]


def shown(page: str, kind: str) -> list[str]:
    return [textwrap.dedent(inner) for found, inner in blocks(page_file(page)) if found == kind]
