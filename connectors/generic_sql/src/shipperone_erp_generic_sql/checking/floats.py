"""Columns of binary floats: an amount or a quantity is stored as the nearest float, and sums of them drift."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, text

from shipperone_erp import Check
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement_lint import Parsed

_SQLITE = "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
_POSTGRESQL = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)
_MYSQL = "SELECT table_name, column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE()"
_QUERIES = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mariadb": _MYSQL, "mysql": _MYSQL}
_FLOATS = re.compile(r"\b(?:real|float|double)\b", re.IGNORECASE)
AT_MOST = 5
_CURE = "use DECIMAL (on SQLite TEXT, or INTEGER for millionths); a float with too many digits is refused"


def floats(connection: Connection, settings: GenericSqlSettings) -> Iterator[Check]:
    """A warning with the binary float columns that the statements name, as far as their words show it."""
    query = _QUERIES.get(settings.dialect.url)
    if query is None:
        return
    parsed = [Parsed(statement.sql, settings.dialect) for _, _, statement in settings.every()]
    tables = {table for one in parsed for table in one.tables}
    words = {word.lower() for one in parsed for word in re.findall(r"[A-Za-z_]\w*", one.bare)}
    found = sorted(
        f"{table}.{column} ({kind.lower()})"
        for table, column, kind in connection.execute(text(query))
        if table.lower() in tables and column.lower() in words and _FLOATS.search(kind)
    )
    if found:
        more = f" and {len(found) - AT_MOST} more" if len(found) > AT_MOST else ""
        yield Check(
            "floats", None, f"binary floats, which are inexact for amounts: {', '.join(found[:AT_MOST])}{more}", _CURE
        )
