"""Settings of a process that only serves tenants; a program that embeds the runtime need not apply them."""

import ctypes
import gc
import platform

YOUNG = 20_000
"""New objects between two collections. With Python's 700, a sixth of all CPU is spent there while thousands wait."""

OLDER = 5
"""Collections until older objects are examined, and until all are.

Objects in use during one collection are garbage a moment later, and stay until a later generation's: with 20 of 20 they
reached 50 MiB before the first full collection (`nox -s soak`).
"""


M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""The names of malloc.h. Setting the first one also keeps glibc from raising it automatically."""


def collect_less_often() -> None:
    """Exclude imported objects from garbage collection, and examine young objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)


def keep_memory_together() -> None:
    """Let all threads share two arenas of the C library, and return large blocks at once. Does nothing without glibc.

    With an arena for each thread, up to eight a core, memory freed by one thread is not available to the others: a
    process with a constant set of objects grows by 140 KiB in 1,000 cycles, for as long as was measured (`nox -s
    soak`).
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, 128 * 1024)
