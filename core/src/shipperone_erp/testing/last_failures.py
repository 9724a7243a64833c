"""Records failed cases for `connectors test --failed-first`, in a small file in the author's folder."""

import json
from collections.abc import Iterable
from pathlib import Path

from shipperone_erp.testing.runner import Result

FOLDER = ".conformance_cache"


class LastFailures:
    """The failures of one connector, in the folder of the command."""

    def __init__(self, connector: str, folder: Path | None = None) -> None:
        self._file = (folder or Path()) / FOLDER / f"{connector}.json"

    def ids(self) -> frozenset[str]:
        """The ids of the cases; empty if there is no file, or if it cannot be read."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return frozenset()
        return frozenset(one for one in kept if isinstance(one, str)) if isinstance(kept, list) else frozenset()

    def keep(self, results: Iterable[Result]) -> None:
        """Update the cases that have just run; others keep their state. No file is written until a case has failed."""
        before, failing, ran = self.ids(), set[str](), set[str]()
        for result in results:
            ran.add(result.case.id)
            if result.outcome == "failed":
                failing.add(result.case.id)
        failed = sorted(failing | (before - ran))
        if failed != sorted(before):
            self._file.parent.mkdir(exist_ok=True)
            self._file.write_text(json.dumps(failed), encoding="utf-8")
