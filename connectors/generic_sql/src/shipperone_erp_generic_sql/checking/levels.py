"""The levels of `sql check` in their sequence, each with its description. A level that fails is the last one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shipperone_erp import Check, FulfillmentOrder
from shipperone_erp_generic_sql.checking.connect import connected
from shipperone_erp_generic_sql.checking.dry_run import LIMITS, DryRun
from shipperone_erp_generic_sql.checking.race import Race
from shipperone_erp_generic_sql.checking.rehearsal import Rehearsal
from shipperone_erp_generic_sql.checks import explained, warnings
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.settings import GenericSqlSettings

LINT = "checks the statements in the file; the database is not opened"
RACE = (
    "several sessions concurrently reserve the last pieces, release one reservation, number invoices and issue one "
    "draft; their documents stay in this test database, released"
)
REHEARSE = (
    "processes an order completely against ShipperOne's sandbox, together with one that is short and one that "
    "is cancelled, and kills the process twice; their documents stay in this test database"
)
ERP = 5
FAILED = 1


@dataclass(frozen=True)
class Level:
    """One level. `exit_code`: the exit code of the command if it fails."""

    name: str
    does: str
    checks: Callable[[], Iterator[Check]]
    exit_code: int = FAILED


@dataclass(frozen=True)
class Subject:
    """The subject of the checks, and which of them are permitted."""

    config: Path
    tenant: str
    settings: GenericSqlSettings
    database: Database
    order: FulfillmentOrder
    test_database: bool


def levels(subject: Subject) -> list[Level]:
    """All levels that are permitted for this subject."""
    database, settings = subject.database, subject.settings
    issuing = "issuing is part of it" if subject.test_database else "issuing is left out (--test-database adds it)"
    found = [
        Level("lint", LINT, lambda: _linted(settings)),
        Level(
            "connect", "opens the database and checks its properties; nothing is changed",
            lambda: iter(connected(database)), ERP,
        ),
        Level(
            "explain", "has the database plan each statement; no row is touched", lambda: _explained(database, settings)
        ),
        Level(
            "dry run", f"runs every step on order {subject.order.order_id}, twice, in a transaction that is always "
            f"rolled back; {issuing}; {LIMITS}",
            lambda: iter(DryRun(database, subject.order, subject.tenant, subject.test_database).run()),
        ),
    ]  # fmt: skip
    if subject.test_database:
        found.append(
            Level(
                "race",
                RACE,
                lambda: Race(database, subject.order, subject.tenant).run(),
            )
        )
        found.append(
            Level(
                "rehearse",
                REHEARSE,
                lambda: Rehearsal(subject.config, subject.tenant, subject.order, database).run(),
            )
        )
    return found


def _linted(settings: GenericSqlSettings) -> Iterator[Check]:
    every = list(settings.every())
    steps = len({step for step, _, _ in every})
    yield Check("statements", True, f"{len(every)} statements in {steps} steps, for {settings.dialect.title}")
    yield from warnings(settings)


def _explained(database: Database, settings: GenericSqlSettings) -> Iterator[Check]:
    wrong = explained(database, settings)
    if not wrong:
        yield Check("statements", True, "the database can plan all of them (procedure calls are not planned)")
    yield from wrong
