"""Finds stock conditions that oversell: they compare a quantity with a sum over other rows and take no lock.

Of two concurrent orders neither sees the other's rows before the commit: both find enough, and both take the last
piece. A lock on a row that both need (SELECT … FOR UPDATE on the stock row) makes one wait for the other.
"""

import re
from collections.abc import Iterator, Sequence

from shipperone_erp_generic_sql.dialects import SqlDialect
from shipperone_erp_generic_sql.statement import Statement, numbered
from shipperone_erp_generic_sql.statement_lint import Finding, Parsed

_AGGREGATE = re.compile(r"\b(?:SUM|COUNT|AVG|MIN|MAX)\s*\(", re.IGNORECASE)
_COMPARES = r"(?:>=|<=|(?<!<)>|<(?!>))"
_WANTED = r":qty(?:_micro)?\b"
_GUARD = re.compile(
    rf"{_COMPARES}\s*(?:CAST\s*\(\s*)?{_WANTED}|{_WANTED}(?:\s+AS\s+\w+(?:\s*\([\d\s,]*\))?\s*\))?\s*{_COMPARES}",
    re.IGNORECASE,
)
_LOCKS = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b|\bUPDLOCK\b|\bXLOCK\b", re.IGNORECASE)

OLD_SNAPSHOT = {("postgresql", "REPEATABLE READ"), ("oracle", "SERIALIZABLE"), ("mssql", "SNAPSHOT")}
"""Isolation levels at which a lock does not help: the sum is still that of the transaction's start."""


def unlocked(
    statements: Sequence[Statement], dialect: SqlDialect, isolation: str | None
) -> Iterator[tuple[str, Finding]]:
    """The guards over an aggregate without an earlier lock in the same step, each with its statement's number."""
    old = (dialect.url, isolation) in OLD_SNAPSHOT
    if dialect.begin is not None or (isolation == "SERIALIZABLE" and not old):
        return  # in this dialect or at this isolation level, transactions that write are serializable
    locked: set[str] = set()
    row_locked = False
    for number, _, statement in numbered(statements):
        parsed = Parsed(statement.sql, dialect)
        sums = _AGGREGATE.search(parsed.bare)
        if sums and _GUARD.search(parsed.bare) and (old or not (row_locked or locked & parsed.tables)):
            yield number, Finding(sums.start(), len(sums[0]), _message(old), warning=True)
        row_locked |= _LOCKS.search(parsed.bare) is not None
        if parsed.verb == "UPDATE":
            locked |= parsed.tables


def _message(old: bool) -> str:
    if old:
        return (
            "a condition on an aggregate as of the start of the transaction: two concurrent orders both take the "
            "last piece"
        )
    return "a condition on an aggregate without an earlier lock: two concurrent orders both take the last piece"
