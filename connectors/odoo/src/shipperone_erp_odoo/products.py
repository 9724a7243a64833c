"""ShipperOne's SKUs in Odoo. None, one, several and archived are four outcomes, with the records named (P5).

Quantities are ShipperOne's pieces; Odoo's are in the product's own unit of measure. If the factor is not known exactly,
the item is refused (`units_of_measure`). It is never guessed, and never rounded (P8).
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo import stock
from shipperone_erp_odoo.odoo import KEPT_FOR, Odoo, Row, named, one
from shipperone_erp_odoo.settings import PRODUCTS_OWN
from shipperone_erp_odoo.units_of_measure import UNIT, pair, pieces_in


@dataclass(frozen=True, slots=True)
class Product:
    """A product by its SKU. `stored`: Odoo keeps its stock; `pieces`: the number of pieces in its unit."""

    id: int
    sku: str
    name: str
    unit: int
    unit_name: str
    pieces: Decimal | None
    stored: bool
    service: bool
    kit: bool
    taxes: tuple[int, ...]

    def quantity(self, pieces: Decimal) -> Decimal:
        """That number of pieces in the product's own unit. `Refused`, unit_unclear, if it is not known exactly."""
        if self.pieces is None:
            raise Refused(
                Reason.UNIT_UNCLEAR,
                f'"{self.sku}" is counted in {self.unit_name} in Odoo, and its number of ShipperOne\'s pieces '
                f'is not configured: set `"{self.unit_name}" = …` in [tenants.NAME.odoo.units]',
            )
        amount = pieces / self.pieces
        if amount * self.pieces != pieces or amount != amount.quantize(Decimal("0.001")):
            raise Refused(
                Reason.UNIT_UNCLEAR,
                f'{pieces:f} pieces of "{self.sku}" are not a whole number of {self.unit_name} ({self.pieces:f} '
                "pieces each), the product's unit in Odoo",
                Owner.WAREHOUSE,
            )
        return amount

    def in_pieces(self, quantity: Decimal) -> Decimal:
        """A quantity in the product's own unit, converted into ShipperOne's pieces."""
        return quantity * (self.pieces or 1)


def products(
    odoo: Odoo, skus: Collection[str], company: int, *, archived: bool = False
) -> dict[str, Product | Refused]:
    """The product of each SKU, or the reason why none can be used. `archived`: accepts one archived since."""
    return _kept(odoo, company, _by_sku(odoo, skus, company), archived=archived)


def recent_products(
    odoo: Odoo, skus: Collection[str], company: int, *, archived: bool = False
) -> dict[str, Product | Refused]:
    """As `products`, but a product that this connection has read in the last `KEPT_FOR` seconds is not read again.

    For goods that are reserved already: the document names the product that was reserved, in its unit at that time. A
    product that is archived, or gives up its SKU, is noticed when it is read the next time; a reservation always reads.
    What was refused is read again, and so is everything if a product's own tax may be applied (`tax = "product"`,
    `shipping_tax = "product"`).
    """
    settings = odoo.settings
    if settings.shipping_tax == PRODUCTS_OWN or any(rule.tax == PRODUCTS_OWN for rule in settings.taxes):
        return products(odoo, skus, company, archived=archived)
    known = odoo.own("products", _Recent).of(company, skus)
    missing = set(skus) - known.keys()
    return {**known, **(products(odoo, missing, company, archived=archived) if missing else {})}


def counted_products(
    odoo: Odoo, skus: Collection[str], company: int, location: int
) -> tuple[dict[str, Product | Refused], dict[stock.Place, stock.Count]]:
    """As `products`, and in the same call the counts under that location, of the products that can tell them."""
    by_sku = _by_sku(odoo, skus, company, location)
    counted = {
        (location, int(row["id"])): count
        for rows in by_sku.values()
        for row in rows
        if (count := stock.counted_with(row)) is not None
    }
    return _kept(odoo, company, by_sku, archived=False), counted


class _Recent:
    """The active products that this connection has read in the last `KEPT_FOR` seconds."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, str], tuple[float, Product]] = {}

    def of(self, company: int, skus: Collection[str]) -> dict[str, Product | Refused]:
        """Those among these SKUs."""
        oldest = time.monotonic() - KEPT_FOR
        read = {sku: self._read.get((company, sku), (0.0, None)) for sku in skus}
        return {sku: product for sku, (since, product) in read.items() if product and since >= oldest}

    def add(self, company: int, found: Mapping[str, Product | None]) -> None:
        """Keep these, and forget a SKU that has none and what is too old."""
        now = time.monotonic()
        for place in [place for place, (since, _) in list(self._read.items()) if now - since > KEPT_FOR]:
            self._read.pop(place, None)
        for sku, product in found.items():
            if product is None:
                self._read.pop((company, sku), None)
            else:
                self._read[company, sku] = (now, product)


def _kept(
    odoo: Odoo, company: int, by_sku: Mapping[str, Sequence[Row]], *, archived: bool
) -> dict[str, Product | Refused]:
    """The product of each SKU, or why there is none; an active one is kept for `recent_products`."""
    active = {sku: _product(odoo, sku, rows, archived=False) for sku, rows in by_sku.items()}
    usable = {sku: found if isinstance(found, Product) else None for sku, found in active.items()}
    odoo.own("products", _Recent).add(company, usable)
    if not archived:
        return active
    return {sku: usable[sku] or _product(odoo, sku, rows, archived=True) for sku, rows in by_sku.items()}


def _by_sku(odoo: Odoo, skus: Collection[str], company: int, location: int | None = None) -> dict[str, list[Row]]:
    wanted = sorted(set(skus))
    field = odoo.settings.sku_field
    by_sku: dict[str, list[Row]] = {sku: [] for sku in wanted}
    for row in _rows(odoo, (field, "in", wanted), company, location):
        by_sku.setdefault(str(row[field]), []).append(row)
    return {sku: by_sku[sku] for sku in wanted}


def by_id(odoo: Odoo, ids: Collection[int], company: int) -> dict[int, Product]:
    """The products of these ids, including archived ones; one of another company is missing."""
    field = odoo.settings.sku_field
    rows = _rows(odoo, ("id", "in", sorted(set(ids))), company)
    return {int(row["id"]): _described(odoo, str(row[field] or row["display_name"]), row) for row in rows}


def _rows(odoo: Odoo, which: tuple[str, str, object], company: int, location: int | None = None) -> list[Row]:
    fields = [odoo.settings.sku_field, "display_name", "active", "type", "taxes_id", _stored(odoo)]
    fields += [stock.KITS] if odoo.has("product.product", stock.KITS) else []
    fields += stock.of_product(odoo) if location is not None else []
    domain = [which, ("company_id", "in", [False, company])]
    rows = odoo.find_nested(
        "product.product", domain, {**{name: {} for name in fields}, "uom_id": UNIT}, company=company, order="id",
        context={"active_test": False, **stock.at_location(location)},
    )  # fmt: skip
    return [{**row, "uom_id": pair(row["uom_id"])} for row in rows]


def _stored(odoo: Odoo) -> str:
    """The field that shows whether Odoo keeps the stock of a product."""
    return "is_storable" if odoo.has("product.product", "is_storable") else "detailed_type"


def counted(odoo: Odoo, product: Product, pieces: Decimal) -> Decimal:
    """That number of pieces in Odoo's stock unit. `Refused`, unit_unclear, if Odoo would round it.

    An eighth of a box is 0.13 boxes in the moves, and goods for 0.13 boxes would be reserved.
    """
    amount = product.quantity(pieces)
    if amount % 1 and amount % (finest := _finest(odoo, product.unit)):
        raise Refused(
            Reason.UNIT_UNCLEAR,
            f'{pieces:f} pieces of "{product.sku}" are {amount.normalize():f} {product.unit_name}, which Odoo rounds '
            f"to {finest:f}: set a smaller unit for the product in Odoo, or a higher precision (Decimal Accuracy)",
            Owner.WAREHOUSE,
        )
    return amount


def _finest(odoo: Odoo, unit: int) -> Decimal:
    """Odoo's rounding of stock in that unit of measure: the unit's own, or that of all quantities."""

    def find() -> Decimal:
        name = "product_uom_qty"
        answer = odoo.call("stock.move", "fields_get", allfields=[name], attributes=["digits"])
        (row,) = odoo.find("uom.uom", [("id", "=", unit)], ["rounding"])
        return max(Decimal(row["rounding"]), Decimal(1).scaleb(-int(answer[name]["digits"][1])))

    return odoo.kept(("finest", unit), find)


def duplicates(odoo: Odoo, company: int) -> list[str]:
    """SKUs that several active products have."""
    field = odoo.settings.sku_field
    domain = [(field, "!=", False), ("company_id", "in", [False, company])]
    seen: dict[str, int] = {}
    for row in odoo.find("product.product", domain, [field], company=company):
        seen[row[field]] = seen.get(row[field], 0) + 1
    return sorted(sku for sku, count in seen.items() if count > 1)


def _product(odoo: Odoo, sku: str, rows: Sequence[Row], *, archived: bool) -> Product | Refused:
    active = [row for row in rows if row["active"]] or [*rows[: len(rows) if archived else 0]]
    field = odoo.settings.sku_field
    if len(active) > 1:
        sentence = f'{len(active)} products in Odoo have {field} "{sku}": {_names(active)}; leave it on one of them'
        return Refused(Reason.PRODUCT_AMBIGUOUS, sentence)
    if not active and rows:
        return Refused(Reason.PRODUCT_ARCHIVED, f'product {_names(rows)} with {field} "{sku}" is archived in Odoo')
    if not active:
        return Refused(Reason.PRODUCT_UNKNOWN, f'no product in Odoo has {field} "{sku}"')
    return _described(odoo, sku, active[0])


def _described(odoo: Odoo, sku: str, row: Row) -> Product:
    stored = _stored(odoo)
    return Product(
        id=int(row["id"]),
        sku=sku,
        name=str(row["display_name"]),
        unit=one(row["uom_id"]) or 0,
        unit_name=named(row["uom_id"]),
        pieces=pieces_in(odoo, row["uom_id"]),
        stored=row[stored] is True or row[stored] == "product",
        service=row["type"] == "service",
        kit=bool(row.get(stock.KITS)),
        taxes=tuple(row["taxes_id"]),
    )


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row['display_name']} (id {row['id']})" for row in rows)
