"""The stock of a product by location, by Odoo's own counts: on hand, reserved, free.

If two transactions reserve at once, Odoo silently reserves more than the stock. After such reservations are cancelled
its counts stay wrong until Odoo tidies up, which opening the inventory page triggers. Until then a leaked quantity is
counted as reserved although no delivery holds it. Goods of an expired lot are on hand, but Odoo does not reserve them.
"""

import datetime
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shipperone_erp import ConnectorError
from shipperone_erp_odoo.odoo import Odoo, Row, one
from shipperone_erp_odoo.optional_fields import UNNAMED_SINCE

NOTHING = Decimal(0)
Place = tuple[int, int]
"""A location under which goods are counted, and a product."""


@dataclass(frozen=True, slots=True)
class Count:
    """Odoo's counts of a product under a location; `expired`: on hand, not reserved, and not usable."""

    on_hand: Decimal = NOTHING
    reserved: Decimal = NOTHING
    expired: Decimal = NOTHING

    @property
    def free(self) -> Decimal:
        """On hand minus reserved, without expired goods; never negative."""
        return max(self.on_hand - self.reserved - self.expired, NOTHING)

    @property
    def over(self) -> Decimal:
        """The quantity by which the reserved goods exceed the stock."""
        return max(self.reserved - max(self.on_hand, NOTHING), NOTHING)


def counts(odoo: Odoo, places: Iterable[Place], company: int) -> dict[Place, Count]:
    """The counts of these places, with one call for each location."""
    by_location: dict[int, set[int]] = {}
    for location, product in places:
        by_location.setdefault(location, set()).add(product)
    found: dict[Place, Count] = {}
    expiry = _expiry(odoo)
    fields = ["product_id", "quantity", "reserved_quantity", *([expiry] if expiry else [])]
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    for location, wanted in sorted(by_location.items()):
        domain = [("location_id", "child_of", location), ("product_id", "in", sorted(wanted))]
        for product in wanted:
            found[location, product] = Count()
        for row in odoo.find("stock.quant", domain, fields, company=company, order="id"):
            place = (location, one(row["product_id"]) or 0)
            before, free = found[place], Decimal(row["quantity"]) - Decimal(row["reserved_quantity"])
            expired = expiry is not None and bool(row[expiry]) and str(row[expiry]) < now
            found[place] = Count(
                before.on_hand + Decimal(row["quantity"]),
                before.reserved + Decimal(row["reserved_quantity"]),
                before.expired + (max(free, NOTHING) if expired else NOTHING),
            )
    return found


OF_PRODUCT = ("qty_available", "free_qty")
"""A product's counts under the location in the context `at_location`: on hand, and on hand minus reserved."""


def at_location(location: int | None) -> dict[str, object]:
    """The context in which a product's own counts are those of this location."""
    return {} if location is None else {"location": location}


def of_product(odoo: Odoo) -> list[str]:
    """The fields of a product for `counted_with`."""
    return [*OF_PRODUCT, *(name for name in (DATED, KITS) if odoo.has("product.product", name))]


def counted_with(row: Row) -> Count | None:
    """The count in a product's own fields.

    None if these do not contain it: expired lots are counted differently in each version, and the count of a kit is
    that of its components.
    """
    if row.get(DATED) or row.get(KITS):
        return None
    on_hand = Decimal(row["qty_available"])
    return Count(on_hand, on_hand - Decimal(row["free_qty"]))


DATED = "use_expiration_date"
KITS = "is_kits"


@dataclass(slots=True)
class Experience:
    """Places where Odoo reserved less than its counts show as free, for a reason that the counts do not contain.

    Each is remembered for a day, as long as the counts stay the same: another attempt would leave one more cancelled
    delivery.
    """

    _gave: dict[Place, tuple[Count, Decimal, float]] = field(default_factory=dict)

    def free(self, counted: Mapping[Place, Count]) -> dict[Place, Decimal]:
        """The reservable quantity of each place."""
        found = {}
        for place, count in counted.items():
            then, gave, since = self._gave.get(place, (None, NOTHING, 0.0))
            believed = then == count and time.monotonic() - since < A_DAY
            found[place] = min(count.free, gave) if believed else count.free
        return found

    def remember(self, place: Place, count: Count, gave: Decimal) -> None:
        """Record the quantity that Odoo gave at these counts."""
        self._gave[place] = (count, gave, time.monotonic())


A_DAY = 86400.0


def leaks(odoo: Odoo, counted: Mapping[Place, Count], company: int) -> dict[Place, Decimal]:
    """The places where more is counted as reserved than deliveries and other moves hold, and the difference."""
    held: dict[Place, Decimal] = {}
    for location in sorted({location for location, _ in counted}):
        products = sorted(product for at, product in counted if at == location)
        domain = [("location_id", "child_of", location), ("product_id", "in", products), ("state", "in", HOLDING)]
        rows = odoo.find("stock.move.line", domain, ["product_id", HELD], company=company, order="id")
        for row in rows:
            place = (location, one(row["product_id"]) or 0)
            held[place] = held.get(place, NOTHING) + _exact(row)
    over = {place: count.reserved - held.get(place, NOTHING) for place, count in counted.items()}
    return {place: quantity for place, quantity in over.items() if quantity > 0}


HOLDING = ("assigned", "partially_available", "waiting", "confirmed")
"""States of a move in which it may hold goods."""

HELD = "quantity_product_uom"


def _exact(row: Row) -> Decimal:
    """The quantity of a move line, without the noise of a binary float."""
    return Decimal(str(row[HELD])).quantize(Decimal("0.000001"))


def _expiry(odoo: Odoo) -> str | None:
    """The date from which Odoo does not reserve a lot; None without the module for such dates."""
    # up to 18 it is the lot's expiration date, since 19 its removal date
    name = "expiration_date" if odoo.has(*UNNAMED_SINCE) else "removal_date"
    return name if odoo.has("stock.quant", name) else None


def over_reserved(
    odoo: Odoo, places: Collection[Place], company: int, known: Mapping[Place, Count]
) -> Mapping[Place, Count]:
    """The places whose reserved goods exceed the stock, even after Odoo has tidied up.

    `known`: counts that were read a moment ago.
    """
    unknown = [place for place in places if place not in known]
    now = {**known, **(counts(odoo, unknown, company) if unknown else {})}
    found = {place: now[place] for place in places if now[place].over}
    if found:
        tidy_up(odoo, company)
        found = {place: count for place, count in counts(odoo, places, company).items() if count.over}
    return found


def tidy_up(odoo: Odoo, company: int) -> None:
    """Let Odoo merge and repair its counts. If the user lacks the right, the counts are used as they are."""
    try:
        odoo.call("stock.quant", "action_view_inventory", company=company)
    except ConnectorError:
        return
