"""The names available to each statement of a step: its binds, and the values captured by earlier statements.

A value captured for an item belongs to that item: there is one namespace for each item, charge or tax rate, and one for
the order.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from shipperone_erp_generic_sql.bind_names import problem_with
from shipperone_erp_generic_sql.binds import ORDER_BINDS, PARAM
from shipperone_erp_generic_sql.dialects import SqlDialect
from shipperone_erp_generic_sql.element_binds import ELEMENT_BINDS
from shipperone_erp_generic_sql.statement import Change, Each, Query, Statement, numbered
from shipperone_erp_generic_sql.statement_lint import Finding, Parsed

INVOICE_STEPS = ("build_invoice", "issue_invoice")
"""The steps that have charges and tax rates."""

GENERATES_IDS = ("sqlite", "mariadb", "mysql")
"""The databases whose drivers report the id that was generated for an inserted row."""

_LAST_ID = re.compile(
    r"\b(?:LAST_INSERT_ID\s*\(\s*\)|LASTVAL\s*\(\s*\)|CURRVAL\b|SCOPE_IDENTITY\s*\(\s*\)|LAST_INSERT_ROWID\s*\(\s*\))"
    r"|@@IDENTITY\b",
    re.IGNORECASE,
)
_MAKES_AN_ID = re.compile(r"\bINSERT\b|\bLAST_INSERT_ID\s*\(\s*[^\s)]", re.IGNORECASE)

Captured = Mapping[str, Each | None]
"""The names that a step captures, each with the `each` of its statement."""


def query_problems(
    step: str, queries: Sequence[Query], dialect: SqlDialect, own: Collection[str] | None
) -> Iterator[str]:
    """The errors in the queries of a step that only looks."""
    each: Each | None = "item" if step == "available" else None
    for number, query in enumerate(queries, start=1):
        found = Parsed(query.sql, dialect).errors(changes=False, unfit=lambda name: problem_with(name, step, each, own))
        yield from (f"statement {number}: {finding.drawn(query.sql)}" for finding in found)


def step_problems(
    step: str, statements: Sequence[Statement], dialect: SqlDialect, own: Collection[str] | None
) -> Iterator[str]:
    """The errors in the statements of a step that changes the ERP."""
    everything: Captured = {name: each for _, each, statement in numbered(statements) for name in statement.captures}
    before: dict[str, Each | None] = {}
    spanning = _spanning(statements, dialect)
    for number, each, statement in numbered(statements):
        parsed = Parsed(statement.sql, dialect)

        def unfit(name: str, each: Each | None = each) -> str | None:
            if name not in everything:
                return problem_with(name, step, each, None if own is None else {*own, *before})
            of = everything[name]
            if name not in before:
                return f":{name} is captured by a later statement of this step: move that statement before this one"
            return None if of in (None, each) else f':{name} is captured for each {of}: add each = "{of}"'

        findings = [
            *_placed(step, each, statement, parsed),
            *_captures(statement, parsed, {*before, *(own or ())}),
            *parsed.errors(changes=True, unfit=unfit),
            *spanning.get(number, ()),
        ]
        yield from (f"statement {number}: {finding.drawn(statement.sql)}" for finding in findings)
        before.update(dict.fromkeys(statement.captures, each))


def _placed(step: str, each: Each | None, statement: Change, parsed: Parsed) -> Iterator[Finding]:
    if each in ("charge", "tax") and step not in INVOICE_STEPS:
        yield parsed.at_verb(
            f'each = "{each}" is allowed in {" and ".join(INVOICE_STEPS)} only, which have the amounts'
        )
    if isinstance(statement, Statement) and statement.then and each is None:
        yield parsed.at_verb('`then` runs for the same item: add each = "item" (or "charge", "tax") to this statement')


def _captures(statement: Change, parsed: Parsed, taken: Collection[str]) -> Iterator[Finding]:
    for name in statement.captures:
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            yield parsed.at_verb(f"{name} cannot be captured: lower-case letters, digits and underscores only")
        elif name in taken or name in ORDER_BINDS or name in ELEMENT_BINDS or name.startswith(PARAM):
            yield parsed.at_verb(f":{name} is already a bind; capture it under another name")
    if statement.last_id and statement.last_id in statement.capture:
        yield parsed.at_verb(f":{statement.last_id} is captured twice by this statement")
    if statement.captures and statement.expected not in ("1", "0..1"):
        yield parsed.at_verb('captured values come from one row: write expect = "1" or "0..1"')
    if statement.last_id and (parsed.dialect.url not in GENERATES_IDS or not _MAKES_AN_ID.search(parsed.bare)):
        cure = f'let it return the id AS {statement.last_id}, and write capture = {{ {statement.last_id} = "integer" }}'
        if parsed.dialect.url in GENERATES_IDS:
            yield parsed.at_verb("last_id is allowed on an INSERT only")
        else:
            yield parsed.at_verb(f"{parsed.dialect.title} does not report a generated id: {cure}")


def _spanning(statements: Sequence[Statement], dialect: SqlDialect) -> dict[str, list[Finding]]:
    """Statements that would read the last generated id of another item's row, found by simulating two items."""
    runs: list[tuple[str, Each | None, int, Parsed]] = []
    found: dict[str, list[Finding]] = {}
    for number, head in enumerate(statements, start=1):
        for element in (1, 2) if head.each else (0,):
            for ending, member in head.group:
                name, parsed = f"{number}{ending}", Parsed(member.sql, dialect)
                for use in _LAST_ID.finditer(parsed.bare):
                    of = _made_before(runs, name if use[0].upper().startswith("CURRVAL") else None)
                    if of is not None and of != (head.each, element) and name not in found:
                        found.setdefault(name, []).append(_spans(use, of[0], dialect))
                runs.append((name, head.each, element, parsed))
    return found


def _made_before(runs: Sequence[tuple[str, Each | None, int, Parsed]], itself: str | None) -> tuple[Each, int] | None:
    """The item, charge or tax rate for which the last id was generated.

    None if it was generated for the order, or by no statement that is visible here. `itself`: a statement whose own
    rows do not count, because its currval names the sequence.
    """
    for name, each, element, parsed in reversed(runs):
        if name != itself and _MAKES_AN_ID.search(parsed.bare):
            return None if each is None else (each, element)
    return None


def _spans(use: re.Match[str], each: Each, dialect: SqlDialect) -> Finding:
    how = (
        'last_id = "row_id"'
        if dialect.url in GENERATES_IDS
        else 'RETURNING id AS row_id, capture = { row_id = "integer" }'
    )
    sentence = (
        f"{use[0]} is the id of another {each}'s row here: capture it where the row is inserted ({how}), and use "
        ":row_id"
    )
    return Finding(use.start(), len(use[0]), sentence)
