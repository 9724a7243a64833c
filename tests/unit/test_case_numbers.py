"""What goes wrong in this field has numbers; each has a test that is named by it, so that a cure is never lost."""

import re

from places import TESTS

NUMBERS = {
    "d": range(1, 8),  # duplicates and unknown outcomes
    "q": range(1, 9),  # reading the queues
    "m": range(1, 8),  # money
    "p": (1, 4, 9, 10),  # parts, items, products
    "h": range(1, 8),  # HTTP
    "g": range(1, 9),  # plugins
    "o": (2,),  # a crash inside a hook
}


def test_every_number_has_a_test():
    names = [
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
    ]
    proven = {number for name in names for number in re.findall(r"(?<=_)([a-z]\d+)(?=_)", name)}
    wanted = {f"{section}{number}" for section, numbers in NUMBERS.items() for number in numbers}
    assert wanted - proven == set()
