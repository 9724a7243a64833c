"""`[tenants.NAME.odoo]`: the Odoo, its user, and the mapping of ShipperOne's terms to records there.

Records have the names that users see in Odoo (a journal its code, a tax its name), or their external id.
"""

import ssl
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from shipperone_erp import ConnectorSettings, Secret

PRODUCTS_OWN = "product"
"""The value of an entry's tax for the product's own tax."""

DETECTED = "auto"
"""The value of an entry's fiscal position for the one that Odoo detects for the buyer."""

Tagged = Literal["delivery", "invoice", "credit_note", "payment", "sale_order"]
"""A kind of document that is tagged."""

Protocol = Literal["auto", "json2", "jsonrpc", "xmlrpc"]


class WarehouseRule(ConnectorSettings):
    """`[tenants.NAME.odoo.warehouses."CODE"]`: ShipperOne's warehouse CODE in Odoo (B17)."""

    code: str = Field(description="its short name in Odoo, at most five characters")
    company: str | None = Field(None, description="its company's name, where it is not the tenant's")
    journal: str | None = Field(None, description="the code of the sales journal for what it ships")
    analytic: str | None = Field(None, description="the analytic account's name or code for what it ships")


class TaxRule(ConnectorSettings):
    """`[[tenants.NAME.odoo.taxes]]`: the first rule that matches an item applies; else `tax_not_mapped` (B6)."""

    country: str = Field("*", description='where the goods go, two letters; "*" for any')
    business: bool | None = Field(None, description="only buyers with (true) or without (false) a VAT id")
    percent: Decimal | None = Field(None, description="the rate that ShipperOne states; left out: any")
    tax: str = Field(
        description="the tax's name in Odoo, or its external id; its price includes it. \"product\": the product's "
        "own, for items without a stated rate, delivered at home to buyers without a VAT id"
    )
    fiscal_position: str | None = Field(
        None, description='the fiscal position\'s name; left out: none; "auto": the one that Odoo detects for the buyer'
    )
    journal: str | None = Field(None, description="the code of the sales journal for such invoices")

    @model_validator(mode="after")
    def _products_own(self) -> Self:
        if self.tax == PRODUCTS_OWN and (self.percent is not None or self.business):
            raise ValueError(
                'tax = "product" is for items without a stated rate and buyers without a VAT id: leave out percent, '
                "and business = true"
            )
        return self


class PaymentRule(ConnectorSettings):
    """`[tenants.NAME.odoo.payments.METHOD]`: the contents of an invoice paid by METHOD (B15)."""

    term: str | None = Field(None, description="the payment term's name")
    journal: str | None = Field(None, description="the code of the sales journal for such invoices")
    payment_reference: bool = Field(False, description="whether ShipperOne's reference is the invoice's")
    paid_into: str | None = Field(
        None, description="prepaid: the code of the bank or cash journal that the invoice's payment is registered in"
    )


class OdooSettings(ConnectorSettings):
    """The tenant's Odoo."""

    url: str = Field(description="https://erp.example, as the browser shows it, without /web")
    database: str = Field(description="its name, as in Odoo's log and in the address of its database manager")
    user: str | None = Field(None, description="the login; an API key alone is enough for JSON-2 (Odoo 19)")
    password: Secret | None = Field(None, description="works; an API key in its place is better")
    api_key: Secret | None = Field(None, description="made in Odoo under the user's preferences, Account Security")
    protocol: Protocol = Field("auto", description="JSON-2 from Odoo 19 on where there is an API key, else JSON-RPC")
    ca_file: str | None = Field(None, description="the authority of Odoo's certificate, if it is one of your own")
    connect_timeout: float = Field(10, gt=0, description="seconds to wait for a connection")
    timeout: float = Field(100, gt=0, description="seconds to wait for an answer; less than hook_timeout")
    batch_size: int = Field(100, ge=1, le=100, description="orders in one call")

    company: str | None = Field(None, description="the company's name; left out: the user's own")
    sku_field: str = Field("default_code", description="the product's field that holds ShipperOne's SKU, or barcode")
    units: Mapping[str, Decimal] = Field(
        {}, description="units of measure other than Odoo's Units: NAME = how many of ShipperOne's pieces make one"
    )
    warehouses: Mapping[str, WarehouseRule] = Field(
        {}, description="ShipperOne's warehouse codes; left out altogether: they are the short names in Odoo"
    )
    documents: Literal["picking", "sale_order"] = Field(
        "picking",
        description="what a reservation is: a delivery of its own, or a confirmed sales order",
    )
    transfers: Literal["internal", "direct"] = Field(
        "internal", description="goods in another warehouse: an internal transfer first, or shipped straight from there"
    )
    deliver: bool = Field(True, description="false: the warehouse validates its deliveries in Odoo by itself")
    one_step: bool = Field(
        False,
        description="true: a warehouse of several steps in Odoo picks by ShipperOne, and its deliveries leave in one, "
        "straight from its stock",
    )
    tracking: str | None = Field(
        None,
        description="where ShipperOne lists the tracking number, such as parcel.number: it is the delivery's in Odoo",
    )
    carrier: str | None = Field(
        None,
        description="where ShipperOne lists the carrier's name: it is the delivery's, if Odoo has one of that name",
    )

    taxes: tuple[TaxRule, ...] = Field((), description="which tax an item is invoiced with: see below")
    shipping_product: str | None = Field(None, description="the SKU of the service that shipping is invoiced as")
    shipping_tax: Literal["highest", "product", "proportional"] = Field(
        "highest", description="the highest rate of the items, the shipping product's own tax, or shared out by value"
    )
    rounding_account: str | None = Field(
        None,
        description="the code of the account for a line that makes up for cents that Odoo is off where it rounds tax "
        "globally; left out: such invoices are held",
    )
    charges: Mapping[str, str] = Field({}, description="NAME of a charge of kind line = the SKU it is invoiced as")
    payments: Mapping[str, PaymentRule] = Field({}, description="left out altogether: Odoo's own payment term")
    customers: Literal["match", "fixed"] = Field(
        "match", description="find the buyer in Odoo or create it, or invoice everybody as `customer`"
    )
    business: Literal["company", "vat_id"] = Field(
        "company",
        description="who is invoiced where a billing company states no VAT id: the company, or the person "
        '("vat_id"); the tax does not depend on it',
    )
    customer: str | None = Field(
        None,
        description="a contact's name or reference: whom orders without a buyer are invoiced to, or, with customers = "
        '"fixed", all',
    )
    team: str | None = Field(None, description="the sales team's name on invoices")
    salesperson: str | None = Field(
        None, description="the login of the sales orders' salesperson; left out: the connector's user"
    )
    pricelist: str | None = Field(
        None, description="the pricelist's name on sales orders; left out: the first one in the order's currency"
    )
    tag: str | None = Field(
        None,
        description="the tag of every document that the connector makes: of sales orders, by its name in Odoo; of the "
        "others in their chatter, and in the fields that `tag_fields` names",
    )
    tag_fields: Mapping[Tagged, str] = Field(
        {},
        description='fields of your own in Odoo that get the tag: delivery = "x_shop"; also invoice, credit_note, '
        "payment, sale_order",
    )
    order_link: str | None = Field(
        None,
        description="the order's page in ShipperOne, such as https://acme.example/orders/{order_id}: a note on each "
        "document links it",
    )
    mail_invoice: bool = Field(
        False, description="have Odoo send each invoice to its buyer once, by its own template, after it is issued"
    )
    e_invoice: Literal["by_odoo", "not_required"] | None = Field(
        None, description="who reports invoices where the country wants them reported (B13)"
    )

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write https:// and the host, such as https://erp.example")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("only the address: user and key have settings of their own")
        return value.rstrip("/").removesuffix("/web")

    @field_validator("order_link")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = urlsplit(value.format(order_id="1", order_number="1"))
        except (KeyError, IndexError, ValueError):
            raise ValueError("only {order_id} and {order_number} are filled in") from None
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("write https:// and the host, such as https://acme.example/orders/{order_id}")
        return value

    @field_validator("ca_file")
    @classmethod
    def _beside_the_toml(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        file = str(Path((info.context or {}).get("base") or ".") / value)
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:
            raise ValueError(f"{file} cannot be read as certificates: {error.strerror or error}") from None
        return file

    @field_validator("units")
    @classmethod
    def _a_factor(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        for name, factor in value.items():
            if factor <= 0:
                raise ValueError(f"{name}: how many pieces make one is above zero")
        return value

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.password is None and self.api_key is None:
            raise ValueError("an api_key is needed (or a password)")
        if self.user is None and (self.api_key is None or self.protocol in ("jsonrpc", "xmlrpc")):
            raise ValueError("user is needed: only JSON-2 knows it from its API key")
        if self.protocol == "json2" and self.api_key is None:
            raise ValueError("JSON-2 takes an api_key, never a password")
        if self.tag_fields and self.tag is None:
            raise ValueError("tag_fields needs tag: the text that these fields get")
        if self.customers == "fixed" and self.customer is None:
            raise ValueError('customers = "fixed" needs customer: the contact that everything is invoiced to')
        return self

    @model_validator(mode="after")
    def _sold_from_where_it_lies(self) -> Self:
        if self.documents == "sale_order" and self.transfers == "internal":
            raise ValueError(
                'documents = "sale_order" needs transfers = "direct": Odoo delivers a sales order from one warehouse, '
                "and goods in another one are a sales order there"
            )
        return self

    @property
    def host(self) -> str:
        """The host with its port, if it names one."""
        return urlsplit(self.url).netloc

    @property
    def secret(self) -> str:
        """The password in JSON-RPC and XML-RPC: the API key, if there is one."""
        found = self.api_key or self.password
        assert found is not None  # noqa: S101  # _can_log_in
        return found.get_secret_value()
