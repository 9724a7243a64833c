"""Processes that are stopped by SIGSTOP."""

import subprocess
import time
from pathlib import Path

import warm_processes


def stands_still(process: subprocess.Popen | warm_processes.Process, seconds: float = 30.0) -> bool:
    """Wait until it is stopped; False if it came to its end instead."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or before it was read
            return False
        if state == "T":
            return True
        if state == "Z":
            return False
        time.sleep(0.01)
    raise AssertionError("neither stopped nor ended")
