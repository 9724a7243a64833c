"""The cases that are recorded of real Odoo servers, by file."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from odoo_shop import RECORDINGS

Recording = tuple[dict[str, object], dict[str, list[dict[str, object]]]]
"""What was recorded of which server, and the exchanges of each case."""


@cache
def recording(file: Path) -> Recording:
    header, *entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    by_case: dict[str, list[dict[str, object]]] = {}
    for entry in entries:
        by_case.setdefault(entry["case"], []).append(entry)
    return header, by_case


class Recordings(Mapping[str, Recording]):
    """The recordings of a folder by the name of their file; each is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._files = {file.name: file for file in sorted(folder.glob("*.jsonl"))}

    def __getitem__(self, name: str) -> Recording:
        return recording(self._files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


FILES = Recordings(RECORDINGS)

SALE_FILES = Recordings(RECORDINGS / "sales")
