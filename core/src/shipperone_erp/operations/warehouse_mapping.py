"""ShipperOne's warehouses beside those that a connector's settings map, both ways: warnings of `doctor`. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.operations.queue_findings import Finding

CODES = ("warehouse_code", "code", "source_code")
"""Where a warehouse may have its code; the guide does not say."""


def unmapped(settings: TenantSettings, listed: Sequence[Any]) -> Iterator[Finding]:
    """A connector that maps warehouses by code has a setting `warehouses`; others have nothing to compare."""
    mapped = getattr(settings.connector_settings, "warehouses", None)
    codes = set(codes_of(listed))
    if not isinstance(mapped, Mapping) or not mapped or not codes:
        return
    place = f"[tenants.{settings.name}.{settings.connector}.warehouses]"
    for code in sorted(codes - mapped.keys()):
        said = f"ShipperOne's warehouse {code} is not mapped: its orders would be held as warehouse_unknown"
        yield Finding("warehouses", said, f"add it to {place}")
    for code in sorted(mapped.keys() - codes):
        said = f"warehouse {code} is mapped, and ShipperOne does not list it"
        yield Finding("warehouses", said, f"compare its code in {place} with ShipperOne's: {', '.join(sorted(codes))}")


def codes_of(listed: Iterable[Any]) -> Iterator[str]:
    """The codes of warehouses as ShipperOne lists them."""
    for row in listed:
        if isinstance(row, Mapping):
            yield from (str(row[name]) for name in CODES if row.get(name))
