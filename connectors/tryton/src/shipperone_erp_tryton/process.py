"""Tryton's state in this process: global to all tenants (configuration, kind of database), and one for each database.

Tryton's configuration and its kind of database are global to a process, and fixed by its import. Therefore Tryton is
not imported before the first hook. A tenant that needs a different configuration from an earlier one is refused, with
the cure.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from shipperone_erp import Reason, Refused
from shipperone_erp_tryton.database_locations import Location, locate

MODULE = "shipperone"
"""The name of this package's module in Tryton."""

_lock = threading.RLock()
_configured: tuple[str, Path | None] | None = None
_users: Counter[str] = Counter()
"""The number of connectors that use a database."""


def open_database(location: Location, config: Path | None) -> Any:
    """The pool of the database's models, loaded at the first call, which takes a second or two."""
    with _lock:
        configure(location.backend, config)
        locate(location)
        from trytond.pool import Pool
        from trytond.transaction import Transaction

        if location.url not in Pool.database_list():
            with Transaction().start(location.url, 0, readonly=True):
                Pool(location.url).init()
        return Pool(location.url)


def forget_models(url: str) -> None:
    """The next call loads the database's models again: a module was activated, or the database did not exist before."""
    with _lock:
        from trytond.pool import Pool

        Pool.stop(url)


def join(url: str) -> None:
    """Count one more connector that uses the database."""
    with _lock:
        _users[url] += 1


def leave(url: str) -> None:
    """A connector was closed. The last one also releases the database's connections and models."""
    with _lock:
        _users[url] -= 1
        if _users[url] > 0 or _configured is None:
            return
        del _users[url]
        from trytond import backend
        from trytond.cache import Cache
        from trytond.pool import Pool

        Cache.drop(url)
        if _configured[0] == "postgresql":
            backend.Database(url).close()
            Pool.stop(url)


def configure(kind: str, file: Path | None) -> None:
    """Configure Tryton in this process. Refused, config_incomplete, if it already has another configuration."""
    global _configured
    if _configured is None:
        import trytond.config as config

        if file is not None:
            config.update_etc(str(file))
        config.set("database", "uri", f"{kind}://")
        config.set("database", "database_mixins", "shipperone_erp_tryton.database_locations.Located")
        _configured = (kind, file)
    elif _configured != (kind, file):
        was, conf = _configured
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"Tryton has one configuration per process: this process has {conf or 'none'} and {was}, the tenant names "
            f"{file or 'none'} and {kind}; serve the tenant in a separate process (`run --tenant`)",
        )
