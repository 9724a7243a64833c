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
    company: str | None = Field(None, description="its company's name, if it is not the tenant's")
    journal: str | None = Field(None, description="the code of the sales journal for its invoices")
    analytic: str | None = Field(None, description="the name or code of the analytic account for its invoices")


class TaxRule(ConnectorSettings):
    """`[[tenants.NAME.odoo.taxes]]`: the first rule that matches an item applies; else `tax_not_mapped` (B6)."""

    country: str = Field("*", description='the destination country, two letters; "*" for any')
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
    payment_reference: bool = Field(False, description="use ShipperOne's payment reference as the invoice's")
    paid_into: str | None = Field(
        None, description="for prepaid orders: the code of the bank or cash journal in which the payment is registered"
    )


class OdooSettings(ConnectorSettings):
    """The tenant's Odoo."""

    url: str = Field(description="https://erp.example, as the browser shows it, without /web")
    database: str = Field(description="its name, as in Odoo's log and in the address of its database manager")
    user: str | None = Field(None, description="the login; an API key alone is enough for JSON-2 (Odoo 19)")
    password: Secret | None = Field(None, description="the password; prefer an API key")
    api_key: Secret | None = Field(None, description="created in Odoo under the user's preferences, Account Security")
    protocol: Protocol = Field("auto", description="JSON-2 from Odoo 19 on where there is an API key, else JSON-RPC")
    ca_file: str | None = Field(None, description="the file of your own certificate authority, if Odoo uses one")
    connect_timeout: float = Field(10, gt=0, description="seconds to wait for a connection")
    timeout: float = Field(100, gt=0, description="seconds to wait for an answer; less than hook_timeout")
    batch_size: int = Field(100, ge=1, le=100, description="orders in one call")

    company: str | None = Field(None, description="the company's name; left out: the user's own")
    sku_field: str = Field("default_code", description="the product's field that holds ShipperOne's SKU, or barcode")
    units: Mapping[str, Decimal] = Field(
        {}, description="units of measure other than Odoo's Units: NAME = the number of ShipperOne's pieces in one"
    )
    warehouses: Mapping[str, WarehouseRule] = Field(
        {}, description="ShipperOne's warehouse codes; left out: they equal the short names in Odoo"
    )
    documents: Literal["picking", "sale_order"] = Field(
        "picking",
        description="the document of a reservation: a delivery, or a confirmed sales order",
    )
    transfers: Literal["internal", "direct"] = Field(
        "internal",
        description="goods in another warehouse: transferred internally first, or shipped directly from there",
    )
    deliver: bool = Field(True, description="false: users validate the deliveries in Odoo")
    one_step: bool = Field(
        False,
        description="true: a warehouse with several steps in Odoo is picked by ShipperOne, and its deliveries are one "
        "step, directly from stock",
    )
    tracking: str | None = Field(
        None,
        description="the place of the tracking number in ShipperOne's order, such as parcel.number; it is copied to "
        "the delivery",
    )
    carrier: str | None = Field(
        None,
        description="the place of the carrier's name in ShipperOne's order; it is copied to the delivery if Odoo has "
        "a carrier of that name",
    )

    taxes: tuple[TaxRule, ...] = Field((), description="rules for the tax of an item, see below")
    shipping_product: str | None = Field(None, description="the SKU of the service product for shipping")
    shipping_tax: Literal["highest", "product", "proportional"] = Field(
        "highest",
        description="the tax of shipping: the items' highest rate, the shipping product's own tax, or "
        "distributed by value",
    )
    rounding_account: str | None = Field(
        None,
        description="the code of the account for rounding differences if Odoo rounds tax globally; left out: such "
        "invoices are held",
    )
    charges: Mapping[str, str] = Field({}, description="NAME of a charge of kind line = the SKU of its product")
    payments: Mapping[str, PaymentRule] = Field({}, description="left out: Odoo's own payment term")
    customers: Literal["match", "fixed"] = Field(
        "match", description="find or create the buyer in Odoo, or invoice every order to `customer`"
    )
    business: Literal["company", "vat_id"] = Field(
        "company",
        description="the invoiced contact if a billing company states no VAT id: the company, or the person "
        '("vat_id"); the tax does not depend on it',
    )
    customer: str | None = Field(
        None,
        description="the name or reference of the contact for orders without a buyer, or, with customers = "
        '"fixed", for all orders',
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
        description="a tag for every document that the connector creates: on sales orders by the tag's name in Odoo; "
        "on others in their chatter, and in the fields of `tag_fields`",
    )
    tag_fields: Mapping[Tagged, str] = Field(
        {},
        description='custom fields in Odoo that get the tag: delivery = "x_shop"; also invoice, credit_note, '
        "payment, sale_order",
    )
    order_link: str | None = Field(
        None,
        description="the address of the order in ShipperOne, such as https://acme.example/orders/{order_id}, linked "
        "from a note on each document",
    )
    mail_invoice: bool = Field(
        False, description="let Odoo send each issued invoice to its buyer once, with Odoo's template"
    )
    e_invoice: Literal["by_odoo", "not_required"] | None = Field(
        None, description="who reports invoices in countries that require it (B13)"
    )

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write https:// and the host, such as https://erp.example")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("only the address: user and key are separate settings")
        return value.rstrip("/").removesuffix("/web")

    @field_validator("order_link")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = urlsplit(value.format(order_id="1", order_number="1"))
        except (KeyError, IndexError, ValueError):
            raise ValueError("only {order_id} and {order_number} are replaced") from None
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
                raise ValueError(f"{name}: the number of pieces must be above zero")
        return value

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.password is None and self.api_key is None:
            raise ValueError("an api_key is needed (or a password)")
        if self.user is None and (self.api_key is None or self.protocol in ("jsonrpc", "xmlrpc")):
            raise ValueError("user is needed: only JSON-2 derives it from the API key")
        if self.protocol == "json2" and self.api_key is None:
            raise ValueError("JSON-2 needs an api_key, not a password")
        if self.tag_fields and self.tag is None:
            raise ValueError("tag_fields needs tag, the text for these fields")
        if self.customers == "fixed" and self.customer is None:
            raise ValueError('customers = "fixed" needs customer, the contact for all invoices')
        return self

    @model_validator(mode="after")
    def _sold_from_where_it_lies(self) -> Self:
        if self.documents == "sale_order" and self.transfers == "internal":
            raise ValueError(
                'documents = "sale_order" needs transfers = "direct": Odoo delivers a sales order from one warehouse; '
                "goods in another warehouse get a sales order there"
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
