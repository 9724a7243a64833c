"""One configured statement: what it says, and what may be seen wrong in it without a database."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from sqlalchemy import TextClause, bindparam, text

from shipperone_erp import ConnectorSettings, Owner, Reason
from shipperone_erp_generic_sql.binds import problem_with, type_of

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE\s+INTO)\b", re.IGNORECASE)
_SWALLOWS = re.compile(r"\bOR\s+(?:IGNORE|REPLACE)\b|\bDO\s+NOTHING\b", re.IGNORECASE)

Expectation = Annotated[
    Literal["1", "0..1", "items", "any"], BeforeValidator(lambda v: "1" if v == 1 and not isinstance(v, bool) else v)
]


def bare(sql: str) -> str:
    """The statement without quoted texts, quoted names and comments."""
    return _QUOTED.sub(" ", sql)


def bind_names(sql: str) -> frozenset[str]:
    """The binds as SQLAlchemy takes them: also those in quotes and comments."""
    return frozenset(text(sql).compile().params)


class Query(ConnectorSettings):
    """A SELECT. Of a list of them the first that brings a row answers."""

    verbs: ClassVar[tuple[str, ...]] = ("SELECT", "WITH")

    sql: str = Field(description="One statement; values are binds (:key, :sku), never pasted in")

    @field_validator("sql")
    @classmethod
    def _one_statement_of_a_kind_that_fits(cls, sql: str) -> str:
        words = bare(sql).replace("(", " ").split(maxsplit=1)
        verb = words[0].upper().rstrip(";") if words else "an empty text"
        if verb not in cls.verbs:
            raise ValueError(f"{verb} cannot stand here; a statement of this step is one of {', '.join(cls.verbs)}")
        if "DELETE" not in cls.verbs and (writes := _WRITES.search(bare(sql))):
            raise ValueError(f"{writes[0].upper()} cannot stand here; a query only looks")
        if ";" in bare(sql).rstrip().rstrip(";"):
            raise ValueError("several statements in one text: give each its own table")
        return sql

    @cached_property
    def names(self) -> frozenset[str]:
        """The binds that it takes."""
        return bind_names(self.sql)

    @cached_property
    def clause(self) -> TextClause:
        """The statement with typed binds."""
        typed = {name: type_of(name) for name in self.names}
        return text(self.sql).bindparams(*(bindparam(n, type_=t) for n, t in typed.items() if t is not None))

    def problems(self, step: str, *, per_item: bool, params: Iterable[str] | None) -> Iterator[str]:
        """What is wrong with its binds."""
        quoted = self.names - bind_names(bare(self.sql))
        for name in sorted(self.names):
            if name in quoted:
                yield f":{name} stands in quotes or in a comment, where it would still be taken for a bind: write \\:"
            elif problem := problem_with(name, step, per_item=per_item, params=params):
                yield problem


class Statement(Query):
    """A statement of a step that changes the ERP, with the number of rows that it must touch or return."""

    verbs: ClassVar[tuple[str, ...]] = ("INSERT", "UPDATE", "DELETE", "SELECT", "WITH")

    each: Literal["item"] | None = Field(None, description='"item": once for each item, with the item\'s binds')
    expect: Expectation = Field("1", description="rows changed or returned; anything else rolls the whole step back")
    otherwise: Reason = Field(Reason.ERP_REFUSED, description="the reason when `expect` is not met")
    sentence: str | None = Field(None, description="what people read then")
    owner: Owner = Field(Owner.IT, description="whose move it is then")

    def is_met_by(self, rows: int, items: int) -> bool:
        """Whether that many rows are what `expect` says, for an order of that many items."""
        allowed = {"1": (1, 1), "0..1": (0, 1), "items": (items, items), "any": (0, rows)}
        least, most = allowed[self.expect]
        return least <= rows <= most

    @property
    def swallows_duplicates(self) -> bool:
        """Whether it hides a duplicate key, so that the statements around it run for the same key again."""
        return _SWALLOWS.search(bare(self.sql)) is not None
