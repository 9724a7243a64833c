"""The cases that are recorded of real Odoo servers, by file."""

import json

from odoo_shop import RECORDINGS


def recording(name: str) -> tuple[dict[str, object], dict[str, list[dict[str, object]]]]:
    header, *entries = [json.loads(line) for line in (RECORDINGS / name).read_text(encoding="utf-8").splitlines()]
    by_case: dict[str, list[dict[str, object]]] = {}
    for entry in entries:
        by_case.setdefault(entry["case"], []).append(entry)
    return header, by_case


FILES = {file.name: recording(file.name) for file in sorted(RECORDINGS.glob("*.jsonl"))}


SALE_FILES = {file.name: recording(f"sales/{file.name}") for file in sorted((RECORDINGS / "sales").glob("*.jsonl"))}
