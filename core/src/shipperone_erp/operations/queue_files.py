"""Queues in a file: one written by `capture`, or a page of ShipperOne's response."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.shipperone.pages import Garbled, entries_in
from shipperone_erp.shipperone.pages import parsed as parse

FORMAT = "shipperone-erp-capture"
VERSION = 1


def read_file(file: Path, stage: Stage = Stage.INVOICE) -> Queues:
    """The queues in that file; a page or a single order belongs to `stage`. UsageError if it is neither."""
    try:
        body = file.read_bytes()
        value = parse(body.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is not JSON: {error}"
        raise UsageError(f"{file} cannot be read: {why}") from None
    if isinstance(value, Mapping) and FORMAT in value:
        return _captured(file, value)
    if isinstance(value, Mapping) and "items" in value and not _holds_orders(value["items"]):
        return Queues({stage: [value]})
    try:
        entries = [entry for entry in entries_in(body) if not isinstance(entry, Garbled)]
    except (LookupError, ValueError):
        raise UsageError(
            f"{file} contains no orders: use a page as ShipperOne returns it, or a file written by `capture`"
        ) from None
    return Queues({stage: [entry for entry in entries if isinstance(entry, Mapping)]})


def _captured(file: Path, value: Mapping[str, Any]) -> Queues:
    if value[FORMAT] != VERSION:
        raise UsageError(
            f"{file} was written by a newer version: the file has format {value[FORMAT]}, this version reads {VERSION}"
        )
    queues = value.get("queues", {})
    return Queues(
        {stage: list(queues.get(stage.value, ())) for stage in Stage}, value.get("failed"), value.get("warehouses")
    )


def _holds_orders(items: Any) -> bool:
    """Whether the list contains orders, and not the items of one order."""
    return isinstance(items, list) and any(isinstance(one, Mapping) and "items" in one for one in items)
