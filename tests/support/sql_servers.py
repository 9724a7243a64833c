"""Real database servers for tests of generic_sql: SQLite, PostgreSQL, MariaDB; a database in each is an `SqlDatabase`."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from made_once import copied, made_once

MARIADB_VARIABLE = "SHIPPERONE_ERP_TEST_MARIADB"
DIALECTS = ("sqlite", "postgresql", "mariadb")
LOGIN = "shipperone"
PASSWORD = "least-privilege"
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}

_numbers = itertools.count(1)


def statements(script: str) -> list[str]:
    """A script as the databases' own clients read it: `;` ends a statement, outside quotes and `$$`; DELIMITER is
    MariaDB's, BEGIN … END of a trigger SQLite's."""
    found, delimiter, current = [], ";", ""
    for line in script.splitlines():
        if line.upper().startswith("DELIMITER "):
            delimiter = line.split()[1]
            continue
        current += line + "\n"
        plain = re.sub(r"--.*", "", current)
        opened = plain.count("$$") % 2 or (
            re.search(r"CREATE TRIGGER", plain) and "BEGIN" in plain and not re.search(r"\bEND;\s*$", plain)
        )
        if plain.rstrip().endswith(delimiter) and not (delimiter == ";" and opened):
            found.append(current.rstrip().removesuffix(delimiter))
            current = ""
    return [*found, current] if re.sub(r"--.*", "", current).strip() else found


@dataclass
class SqlDatabase:
    """A database of its own. `admin`: as its owner; `url`, `password`: the login that the connector uses."""

    dialect: str
    admin: Engine
    url: str
    password: str | None
    file: Path | None = None
    made: frozenset[str] = frozenset()
    """The tables that are emptied between tests; others are dropped."""

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner, committed; its rows."""
        with self.admin.begin() as connection:
            result = connection.execute(text(sql), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def script(self, source: str) -> None:
        """Run a script as the owner."""
        with self.admin.begin() as connection:
            for statement in statements(source):
                connection.exec_driver_sql(statement if self.dialect == "sqlite" else statement.replace("%", "%%"))

    def tables(self) -> set[str]:
        return set(inspect(self.admin).get_table_names())

    def create(self, table: str, columns: str) -> None:
        """A further table, which the connector's login may use."""
        self.ask(f"CREATE TABLE {table} ({columns})")
        if self.dialect != "sqlite":
            self.ask(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {LOGIN}")

    def empty(self) -> None:
        """Every row gone, numbers from 1 again; tables that tests have made are dropped."""
        names, keep = self.tables(), self.made
        with self.admin.begin() as connection:
            if self.dialect == "postgresql":
                for name in names - keep:
                    connection.exec_driver_sql(f"DROP TABLE {name} CASCADE")
                connection.exec_driver_sql(f"TRUNCATE {', '.join(keep)} RESTART IDENTITY CASCADE")
                return
            checks = {"sqlite": "PRAGMA foreign_keys = OFF", "mariadb": "SET FOREIGN_KEY_CHECKS = 0"}
            connection.exec_driver_sql(checks[self.dialect])
            for name in names - keep:
                connection.exec_driver_sql(f"DROP TABLE {name}")
            for name in keep:
                connection.exec_driver_sql(f"DELETE FROM {name}")
                if self.dialect == "mariadb":
                    connection.exec_driver_sql(f"ALTER TABLE {name} AUTO_INCREMENT = 1")
            if self.dialect == "mariadb":
                connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 1")


class MariaDb:
    """A MariaDB server of this test run's own, or the one of the variable."""

    def __init__(self, url: URL, process: "subprocess.Popen[bytes] | None" = None, start: Any = None) -> None:
        self.url = url
        self.process = process
        self._start = start

    def kill(self) -> None:
        """As if the machine's power went."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        """Start it again on its files."""
        self.process = self._start()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _mariadbd(directory: Path, port: int) -> "subprocess.Popen[bytes]":
    binary = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin") or "mariadbd"
    process = subprocess.Popen(
        [
            binary, "--no-defaults", f"--datadir={directory}/data", f"--socket={directory}/s", f"--port={port}",
            "--bind-address=127.0.0.1", "--user=root" if os.geteuid() == 0 else "--skip-grant-tables=0",
            "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M",
            "--performance-schema=OFF", "--skip-log-bin", "--skip-name-resolve", "--max-connections=200",
        ],
        stdout=subprocess.DEVNULL, stderr=(directory / "log").open("ab"),
    )  # fmt: skip
    ends = time.monotonic() + 30
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as reached:
            if reached.recv(5):
                return process
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"mariadbd did not start: {(directory / 'log').read_text()[-400:]}")


def _installed(program: str, directory: Path) -> None:
    """The files of a server that has not run yet."""
    for _ in range(3):  # beside much else that starts, its server now and then dies while it makes its tables
        done = subprocess.run(
            [
                program, "--no-defaults", f"--datadir={directory}", "--auth-root-authentication-method=normal",
                "--skip-test-db", *(["--user=root"] if os.geteuid() == 0 else []),
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
        shutil.rmtree(directory, ignore_errors=True)
    raise RuntimeError(f"mariadb-install-db: {(done.stderr or done.stdout)[-400:]}")


@contextlib.contextmanager
def own_mariadb() -> Iterator[MariaDb]:
    """A server in a temporary directory, which nobody else uses. RuntimeError says why there is none."""
    install = shutil.which("mariadb-install-db")
    if install is None:
        raise RuntimeError("its programs are not installed (Debian: apt-get install mariadb-server)")
    # in memory where there is such a place: making and emptying tables waits for the disk otherwise
    memory = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix="md", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        (directory / "data").mkdir()
        copied(made_once("mariadb", partial(_installed, install)), directory / "data")
        port = _free_port()
        process = _mariadbd(directory, port)
        server = MariaDb(URL.create("mariadb+pymysql", "root", host="127.0.0.1", port=port, database="mysql"), process,
                         lambda: _mariadbd(directory, port))  # fmt: skip
        # with --skip-name-resolve root@localhost is reached by the socket only
        socket_url = server.url.set(host="localhost", query={"unix_socket": f"{directory}/s"})
        with create_engine(socket_url, poolclass=NullPool).begin() as connection:
            connection.exec_driver_sql("DELETE FROM mysql.global_priv WHERE User = ''")
            connection.exec_driver_sql("FLUSH PRIVILEGES")
            connection.exec_driver_sql("GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION")
        try:
            yield server
        finally:
            if server.process is not None:
                server.process.kill()
                server.process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    """The MariaDB of the variable, or one started for these tests; without either, skipped with what to set."""
    how = f"set {MARIADB_VARIABLE}=mariadb://USER:PASSWORD@HOST/mysql to a server where databases and users may be made"
    pytest.importorskip("pymysql", reason="pymysql is not installed")
    if given := os.environ.get(MARIADB_VARIABLE):
        yield MariaDb(make_url(given).set(drivername="mariadb+pymysql"))
        return
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(own_mariadb())
        except RuntimeError as error:
            pytest.skip(f"no MariaDB could be started here: {error}; or {how}")
        yield server


def new_database(server: URL) -> SqlDatabase:
    """A database of its own on that server, its owner the given login."""
    name = f"erp_{os.getpid()}_{next(_numbers)}"
    dialect = "postgresql" if server.drivername.startswith("postgresql") else "mariadb"
    server = server.set(drivername=DRIVERS[dialect])
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        if dialect == "postgresql":
            with contextlib.suppress(Exception):
                connection.exec_driver_sql(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{PASSWORD}'")
        else:
            connection.exec_driver_sql(f"CREATE USER IF NOT EXISTS {LOGIN} IDENTIFIED BY '{PASSWORD}'")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin = create_engine(server.set(database=name))
    url = server.set(drivername=dialect, username=LOGIN, password=None, database=name)
    return SqlDatabase(dialect, admin, url.render_as_string(hide_password=False), PASSWORD)


def drop_database(database: SqlDatabase) -> None:
    """Gone, whoever still uses it."""
    name = database.admin.url.database
    database.admin.dispose()
    force = " WITH (FORCE)" if database.dialect == "postgresql" else ""
    elsewhere = database.admin.url.set(database="postgres" if database.dialect == "postgresql" else "mysql")
    with create_engine(elsewhere, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}{force}")


def new_sqlite(folder: Path, script: str = "") -> SqlDatabase:
    """A SQLite file in that folder, in which the script was run."""
    file = folder / "erp.db"
    admin = create_engine(f"sqlite:///{file}", poolclass=NullPool, connect_args={"timeout": 20})
    with admin.begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    database = SqlDatabase("sqlite", admin, f"sqlite:///{file}", None, file)
    database.script(script)
    return database


@pytest.fixture(scope="session")
def kept_databases() -> Iterator[dict[tuple[str, str], SqlDatabase]]:
    """The databases that tests of one way on one server share, one after the other, emptied in between."""
    kept: dict[tuple[str, str], SqlDatabase] = {}
    yield kept
    for database in kept.values():
        with contextlib.suppress(Exception):  # the server is gone already, and with it the database
            drop_database(database)


def server_url(request: pytest.FixtureRequest, dialect: str) -> URL:
    """The server of that dialect, started if need be."""
    if dialect == "postgresql":
        return make_url(request.getfixturevalue("postgresql_server")).set(drivername="postgresql+psycopg")
    return request.getfixturevalue("mariadb_server").url
