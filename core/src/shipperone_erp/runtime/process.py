"""What a process that does nothing but serve sets for itself; a program that embeds the runtime need not."""

import gc

YOUNG = 20_000
"""New objects between two collections. With Python's 700, a sixth of all CPU goes there while thousands wait."""


def collect_less_often() -> None:
    """Let the garbage collector leave what was imported alone, and look at young objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
