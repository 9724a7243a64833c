"""One call of a hook inside one transaction: look for existing documents, run a step's statements, look again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from shipperone_erp import Document, InvoiceLine, Owner, Reason, Refused, ShortLine
from shipperone_erp_generic_sql import query_results, triggers
from shipperone_erp_generic_sql.captured import captured
from shipperone_erp_generic_sql.database import Database, Unmet
from shipperone_erp_generic_sql.errors import Kind
from shipperone_erp_generic_sql.exact_values import shown
from shipperone_erp_generic_sql.hook_call import Call, Element, Line
from shipperone_erp_generic_sql.prepared import Answer, Prepared
from shipperone_erp_generic_sql.query_results import Found, FoundInvoice, FoundReservation, HeldLine, Row
from shipperone_erp_generic_sql.statement import Change, Each, Query
from shipperone_erp_generic_sql.statement_lint import Parsed


@dataclass(frozen=True, slots=True)
class Short:
    """The shortage of an order: lines with less available than needed, and lines without any available quantity."""

    lines: tuple[ShortLine, ...]
    unknown: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.lines or self.unknown)


class Work:
    """The work of a hook in its transaction."""

    def __init__(self, connection: Connection, database: Database, prepared: Prepared, call: Call) -> None:
        self._connection = connection
        self._cursor: Any = connection.connection.cursor()
        self._database = database
        self._settings = database.settings
        self._prepared = prepared
        self._call = call

    def run(self, step: str, **known: str | None) -> None:
        """Run the step's statements. `known`: values found by a query, as binds.

        `Unmet` if a statement's `expect` is not met, `DatabaseFailed` if the database refuses one; then the whole
        transaction must be rolled back.
        """
        call = self._call.knowing(**known) if known else self._call
        of_order: dict[str, Any] = {}
        of_element: dict[tuple[Each, int], dict[str, Any]] = {}
        for head, places in self._prepared.groups(step):
            for nth, element in enumerate(call.each(head.each, of_document=head.of_document)):
                own = of_order if head.each is None else of_element.setdefault((head.each, nth), {})
                for place, statement in places:
                    knowing = call.knowing(captured={**of_order, **own}) if of_order or own else call
                    own.update(self._ran(statement, knowing, element, place))

    def _ran(self, statement: Change, call: Call, element: Element | None, place: str) -> Mapping[str, Any]:
        """Run the statement once; returns the values that it captures."""
        answer = self._execute(statement, call, element, place)
        rows = self._rows_touched(answer)
        if not statement.is_met_by(rows, len(call.lines)):
            raise _unmet(statement, place, element, rows)
        return captured(statement, answer, place) if statement.captures else {}

    def reservation(self) -> FoundReservation | None:
        """The reservation of the call's key, in any state."""
        row = self._one("find_reservation")
        return None if row is None else query_results.reservation(row)

    def invoice(self) -> FoundInvoice | None:
        """The invoice of the call's key, in any state."""
        row = self._one("find_invoice")
        return None if row is None else query_results.invoice(row, self._invoice_lines(str(row.get("reference"))))

    def configured(self, query: str) -> bool:
        """Whether the merchant has statements for that query."""
        return bool(self._settings.queries(query))

    def held_lines(self) -> list[HeldLine]:
        """The lines of the reservation of the call's key, by find_reservation_lines."""
        return [query_results.held_line(row) for row in self._rows("find_reservation_lines")]

    def invoice_reference(self) -> str | None:
        """The reference of the invoice of the call's key."""
        row = self._one("find_invoice")
        return None if row is None else query_results.text(row, "reference", "find_invoice")

    def refuse_dates(self) -> None:
        """`Refused`, erp_period_locked, if the ERP cannot issue an invoice with the call's dates."""
        row = self._one("refused_dates")
        if row is not None:
            dates = f"day of supply {self._call.tax_date}, date of issue {self._call.issue_date or 'the ERP decides'}"
            sentence = row.get("sentence") or f"the ERP does not accept an invoice with these dates ({dates})"
            raise Refused(Reason.ERP_PERIOD_LOCKED, str(sentence), Owner.ACCOUNTANT)

    def delivery(self) -> Found | None:
        """The delivery of the call's key."""
        row = self._one("find_delivery")
        return None if row is None else query_results.delivery(row)

    def documents(self) -> list[Document]:
        """Every row of every query of list_documents, with its lines if list_document_lines returns them."""
        lines: dict[tuple[str, str], list[InvoiceLine]] = {}
        for row in self._every("list_document_lines"):
            of = (
                query_results.text(row, "kind", "list_document_lines"),
                query_results.text(row, "reference", "list_document_lines"),
            )
            lines.setdefault(of, []).append(query_results.line(row, "list_document_lines"))
        return [
            query_results.document(row, lines.get((str(row.get("kind")), str(row.get("reference"))), ()))
            for row in self._every("list_documents")
        ]

    def short_lines(self) -> Short:
        """The lines whose goods are needed in a larger quantity than is available, and the goods without a row in the
        ERP.

        The quantities of lines with the same goods are added: each line is reported with their sum.
        """
        goods: dict[tuple[str, str], list[Line]] = {}
        for line in self._call.lines:
            goods.setdefault((line.item.sku, line.warehouse_code), []).append(line)
        short = {}
        unknown = []
        for lines in goods.values():
            wanted = sum((line.item.qty for line in lines), Decimal(0))
            available = self.figure(lines[0])
            if available is None:
                unknown.append(lines[0])
            elif wanted > available:
                short.update({line.line_no: (line, wanted, available) for line in lines})
        return Short(
            tuple(
                ShortLine(line.item.item_id, line.item.sku, wanted, available)
                for _, (line, wanted, available) in sorted(short.items())
            ),
            tuple(unknown),
        )

    def available(self, line: Line) -> Decimal:
        """The result of the query `available` for that line's goods; 0 without a row or a quantity."""
        return self.figure(line) or Decimal(0)

    @property
    def lines(self) -> Sequence[Line]:
        """The items of the call's order."""
        return self._call.lines

    def figure(self, line: Line) -> Decimal | None:
        """Like `available`, but None without a row or a quantity."""
        rows = self._rows("available", line=line)
        return query_results.amount(rows[0], next(iter(rows[0]))) if rows else None

    def _invoice_lines(self, reference: str) -> tuple[InvoiceLine, ...]:
        if not self._settings.find_invoice_lines:
            return tuple(InvoiceLine(item.item_id, item.qty) for item in self._call.order.items)
        ids = {str(item.item_id): item.item_id for item in self._call.order.items}
        rows = self._rows("find_invoice_lines", reference=reference)
        return tuple(query_results.line(row, "find_invoice_lines", ids) for row in rows)

    def _one(self, step: str) -> Row | None:
        rows = self._rows(step)
        if len(rows) > 1:
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"{step} returns {len(rows)} rows for key {self._call.key}: the key is not unique in the ERP, "
                "or the query is too wide",
            )
        return rows[0] if rows else None

    def _every(self, step: str) -> Iterator[Row]:
        """The rows of all queries of a step that is not about an order."""
        for number, query in enumerate(self._settings.queries(step), start=1):
            yield from self._answer(query, self._call, None, f"statement {number} of {step}")

    def _rows(self, step: str, *, line: Line | None = None, reference: str | None = None) -> Sequence[Row]:
        call = self._call.knowing(reference=reference) if reference else self._call
        for number, query in enumerate(self._settings.queries(step), start=1):
            rows = self._answer(query, call, line, f"statement {number} of {step}")
            if rows:
                return rows
        return []

    def _answer(self, query: Query, call: Call, line: Line | None, place: str) -> list[Row]:
        answer = self._execute(query, call, line, place)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def _rows_touched(self, answer: Answer) -> int:
        if answer.columns:
            return len(answer.rows)
        if answer.touched >= 0 or self._database.dialect.url != "sqlite":
            return answer.touched
        # Python's sqlite3 reports no row count for WITH … INSERT, UPDATE, DELETE.
        return int(self._connection.exec_driver_sql("SELECT changes()").scalar_one())

    def _execute(self, query: Query, call: Call, element: Element | None, place: str) -> Answer:
        ready = self._prepared.ready(query, self._connection.dialect)
        try:
            return ready.execute(self._cursor, call, element)
        except self._connection.dialect.loaded_dbapi.Error as error:
            numbering = self._settings.numbering(place.rpartition(" ")[2])
            bound = ready.bound(call, element)
            failure = self._database.refused(self._connection, error, place, bound, numbering=numbering)
        if failure.kind is Kind.DENIED:
            failure = triggers.named(self._database, failure, Parsed(query.sql, self._database.dialect), place)
        raise failure


def _unmet(statement: Change, place: str, element: Element | None, rows: int) -> Unmet:
    about = f"{shown(element)}: " if element else ""
    sentence = statement.sentence or f"{place} found {rows} rows where {statement.expected} must be"
    return Unmet(statement.otherwise, about + sentence, statement.owner)
