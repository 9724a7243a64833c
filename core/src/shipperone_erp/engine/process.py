"""What a process that does nothing but serve sets for itself; a program that embeds the runtime need not."""

import ctypes
import gc
import platform

YOUNG = 20_000
"""New objects between two collections. With Python's 700, a sixth of all CPU goes there while thousands wait."""

OLDER = 5
"""Collections until older objects are looked at, and until all are. What is in use during one collection is garbage a
moment later, and stays until then: with 20 of 20 it came to 50 MiB before the first time (`nox -s soak`)."""


M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""As malloc.h names them. Setting the first one also keeps glibc from raising it by itself."""


def collect_less_often() -> None:
    """Let the garbage collector leave what was imported alone, and look at young objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)


def keep_memory_together() -> None:
    """Let all threads share two arenas of the C library, and let large blocks go back at once. For glibc; elsewhere
    nothing is done.

    With an arena for each thread, up to eight a core, what one of them has freed is of no use to the others: a process
    whose objects stay the same grows by 140 KiB in 1,000 cycles, for as long as was measured (`nox -s soak`).
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, 128 * 1024)
