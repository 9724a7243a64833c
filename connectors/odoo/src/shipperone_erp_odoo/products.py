"""ShipperOne's SKUs in Odoo. None, one, several and archived are four outcomes, with the records named (P5).

Quantities are ShipperOne's pieces; Odoo's are in the product's own unit of measure. If the factor is not known exactly,
the item is refused: Odoo's Units is one piece, others are set by `units`. It is never guessed, and never rounded (P8).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo import stock
from shipperone_erp_odoo.odoo import Odoo, Row, named, one

UNITS = "uom.product_uom_unit"


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
    by_sku = _by_sku(odoo, skus, company)
    return {sku: _product(odoo, sku, rows, archived=archived) for sku, rows in by_sku.items()}


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
    return {sku: _product(odoo, sku, rows, archived=False) for sku, rows in by_sku.items()}, counted


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
    fields = [odoo.settings.sku_field, "display_name", "uom_id", "active", "type", "taxes_id", _stored(odoo)]
    fields += [stock.KITS] if odoo.has("product.product", stock.KITS) else []
    fields += [name for name in stock.of_product(odoo) if name not in fields] if location is not None else []
    domain = [which, ("company_id", "in", [False, company])]
    return odoo.find(
        "product.product", domain, fields, company=company, archived=True, order="id",
        context=stock.at_location(location),
    )  # fmt: skip


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


def pieces_in(odoo: Odoo, unit: object) -> Decimal | None:
    """The number of ShipperOne's pieces in this unit of measure; None if it is not configured."""
    piece = odoo.own(UNITS, lambda: odoo.reference(UNITS))
    return Decimal(1) if one(unit) == piece else odoo.settings.units.get(named(unit))


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
