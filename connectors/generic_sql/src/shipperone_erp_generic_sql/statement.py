"""One configured statement: its text, its repetitions, the expected row count, the values captured for later ones."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shipperone_erp import ConnectorSettings, Owner, Reason

Expectation = Annotated[
    Literal["1", "0..1", "items", "any"], BeforeValidator(lambda v: "1" if v == 1 and not isinstance(v, bool) else v)
]
Each = Literal["item", "charge", "tax"]
CaptureType = Literal["integer", "decimal", "text", "date"]

CALLS = ("CALL", "EXEC", "EXECUTE", "BEGIN")


def listed(given: Any) -> Any:
    """Normalises a step, which may be written as one text, one table, or a list of either."""
    if isinstance(given, str | dict):
        given = [given]
    if isinstance(given, list | tuple):
        return tuple({"sql": entry} if isinstance(entry, str) else entry for entry in given)
    return given


class Query(ConnectorSettings):
    """A statement that only looks. In a list of queries the first one that returns a row supplies the answer."""

    sql: str = Field(description="One statement; values are binds (:key, :sku), never inserted as text")


class Change(Query):
    """A statement of a step that changes the ERP, with the number of rows that it must change or return."""

    expect: Expectation | None = Field(
        None, description="rows changed or returned; anything else rolls the whole step back"
    )
    otherwise: Reason = Field(Reason.ERP_REFUSED, description="the reason when `expect` is not met")
    sentence: str | None = Field(None, description="the message for operators in that case")
    owner: Owner = Field(Owner.IT, description="the owner in that case")
    capture: Mapping[str, CaptureType] = Field(
        {}, description="columns of its single row as binds for later statements: NAME = its type"
    )
    last_id: str | None = Field(
        None, description="a bind for the id that SQLite, MariaDB or MySQL generated for the inserted row"
    )

    @cached_property
    def expected(self) -> str:
        """`expect`; by default "1", and for a procedure call any number, unless a value of it is captured."""
        verb = self.sql.split(maxsplit=1)[:1]
        called = bool(verb) and verb[0].upper() in CALLS
        return self.expect or ("any" if called and not self.captures else "1")

    @cached_property
    def captures(self) -> Mapping[str, CaptureType]:
        """All names that it captures, with their types."""
        return {**self.capture, **({self.last_id: "integer"} if self.last_id else {})}

    def is_met_by(self, rows: int, items: int) -> bool:
        """Whether that row count is as expected, for an order of that many items."""
        match self.expected:
            case "1":
                return rows == 1
            case "0..1":
                return 0 <= rows <= 1
            case "items":
                return rows == items
            case _:
                return rows >= 0


class Statement(Change):
    """A statement of a step. With `each` it runs once for each item, charge or tax rate.

    `then` runs right after it for the same element, before the next element.
    """

    each: Each | None = Field(
        None, description='"item", "charge" or "tax": once for each of the order\'s, with its binds'
    )
    serial: bool = Field(
        False,
        description="the whole step runs one at a time, for ERPs that number documents by the highest number plus one",
    )
    then: Annotated[tuple[Change, ...], BeforeValidator(listed)] = Field(
        (), description="statements that run right after this one for the same item, charge or tax rate"
    )

    @cached_property
    def of_document(self) -> bool:
        """Whether it runs for every tax rate of the invoice: it, or a member of `then`, names an invoice total."""
        return any(":tax_document_" in member.sql for _, member in self.group)

    @property
    def group(self) -> tuple[tuple[str, Change], ...]:
        """The statement and its `then` for the same element, each with the suffix of its number."""
        return (("", self), *((f".{at}", member) for at, member in enumerate(self.then, start=1)))


def numbered(statements: Sequence[Statement]) -> Iterator[tuple[str, Each | None, Change]]:
    """Every statement of a step in its sequence, members of groups included: its number, its `each`, the statement."""
    for number, head in enumerate(statements, start=1):
        for ending, member in head.group:
            yield f"{number}{ending}", head.each, member


Statements = Annotated[tuple[Statement, ...], BeforeValidator(listed)]
Queries = Annotated[tuple[Query, ...], BeforeValidator(listed)]
