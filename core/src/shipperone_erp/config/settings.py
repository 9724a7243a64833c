"""The settings of the configuration and their defaults. Frozen; an error never shows the value that was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    ByteSize,
    Field,
    SkipValidation,
)

from shipperone_erp.config.alerts import AlertSettings
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.config.limits import LimitSettings
from shipperone_erp.config.page import Address, PageSettings
from shipperone_erp.config.setting_types import (
    Amount,
    BaseUrl,
    Currency,
    FieldPath,
    ItemType,
    LedgerUrl,
    Name,
    NotZero,
    SettingsTable,
    Size,
    Stages,
    Token,
    Zone,
)
from shipperone_erp.connector.api import ConnectorSettings
from shipperone_erp.domain.order import Party
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import Duration, at_least
from shipperone_erp.kernel.errors import Problem
from shipperone_erp.kernel.redaction import secrets_in

ORDER_FIELDS = tuple(
    "order_id warehouse_code items item_id sku name qty price_incl_tax row_total_incl_tax tax_percent discount "  # noqa: SIM905
    "currency shipping_amount_incl_tax total_incl_tax order_number payment_method payment_reference ordered_at "
    "shipped_at parent_item_id item_type".split()
)
PARTY_FIELDS = tuple(
    f"{party}.{name}"
    for party in ("customer", "billing", "shipping")
    for name in Party.__dataclass_fields__
    if name != "extra"
)
FIELD_NAMES = (*ORDER_FIELDS, *PARTY_FIELDS)
"""The fields for which `[tenants.*.fields]` may name a place."""


class RuntimeSettings(SettingsTable):
    """`[runtime]`: the settings shared by all tenants of one process."""

    ledger: LedgerUrl = Field(
        "sqlite:///shipperone-erp.db", description="SQLite or postgresql+psycopg://…; relative paths"
    )
    include: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="more files with [tenants.*] tables, as patterns"
    )
    http: Address | None = Field(None, description="where `run` serves the operations page, such as 127.0.0.1:8642")
    lease: NotZero = Field(timedelta(seconds=15), description="a process without a heartbeat for this long is replaced")
    max_response: Size = Field(
        ByteSize(32 * 1024**2), description="the largest response that is read; a larger one is refused"
    )
    keep_errors: Duration = Field(
        timedelta(days=30), description="how long refusals, errors and tracebacks of ended jobs are kept"
    )
    keep_bodies: Duration = Field(
        timedelta(days=90), description="how long personal data, requests and responses of ended jobs are kept"
    )
    keep_jobs: Annotated[Duration, at_least(timedelta(days=30))] = Field(
        timedelta(days=400),
        description="how long jobs that ended without ShipperOne's acceptance (`gone`, `superseded`) are kept",
    )
    keep_invoices: Annotated[Duration, at_least(timedelta(days=365))] = Field(
        timedelta(days=4018), description="how long accepted jobs and issued invoices are kept: eleven years"
    )
    page: PageSettings = Field(default_factory=PageSettings, description="who may use the page, see below")
    fleet: FleetSettings = Field(
        default_factory=FleetSettings, description="a fleet of workers on one ledger, see below"
    )
    tracing: bool = Field(
        False, description="export traces by OpenTelemetry, as configured by its environment variables"
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings, description="rate limits shared by the tenants of one ShipperOne or ERP"
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings, description="recipients and rules of alerts, see below"
    )


class ChargeSettings(SettingsTable):
    """`[[tenants.NAME.charges]]`: an amount of an order besides its lines and shipping."""

    name: Name = Field(description="its name, on the invoice and in `order show`")
    path: FieldPath = Field(
        description="its place in the order as ShipperOne lists it; a path through a list gives the sum of the entries"
    )
    sign: Literal["+", "-"] = Field("+", description='"+": used as listed; "-": always deducted, whatever its sign')
    kind: Literal["line", "payment"] = Field(
        description='"line": an invoice line (fee, coupon); "payment": only explains the order\'s total (gift card)'
    )


class TenantSettings(SettingsTable):
    """One tenant: a ShipperOne instance and store, and the ERP behind a connector."""

    name: Name
    base_url: BaseUrl = Field(description="paths are {base_url}/rest/{store_code}/V1/…")
    allow_http: bool = Field(False, description="allow an unencrypted base_url (http://) to another machine")
    store_code: str = Field("default", min_length=1, description="the store code that belongs to the token")
    token: Token = Field(description='{ env = "NAME" }, { file = "path" } or { credential = "name" }')
    connector: str = Field(description="the connector's entry-point name")
    stages: Stages = Field((Stage.ALLOCATION, Stage.INVOICE), min_length=1, description="which queues")
    poll_interval: NotZero = Field(timedelta(seconds=30), description="how often the queues are read")
    concurrency: int = Field(8, ge=1, le=256, description="concurrent calls of this tenant's ERP")
    hook_timeout: NotZero = Field(
        timedelta(seconds=120), description="the outcome of a call of the ERP is unknown after this time"
    )
    settle: Duration = Field(
        timedelta(seconds=60), description="how long after a lost answer a read of the queue counts as proof"
    )
    go_live: Literal["ask", "now"] = Field(
        "ask",
        description='"ask": orders of the first complete read are held until `go-live`; "now": they are processed',
    )
    timezone: Zone = Field("UTC", description="time zone of documents' dates")
    currency: Currency | None = Field(None, description="the currency of orders that state none")
    currencies: tuple[Currency, ...] = Field((), description="further allowed currencies")
    charges: tuple[ChargeSettings, ...] = Field((), description="amounts other than lines and shipping, see below")
    discount: Literal["in_row", "off_row", "off_row_net"] | None = Field(
        None,
        description="rows are after the discount, before it, or before a discount without tax; unset: the "
        "reading that the sums prove",
    )
    shipping_on_parts: Literal["hold", "as_listed"] = Field(
        "hold",
        description="a part that lists shipping (or a line charge) that an earlier invoice of the order already had",
    )
    order_total: Literal["fulfillment_order", "sales_order", "ignore"] = Field(
        "fulfillment_order", description="the scope of an order's total, where no order proves it"
    )
    not_compared: Literal["accept", "hold"] = Field(
        "accept", description="an invoice whose total the ERP does not report"
    )
    tolerance: Amount = Field(
        Decimal("0.00"), description="the accepted difference between amounts, in comparisons with ShipperOne"
    )
    unlisted_parties: Literal["allocation", "none"] | None = Field(
        None,
        description="a billing party or delivery address that only the allocation lists is used, or counts as removed; "
        "unset: an invoice for which this matters is held",
    )
    tax_rates: Literal["percent", "fraction"] | None = Field(
        None,
        description="whether 0.21 is a rate of 0.21 % or of 21 %; unset: an order that lists a rate between 0 and 1 is "
        "held",
    )
    tax_date: Literal["shipped", "first_listed", "issued"] = Field(
        "shipped", description="the day of supply of an invoice"
    )
    oldest_date: Duration = Field(
        timedelta(days=366), description="an older day of supply is held where no allocation dates it better"
    )
    dates_without_zone: Literal["utc", "tenant"] = Field(
        "utc", description="the time zone of ShipperOne's times without an offset: UTC, or `timezone`"
    )
    transfer: Literal["arrived", "reserved"] = Field("arrived", description="when a transfer counts as reserved")
    bundles: Literal["hold", "children", "parents"] = Field(
        "hold", description="which rows of a bundle the ERP keeps in stock, see below"
    )
    services: tuple[ItemType, ...] = Field(
        ("virtual", "downloadable", "service"),
        description="item types that are invoiced, but never reserved or delivered",
    )
    without_reservation: Literal["deliver", "hold", "invoice_only"] = Field(
        "deliver", description="delivery of invoiced items that have no reservation in this ledger"
    )
    gone_grace: Duration = Field(
        timedelta(hours=2), description="how long after an order has left the queue its reservation is released"
    )
    doubt_for: Duration = Field(
        timedelta(hours=1), description="how long reads try to resolve an unknown outcome before the job is held"
    )
    in_doubt: Literal["accept", "hold"] = Field(
        "accept", description="an invoice whose answer was lost and whose order has left the queue"
    )
    approve: tuple[Literal["invoice"], ...] = Field((), description='["invoice"]: an operator approves each draft')
    approvals: Literal[1, 2] = Field(1, description="how many persons must approve each draft")
    policies: tuple[str, ...] = Field((), description="by entry-point name")
    fiscal_first: bool = Field(False, description="the connector's build_invoice issues the invoice at once")
    ship_within: Duration = Field(
        timedelta(days=14), description="report an order that is reserved and confirmed but not shipped for this long"
    )
    invoice_within: Duration = Field(
        timedelta(days=5), description="report an order that is shipped but not invoiced for this long"
    )
    stock_retry: Duration = Field(timedelta(minutes=15), description="how often a shortage is retried")
    fields: Mapping[str, str] = Field(default_factory=dict, description="the place of a field in ShipperOne's order")
    queue_fields: Mapping[Stage, Mapping[str, str]] = Field(default_factory=dict)
    connector_settings: SkipValidation[ConnectorSettings]
    policy_settings: SkipValidation[Mapping[str, ConnectorSettings]]

    def fields_of(self, stage: Stage) -> Mapping[str, str]:
        """The places of fields in that stage's queue: `fields`, overridden by `[tenants.NAME.fields.STAGE]`."""
        return {**self.fields, **self.queue_fields.get(stage, {})}


NOT_IN_TOML = frozenset({"name", "queue_fields", "connector_settings", "policy_settings"})
TENANT_KEYS = tuple(key for key in TenantSettings.model_fields if key not in NOT_IN_TOML)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A loaded configuration. `problems` are those of single tenants, which are not in `tenants`.

    `written` holds, by its path, each text with environment variables, and `put_in` the values of these: `config show`
    masks them. `digests` has every tenant of the files, loaded or not, if only some were requested. `secret_files` are
    the files in which secrets were searched, `included` the files named by `include`.
    """

    file: Path
    runtime: RuntimeSettings
    tenants: Mapping[str, TenantSettings]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    written: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    secret_files: frozenset[Path] = frozenset()
    included: tuple[Path, ...] = ()
    put_in: frozenset[str] = field(default=frozenset(), repr=False)
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret of the configuration, to be redacted from all output."""
        return frozenset(secrets_in([self.runtime, *self.tenants.values()]))
