"""Detects a served stage that records nothing: its service may be unable to write, which a reader can only infer."""

import os
import socket
from datetime import UTC, datetime, timedelta

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.ledger.leases import LeaseRecord

SILENT_AFTER = timedelta(minutes=10)
"""The accepted time without a recorded read of the queue; or three times the poll interval, if that is longer."""


def silence(
    record: QueueRecord | None, lease: LeaseRecord | None, settings: TenantSettings, now: datetime
) -> str | None:
    """A sentence if a stage is served but has recorded no read, good or failed, for too long; else None."""
    if lease is None or lease.owner is None or (record is not None and record.paused_reason is not None):
        return None
    known = [lease.taken_at, record.last_good_read_at if record is not None else None]
    since = max((at for at in known if at is not None), default=now)
    if now - since < max(SILENT_AFTER, 3 * settings.poll_interval):
        return None
    nothing = f"has recorded no read of this queue since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    refused = "see its log: failed writes (a full disk or quota, a read-only database) are reported only there"
    if lease.host != socket.gethostname():
        return f"{lease.served_by} {nothing}: it is not running any more, or cannot record anything; {refused}"
    if not _runs(lease.pid):
        return f"{lease.served_by} is not running any more, and {nothing}: start the service"
    return f"{lease.served_by} runs, and {nothing}; {refused}"


def _runs(pid: int | None) -> bool:
    """Whether a process of that id runs on this machine; True if that cannot be determined."""
    if pid is None or os.name != "posix":  # on other systems `kill` would end the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # the process belongs to another user
        pass
    return True
