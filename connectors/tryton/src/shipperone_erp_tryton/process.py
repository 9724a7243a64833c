"""Tryton in this process: what it keeps once for all tenants (configuration, kind of database), and for each database.

Tryton's configuration and its kind of database are global to a process, and fixed once it is imported. So nothing of it
is imported before a hook is called, and a tenant that needs others than an earlier one is refused, with the cure.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from shipperone_erp import Reason, Refused
from shipperone_erp_tryton.locations import Location, locate

MODULE = "shipperone"
"""The name of our module in Tryton."""

_lock = threading.RLock()
_configured: tuple[str, Path | None] | None = None
_users: Counter[str] = Counter()
"""How many connectors use a database."""


def open_database(location: Location, config: Path | None) -> Any:
    """The pool of the database's models, loaded at the first call: a second or two."""
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
    """The next call loads the database's models anew: a module was activated, or the database was not there."""
    with _lock:
        from trytond.pool import Pool

        Pool.stop(url)


def join(url: str) -> None:
    """One more connector uses the database."""
    with _lock:
        _users[url] += 1


def leave(url: str) -> None:
    """A connector was closed. The last one takes the database's connections and models with it."""
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
    """Tryton's configuration of this process; Refused, config_incomplete, if it has another already."""
    global _configured
    if _configured is None:
        import trytond.config as config

        if file is not None:
            config.update_etc(str(file))
        config.set("database", "uri", f"{kind}://")
        config.set("database", "database_mixins", "shipperone_erp_tryton.locations.Located")
        _configured = (kind, file)
    elif _configured != (kind, file):
        was, conf = _configured
        raise Refused(
            Reason.CONFIG_INCOMPLETE,
            f"Tryton keeps one configuration for a process: this one has {conf or 'none'} and {was}, the tenant names "
            f"{file or 'none'} and {kind}; serve the tenant by a process of its own (`run --tenant`)",
        )
