"""The address of a database: parsed from `url`, without its password; this package selects the driver."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shipperone_erp_generic_sql.dialects import DIALECTS, SqlDialect

EXAMPLES = "sqlite:///erp.db, postgresql://user@host/database, mariadb://user@host/database"


def dialect_of(url: str) -> SqlDialect:
    """The dialect that the URL names. ValueError, without the URL, if this connector does not support it."""
    name = _read(url).get_backend_name()
    if name not in DIALECTS:
        raise ValueError(f"{name} is not supported; this connector supports {', '.join(DIALECTS)}")
    return DIALECTS[name]


def take_password(url: str) -> tuple[str, str | None]:
    """The URL without its password, and the password. Text that is not a URL is returned unchanged."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        return url, None
    if not read.password or read.get_backend_name() == "sqlite":
        return url, None
    return read._replace(password=None).render_as_string(hide_password=False), str(read.password)


def checked(url: str, base: Path | None) -> str:
    """The URL in the form used, with the path of a SQLite file absolute. ValueError explains why the URL is invalid."""
    dialect = dialect_of(url)
    read = _read(url)
    if read.drivername not in (dialect.url, dialect.driver):
        raise ValueError(f"{read.drivername} is not supported; write {dialect.url}://, the driver is {dialect.module}")
    if dialect.url == "sqlite":
        return _sqlite_file(read, base)
    if "@" in f"{read.host}{read.database}":
        raise ValueError("the @ in its password ended the login too early: write it as %40, or use `password`")
    if not read.database and "service_name" not in read.query:
        raise ValueError(f"name the database: {dialect.url}://user@host/database")
    unknown = sorted(set(read.query) - dialect.options)
    if unknown:
        known = ", ".join(sorted(dialect.options))
        hint = "; the password belongs in `password`" if "password" in unknown else ""
        raise ValueError(f"the URL's option {unknown[0]} is not one of {known}{hint}")
    return url


def resolved(url: str, password: str | None) -> URL:
    """The URL for SQLAlchemy: with its driver and its password."""
    dialect, read = dialect_of(url), _read(url)
    return read.set(drivername=dialect.driver, password=password)


def identity(url: str) -> str:
    """Identifies this database without the login. Stable as long as the address does not change."""
    dialect, read = dialect_of(url), _read(url)
    if dialect.url == "sqlite":
        return f"sqlite:{Path(read.database or '').absolute()}"
    host = read.host or next(iter(read.normalized_query.get("host", ())), None) or "localhost"
    name = read.database or next(iter(read.normalized_query.get("service_name", ())), "")
    return f"{dialect.url}:{host}:{read.port or dialect.port}/{name}"


def _read(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(f"not a database URL; write one such as {EXAMPLES}") from None


def _sqlite_file(read: URL, base: Path | None) -> str:
    if read.username or read.password or read.host or read.port:
        raise ValueError("a SQLite URL contains only a file; a password is a separate setting, never part of the URL")
    if read.query:
        raise ValueError("a SQLite URL has no options; the time limit for a lock is `lock_timeout`")
    if not read.database or read.database == ":memory:":
        raise ValueError("name the file: sqlite:///erp.db; a database in memory is lost with the process")
    if base is None:
        return read.render_as_string(hide_password=False)
    return read.set(database=str(base / read.database)).render_as_string(hide_password=False)
