"""Columns whose collation treats different texts as equal: `mug`, `MÜG` and `Mug ` would be one product."""

import re
import unicodedata
from collections.abc import Iterator

from sqlalchemy import Connection, text

from shipperone_erp import Check
from shipperone_erp_generic_sql.dialects import SqlDialect
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement_lint import Parsed

_NAMES = r"(?:key|item_key|order_id|order_number|reference|sku|item_warehouse_code|warehouse_code|map_\w+)"
_LOOKED_UP = re.compile(
    rf"\b(?:\w+\.)?(\w+)\s*=\s*:{_NAMES}\b|(?<![\w:]):{_NAMES}\s*=\s*(?:\w+\.)?(\w+)", re.IGNORECASE
)

_MYSQL = (
    "SELECT table_name, column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
)
_POSTGRESQL = (
    "SELECT c.relname, a.attname, "
    "CASE WHEN t.typname = 'citext' THEN 'citext' WHEN t.typname = 'bpchar' THEN 'char' ELSE l.collname END "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 "
    "AND (t.typname IN ('citext', 'bpchar') OR NOT l.collisdeterministic)"
)
_MSSQL = (
    "SELECT t.name, c.name, c.collation_name FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id "
    "WHERE c.collation_name IS NOT NULL"
)
_SQLITE_COLUMN = re.compile(
    r"\s*[\"'`\[]?(\w+)[\"'`\]]?\s.*?\bCOLLATE\s+[\"']?(NOCASE|RTRIM)\b", re.IGNORECASE | re.DOTALL
)
_CURES = {
    "sqlite": "make the column without COLLATE NOCASE or RTRIM, or compare with COLLATE BINARY",
    "postgresql": "make the column TEXT with a deterministic collation",
    "mssql": "give the column a collation that ends in _BIN2",
}
_CURE = "give the column a binary collation without padding, such as utf8mb4_nopad_bin (MySQL 8: utf8mb4_0900_bin)"


def looked_up(settings: GenericSqlSettings) -> frozenset[tuple[str, str]]:
    """The tables and columns that statements compare with a key, an SKU or a warehouse, as far as words show it."""
    found: set[tuple[str, str]] = set()
    for _, _, statement in settings.every():
        parsed = Parsed(statement.sql, settings.dialect)
        columns = {(left or right).lower() for left, right in _LOOKED_UP.findall(parsed.bare)}
        found |= {(table, column) for table in parsed.tables for column in columns}
    return frozenset(found)


def collations(connection: Connection, settings: GenericSqlSettings) -> Iterator[Check]:
    """A warning for each column that statements search by key or goods and whose collation equates different texts."""
    named, dialect = looked_up(settings), settings.dialect.url
    if not named or dialect == "oracle":
        return
    mixing = [
        (f"{table}.{column} ({name})", mixed)
        for table, column, name in _columns(connection, settings.dialect)
        if (table.lower(), column.lower()) in named and (mixed := mixes_up(name, dialect)) is not None
    ]
    for column, mixed in sorted(mixing):
        yield Check(
            "collation", None, f"in {column} {mixed} are equal: one product, one key", _CURES.get(dialect, _CURE)
        )
    if not mixing:
        yield Check("collation", True, "the columns of keys and goods distinguish all texts")


def mixes_up(collation: str, dialect: str) -> str | None:
    """Texts that are equal under this collation; None if there are none."""
    name = collation.lower()
    pads = "nopad" not in name and "_0900_" not in name and name != "binary"
    if dialect in ("mariadb", "mysql"):
        if not name.endswith("_bin") and name != "binary" and not name.endswith(("_as_cs", "_ai_cs", "_cs")):
            return "mug, MUG" + (" and 'Mug '" if pads else "")
        return "'Mug' and 'Mug '" if pads else None
    if dialect == "mssql":
        return "mug and MUG" if "_ci" in name else "mug and müg" if "_ai" in name else None
    return {"rtrim": "'Mug' and 'Mug '", "char": "'Mug' and 'Mug '"}.get(name, "mug and MUG")


def variants(sku: str) -> Iterator[str]:
    """Other texts that a collation may equate with that SKU: in the other case, with an accent or a trailing space."""
    if sku.swapcase() != sku:
        yield sku.swapcase()
    at = next((at for at, letter in enumerate(sku) if letter.lower() in "aeou"), None)
    if at is not None:
        yield sku[:at] + unicodedata.normalize("NFC", f"{sku[at]}\u0308") + sku[at + 1 :]
    yield f"{sku} "


def _columns(connection: Connection, dialect: SqlDialect) -> Iterator[tuple[str, str, str]]:
    if dialect.url == "sqlite":
        tables = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
        )
        for table, sql in tables:
            for part in str(sql).partition("(")[2].split(","):
                if found := _SQLITE_COLUMN.match(part):
                    yield str(table), found[1], found[2]
        return
    query = {"postgresql": _POSTGRESQL, "mssql": _MSSQL}.get(dialect.url, _MYSQL)
    for table, column, name in connection.execute(text(query)):
        yield str(table), str(column), str(name)
