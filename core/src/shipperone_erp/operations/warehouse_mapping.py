"""Compares ShipperOne's warehouses with those mapped by a connector's settings: warnings of `doctor`. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.operations.installation_checks import Line, warning_line

CODES = ("warehouse_code", "code", "source_code")
"""The possible keys of a warehouse's code, since ShipperOne's guide does not define it."""


def unmapped(settings: TenantSettings, listed: Sequence[Any]) -> Iterator[Line]:
    """Differences in both directions for a connector with a setting `warehouses`; other connectors have none."""
    mapped = getattr(settings.connector_settings, "warehouses", None)
    codes = set(codes_of(listed))
    if not isinstance(mapped, Mapping) or not mapped or not codes:
        return
    place = f"[tenants.{settings.name}.{settings.connector}.warehouses]"
    for code in sorted(codes - mapped.keys()):
        sentence = f"ShipperOne's warehouse {code} is not mapped: its orders would be held with warehouse_unknown"
        yield warning_line(settings, "warehouses", sentence, f"add it to {place}")
    for code in sorted(mapped.keys() - codes):
        sentence = f"warehouse {code} is mapped, and ShipperOne does not list it"
        yield warning_line(
            settings,
            "warehouses",
            sentence,
            f"compare its code in {place} with ShipperOne's: {', '.join(sorted(codes))}",
        )


def codes_of(listed: Iterable[Any]) -> Iterator[str]:
    """The codes of the warehouses in ShipperOne's list."""
    for row in listed:
        if isinstance(row, Mapping):
            yield from (str(row[name]) for name in CODES if row.get(name))
