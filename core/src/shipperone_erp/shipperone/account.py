"""One tenant's account at ShipperOne: the address of its store, and the token."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from shipperone_erp.domain.rules import TenantRules


class Shop(TenantRules, Protocol):
    """The settings of a tenant, with its token."""

    @property
    def token(self) -> SecretStr: ...


@dataclass(frozen=True)
class Account:
    """Where a tenant's requests go. ValueError for an unusable address; it never shows what it holds."""

    tenant: str
    base_url: str
    store_code: str
    token: SecretStr = field(repr=False)

    def __post_init__(self) -> None:
        _ = self.root

    @classmethod
    def of(cls, shop: Shop) -> Self:
        """The account of that tenant."""
        return cls(shop.name, shop.base_url, shop.store_code, shop.token)

    @cached_property
    def root(self) -> str:
        """The base address, checked, without a slash at its end."""
        try:
            url = httpx.URL(self.base_url.strip())
            url.host.encode("idna")
        except (httpx.InvalidURL, UnicodeError):
            raise ValueError("base_url is not an address such as https://acme.example") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("base_url must begin with https:// and name a host, such as https://acme.example")
        if url.userinfo:
            raise ValueError("base_url holds a user or a password; ShipperOne takes only the token")
        if url.query or url.fragment:
            raise ValueError("leave ? and #, and what follows, out of base_url: paths are appended to it")
        return str(url).rstrip("/")

    @cached_property
    def address(self) -> str:
        """The address that every path of the API is added to."""
        return f"{self.root}/rest/{quote(self.store_code, safe='')}/V1"
