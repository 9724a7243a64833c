"""One call of a hook inside one transaction: look for what is there, run a step's statements, look again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError

from shipperone_erp import Document, InvoiceLine, Reason, Refused, ShortLine
from shipperone_erp_generic_sql import found
from shipperone_erp_generic_sql.binds import type_of, values
from shipperone_erp_generic_sql.call import Call, Line
from shipperone_erp_generic_sql.database import Database, Unmet
from shipperone_erp_generic_sql.exact import shown
from shipperone_erp_generic_sql.found import Found, FoundInvoice, FoundReservation, Row
from shipperone_erp_generic_sql.lint import Parsed
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import Query, Statement


class Prepared:
    """The configured statements with typed binds, made once a connector."""

    def __init__(self, settings: GenericSqlSettings) -> None:
        self._made = {id(statement): _prepared(statement, settings) for _, _, statement in settings.every()}
        self._ready: dict[int, Ready] = {}

    def __getitem__(self, statement: Query) -> tuple[TextClause, frozenset[str]]:
        return self._made[id(statement)]

    def ready(self, statement: Query, dialect: Dialect) -> "Ready":
        """The statement as that driver takes it. Compiled once: it never changes, and is run for every item."""
        found = self._ready.get(id(statement))
        if found is None:
            clause, names = self._made[id(statement)]
            found = self._ready[id(statement)] = Ready(clause, names, dialect)
        return found


class Ready:
    """A statement's text for one driver, and how a bind's value goes into it."""

    def __init__(self, clause: TextClause, names: frozenset[str], dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self.sql = str(compiled)
        self.names = names
        self._order: Sequence[str] | None = compiled.positiontup
        types = {bind.key: bind.type for bind in compiled.binds.values()}
        self._processors = {name: types[name].dialect_impl(dialect).bind_processor(dialect) for name in names}

    def parameters(self, bound: dict[str, Any]) -> Any:
        """The values as the driver takes them, by place or by name."""
        taken = {
            name: processor(bound[name]) if (processor := self._processors[name]) is not None else bound[name]
            for name in bound
        }
        return taken if self._order is None else tuple(taken[name] for name in self._order)


def _prepared(statement: Query, settings: GenericSqlSettings) -> tuple[TextClause, frozenset[str]]:
    names = Parsed(statement.sql, settings.dialect).binds
    typed = [bindparam(name, type_=type_of(name, settings.params)) for name in sorted(names)]
    sql = statement.sql.strip()
    return text(
        sql if settings.dialect.url == "oracle" and sql.upper().startswith("BEGIN") else sql.rstrip(";")
    ).bindparams(*typed), names


class Work:
    """What a hook does in its transaction."""

    def __init__(self, connection: Connection, database: Database, prepared: Prepared, call: Call) -> None:
        self._connection = connection
        self._database = database
        self._settings = database.settings
        self._prepared = prepared
        self._call = call

    def run(self, step: str, **known: str | None) -> None:
        """Run the step's statements. `known`: what was learnt by looking, as binds.

        `Unmet` if a statement's `expect` is not met, `DatabaseFailed` if the database refuses one; then the whole
        transaction is to be rolled back.
        """
        call = replace(self._call, **known) if known else self._call  # type: ignore[arg-type]
        for number, statement in enumerate(self._settings.statements(step), start=1):
            place = f"statement {number} of {step}"
            for line in call.by_goods if statement.each else (None,):
                rows = self._rows_touched(statement, call, line, place)
                if not statement.is_met_by(rows, len(call.lines)):
                    raise _unmet(statement, place, line, rows)

    def reservation(self) -> FoundReservation | None:
        """The reservation of the call's key, in any state."""
        row = self._one("find_reservation")
        return None if row is None else found.reservation(row)

    def invoice(self) -> FoundInvoice | None:
        """The invoice of the call's key, in any state."""
        row = self._one("find_invoice")
        return None if row is None else found.invoice(row, self._invoice_lines(str(row.get("reference"))))

    def delivery(self) -> Found | None:
        """The delivery of the call's key."""
        row = self._one("find_delivery")
        return None if row is None else found.delivery(row)

    def documents(self) -> list[Document]:
        """Every row of every query of list_documents, with its lines where list_document_lines tells them."""
        lines: dict[tuple[str, str], list[InvoiceLine]] = {}
        for row in self._every("list_document_lines"):
            of = found.text(row, "kind", "list_document_lines"), found.text(row, "reference", "list_document_lines")
            lines.setdefault(of, []).append(found.line(row, "list_document_lines"))
        return [
            found.document(row, lines.get((str(row.get("kind")), str(row.get("reference"))), ()))
            for row in self._every("list_documents")
        ]

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
        return found.amount(rows[0], column) or Decimal(0)

    def _invoice_lines(self, reference: str) -> tuple[InvoiceLine, ...]:
        if not self._settings.find_invoice_lines:
            return tuple(InvoiceLine(item.item_id, item.qty) for item in self._call.order.items)
        ids = {str(item.item_id): item.item_id for item in self._call.order.items}
        lines = []
        for row in self._rows("find_invoice_lines", reference=reference):
            line = found.line(row, "find_invoice_lines")
            lines.append(replace(line, item_id=ids.get(str(line.item_id), line.item_id)))
        return tuple(lines)

    def _one(self, step: str) -> Row | None:
        rows = self._rows(step)
        if len(rows) > 1:
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"{step} answers {len(rows)} rows for key {self._call.key}: the key is not unique in the ERP, "
                "or the query is too wide",
            )
        return rows[0] if rows else None

    def _every(self, step: str) -> Iterator[Row]:
        """The rows of all queries of a step that is not about an order."""
        for number, query in enumerate(self._settings.queries(step), start=1):
            yield from self._answer(query, self._call, None, f"statement {number} of {step}")

    def _rows(self, step: str, *, line: Line | None = None, reference: str | None = None) -> Sequence[Row]:
        call = replace(self._call, reference=reference) if reference else self._call
        for number, query in enumerate(self._settings.queries(step), start=1):
            rows = self._answer(query, call, line, f"statement {number} of {step}")
            if rows:
                return rows
        return []

    def _answer(self, query: Query, call: Call, line: Line | None, place: str) -> list[Row]:
        result = self._execute(query, call, line, place)
        names = [name.lower() for name in result.keys()]  # noqa: SIM118
        return [dict(zip(names, row, strict=True)) for row in result]

    def _rows_touched(self, statement: Statement, call: Call, line: Line | None, place: str) -> int:
        result = self._execute(statement, call, line, place)
        if result.returns_rows:
            return len(result.all())
        if result.rowcount >= 0 or self._database.dialect.url != "sqlite":
            return int(result.rowcount)
        # Python's sqlite3 does not count for WITH … INSERT, UPDATE, DELETE.
        return int(self._connection.exec_driver_sql("SELECT changes()").scalar_one())

    def _execute(self, query: Query, call: Call, line: Line | None, place: str) -> CursorResult[Any]:
        ready = self._prepared.ready(query, self._connection.dialect)
        bound = values(ready.names, call, line, self._settings.places)
        try:
            return self._connection.exec_driver_sql(ready.sql, ready.parameters(bound))
        except DBAPIError as error:
            raise self._database.failure(error, place, bound) from None


def _unmet(statement: Statement, place: str, line: Line | None, rows: int) -> Unmet:
    about = f"{shown(line)}: " if line else ""
    told = statement.sentence or f"{place} found {rows} rows where {statement.expected} must be"
    return Unmet(statement.otherwise, about + told, statement.owner)
