"""Which of xdist's workers begins with which tests.

`--dist worksteal` gives each worker a part of the tests as they are sorted, all parts of one length; who has nothing left
takes half of another's rest. So each part begins with its share of the long modules: one worker alone would run them one
after the other, and the others would wait for it at the end.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

LONG: dict[str, int] = {
    "crash/test_kill_at_every_commit.py": 140,
    "integration/engine/test_state_machine.py": 95,
    "crash/test_chaos.py": 90,
    "crash/test_frozen_process.py": 90,
    "acceptance/scaffold/test_scaffold.py": 80,
    "docs/test_docs_tutorial.py": 70,
    "integration/connectors/tryton": 80,
    "docs/test_docs.py": 60,
    "acceptance/cli/test_secrecy.py": 60,
    "integration/fleet/test_workers.py": 50,
    "integration/fleet/test_changes.py": 50,
    "integration/fleet/test_previous_version.py": 40,
    "acceptance/cli/test_service.py": 40,
    "integration/engine/test_floods_and_clocks.py": 40,
    "integration/engine/test_stages_doubt.py": 35,
    "integration/engine/test_stages_changed_settings.py": 35,
    "integration/engine/test_runtime.py": 30,
    "integration/connectors/generic_sql/test_traps.py": 30,
    "integration/ledger/test_large_ledger.py": 25,
    "crash/test_hostile_connector.py": 20,
    "acceptance/web/test_browser.py": 20,
    "month/test_month.py": 20,
    "integration/engine/test_stages.py": 15,
}
"""Modules, or folders of them, by the seconds that they take, roughly. Each stays with one worker, for what its tests
share: to load Tryton's models takes seconds of CPU."""


class Collected(Protocol):
    """A test as pytest has collected it."""

    @property
    def path(self) -> Path: ...


ItemT = TypeVar("ItemT", bound=Collected)


def dealt(items: Sequence[ItemT], workers: int, tests: Path) -> list[ItemT]:
    """The tests in the sequence in which each worker's part begins with long modules, and each has as much of them."""
    long: dict[str, list[ItemT]] = defaultdict(list)
    short: list[ItemT] = []
    for item in items:
        name = item.path.relative_to(tests).as_posix() if item.path.is_relative_to(tests) else ""
        module = next((long_one for long_one in LONG if name.startswith(long_one)), None)
        (short if module is None else long[module]).append(item)
    parts: list[list[ItemT]] = [[] for _ in range(workers)]
    seconds = [0] * workers
    for name in sorted(long, key=lambda name: (-LONG[name], name)):
        lightest = seconds.index(min(seconds))
        seconds[lightest] += LONG[name]
        parts[lightest] += long[name]
    left, made = len(items), []
    for number, part in enumerate(parts):
        size = left // (workers - number)
        left -= size
        rest = max(0, size - len(part))
        made += [*part, *short[:rest]]
        short = short[rest:]
    return [*made, *short]
