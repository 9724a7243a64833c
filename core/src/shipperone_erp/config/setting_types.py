"""The base of a table of settings, and types of single settings: addresses, tokens, amounts, sizes, zones, lists."""

import re
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, WithJsonSchema

from shipperone_erp.config.secret_sources import SecretMissing
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import Duration, at_least


class SettingsTable(BaseModel):
    """The base of a table of the TOML: frozen, unknown keys refused, no written value in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("write an address such as https://acme.example") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("write an address such as https://acme.example")
    if parts.username or parts.password:
        raise ValueError("it holds a user or a password; ShipperOne takes only the token")
    if parts.query or parts.fragment:
        raise ValueError("leave out ? and #, and what follows: paths are appended to it")
    return value.rstrip("/")


def in_plain_text(base_url: str) -> bool:
    """Whether requests to this address cross a network unencrypted."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return True
    return not (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _token(value: Secret) -> Secret:
    text = value.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise SecretMissing("it is empty, or contains a character that is invalid in a token")
    return value


def _money(value: Any) -> Any:
    if isinstance(value, float | bool):
        raise ValueError('write an amount such as "0.01"')
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_money),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?$"}, {"type": "number", "minimum": 0}]}),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


NotZero = Annotated[Duration, at_least(timedelta(milliseconds=1))]
"""Zero would repeat a read, or give up a call, without any pause."""


_LEDGER = re.compile(r"sqlite(\+pysqlite)?:///(?!:memory:$)[^?]+|postgresql(\+psycopg)?://.+")


def _ledger(value: str) -> str:
    # empty: its variable is not set, which is reported
    if value and not _LEDGER.fullmatch(value):
        raise ValueError("write sqlite:///shipperone-erp.db or postgresql+psycopg://user@host/database")
    if re.match(r"postgresql[^/]*//[^/]*@[^?]*@", value):
        raise ValueError("the @ in its password would begin the host: write it as %40")
    return value


def _each_once(value: tuple[Stage, ...]) -> tuple[Stage, ...]:
    if len(set(value)) < len(value):
        raise ValueError("write each stage once")
    return value


def _a_type(value: str) -> str:
    if not value.strip():
        raise ValueError("an empty text would be every item without a type; leave it out")
    return value


def _path(value: str) -> str:
    if not all(value.split(".")):
        raise ValueError("write a key of the order, or a path such as totals.cod_fee")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, such as Europe, is a directory
        raise ValueError("not a time zone; write one such as Europe/Bratislava") from None
    return value


UNITS = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2}
"""Of sizes."""

SMALLEST, LARGEST = 64 * 1024, 1024 * 1024**2
"""Bytes of a size."""

SIZE = r"^\s*(\d{1,9}(?:\.\d{1,3})?)\s*(B|kB|KiB|MB|MiB)\s*$"


def _size(value: Any) -> int:
    found = re.match(SIZE, value) if isinstance(value, str) else None
    if found:
        size = int(Decimal(found[1]) * UNITS[found[2]])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise ValueError('write a size such as "32MiB", "500KiB", or a number of bytes')
    if not SMALLEST <= size <= LARGEST:
        raise ValueError('write a size from "64KiB" to "1024MiB"')
    return size


def size_words(size: int) -> str:
    """The size in its written form: "32MiB", "500KiB"."""
    unit = next((name for name in ("MiB", "KiB") if size % UNITS[name] == 0), "B")
    return f"{size // UNITS[unit]}{unit}"


BaseUrl = Annotated[str, AfterValidator(_address)]
Token = Annotated[Secret, AfterValidator(_token)]
LedgerUrl = Annotated[str, AfterValidator(_ledger)]
Stages = Annotated[tuple[Stage, ...], AfterValidator(_each_once)]
ItemType = Annotated[str, AfterValidator(_a_type)]
FieldPath = Annotated[str, AfterValidator(_path)]
Zone = Annotated[str, AfterValidator(_zone)]
Size = Annotated[
    ByteSize,
    BeforeValidator(_size),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE}, {"type": "integer", "minimum": SMALLEST}]}),
]
