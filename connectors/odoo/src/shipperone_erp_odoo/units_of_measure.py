"""The number of ShipperOne's pieces in a unit of measure of Odoo. It is never guessed.

Odoo's own Units (`uom.product_uom_unit`) is one piece, under whatever name; other units are set by `units`. Calls are
made without a language, so names are those of Odoo's source: a unit named Units that is not a multiple of another unit
is Odoo's own, without a call. `doctor` fails if another unit has that name.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from shipperone_erp import Check
from shipperone_erp_odoo.odoo import Odoo, Row, named, one

UNITS = "uom.product_uom_unit"
NAME = "Units"
"""The name of that unit in Odoo's source."""

UNIT: dict[str, Any] = {"fields": {"display_name": {}, "factor": {}}}
"""What is read of a unit of measure with the record that refers to it."""

Pair = list[Any]
"""An id and a name; the factor follows if the unit was read with `UNIT`."""


def pair(unit: Row | bool) -> Pair | bool:
    """A unit that was read with `UNIT`, in the form of a many-to-one."""
    return [unit["id"], unit["display_name"], unit["factor"]] if isinstance(unit, dict) else False


def pieces_in(odoo: Odoo, unit: Pair | bool) -> Decimal | None:
    """The number of pieces in this unit; None if it is not configured."""
    name, configured = named(unit), odoo.settings.units
    if name == NAME and name in configured:
        return configured[name]
    if name == NAME and isinstance(unit, list) and len(unit) > 2 and unit[2] == 1:
        return Decimal(1)
    return Decimal(1) if one(unit) == _own_units(odoo) else configured.get(name)


def check_names(odoo: Odoo) -> Iterator[Check]:
    """A line for each unit that is named like Odoo's own Units and is another one."""
    if NAME in odoo.settings.units:
        return
    for row in odoo.find("uom.uom", [("name", "=", NAME)], ["id"], archived=True, order="id"):
        if int(row["id"]) != _own_units(odoo):
            sentence = (
                f'the unit of measure "{NAME}" (id {row["id"]}) is not Odoo\'s own ({UNITS}): quantities in it may be '
                "multiples of a piece"
            )
            cure = f"rename it in Odoo, or set the number of pieces of each: {NAME} = … in [tenants.NAME.odoo.units]"
            yield Check("units", False, sentence, cure)


def _own_units(odoo: Odoo) -> int | None:
    own: int | None = odoo.own(UNITS, lambda: odoo.reference(UNITS))
    return own
