"""One call of a hook inside one transaction: look for what is there, run a step's statements, look again."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from shipperone_erp import Invoice, InvoiceLine, Reason, Refused, ShortLine
from shipperone_erp_generic_sql.binds import values
from shipperone_erp_generic_sql.call import Call, Line
from shipperone_erp_generic_sql.database import Conflict, meaning, undone_if_it_fails
from shipperone_erp_generic_sql.exact import date_from_database, from_database, from_micro, shown
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import Query, Statement

Row = dict[str, Any]
VOIDED = "voided"


class Unmet(Refused):
    """A statement did not touch as many rows as it must; its step was rolled back."""


@dataclass(frozen=True)
class FoundReservation:
    """A reservation as find_reservation gives it."""

    reference: str
    state: str | None
    url: str | None
    sentence: str | None


@dataclass(frozen=True)
class FoundInvoice:
    """An invoice as find_invoice gives it: `state` is draft, issued or voided."""

    state: str
    invoice: Invoice

    @property
    def reference(self) -> str:
        return self.invoice.reference or ""


class Work:
    """What a hook does in its transaction. After a conflict, `run` refuses: then there is only looking."""

    def __init__(
        self, connection: Connection, settings: GenericSqlSettings, call: Call, conflict: Conflict | None = None
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._call = call
        self._conflict = conflict

    def run(self, step: str, **known: str | None) -> None:
        """Run the step's statements, all or none of them. `known`: what was learnt by looking, as binds.

        `Unmet` if a statement's `expect` is not met, `Conflict` if a constraint is broken.
        """
        if self._conflict is not None:
            raise self._conflict.refusal
        call = replace(self._call, **known) if known else self._call  # type: ignore[arg-type]
        with undone_if_it_fails(self._connection):
            for number, statement in enumerate(self._settings.statements(step), start=1):
                place = f"statement {number} of {step}"
                for line in call.lines if statement.each else (None,):
                    rows = self._rows_touched(statement, call, line, place)
                    if not statement.is_met_by(rows, len(call.lines)):
                        raise _unmet(statement, place, line, rows)

    def reservation(self) -> FoundReservation | None:
        """The reservation of the call's key, live or voided."""
        row = self._one("find_reservation")
        if row is None:
            return None
        return FoundReservation(
            reference=_text(row, "reference", "find_reservation"),
            state=row.get("state"),
            url=row.get("url"),
            sentence=row.get("sentence"),
        )

    def invoice(self) -> FoundInvoice | None:
        """The invoice of the call's key, in any state."""
        row = self._one("find_invoice")
        if row is None:
            return None
        reference, state = _text(row, "reference", "find_invoice"), _text(row, "state", "find_invoice")
        if state not in ("draft", "issued", VOIDED):
            raise Refused(
                Reason.CONFIG_INCOMPLETE, f"find_invoice answers the state {shown(state)}: not draft, issued or voided"
            )
        number = row.get("number")
        invoice = Invoice(
            reference=reference,
            lines=self._invoice_lines(reference),
            shipping_amount_incl_tax=_amount(row, "shipping_amount_incl_tax"),
            total_incl_tax=_amount(row, "total_incl_tax"),
            currency=row.get("currency"),
            issued=state == "issued",
            number=None if number is None else str(number),
            date=_date(row, "date"),
            url=row.get("url"),
        )
        return FoundInvoice(state, invoice)

    def is_delivered(self) -> bool:
        """Whether find_delivery finds the call's key."""
        return self._one("find_delivery") is not None

    def short_lines(self) -> tuple[ShortLine, ...]:
        """Every line of goods that are wanted in a larger quantity than is available.

        Lines of the same goods stand together: each is named with what all of them want.
        """
        goods: dict[tuple[str, str], list[Line]] = {}
        for line in self._call.lines:
            goods.setdefault((line.item.sku, line.warehouse_code), []).append(line)
        short = {}
        for lines in goods.values():
            wanted = sum((line.item.qty for line in lines), Decimal(0))
            available = self._available(lines[0])
            if wanted > available:
                short.update({line.line_no: (line, wanted, available) for line in lines})
        return tuple(
            ShortLine(line.item.item_id, line.item.sku, wanted, available)
            for _, (line, wanted, available) in sorted(short.items())
        )

    def _available(self, line: Line) -> Decimal:
        rows = self._rows("available", line=line)
        if not rows:
            return Decimal(0)
        column = next(iter(rows[0]))
        return _amount(rows[0], column) or Decimal(0)

    def _invoice_lines(self, reference: str) -> tuple[InvoiceLine, ...]:
        if not self._settings.find_invoice_lines:
            return tuple(InvoiceLine(item.item_id, item.qty) for item in self._call.order.items)
        ids = {str(item.item_id): item.item_id for item in self._call.order.items}
        found = []
        for row in self._rows("find_invoice_lines", reference=reference):
            item_id = _text(row, "item_id", "find_invoice_lines")
            qty = _amount(row, "qty")
            if qty is None:
                raise Refused(Reason.CONFIG_INCOMPLETE, "find_invoice_lines answers a line without qty")
            total, percent = _amount(row, "total_incl_tax"), _amount(row, "tax_percent")
            found.append(InvoiceLine(ids.get(item_id, item_id), qty, total, percent))
        return tuple(found)

    def _one(self, step: str) -> Row | None:
        rows = self._rows(step)
        if len(rows) > 1:
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"{step} answers {len(rows)} rows for key {self._call.key}: the key is not unique in the ERP, "
                "or the query is too wide",
            )
        return rows[0] if rows else None

    def _rows(self, step: str, *, line: Line | None = None, reference: str | None = None) -> list[Row]:
        call = replace(self._call, reference=reference) if reference else self._call
        for number, query in enumerate(self._settings.queries(step), start=1):
            result = self._execute(query, call, line, f"statement {number} of {step}")
            rows = [dict(row) for row in result.mappings()]
            if rows:
                return rows
        return []

    def _rows_touched(self, statement: Statement, call: Call, line: Line | None, place: str) -> int:
        result = self._execute(statement, call, line, place)
        if result.returns_rows:
            return len(result.all())
        if result.rowcount >= 0:
            return result.rowcount
        # Python's sqlite3 does not count for WITH … INSERT, UPDATE, DELETE.
        return int(self._connection.exec_driver_sql("SELECT changes()").scalar_one())

    def _execute(self, query: Query, call: Call, line: Line | None, place: str) -> CursorResult[Any]:
        bound = values(query.names, call, line)
        try:
            return self._connection.execute(query.clause, bound)
        except DBAPIError as error:
            raise meaning(error, place) from error


def _unmet(statement: Statement, place: str, line: Line | None, rows: int) -> Unmet:
    about = f"{shown(line)}: " if line else ""
    told = statement.sentence or f"{place} found {rows} rows where {statement.expect} must be"
    return Unmet(statement.otherwise, about + told, statement.owner)


def _text(row: Row, column: str, step: str) -> str:
    value = row.get(column)
    if value is None:
        raise Refused(Reason.CONFIG_INCOMPLETE, f"{step} answers a row without {column}")
    return str(value)


def _amount(row: Row, column: str) -> Decimal | None:
    """The amount in that column, or in the column of that name that counts millionths."""
    if column.endswith("_micro"):
        return from_micro(row[column], column)
    if f"{column}_micro" in row:
        return from_micro(row[f"{column}_micro"], f"{column}_micro")
    return from_database(row.get(column), column)


def _date(row: Row, column: str) -> date | None:
    return date_from_database(row.get(column), column)
