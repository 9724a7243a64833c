"""How much of a product is where, by Odoo's own counts: on hand, reserved, free.

Odoo lets more be reserved than there is, without an error, when two transactions reserve at once; and after such
reservations are cancelled its counts stay wrong until its own tidying runs, which opening the inventory page triggers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import ConnectorError
from shipperone_erp_odoo.odoo import Odoo, one

NOTHING = Decimal(0)
Place = tuple[int, int]
"""A location that goods are counted under, and a product."""


@dataclass(frozen=True, slots=True)
class Count:
    """What Odoo counts of a product under a location."""

    on_hand: Decimal = NOTHING
    reserved: Decimal = NOTHING

    @property
    def free(self) -> Decimal:
        """On hand minus reserved; never below nothing."""
        return max(self.on_hand - self.reserved, NOTHING)

    @property
    def over(self) -> Decimal:
        """How much more is reserved than is there."""
        return max(self.reserved - max(self.on_hand, NOTHING), NOTHING)


def counts(odoo: Odoo, places: Iterable[Place], company: int) -> dict[Place, Count]:
    """The counts of these places; one call for each location."""
    by_location: dict[int, set[int]] = {}
    for location, product in places:
        by_location.setdefault(location, set()).add(product)
    found: dict[Place, Count] = {}
    for location, wanted in sorted(by_location.items()):
        domain = [("location_id", "child_of", location), ("product_id", "in", sorted(wanted))]
        for product in wanted:
            found[location, product] = Count()
        for row in odoo.find(
            "stock.quant", domain, ["product_id", "quantity", "reserved_quantity"], company=company, order="id"
        ):
            place = (location, one(row["product_id"]) or 0)
            before = found[place]
            found[place] = Count(
                before.on_hand + Decimal(row["quantity"]), before.reserved + Decimal(row["reserved_quantity"])
            )
    return found


def over_reserved(odoo: Odoo, places: Collection[Place], company: int) -> Mapping[Place, Count]:
    """Those of these places where more is reserved than there is, even after Odoo has tidied its counts up."""
    found = {place: count for place, count in counts(odoo, places, company).items() if count.over}
    if found:
        tidy_up(odoo, company)
        found = {place: count for place, count in counts(odoo, places, company).items() if count.over}
    return found


def tidy_up(odoo: Odoo, company: int) -> None:
    """Odoo merges and repairs its rows. Where the user may not, the counts stay as they are and are judged so."""
    try:
        odoo.call("stock.quant", "action_view_inventory", company=company)
    except ConnectorError:
        return
