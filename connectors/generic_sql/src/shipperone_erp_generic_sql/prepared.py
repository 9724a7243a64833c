"""The configured statements as a driver takes them: compiled once, run on its own cursor for every item."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, TextClause, bindparam, text

from shipperone_erp_generic_sql.bound import Read, reader
from shipperone_erp_generic_sql.call import Call, Element
from shipperone_erp_generic_sql.lint import Parsed
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import Query


class Answer(NamedTuple):
    """Of a statement: its columns in lower case, its rows, how many rows it touched, the id that was generated for the
    row it inserted. Without columns it returns none."""

    columns: Sequence[str]
    rows: Sequence[Any]
    touched: int
    last_id: int | None


class Prepared:
    """The configured statements with typed binds, made once a connector."""

    def __init__(self, settings: GenericSqlSettings) -> None:
        self._settings = settings
        self._made = {id(statement): _prepared(step, statement, settings) for step, _, statement in settings.every()}
        self._ready: dict[int, Ready] = {}

    def __getitem__(self, statement: Query) -> tuple[TextClause, frozenset[str]]:
        return self._made[id(statement)]

    def ready(self, statement: Query, dialect: Dialect) -> "Ready":
        """The statement as that driver takes it. Compiled once: it never changes."""
        found = self._ready.get(id(statement))
        if found is None:
            clause, names = self._made[id(statement)]
            readers = {name: reader(name, self._settings.binds.get(name), self._settings.places) for name in names}
            found = self._ready[id(statement)] = Ready(clause, readers, dialect)
        return found


class Ready:
    """A statement's text for one driver, and how a call's values go into it."""

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

    def execute(self, connection: Connection, call: Call, element: Element | None) -> Answer:
        """Run it in the connection's transaction. The driver's own error if the database refuses it.

        On the driver's cursor: SQLAlchemy's result objects cost as much again as a short statement itself.
        """
        parameters: Any
        if self._by_place is None:
            parameters = {name: take(call, element) for name, take in self._taken.items()}
        else:
            parameters = tuple([take(call, element) for take in self._by_place])
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, parameters)
            if cursor.description is None:
                return Answer((), (), cursor.rowcount, getattr(cursor, "lastrowid", None))
            columns = [column[0].lower() for column in cursor.description]
            return Answer(columns, cursor.fetchall(), cursor.rowcount, getattr(cursor, "lastrowid", None))
        finally:
            cursor.close()

    def bound(self, call: Call, element: Element | None) -> dict[str, Any]:
        """Its binds' values by name."""
        return {name: read(call, element) for name, read in self._readers.items()}


def _taken(read: Read, process: Callable[[Any], Any] | None) -> Read:
    """The value as the driver takes it."""
    return read if process is None else lambda call, element: process(read(call, element))


def _prepared(step: str, statement: Query, settings: GenericSqlSettings) -> tuple[TextClause, frozenset[str]]:
    names = Parsed(statement.sql, settings.dialect).binds
    typed = [bindparam(name, type_=settings.bind_type(step, name)) for name in sorted(names)]
    sql = statement.sql.strip()
    return text(
        sql if settings.dialect.url == "oracle" and sql.upper().startswith("BEGIN") else sql.rstrip(";")
    ).bindparams(*typed), names
