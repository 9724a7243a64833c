"""The checks of `doctor` about the installation as a whole: its configuration and its ledger."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.disk_space import free_space, ledger_file

LITTLE_SPACE = 1 << 30


NO_SPACE = 100 << 20


class Verdict(StrEnum):
    """The result of a check."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Line:
    """One check of one tenant, or of the installation if `tenant` is None."""

    tenant: str | None
    check: str
    verdict: Verdict
    sentence: str
    cure: str | None = None
    ending: Ending = Ending.FAILED

    def row(self) -> dict[str, Any]:
        """The line as `doctor --json` lists it."""
        return {**{key: value for key, value in asdict(self).items() if key != "ending"}, "verdict": self.verdict.value}


def warning_line(settings: TenantSettings, check: str, sentence: str, cure: str) -> Line:
    """A warning about the tenant, with its cure."""
    return Line(settings.name, check, Verdict.WARN, sentence, cure)


def configuration_lines(configuration: Configuration) -> list[Line]:
    """The problems and warnings of the configuration, or that it has none."""
    lines = [
        Line(
            problem.tenant, "configuration", Verdict.FAIL, str(problem), "correct it in the file", Ending.CONFIGURATION
        )
        for problem in configuration.problems
    ]
    for warning in configuration.warnings:
        if not warning.key.endswith(".base_url"):  # the check of the address already warns about it
            cure = "store it where only this process can read it"
            lines.append(Line(warning.tenant, "secrets", Verdict.WARN, str(warning), cure))
    return lines or [Line(None, "configuration", Verdict.OK, f"{configuration.file} has no problems")]


def ledger_lines(url: str) -> list[Line]:
    """Whether the ledger at that URL can be used, has room, and is undamaged."""
    file = ledger_file(url)
    lines = []
    if file is not None:
        free = free_space(file) or 0
        verdict = Verdict.FAIL if free < NO_SPACE else Verdict.WARN if free < LITTLE_SPACE else Verdict.OK
        sentence = f"{free >> 20} MiB are free on the ledger's disk"
        lines.append(Line(None, "disk", verdict, sentence, "make room" if verdict is not Verdict.OK else None))
        if not file.exists():
            sentence = f"there is no ledger at {file} yet"
            return [*lines, Line(None, "ledger", Verdict.WARN, sentence, "the first `shipperone-erp run` creates it")]
    try:
        with Ledger.open(url) as ledger:
            ledger.can_write()
            damage = list(ledger.damage())
    except LedgerError as error:
        cure = "follow the message"
        return [*lines, Line(None, "ledger", Verdict.FAIL, str(error), cure, Ending(error.exit_code))]
    lines.append(Line(None, "ledger", Verdict.OK, "the ledger opens, has this version, and is writable"))
    if file is not None and private_files.readable_by_others(file):
        sentence = f"other users can read {file}, and it contains personal data"
        lines.append(
            Line(None, "permissions", Verdict.WARN, sentence, f"chmod 600 {file}, or start `run`, which does it")
        )
    if damage:
        cure = (
            "stop the service, restore a copy, then run `ledger restored` (docs/how-to/operations.md, a damaged ledger)"
        )
        lines += [Line(None, "integrity", Verdict.FAIL, sentence, cure) for sentence in damage]
    else:
        sentence = "the database's own check finds no error, and every row can be read"
        lines.append(Line(None, "integrity", Verdict.OK, sentence))
    return lines
