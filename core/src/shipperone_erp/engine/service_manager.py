"""Notifications to systemd, for a unit with `Type=notify` and `WatchdogSec=`: readiness, and a watchdog signal.

The watchdog signal comes from the event loop that serves the tenants: a process whose loop is blocked is restarted,
however many of its threads run. Without `NOTIFY_SOCKET` nothing is sent.
"""

import os
import socket
from collections.abc import Mapping

from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource

SIGNS = 3
"""Watchdog signals within the time after which systemd restarts the service."""


def notify(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send a notification, such as `READY=1`; False without a listener, or if the socket is gone."""
    place = environment.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
            sending.connect("\0" + place[1:] if place.startswith("@") else place)
            sending.sendall(state.encode())
    except OSError:
        return False
    return True


def watchdog(environment: Mapping[str, str] = os.environ) -> float | None:
    """The seconds after which systemd misses a watchdog signal; None if it expects none of this process."""
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
        pid = int(environment.get("WATCHDOG_PID") or os.getpid())
    except ValueError:
        return None
    return microseconds / 1_000_000 if microseconds > 0 and pid == os.getpid() else None


async def signs_of_life(environment: Mapping[str, str] = os.environ, time: TimeSource = MACHINE_TIME) -> None:
    """Send watchdog signals until cancelled; returns at once where systemd expects none."""
    within = watchdog(environment)
    while within is not None:
        notify("WATCHDOG=1", environment)
        await time.sleep(within / SIGNS)
