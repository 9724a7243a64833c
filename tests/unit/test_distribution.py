"""The long modules begin together, each on a worker of its own."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from distribution import LONG, dealt
from places import TESTS


@dataclass(frozen=True)
class Item:
    path: Path
    number: int


def items(**counts: int) -> list[Item]:
    return [Item(TESTS / name, number) for name, count in counts.items() for number in range(count)]


def test_the_long_modules_are_there():
    assert [name for name in LONG if not (TESTS / name).exists()] == []


@pytest.mark.parametrize("workers", [1, 2, 3, 6])
def test_each_part_begins_with_its_share_of_the_long_modules(workers):
    names = sorted(LONG)
    given = items(**{"unit/a.py": 100}, **dict.fromkeys(names, 3), **{"unit/z.py": 50})
    made = dealt(given, workers, TESTS)
    assert sorted(made, key=str) == sorted(given, key=str)
    parts, left = [], list(made)
    for number in range(workers):  # as xdist's worksteal divides them
        size = len(left) // (workers - number)
        parts.append([str(item.path.relative_to(TESTS)) for item in left[:size]])
        left = left[size:]
    seconds = [sum(LONG[name] for name in set(part) & LONG.keys()) for part in parts]
    assert max(seconds) - min(seconds) <= max(LONG.values())
    for part in parts:
        long = [name in LONG for name in part]
        assert long == sorted(long, reverse=True), "the long ones first"
    assert sum(len(set(part) & LONG.keys()) for part in parts) == len(LONG), "a module stays with one worker"


def test_test_items_below_the_limit_keep_their_sequence():
    given = items(**{"unit/b.py": 5, "unit/a.py": 5})
    assert dealt(given, 3, TESTS) == given
