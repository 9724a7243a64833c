"""What the search of the built site finds, by the index and the word stems that its own script uses.

python tests/support/site_search.py build/docs        1 if a code or a message that is printed leads to no page
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.search.en import SearchEnglish

from places import page_file

ROW = re.compile(r"^\| (?:\[`([^`]+)`\]|\[([^\]]+)\]|`([^`]+)`)(?:\((?:\.\./[a-z-]+/)?([a-z-]+)\.md[^)]*\))? \|")
WORD = re.compile(r"\w+")
FEATURES = {
    "inspect": "first-contact", "capture": "first-contact", "sandbox replay": "first-contact", "init guide": "first-contact",
    "supervised": "going-live", "celigo": "migrating", "magento extension": "migrating", "accountant": "accountants",
    "rounding cent": "amounts", "backup": "operations", "systemd": "deployment", "odoo journal": "odoo",
}  # fmt: skip
"""What a reader looks for, and a page that must be among what is found."""


class Search:
    """The index of a built site."""

    def __init__(self, site: Path) -> None:
        text = (site / "searchindex.js").read_text(encoding="utf-8")
        index: dict[str, Any] = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
        self._pages: list[str] = index["docnames"]
        self._terms = (index["terms"], index["titleterms"])
        self._language = SearchEnglish({})

    def __call__(self, query: str) -> set[str]:
        """The pages that have every word of it; stop words and numbers are left out, as the site leaves them."""
        words = (word for word in WORD.findall(query.lower()) if word not in self._language.stopwords)
        found = [self._having(self._language.stem(word)) for word in words if len(word) > 1 and not word.isdigit()]
        return set.intersection(*found) if found else set()

    def finds(self, query: str, page: str) -> bool:
        """Whether the page of that name, in whichever part of the documentation, is among what is found."""
        return page in {found.rpartition("/")[2] for found in self(query)}

    def _having(self, stem: str) -> set[str]:
        numbers: list[int] = []
        for terms in self._terms:
            at = terms.get(stem, [])
            numbers += [at] if isinstance(at, int) else at
        return {self._pages[number] for number in numbers}


def printed() -> list[tuple[str, str]]:
    """Each code and message of the errors index, and the page that it leads to. Numbers alone are not looked for."""
    found = []
    for line in page_file("errors.md").read_text(encoding="utf-8").splitlines():
        if (row := ROW.match(line)) is not None:
            found.append((row[1] or row[2] or row[3], row[4] or "errors"))
        elif line.startswith("- "):
            found.append((line[2:].replace("\\", ""), "errors"))
    return [(text, page) for text, page in found if not text.isdigit()]


def main() -> int:
    search = Search(Path(sys.argv[1]))
    queries = [*((text, "errors") for text, _ in printed()), *printed(), *FEATURES.items()]
    missing = [f"{query!r} does not find {page}" for query, page in queries if not search.finds(query, page)]
    print(*missing, f"{len(queries) - len(missing)} of {len(queries)} searches find their page", sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
