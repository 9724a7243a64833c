"""What a process that does nothing but serve sets for itself; a program that embeds the runtime need not."""

import gc

YOUNG = 20_000
"""New objects between two collections. With Python's 700, a sixth of all CPU goes there while thousands wait."""

OLDER = 5
"""Collections until older objects are looked at, and until all are. What is in use during one collection is garbage a
moment later, and stays until then: with 20 of 20 it came to 50 MiB before the first time (`nox -s soak`)."""


def collect_less_often() -> None:
    """Let the garbage collector leave what was imported alone, and look at young objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
