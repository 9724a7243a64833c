"""`[runtime.page]`: who may read the operations page, and who may act on it."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from shipperone_erp.config.secret_sources import SecretMissing
from shipperone_erp.config.setting_types import SettingsTable
from shipperone_erp.connector.secret import Secret
from shipperone_erp.kernel.durations import Duration, at_least

SHORTEST_TOKEN = 20
"""Characters. A shorter token can be guessed, however slowly the login answers."""


class Role(StrEnum):
    """The rights of a user of the page. `it` may do everything, `reader` may only read."""

    READER = "reader"
    WAREHOUSE = "warehouse"
    ACCOUNTANT = "accountant"
    IT = "it"


def _person_token(value: Secret) -> Secret:
    text = value.get_secret_value().strip()
    if len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise SecretMissing(
            f"write a token of at least {SHORTEST_TOKEN} characters without spaces, as `openssl rand -hex 24` prints it"
        )
    return Secret(text)


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("write an address such as 10.0.0.5, or a network such as 10.0.0.0/24") from None
    return value


def listening(value: str) -> tuple[str, int]:
    """The host and the port of `127.0.0.1:8642` or `[::1]:8642`. ValueError shows the form."""
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ip_address(host)
    except ValueError:
        raise ValueError('write an address of this machine and a port, such as "127.0.0.1:8642"') from None
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError('write an address of this machine and a port, such as "127.0.0.1:8642"')
    return host, int(port)


def _listening(value: str) -> str:
    listening(value)
    return value


Address = Annotated[str, AfterValidator(_listening)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
PersonName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


class PersonSettings(SettingsTable):
    """`[runtime.page.people.NAME]`: one user; the name is recorded with every action."""

    token: Annotated[Secret, AfterValidator(_person_token)] | None = Field(
        None, description="the token for the login; without one the person logs in through the proxy"
    )
    roles: tuple[Role, ...] = Field((Role.READER,), description='"reader", "warehouse", "accountant", "it"')


class ProxySettings(SettingsTable):
    """`[runtime.page.proxy]`: a proxy that authenticates users and passes their name in a header."""

    header: HeaderName = Field(description="the header with the person's name, such as X-Remote-User")
    addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        min_length=1, description="the proxy's addresses or networks; the header is ignored from any other address"
    )
    roles: tuple[Role, ...] = Field((Role.READER,), description="roles of persons who are not listed in `people`")


class PageSettings(SettingsTable):
    """`[runtime.page]`: the operations page."""

    read_only: bool = Field(False, description="no actions on the page; the ledger is opened read-only")
    people: Mapping[PersonName, PersonSettings] = Field(
        default_factory=dict, description="who may use the page, see below; empty: everybody on this machine"
    )
    proxy: ProxySettings | None = Field(None, description="a proxy that authenticates, see below")
    hosts: tuple[HostName, ...] = Field((), description="further host names of the page")
    https: bool = Field(
        False, description="the page is reached by https through a proxy: cookies are sent over https only"
    )
    session: Annotated[Duration, at_least(timedelta(minutes=5))] = Field(
        timedelta(hours=12), description="how long a login lasts"
    )

    @property
    def protected(self) -> bool:
        """Whether the page requires a token or an authenticating proxy."""
        return self.proxy is not None or any(person.token is not None for person in self.people.values())


def exposed(http: str, page: PageSettings) -> str | None:
    """The reason why a page at this address would be open to other machines; None if it is not."""
    host, _ = listening(http)
    if ip_address(host).is_loopback or page.protected:
        return None
    return (
        f"the page would be open to everybody who can reach {host}: give each person a token "
        "([runtime.page.people.NAME]), name a proxy that authenticates ([runtime.page.proxy]), or bind to 127.0.0.1"
    )
