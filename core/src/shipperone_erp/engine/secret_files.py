"""Reads secrets in files again when a file changes: a token is renewed without a restart."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from shipperone_erp.config import Configuration, load
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp.kernel.file_versions import FileVersion, file_versions
from shipperone_erp.ledger.served_tenants import tenants_served

LOOK_EVERY = 1.0
"""Seconds between two checks of the files' times; a check costs microseconds."""


async def watch_secrets(
    configuration: Configuration,
    renewed: Callable[[Configuration], None],
    stopping: asyncio.Event,
    log: logging.Logger,
) -> None:
    """Until `stopping`: when one of the files changes, read the configuration again and pass it to `renewed`.

    The first check reads it in any case: a file may have changed since `configuration` was read. A configuration that
    cannot be read (an operator may be editing it) is skipped until the next change.
    """
    files = configuration.secret_files
    seen: dict[Path, FileVersion | None] = {}
    while files and not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
        now = file_versions(files)
        if now == seen:
            continue
        seen = now
        try:
            again = await asyncio.to_thread(load, configuration.file, tenants_may_fail=True, served=tenants_served)
        except ConfigurationError as error:
            log.warning("a secret has changed, and the configuration cannot be read again: %s", error)
            continue
        for problem in set(again.problems) - set(configuration.problems):
            log.warning("a secret has changed and cannot be used; this tenant keeps the previous one: %s", problem)
        files = files | again.secret_files
        seen = {**file_versions(again.secret_files), **now}
        renewed(again)
