"""Mapping tables: the ERP's own name for a SKU, a warehouse, a payment method, by ShipperOne's name for it."""

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_generic_sql.exact_values import digits

MAP = "map_"
"""`map_sku` is the entry of `[maps.sku]` for the value of `sku`."""

WAREHOUSE = "warehouse"
"""One table for both: `map_warehouse_code` and `map_item_warehouse_code`."""

Maps = Mapping[str, Mapping[str, str]]

_REASONS = {
    "sku": Reason.PRODUCT_UNKNOWN, WAREHOUSE: Reason.WAREHOUSE_UNKNOWN, "payment_method": Reason.PAYMENT_NOT_MAPPED,
    "tax_percent": Reason.TAX_NOT_MAPPED, "tax_rate": Reason.TAX_NOT_MAPPED,
}  # fmt: skip


def table_of(bind: str) -> str:
    """The name of the table that maps this bind's values."""
    return WAREHOUSE if bind in ("warehouse_code", "item_warehouse_code") else bind


def looked_up(maps: Maps, bind: str, value: Any) -> str | None:
    """The table's entry for the value. The entry `*` is for every other value, and `*` as its target keeps the value.

    `Refused` if there is no entry.
    """
    if value is None:
        return None
    name, text = table_of(bind), digits(value) if isinstance(value, Decimal) else str(value)
    table = maps.get(name, {})
    found = table.get(text, table.get("*"))
    if found is None:
        raise Refused(
            _REASONS.get(name, Reason.CONFIG_INCOMPLETE), f"[maps.{name}] has no entry for {text!r}", Owner.IT
        )
    return text if found == "*" else found


def from_csv(file: Path) -> dict[str, str]:
    """A table from a file of two columns, ShipperOne's name and the ERP's. ValueError explains any error in it."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as rows:
            read = [row for row in csv.reader(rows) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    wrong = next((number for number, row in enumerate(read, start=1) if len(row) != 2), None)
    if wrong is not None:
        raise ValueError(f"{file}: row {wrong} does not have two columns: ShipperOne's name, the ERP's name")
    table = dict(read)
    if len(table) < len(read):
        twice = next(name for name in table if sum(row[0] == name for row in read) > 1)
        raise ValueError(f"{file}: {twice!r} occurs twice")
    return table
