"""The location of each tenant's database. Tryton has one for all databases of a process; here each has its own.

`trytond.backend` mixes `Located` into its class of databases (`database_mixins` of its configuration). Tryton's name of
a database is the tenant's `url`: two tenants with different databases never share a name.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Location:
    """A database: its address, and the parameters of its connections."""

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
        """The connection string for psycopg; it contains the password."""
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
    """From now on the database of this url has that location."""
    with _lock:
        _locations[location.url] = location


def location_of(name: str) -> Location | None:
    """The location of that name; None if no tenant has it."""
    return _locations.get(name)


class Located:
    """Mixed into `trytond.backend.Database`."""

    name: str

    def _make_uri(self) -> str:
        """SQLite: the URI of the file, which must exist. Tryton would search its own folder for it."""
        from trytond import backend

        location = location_of(self.name)
        if location is None:
            uri: str = super()._make_uri()  # type: ignore[misc]
            return uri
        if not os.path.isfile(location.file):
            raise backend.DatabaseOperationalError(f"there is no database {location.file}")
        return f"file:{quote(location.file)}?mode=rw"

    def connect(self) -> Any:
        """SQLite waits for other writers up to the tenant's time limit."""
        connected = super().connect()  # type: ignore[misc]
        location = location_of(self.name)
        if location is not None and location.backend == "sqlite":
            connected._conn.execute(f"PRAGMA busy_timeout = {int(location.timeout * 1000)}")
            connected._conn.execute("PRAGMA synchronous = FULL")
        return connected

    def get_connection(self, *args: Any, **options: Any) -> Any:
        """PostgreSQL: waits for a connection, and retries, up to the tenant's time limit.

        The pool of psycopg would wait 30 seconds, and pause for minutes between its attempts after a long outage.
        """
        location = location_of(self.name)
        if location is not None and location.backend == "postgresql":
            pool = self._connpool  # type: ignore[attr-defined]
            pool.timeout = pool.reconnect_timeout = location.timeout
        return super().get_connection(*args, **options)  # type: ignore[misc]

    @classmethod
    def _connection_params(cls, name: str) -> dict[str, Any]:
        """PostgreSQL: the tenant's server, user and time limits."""
        location = location_of(name)
        if location is None:
            params: dict[str, Any] = super()._connection_params(name)  # type: ignore[misc]
            return params
        return {"conninfo": location.conninfo, "fallback_application_name": "shipperone-erp"}
