"""Decides which configured statements are allowed, by their text alone, without a database.

An error refuses the statement: DDL, COMMIT and its like, several statements in one text, a query that writes, a bind
that would not be one. A warning is a likely later problem. Each finding has a caret under its place, and the cure.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from shipperone_erp_generic_sql.dialects import SqlDialect

LOOKS = ("SELECT", "WITH")
CHANGES = ("INSERT", "UPDATE", "DELETE", "SELECT", "WITH", "MERGE")
_ENDS_A_TRANSACTION = frozenset({"COMMIT", "ROLLBACK", "SAVEPOINT"})

_BIND = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
"""A bind as SQLAlchemy recognises it, at any position: also in quotes and in comments."""

_CAST = re.compile(r"(?<![:\w\\]):(\w+)::")
_CALL_IN_A_BLOCK = re.compile(r"\s*BEGIN\s+[\w.\"]+\s*(\(.*\))?\s*;\s*END\s*;?\s*", re.IGNORECASE | re.DOTALL)

_SWALLOWS = (
    (re.compile(r"\bINSERT\s+(?:OR\s+)?IGNORE\b", re.IGNORECASE), "IGNORE"),
    (re.compile(r"\bINSERT\s+OR\s+REPLACE\b|\bREPLACE\s+INTO\b", re.IGNORECASE), "REPLACE"),
    (re.compile(r"\bDO\s+NOTHING\b", re.IGNORECASE), "DO NOTHING"),
    (re.compile(r"\bDO\s+UPDATE\b", re.IGNORECASE), "DO UPDATE"),
    (re.compile(r"\bON\s+DUPLICATE\s+KEY\b", re.IGNORECASE), "ON DUPLICATE KEY"),
    (re.compile(r"\bIGNORE_ROW_ON_DUPKEY_INDEX\b", re.IGNORECASE), "IGNORE_ROW_ON_DUPKEY_INDEX"),
)


_NOT_IN = re.compile(r"\bNOT\s+IN\s*\(\s*(?:SELECT|WITH)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding at `start` of the statement, `width` characters long. A warning does not prevent anything."""

    start: int
    width: int
    message: str
    warning: bool = False

    def drawn(self, sql: str) -> str:
        """The sentence, the line of the statement that it is about, and a caret under the place."""
        begins = sql.rfind("\n", 0, self.start) + 1
        ends = sql.find("\n", self.start)
        line = sql[begins : ends if ends >= 0 else len(sql)].expandtabs(1)
        column = self.start - begins
        indent = len(line) - len(line.lstrip())
        marks = "^" * max(1, min(self.width, len(line) - column))
        return f"{self.message}\n    {line[indent:].rstrip()}\n    {' ' * (column - indent)}{marks}"


def _quotes(dialect: SqlDialect) -> re.Pattern[str]:
    text = r"'(?:[^'\\]|''|\\.)*'" if dialect.backslash_escapes else r"'(?:[^']|'')*'"
    name = r'"(?:[^"\\]|""|\\.)*"' if dialect.backslash_escapes else r'"(?:[^"]|"")*"'
    parts = [text, name, r"--[^\n]*", r"/\*.*?\*/"]
    if dialect.own_quotes == "`":
        parts.append(r"`[^`]*`")
    if dialect.own_quotes == "[":
        parts.append(r"\[[^\]]*\]")
    if dialect.backslash_escapes:
        parts.append(r"#[^\n]*")
    if dialect.url == "postgresql":
        parts.append(r"\$(?P<tag>\w*)\$.*?\$(?P=tag)\$")
    return re.compile("|".join(parts), re.DOTALL)


@dataclass(frozen=True)
class Parsed:
    """A statement's text, parsed for that dialect."""

    sql: str
    dialect: SqlDialect

    @cached_property
    def bare(self) -> str:
        """The statement with blanks in place of quoted texts, quoted names and comments; positions do not change."""
        return _quotes(self.dialect).sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.sql)

    @cached_property
    def binds(self) -> frozenset[str]:
        """The binds outside quotes and comments."""
        return frozenset(_BIND.findall(self.bare))

    @cached_property
    def verb(self) -> str:
        """Its first word, in capitals."""
        word = re.search(r"[^\s(;]+", self.bare)
        return word[0].upper() if word else ""

    @cached_property
    def takes_the_highest(self) -> bool:
        """Whether it reads the highest of its values, as a statement does that takes the number after it."""
        return re.search(r"\bMAX\s*\(", self.bare, re.IGNORECASE) is not None

    @cached_property
    def is_call(self) -> bool:
        """Whether it runs a stored procedure."""
        return self.verb in self.dialect.calls

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables that its words name: enough to inspect them, never to build a statement."""
        found = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([A-Za-z_][\w.$]*)", self.bare, re.IGNORECASE)
        return frozenset(name.split(".")[-1].lower() for name in found) - {"select", "set", "dual", "json_table"}

    def at_verb(self, message: str) -> Finding:
        """A finding about the statement as a whole: its first word is marked."""
        start = self.bare.upper().find(self.verb) if self.verb else 0
        return Finding(start, max(1, len(self.verb)), message)

    def errors(self, *, changes: bool, unfit: Callable[[str], str | None]) -> Iterator[Finding]:
        """Errors of the statement. `changes`: its step writes. `unfit`: returns the problem with a bind, or None."""
        wrong_verb = self._verb(changes)
        if wrong_verb is not None:
            yield wrong_verb
            return
        yield from self._several()
        yield from self._writes_or_ends(changes)
        yield from self._binds(unfit)

    def warnings(self) -> Iterator[Finding]:
        """Likely later problems of the statement."""
        for pattern, word in _SWALLOWS:
            for found in pattern.finditer(self.bare):
                yield Finding(found.start(), len(found[0]), f"{word} hides a duplicate key", warning=True)

    def not_in_a_query(self) -> Iterator[Finding]:
        """Conditions that are never true if one row of their query is NULL."""
        for found in _NOT_IN.finditer(self.bare):
            message = "NOT IN over a query is never true once one of its rows is NULL"
            yield Finding(found.start(), len("NOT IN"), message, warning=True)

    def _verb(self, changes: bool) -> Finding | None:
        verbs = ((*CHANGES, *self.dialect.calls) if changes else (*LOOKS, *self.dialect.calls)) or LOOKS
        if self.verb in verbs:
            if self.verb != "BEGIN" or _CALL_IN_A_BLOCK.fullmatch(self.bare):
                return None
            message = "a block contains exactly one call: BEGIN procedure(:key); END;"
            return Finding(self.bare.upper().index("BEGIN"), 5, message)
        if not self.verb:
            return self.at_verb(f"an empty text is not allowed here; {_one_of(verbs)}")
        return self.at_verb(f"{self.verb} is not allowed here; {_one_of(verbs)}")

    def _several(self) -> Iterator[Finding]:
        if self.verb == "BEGIN":
            return
        end = self.bare.find(";")
        if end >= 0 and self.bare[end + 1 :].strip(" \t\r\n;"):
            yield Finding(end, 1, "several statements in one text: write each in its own table")

    def _writes_or_ends(self, changes: bool) -> Iterator[Finding]:
        for found in re.finditer(
            r"\b(INSERT|UPDATE|DELETE|REPLACE\s+INTO|INTO|COMMIT|ROLLBACK|SAVEPOINT)\b", self.bare, re.I
        ):
            word = re.sub(r"\s+", " ", found[0].upper())
            before = self.bare[: found.start()].rstrip().upper()
            if word in _ENDS_A_TRANSACTION:
                message = f"{word} is not allowed here; the connector commits the transaction with the whole step"
                yield Finding(found.start(), len(found[0]), message)
            elif not changes and not before.endswith((" FOR", " KEY", "\nFOR")) and not self.is_call:
                yield Finding(found.start(), len(found[0]), f"{word} is not allowed here; a query only reads")
                return

    def _binds(self, unfit: Callable[[str], str | None]) -> Iterator[Finding]:
        for found in _CAST.finditer(self.bare):
            name = found[1]
            message = f":{name}:: hides the bind: write CAST(:{name} AS …)"
            yield Finding(found.start(), len(name) + 3, message)
        for found in _BIND.finditer(self.sql):
            name, start = found[1], found.start()
            if self.bare[start] != ":":
                message = f":{name} is in quotes or in a comment, where it would still be read as a bind: write \\:"
                yield Finding(start, len(name) + 1, message)
            elif problem := unfit(name):
                yield Finding(start, len(name) + 1, problem)


def _one_of(verbs: Collection[str]) -> str:
    return f"a statement of this step is one of {', '.join(verbs)}"
