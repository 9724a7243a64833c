"""`[tenants.NAME.generic_sql]`: a database, and for each step the statements that perform it there."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy.types import TypeEngine

from shipperone_erp import ConnectorSettings, FulfillmentOrder, Owner, Reason, Secret
from shipperone_erp.tools import label
from shipperone_erp_generic_sql import address
from shipperone_erp_generic_sql.bind_names import can_be_mapped, type_of
from shipperone_erp_generic_sql.bind_scope import query_problems, step_problems
from shipperone_erp_generic_sql.bind_values import Places
from shipperone_erp_generic_sql.binds import ORDER_BINDS, PARAM
from shipperone_erp_generic_sql.dialects import DIALECTS, Limits, SqlDialect
from shipperone_erp_generic_sql.element_binds import ELEMENT_BINDS
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.mapping_tables import WAREHOUSE, from_csv, table_of
from shipperone_erp_generic_sql.statement import CaptureType, Queries, Query, Statement, Statements, numbered
from shipperone_erp_generic_sql.statement_lint import Parsed
from shipperone_erp_generic_sql.steps import LOOKS_WITH, QUERIES, STEPS
from shipperone_erp_generic_sql.taxes import valid_rule

_BIGGEST = 2**63

Number = Annotated[StrictInt, Field(ge=-_BIGGEST, lt=_BIGGEST)]


class ErrorRule(ConnectorSettings):
    """The meaning of one of the ERP's own error texts."""

    reason: Reason
    owner: Owner = Owner.IT
    sentence: str | None = None


Rule = Annotated[ErrorRule, BeforeValidator(lambda given: {"reason": given} if isinstance(given, str) else given)]


class GenericSqlSettings(ConnectorSettings):
    """The tenant's database and its statements. A step without configured statements is not performed."""

    url: str = Field(
        repr=False,
        description="sqlite:///erp.db (relative to the TOML that names it), postgresql://user@host/database, "
        "mariadb://…, mysql://…, mssql://…, oracle://…",
    )
    password: Secret | None = Field(None, description="the password, separate from the URL; a SQLite file has none")
    isolation: str | None = Field(None, description='default: "read committed"; SQLite has only its own')
    connect_timeout: float = Field(10, gt=0, description="seconds to wait for a connection")
    lock_timeout: float = Field(10, ge=0, description="seconds to wait while another transaction holds a lock")
    statement_timeout: float = Field(
        30, gt=0, description="the longest run time of a statement in seconds; SQLite has no limit"
    )
    amount_decimals: int = Field(
        6, ge=0, le=12, description="decimal places of the ERP's amounts; a finer amount is refused, never rounded"
    )
    qty_decimals: int = Field(6, ge=0, le=12, description="the same for quantities")
    params: Mapping[str, StrictStr | StrictBool | Number] = Field(
        {}, description="your own constants: NAME is the bind :param_NAME"
    )
    binds: Mapping[str, StrictStr] = Field(
        {}, description="your own binds, as text: NAME = a path in the order, such as an extra field of ShipperOne"
    )
    maps: Mapping[str, Mapping[str, StrictStr]] = Field(
        {},
        description="the ERP's names by ShipperOne's: [maps.sku] is the bind :map_sku, [maps.warehouse] is "
        ":map_warehouse_code and :map_item_warehouse_code; a table, or the name of a CSV file of two columns",
    )
    taxes: Mapping[str, Annotated[StrictStr, AfterValidator(valid_rule)]] = Field(
        {},
        description="the tax rates of shipping and charges (:tax_document_…): shipping, or a "
        'charge\'s name = "highest" of the items, "proportional" to the items, or a rate; "*" applies to all others',
    )
    errors: Mapping[str, Rule] = Field(
        {}, description="a code, or a part of the ERP's error text = a reason, or { reason, owner, sentence }"
    )
    trigger_tables: tuple[str, ...] = Field(
        (), description="tables that the ERP's triggers write with this login's rights: no warning about such grants"
    )
    find_reservation: Queries = Field(
        (), description="the reservation of :key: reference, state [, url, sentence, reason, owner]"
    )
    find_reservation_lines: Queries = Field(
        (), description="its lines: item_id or sku, qty [, warehouse_code]; `sql check` compares them with the order"
    )
    available: Queries = Field((), description="on hand minus reserved of :sku at :item_warehouse_code: one number")
    reserve: Statements = Field((), description="reserves all items of the order, or none")
    release: Statements = Field((), description="releases what has not shipped; stores a mark for an unknown key")
    find_invoice: Queries = Field(
        (),
        description="the invoice of :key: reference, state [, number, date, total_incl_tax, "
        "shipping_amount_incl_tax, currency, url, issuer, sentence, reason, owner]",
    )
    find_invoice_lines: Queries = Field((), description="its lines: item_id, qty [, total_incl_tax, tax_percent]")
    refused_dates: Queries = Field(
        (),
        description="a row if no invoice with :tax_date and :issue_date can be issued (a locked period, numbers that "
        "follow dates): [sentence]; run before an invoice is built, and again before it is issued",
    )
    build_invoice: Statements = Field((), description="writes a draft; without it issue_invoice creates the invoice")
    issue_invoice: Statements = Field((), description="makes the draft fiscal, or creates the invoice")
    discard_invoice: Statements = Field((), description="voids the draft; stores a mark for an unknown key")
    find_delivery: Queries = Field(
        (), description="a row if the goods of :key have left: [state, sentence, reason, owner]"
    )
    deliver: Statements = Field((), description="books the goods of the shipped items out of the stock")
    list_documents: Queries = Field(
        (),
        description="documents created since :since: kind [, key, reference, order_id, total_incl_tax, currency, "
        "state, number, date, refers_to, url, issuer]",
    )
    list_document_lines: Queries = Field(
        (), description="their lines: kind, reference, item_id, qty [, total_incl_tax, tax_percent]"
    )

    _password_in_url: bool = PrivateAttr(False)

    @model_validator(mode="wrap")
    @classmethod
    def _password_out_of_the_url(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        password = None
        if isinstance(given, dict) and isinstance(given.get("url"), str):
            url, password = address.take_password(given["url"])
            if password is not None:
                given = {"password": Secret(password), **given, "url": url}
        made = handler(given)
        made._password_in_url = password is not None
        return made

    @field_validator("url")
    @classmethod
    def _names_a_database(cls, value: str, info: ValidationInfo) -> str:
        return address.checked(value, (info.context or {}).get("base"))

    @field_validator("isolation")
    @classmethod
    def _the_database_has_it(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "url" not in info.data:
            return value
        dialect = address.dialect_of(info.data["url"])
        level = value.upper().replace("_", " ")
        if level not in dialect.isolations:
            levels = " or ".join(f'"{known.lower()}"' for known in dialect.isolations)
            raise ValueError(f"write {levels}" if levels else f"{dialect.title} has only one level; leave it out")
        return level

    @field_validator("params", "binds")
    @classmethod
    def _can_be_named(cls, value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        for name in value:
            if not name.isidentifier():
                raise ValueError(f"{label(name)} cannot be a bind: letters, digits and underscores only")
            if info.field_name == "binds" and (name in ORDER_BINDS or name in ELEMENT_BINDS or name.startswith(PARAM)):
                raise ValueError(f"{label(name)} is already a bind; choose another name")
        return value

    @field_validator("maps", mode="before")
    @classmethod
    def _tables_out_of_files(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            return value
        base = (info.context or {}).get("base") or Path()
        return {name: from_csv(base / one) if isinstance(one, str) else one for name, one in value.items()}

    @field_validator("maps")
    @classmethod
    def _of_a_bind(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in value:
            if name != WAREHOUSE and (table_of(name) == WAREHOUSE or not can_be_mapped(name)):
                raise ValueError(
                    f"[maps.{label(name)}] belongs to no bind: write sku, warehouse, payment_method, tax_percent, …"
                )
        return value

    @field_validator(*STEPS, *QUERIES)
    @classmethod
    def _can_be_right(cls, statements: tuple[Query, ...], info: ValidationInfo) -> tuple[Query, ...]:
        step = str(info.field_name)
        dialect = address.dialect_of(info.data["url"]) if "url" in info.data else DIALECTS["sqlite"]
        own = _own_binds(info.data) if {"params", "binds", "maps"} <= info.data.keys() else None
        problems = list(
            step_problems(step, cast("tuple[Statement, ...]", statements), dialect, own)
            if step in STEPS
            else query_problems(step, statements, dialect, own)
        )
        if problems:
            raise ValueError("\n".join([f"{step}, {problems[0]}", *problems[1:]]))
        return statements

    @model_validator(mode="after")
    def _what_is_written_can_be_found(self) -> Self:
        missing = [
            f"{step} needs {query}: a step looks up its key first, so that it never runs twice"
            for step, query in LOOKS_WITH.items()
            if getattr(self, step) and not getattr(self, query)
        ]
        if missing:
            raise ValueError("; ".join(missing))
        return self

    @property
    def password_in_url(self) -> bool:
        """Whether the password was written into `url`: it works, with a warning."""
        return self._password_in_url

    @cached_property
    def dialect(self) -> SqlDialect:
        """The kind of database that `url` names."""
        return address.dialect_of(self.url)

    @cached_property
    def limits(self) -> Limits:
        """The time limits."""
        return Limits(self.connect_timeout, self.lock_timeout, self.statement_timeout)

    @cached_property
    def places(self) -> Places:
        """The number of decimal places of the ERP's columns."""
        return Places(self.amount_decimals, self.qty_decimals)

    @property
    def path(self) -> Path:
        """The SQLite file, absolute."""
        return Path(address.identity(self.url).removeprefix("sqlite:"))

    def statements(self, step: str) -> tuple[Statement, ...]:
        """The statements of one of `STEPS`."""
        found: tuple[Statement, ...] = getattr(self, step)
        return found

    def queries(self, step: str) -> tuple[Query, ...]:
        """The queries of one of `QUERIES`."""
        found: tuple[Query, ...] = getattr(self, step)
        return found

    def every(self) -> Iterator[tuple[str, str, Query]]:
        """Every configured statement with its step and its number; a group's members are numbered 2.1, 2.2, …"""
        for step in STEPS:
            for number, _, statement in numbered(self.statements(step)):
                yield step, number, statement
        for step in QUERIES:
            for at, query in enumerate(self.queries(step), start=1):
                yield step, str(at), query

    def binds_named(self, step: str) -> frozenset[str]:
        """The binds that the statements of one of `STEPS` name."""
        statements = numbered(self.statements(step))
        return frozenset(name for _, _, one in statements for name in Parsed(one.sql, self.dialect).binds)

    @cached_property
    def _captures(self) -> Mapping[str, Mapping[str, CaptureType]]:
        return {
            step: {
                name: kind
                for _, _, statement in numbered(self.statements(step))
                for name, kind in statement.captures.items()
            }
            for step in STEPS
        }

    def captures(self, step: str) -> Mapping[str, CaptureType]:
        """The names that the step's statements capture, with their types."""
        return self._captures.get(step, {})

    def call(self, tenant: str, key: str, order: FulfillmentOrder, **values: Any) -> Call:
        """A call of a hook for that order, completed by these settings. `values`: further values of the call."""
        return Call(
            tenant=tenant, key=key, order=order, params=self.params, paths=self.binds, maps=self.maps, taxes=self.taxes,
            **values,
        )  # fmt: skip

    def serial(self, step: str) -> bool:
        """Whether the step never runs twice at once."""
        return any(statement.serial for statement in self.statements(step))

    def numbering(self, step: str) -> bool:
        """Whether the step takes a number one above the highest: two concurrent calls may take the same."""
        return step in STEPS and any(
            Parsed(statement.sql, self.dialect).takes_the_highest for _, _, statement in numbered(self.statements(step))
        )

    def bind_type(self, step: str, name: str) -> TypeEngine[Any]:
        """The SQL type of a bind in that step."""
        return type_of(name, self.params, self.captures(step))


def _own_binds(data: Mapping[str, Any]) -> frozenset[str]:
    return (
        frozenset(data["binds"])
        | {PARAM + name for name in data["params"]}
        | {f"[maps.{name}]" for name in data["maps"]}
    )
