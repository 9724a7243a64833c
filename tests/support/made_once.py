"""What takes long to make and is copied from then on: made once for a test run, by the first of its processes.

A test run is a pytest with its workers (tests/conftest.py begins and ends it), or a program that uses these modules.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

VARIABLE = "SHIPPERONE_ERP_TEST_RUN"
"""The folder of the run, for the processes that it starts."""


def begin() -> None:
    """Make the run's folder, unless this process belongs to a run that has one; it goes when this process ends."""
    if VARIABLE not in os.environ:
        # not pytest's own folder: a database server that runs as another user could not look into that
        folder = tempfile.mkdtemp(prefix="run-")
        os.environ[VARIABLE] = folder
        atexit.register(_end, folder, os.getpid())


def _end(folder: str, began: int) -> None:
    if os.getpid() == began:  # and not in a process that was forked off this one
        shutil.rmtree(folder, ignore_errors=True)


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The path of that name in the run's folder, which `make` fills. Other processes wait meanwhile.

    What `make` raises is raised here, and the next caller tries again.
    """
    begin()
    folder = Path(os.environ[VARIABLE])
    made = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = folder / f"{name}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(made)
    return made


def copied(made: Path, to: Path) -> None:
    """A copy of that folder, with the owners and modes of its files; `to` may exist and is then empty."""
    subprocess.run(["cp", "-a", "--sparse=always", f"{made}/.", str(to)], check=True)
