"""`order adopt`: an operator names a document that was created elsewhere; the service compares and confirms it."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO, TypeVar

from shipperone_erp.domain.absence import may_exist
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Action
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import new_action
from shipperone_erp.operations.job_actions import has_changed
from shipperone_erp.operations.job_selection import Pick, pick
from shipperone_erp.workflow.adoption import adopted_invoice

ValueT = TypeVar("ValueT")

COLUMNS = ("order_id", "reference", "number", "total", "date", "stage")
NOT_SETTLED = (Reason.CONNECTOR_BUG, Reason.ORDER_GONE, Reason.ITEMS_CHANGED)
"""Reasons of a held job whose last call may have created a document in the ERP."""


@dataclass(frozen=True, slots=True)
class Made:
    """A document that was created elsewhere, as an operator names it."""

    wanted: Pick
    reference: str
    number: str | None = None
    total: Decimal | None = None
    dated: date | None = None
    place: str = ""


def can_be_adopted(job: Job) -> bool:
    """Held, waiting or ignored, not confirmed, and without any (possible) document made by this runtime.

    Two more may be adopted: a document of the job's own key that somebody else has issued, and one adopted before.
    """
    if job.accepted or job.lost_at is not None or job.state not in (State.HELD, State.WAITING, State.IGNORED):
        return False
    if job.adopted or (job.invoice is not None and job.invoice.issued):
        return True
    settled = job.state is State.HELD and job.reason not in NOT_SETTLED
    return job.reference is None and (settled or not may_exist(job))


def adopt(ledger: Ledger, made: Sequence[Made], now: datetime, note: str | None) -> list[Job]:
    """Record that these documents were created elsewhere: all of them, or none and a UsageError with each reason."""
    steered: list[tuple[Job, Job, Action]] = []
    bad: list[str] = []
    invoices = grouped(ledger.invoices_of({one.reference for one in made}), key=lambda job: job.reference)
    for one in made:
        try:
            done = _steered(ledger, one, now, note)
            _refuse_a_second_order(done[1], [*invoices.get(one.reference, ()), *(after for _, after, _ in steered)])
            steered.append(done)
        except UsageError as error:
            bad.append(f"{one.place}{error}")
    if bad:
        raise UsageError("\n".join(bad if len(made) == 1 else [f"{len(bad)} bad row(s); nothing was adopted:", *bad]))
    changed = ledger.steer_all(steered)
    if changed is not None:
        raise has_changed(changed)
    return [after for _, after, _ in steered]


def _steered(ledger: Ledger, made: Made, now: datetime, note: str | None) -> tuple[Job, Job, Action]:
    job = pick(ledger, made.wanted, can_be_adopted, "adopted")
    if job.stage is Stage.ALLOCATION and (made.number or made.total is not None):
        raise UsageError(f"{job.key}: a reservation has only a reference; leave out the number and the total")
    binding = ledger.binding(job.tenant)
    invoice = adopted_invoice(made.reference, made.number, made.total, made.dated)
    after = job.made_elsewhere(
        now,
        reference=made.reference,
        number=made.number,
        invoice=invoice if job.stage is Stage.INVOICE else None,
        erp=binding.identity if binding else None,
        day=made.dated,
    )
    details = ", ".join(
        [made.reference]
        + [f"{name} {value}" for name, value in (("number", made.number), ("total", made.total)) if value is not None]
    )
    return job, after, new_action(f"adopt {details}", job.tenant, now, note, job.id)


def _refuse_a_second_order(job: Job, others: Sequence[Job]) -> None:
    """UsageError if the same invoice of the same ERP stands for another job already."""
    for other in others:
        same = other.reference == job.reference and other.stage is job.stage is Stage.INVOICE and other.id != job.id
        if same and (job.erp is None or other.erp in (None, job.erp)):
            whose = f"order {other.order_id}" + (f" of {other.tenant}" if other.tenant != job.tenant else "")
            raise UsageError(
                f"{job.key}: {job.reference} is the invoice of {whose} already ({other.key}): one invoice is confirmed "
                "for one part of one order"
            )


def from_csv(file: Path, tenant: str | None) -> list[Made]:
    """The documents in a CSV file, one a row. UsageError names every invalid row with its line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return _read(str(file), text, tenant)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read as CSV: {error}") from None


def from_text(pasted: str, tenant: str | None) -> list[Made]:
    """As `from_csv`, for pasted rows. Rows pasted from a spreadsheet are separated by tabs."""
    try:
        return _read("row", io.StringIO(pasted.strip() + "\n", newline=""), tenant)
    except csv.Error as error:
        raise UsageError(f"the rows cannot be read as CSV: {error}") from None


def _read(file: str, text: TextIO, tenant: str | None) -> list[Made]:
    head = text.readline()
    text.seek(0)
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(text, delimiter=delimiter, strict=True)
    columns = [column.strip() for column in rows.fieldnames or ()]
    rows.fieldnames = columns
    wrong = [column for column in columns if column not in COLUMNS]
    missing = [column for column in ("order_id", "reference") if column not in columns]
    if wrong or missing:
        raise UsageError(
            f"{file}:1: the columns are {', '.join(COLUMNS)}, and order_id and reference must be there; "
            f"{'not known: ' + ', '.join(wrong) if wrong else 'missing: ' + ', '.join(missing)}"
        )
    return list(_rows(file, rows, tenant))


def _rows(file: str, rows: "csv.DictReader[str]", tenant: str | None) -> Iterator[Made]:
    bad: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    found: list[Made] = []
    for row in rows:
        line = rows.line_num
        try:
            if None in row:
                raise UsageError("it has more cells than there are columns")
            cells = {key: (value or "").strip() for key, value in row.items()}
            made = _row(cells, tenant, f"  {file}:{line}: ")
            same = (made.wanted.order_id, str(made.wanted.stage))
            if same in seen:
                raise UsageError(f"order {same[0]} is on line {seen[same]} already")
            seen[same] = line
            found.append(made)
        except UsageError as error:
            bad.append(f"  {file}:{line}: {error}")
    if bad:
        raise UsageError("\n".join([f"{len(bad)} bad row(s); nothing was adopted:", *bad]))
    yield from found


def _row(cells: dict[str, str], tenant: str | None, place: str) -> Made:
    if not cells["order_id"] or not cells["reference"]:
        raise UsageError("order_id and reference must be filled in")
    return Made(
        Pick(cells["order_id"], tenant, parsed(Stage, cells.get("stage"), "stage", "allocation or invoice")),
        cells["reference"],
        cells.get("number") or None,
        parsed(amount, cells.get("total"), "total", "an amount such as 24.99"),
        parsed(date.fromisoformat, cells.get("date"), "date", "a date such as 2026-03-01"),
        place,
    )


def amount(text: str) -> Decimal:
    """An exact, finite amount; ValueError otherwise."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not value.is_finite():
        raise ValueError(text)
    return value


def parsed(parse: Callable[[str], ValueT], text: str | None, name: str, form: str) -> ValueT | None:
    """The parsed value; None without a text. UsageError shows the form."""
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise UsageError(f"{name} {text!r} is not {form}") from None
