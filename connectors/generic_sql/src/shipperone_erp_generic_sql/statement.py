"""One configured statement: its text, how often it runs, how many rows it must touch, what is said if it does not."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shipperone_erp import ConnectorSettings, Owner, Reason

Expectation = Annotated[
    Literal["1", "0..1", "items", "any"], BeforeValidator(lambda v: "1" if v == 1 and not isinstance(v, bool) else v)
]


class Query(ConnectorSettings):
    """A statement that looks. Of a list of them the first that brings a row answers."""

    sql: str = Field(description="One statement; values are binds (:key, :sku), never pasted in")


class Statement(Query):
    """A statement of a step that changes the ERP, with the number of rows that it must touch or return."""

    each: Literal["item"] | None = Field(None, description='"item": once for each item, with the item\'s binds')
    expect: Expectation | None = Field(
        None, description="rows changed or returned; anything else rolls the whole step back"
    )
    otherwise: Reason = Field(Reason.ERP_REFUSED, description="the reason when `expect` is not met")
    sentence: str | None = Field(None, description="what people read then")
    owner: Owner = Field(Owner.IT, description="whose move it is then")

    @cached_property
    def expected(self) -> str:
        """`expect`; where it is not said, "1", and of a procedure's call any."""
        verb = self.sql.split(maxsplit=1)[:1]
        called = bool(verb) and verb[0].upper() in ("CALL", "EXEC", "EXECUTE", "BEGIN")
        return self.expect or ("any" if called else "1")

    def is_met_by(self, rows: int, items: int) -> bool:
        """Whether that many rows are what is expected, for an order of that many items."""
        allowed = {"1": (1, 1), "0..1": (0, 1), "items": (items, items), "any": (0, rows)}
        least, most = allowed[self.expected]
        return least <= rows <= most


def listed(given: Any) -> Any:
    """A step may be written as one text, one table, or a list of either."""
    if isinstance(given, str | dict):
        given = [given]
    if isinstance(given, list | tuple):
        return tuple({"sql": entry} if isinstance(entry, str) else entry for entry in given)
    return given


Statements = Annotated[tuple[Statement, ...], BeforeValidator(listed)]
Queries = Annotated[tuple[Query, ...], BeforeValidator(listed)]
