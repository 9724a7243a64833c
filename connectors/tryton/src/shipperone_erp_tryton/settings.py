"""`[tenants.NAME.tryton]`: the Tryton database, its user, and the mapping of ShipperOne's terms to records there.

Records have the names that users see in Tryton: warehouses, products and parties their codes, taxes their names.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from shipperone_erp import ConnectorSettings, Secret


class TaxRule(ConnectorSettings):
    """`[[tenants.NAME.tryton.taxes]]`: the first rule that matches an item applies; if none does, `tax_not_mapped`."""

    country: str = Field("*", description='the destination country, two letters; "*" for any')
    business: bool | None = Field(None, description="only buyers with (true) or without (false) a VAT id")
    percent: Decimal | None = Field(None, description="the rate that ShipperOne states; left out: any")
    tax: str = Field(description="the tax's name in Tryton; a percentage without children")


class TrytonSettings(ConnectorSettings):
    """The tenant's Tryton: its database, opened in this process in the same way as by trytond."""

    url: str = Field(description="sqlite:///FILE.sqlite beside the TOML, or postgresql://USER@HOST:PORT/DATABASE")
    password: Secret | None = Field(None, description="the password of the database's user, if the server requires one")
    config: Path | None = Field(None, description="the trytond.conf; the same for all tenants of a process")
    timeout: float = Field(10, gt=0, description="seconds to wait for a connection, a lock or an answer")

    user: str = Field(description="the login of a Tryton user, whose rights apply; no password is needed")
    company: str | None = Field(None, description="the company's name; left out: the user's own")
    warehouses: Mapping[str, str] = Field(
        {}, description="ShipperOne's warehouse code = the code of the warehouse in Tryton; left out: they are the same"
    )
    taxes: tuple[TaxRule, ...] = Field((), description="rules for the tax of an item, by country and rate")
    shipping_product: str | None = Field(None, description="the code of the service product for shipping")
    charges: Mapping[str, str] = Field({}, description="NAME of a charge of kind line = the code of its service")
    customer: str | None = Field(None, description="the code of the party for orders that name no buyer")
    dated: Literal["supply", "issue"] = Field(
        "supply", description="the invoice's date: the day of supply, or the day of issue"
    )

    @field_validator("url")
    @classmethod
    def _a_database(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value)
        if parts.scheme == "sqlite" and not parts.netloc and parts.path.endswith(".sqlite"):
            file = Path((info.context or {}).get("base") or ".") / parts.path[1:]
            return f"sqlite:///{file.absolute()}"
        if parts.scheme == "postgresql" and parts.path.strip("/"):
            if parts.password is not None:
                raise ValueError("the password is a separate setting: password = { env = … }")
            return value
        raise ValueError("write sqlite:///FILE.sqlite or postgresql://USER@HOST:PORT/DATABASE")
