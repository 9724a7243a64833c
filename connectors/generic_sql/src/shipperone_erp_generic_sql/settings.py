"""`[tenants.NAME.generic_sql]`: a database, and for each step the statements that do it there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationInfo, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from shipperone_erp import ConnectorSettings, Secret
from shipperone_erp_generic_sql.statement import Query, Statement

STEPS = ("reserve", "release", "build_invoice", "issue_invoice", "discard_invoice", "deliver")
"""The steps that change the ERP: lists of statements, in order, in one transaction."""

QUERIES = ("find_reservation", "available", "find_invoice", "find_invoice_lines", "find_delivery")
"""The steps that only look."""

_LOOKS_WITH = {
    "reserve": "find_reservation",
    "release": "find_reservation",
    "build_invoice": "find_invoice",
    "issue_invoice": "find_invoice",
    "discard_invoice": "find_invoice",
    "deliver": "find_delivery",
}
_BIGGEST = 2**63

Number = Annotated[StrictInt, Field(ge=-_BIGGEST, lt=_BIGGEST)]
Statements = tuple[Statement, ...]
Queries = tuple[Query, ...]


class GenericSqlSettings(ConnectorSettings):
    """The tenant's database and its statements. A step that is not configured is not done."""

    url: str = Field(repr=False, description="sqlite:///erp.db, relative to the TOML that names it")
    password: Secret | None = Field(None, description="beside the URL, never in it; a SQLite file takes none")
    lock_timeout: float = Field(10, ge=0, description="seconds to wait while another program writes")
    params: Mapping[str, StrictStr | StrictBool | Number] = Field(
        {}, description="constants of your own: NAME is the bind :param_NAME"
    )
    find_reservation: Queries = Field((), description="the reservation of :key: reference [, state, url, sentence]")
    available: Queries = Field((), description="on hand minus reserved of :sku at :item_warehouse_code: one number")
    reserve: Statements = ()
    release: Statements = ()
    find_invoice: Queries = Field(
        (),
        description="the invoice of :key: reference, state (draft, issued, voided) [, number, date, total_incl_tax, "
        "shipping_amount_incl_tax, currency, url]",
    )
    find_invoice_lines: Queries = Field((), description="its lines: item_id, qty [, total_incl_tax, tax_percent]")
    build_invoice: Statements = Field((), description="writes a draft; without it issue_invoice creates the invoice")
    issue_invoice: Statements = ()
    discard_invoice: Statements = ()
    find_delivery: Queries = Field((), description="a row if the goods of :key have left")
    deliver: Statements = ()

    @field_validator("url")
    @classmethod
    def _names_a_file(cls, value: str, info: ValidationInfo) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("not the URL of a database; write sqlite:///erp.db") from None
        if url.get_backend_name() != "sqlite" or url.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise ValueError(f"{url.drivername} is not served; this connector speaks to SQLite: sqlite:///erp.db")
        if url.username or url.password or url.host or url.port:
            raise ValueError("a SQLite URL has a file and nothing else; a password stands beside it, never in it")
        if url.query:
            raise ValueError("a SQLite URL takes no options; the time to wait for a lock is `lock_timeout`")
        if not url.database or url.database == ":memory:":
            raise ValueError("name the file: sqlite:///erp.db; a database in memory is gone with the process")
        base: Path | None = (info.context or {}).get("base")
        if base is None:
            return value
        return url.set(database=str(base / url.database)).render_as_string(hide_password=False)

    @field_validator(*STEPS, *QUERIES)
    @classmethod
    def _binds_are_known(cls, statements: tuple[Query, ...], info: ValidationInfo) -> tuple[Query, ...]:
        step = str(info.field_name)
        params = info.data.get("params")
        problems = [
            f"statement {number}: {problem}"
            for number, statement in enumerate(statements, start=1)
            for problem in statement.problems(
                step, per_item=step == "available" or getattr(statement, "each", None) == "item", params=params
            )
        ]
        if problems:
            raise ValueError(f"{step}, {'; '.join(problems)}")
        return statements

    @model_validator(mode="after")
    def _what_is_written_can_be_found(self) -> Self:
        missing = [
            f"{step} needs {query}: a step looks for its key first, so that it is never done twice"
            for step, query in _LOOKS_WITH.items()
            if getattr(self, step) and not getattr(self, query)
        ]
        if missing:
            raise ValueError("; ".join(missing))
        return self

    @property
    def path(self) -> Path:
        """The SQLite file, absolute."""
        return Path(make_url(self.url).database or "").absolute()

    def statements(self, step: str) -> Statements:
        """The statements of one of `STEPS`."""
        found: Statements = getattr(self, step)
        return found

    def queries(self, step: str) -> Queries:
        """The queries of one of `QUERIES`."""
        found: Queries = getattr(self, step)
        return found
