"""What a process costs, as Linux tells: CPU seconds, memory, open files, threads."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """At one moment."""

    cpu_seconds: float
    rss: int
    files: int
    threads: int


def cost(pid: int) -> Cost:
    """Of that process, which must be one of ours."""
    proc = Path(f"/proc/{pid}")
    stat = (proc / "stat").read_text().rpartition(")")[2].split()
    cpu = (int(stat[11]) + int(stat[12])) / TICKS
    resident = int((proc / "statm").read_text().split()[1]) * PAGE
    return Cost(cpu, resident, len(os.listdir(proc / "fd")), int(stat[17]))
