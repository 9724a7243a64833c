"""Where each tenant's database is. Tryton has one place for all databases of a process; here each has its own.

`trytond.backend` mixes `Located` into its class of databases (`database_mixins` of its configuration). The name under
which Tryton knows a database is the tenant's `url`: two tenants never meet under one name.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Location:
    """A database: its address, and what a connection to it needs."""

    url: str
    password: str | None = field(repr=False)
    timeout: float

    @property
    def backend(self) -> str:
        """`sqlite` or `postgresql`."""
        return urlsplit(self.url).scheme

    @property
    def file(self) -> str:
        """The file of a SQLite database."""
        return self.url.removeprefix("sqlite:///")

    @property
    def conninfo(self) -> str:
        """What psycopg is given; it holds the password."""
        parts = urlsplit(self.url)
        if self.password is not None:
            user, _, host = parts.netloc.rpartition("@")
            parts = parts._replace(netloc=f"{user}:{quote(self.password, safe='')}@{host}")
        seconds, milliseconds = max(int(self.timeout), 1), int(self.timeout * 1000)
        limits = f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds}"
        query = f"connect_timeout={seconds}&tcp_user_timeout={milliseconds}&options={quote(limits)}"
        return parts._replace(query="&".join(filter(None, (parts.query, query)))).geturl()


_locations: dict[str, Location] = {}
_lock = threading.Lock()


def locate(location: Location) -> None:
    """From now on the database of this url is found there."""
    with _lock:
        _locations[location.url] = location


def location_of(name: str) -> Location | None:
    """None for a name that is no tenant's."""
    return _locations.get(name)


class Located:
    """Mixed into `trytond.backend.Database`."""

    name: str

    def _make_uri(self) -> str:
        """SQLite: the file, which must be there. Tryton would look for it in its own folder."""
        from trytond import backend

        location = location_of(self.name)
        if location is None:
            uri: str = super()._make_uri()  # type: ignore[misc]
            return uri
        if not os.path.isfile(location.file):
            raise backend.DatabaseOperationalError(f"there is no database {location.file}")
        return f"file:{quote(location.file)}?mode=rw"

    def connect(self) -> Any:
        """SQLite waits for other writers as long as the tenant says."""
        connected = super().connect()  # type: ignore[misc]
        location = location_of(self.name)
        if location is not None and location.backend == "sqlite":
            connected._conn.execute(f"PRAGMA busy_timeout = {int(location.timeout * 1000)}")
            connected._conn.execute("PRAGMA synchronous = FULL")
        return connected

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """PostgreSQL: a connection is waited for, and tried again, as long as the tenant says.

        The pool of psycopg would wait 30 seconds, and pause for minutes between its attempts after a long outage.
        """
        location = location_of(self.name)
        if location is not None and location.backend == "postgresql":
            pool = self._connpool  # type: ignore[attr-defined]
            pool.timeout = pool.reconnect_timeout = location.timeout
        return super().get_connection(*args, **options)  # type: ignore[misc]

    @classmethod
    def _connection_params(cls, name: str) -> dict[str, Any]:
        """PostgreSQL: the tenant's server, user and time-outs."""
        location = location_of(name)
        if location is None:
            params: dict[str, Any] = super()._connection_params(name)  # type: ignore[misc]
            return params
        return {"conninfo": location.conninfo, "fallback_application_name": "shipperone-erp"}
