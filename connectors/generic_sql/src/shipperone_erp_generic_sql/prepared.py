"""The configured statements in the driver's form: compiled once, run on the driver's own cursor for every item."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect, TextClause, bindparam, text

from shipperone_erp_generic_sql.bind_values import Read, reader
from shipperone_erp_generic_sql.hook_call import Call, Element
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import Change, Query, Statement
from shipperone_erp_generic_sql.statement_lint import Parsed
from shipperone_erp_generic_sql.steps import STEPS


class Answer(NamedTuple):
    """The result of a statement: columns in lower case, rows, the row count, and the generated id of an inserted row.

    A statement without columns returns no rows.
    """

    columns: Sequence[str]
    rows: Sequence[Any]
    touched: int
    last_id: int | None


class Prepared:
    """The configured statements with typed binds, created once for each connector."""

    def __init__(self, settings: GenericSqlSettings) -> None:
        self._settings = settings
        self._made = {id(statement): _prepared(step, statement, settings) for step, _, statement in settings.every()}
        self._ready: dict[int, Ready] = {}
        self._groups = {step: tuple(_groups(step, settings.statements(step))) for step in STEPS}

    def __getitem__(self, statement: Query) -> tuple[TextClause, frozenset[str]]:
        return self._made[id(statement)]

    def groups(self, step: str) -> "Sequence[tuple[Statement, Sequence[Placed]]]":
        """The step's statements in their sequence, each with the members of its group and their numbers."""
        return self._groups[step]

    def ready(self, statement: Query, dialect: Dialect) -> "Ready":
        """The statement in the driver's form. Compiled once, since it never changes."""
        found = self._ready.get(id(statement))
        if found is None:
            clause, names = self._made[id(statement)]
            readers = {name: reader(name, self._settings.binds.get(name), self._settings.places) for name in names}
            found = self._ready[id(statement)] = Ready(clause, readers, dialect)
        return found


class Ready:
    """A statement's text for one driver, and the conversion of a call's values into its parameters."""

    def __init__(self, clause: TextClause, readers: Mapping[str, Read], dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        types = {bind.key: bind.type for bind in compiled.binds.values()}
        self._sql = str(compiled)
        self._readers = readers
        self._taken = {
            name: _taken(read, types[name].dialect_impl(dialect).bind_processor(dialect))
            for name, read in readers.items()
        }
        places: Sequence[str] | None = compiled.positiontup
        self._by_place = None if places is None else [self._taken[name] for name in places]

    def execute(self, cursor: Any, call: Call, element: Element | None) -> Answer:
        """Run it on the driver's cursor. Raises the driver's own error if the database refuses it.

        This bypasses SQLAlchemy, whose result objects would double the cost of a short statement.
        """
        parameters: Any
        if self._by_place is None:
            parameters = {name: take(call, element) for name, take in self._taken.items()}
        else:
            parameters = tuple([take(call, element) for take in self._by_place])
        cursor.execute(self._sql, parameters)
        described = cursor.description
        if described is None:
            return Answer((), (), cursor.rowcount, getattr(cursor, "lastrowid", None))
        columns = [column[0].lower() for column in described]
        return Answer(columns, cursor.fetchall(), cursor.rowcount, getattr(cursor, "lastrowid", None))

    def bound(self, call: Call, element: Element | None) -> dict[str, Any]:
        """Its binds' values by name."""
        return {name: read(call, element) for name, read in self._readers.items()}


Placed = tuple[str, Change]


def _groups(step: str, statements: Sequence[Statement]) -> Iterator[tuple[Statement, Sequence[Placed]]]:
    for number, head in enumerate(statements, start=1):
        yield head, [(f"statement {number}{ending} of {step}", member) for ending, member in head.group]


def _taken(read: Read, process: Callable[[Any], Any] | None) -> Read:
    """The value in the driver's form."""
    return read if process is None else lambda call, element: process(read(call, element))


def _prepared(step: str, statement: Query, settings: GenericSqlSettings) -> tuple[TextClause, frozenset[str]]:
    names = Parsed(statement.sql, settings.dialect).binds
    typed = [bindparam(name, type_=settings.bind_type(step, name)) for name in sorted(names)]
    sql = statement.sql.strip()
    return text(
        sql if settings.dialect.url == "oracle" and sql.upper().startswith("BEGIN") else sql.rstrip(";")
    ).bindparams(*typed), names
