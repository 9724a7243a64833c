"""The stock that a request needs from Odoo: pickings to be created, each with its moves, and the quantity of each item.

One picking delivers from the order's warehouse. Goods in another warehouse either come by an internal transfer, to
which that delivery is chained, or are delivered directly from there by a picking of their own (`transfers`). The first
picking always has the bare key, by which the whole reservation is found again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from shipperone_erp import FulfillmentOrder, OrderItem, Reason, Refused
from shipperone_erp_odoo.kits import Parts, parts
from shipperone_erp_odoo.odoo import Odoo, external_id
from shipperone_erp_odoo.products import Product, counted
from shipperone_erp_odoo.warehouses import Site

Transfers = Literal["internal", "direct"]
"""The way for goods in another warehouse, as in the setting `transfers`."""

FoundT = TypeVar("FoundT", Site, Product)


@dataclass(frozen=True, slots=True)
class Line:
    """An item, its product, the warehouse of its goods, and the quantity in the product's own unit.

    `parts` are the products of it that are kept in stock.
    """

    item: OrderItem
    product: Product
    source: Site
    quantity: Decimal
    parts: Parts


@dataclass(frozen=True, slots=True)
class Picking:
    """A picking to be created, to the customer or between warehouses; `moves` by product and source."""

    xid: str
    kind: Literal["delivery", "transfer"]
    site: Site
    moves: Mapping[tuple[Product, Site], Decimal]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reservation to be made completely or not at all."""

    key: str
    order: FulfillmentOrder
    site: Site
    lines: tuple[Line, ...]
    pickings: tuple[Picking, ...]

    def demand(self) -> dict[tuple[int, int], Decimal]:
        """The required quantities by stock location and product, of products whose stock Odoo keeps."""
        found: dict[tuple[int, int], Decimal] = {}
        for line in self.lines:
            for product, quantity in line.parts:
                if product.stored:
                    place = (line.source.stock, product.id)
                    found[place] = found.get(place, Decimal(0)) + quantity
        return found


def wanted(
    odoo: Odoo,
    key: str,
    order: FulfillmentOrder,
    sites: Mapping[str, Site | Refused],
    products: Mapping[str, Product | Refused],
    kind: str = "PICK",
    transfers: Transfers | None = None,
) -> Wanted:
    """The reservation that this order needs, with its deliveries under external ids of that kind.

    `Refused` if Odoo cannot make it. `transfers` overrides the setting, for a reservation that was begun that way.
    """
    home = _there(sites[order.warehouse_code])
    lines = tuple(_line(odoo, order, item, sites, products) for item in order.items)
    for line in lines:
        if line.source.company != home.company:
            sentence = (
                f'"{line.item.sku}" is in {line.source.code}, which belongs to {line.source.company.name} in Odoo; '
            )
            sentence += f"{home.code} belongs to {home.company.name}, and goods are not transferred between companies"
            raise Refused(Reason.WAREHOUSE_UNKNOWN, sentence)
    internal = (transfers or odoo.settings.transfers) == "internal"
    return Wanted(key, order, home, lines, tuple(_pickings(key, home, lines, kind, internal=internal)))


def sources(order: FulfillmentOrder) -> list[str]:
    """The codes of all warehouses with goods of this order, including its own."""
    return list(dict.fromkeys([order.warehouse_code, *map(order.source_warehouse, order.items)]))


def external_ids(
    odoo: Odoo, key: str, order: FulfillmentOrder, kind: str = "PICK", transfers: Transfers | None = None
) -> list[str]:
    """The external ids of all documents that a reservation of this order may have; the first one always exists."""
    further = "TRF" if (transfers or odoo.settings.transfers) == "internal" else kind
    others = [external_id(further, key, code) for code in sources(order) if code != order.warehouse_code]
    return [external_id(kind, key), *others]


def begun_with(odoo: Odoo, key: str, order: FulfillmentOrder, live: Collection[str]) -> Transfers:
    """How the deliveries of this key requested goods from elsewhere, possibly before a change of the setting.

    `live`: the connector's external ids among the deliveries that name the order.
    """
    now = odoo.settings.transfers
    far = external_ids(odoo, key, order, "PICK", "direct")[1:]
    if not far or not (live or odoo.protocol == "xmlrpc"):
        return now
    # XML-RPC cannot carry the external ids of several documents: each is asked for by itself
    if any(xid.partition(".")[2] in live if live else odoo.reference(xid) is not None for xid in far):
        return "direct"
    if now == "internal":
        return now
    transfers = external_ids(odoo, key, order, "PICK", "internal")[1:]
    return "internal" if any(odoo.reference(xid) is not None for xid in transfers) else now


def _line(
    odoo: Odoo,
    order: FulfillmentOrder,
    item: OrderItem,
    sites: Mapping[str, Site | Refused],
    products: Mapping[str, Product | Refused],
) -> Line:
    product, source = _there(products[item.sku]), _there(sites[order.source_warehouse(item)])
    if product.service:
        raise Refused(
            Reason.ERP_REFUSED,
            f'"{item.sku}" is a service in Odoo, which has no stock to reserve; name its item_type in `services`',
        )
    quantity = counted(odoo, product, item.qty)
    return Line(item, product, source, quantity, parts(odoo, product, quantity, source.company.id))


def _pickings(key: str, home: Site, lines: tuple[Line, ...], kind: str, *, internal: bool) -> list[Picking]:
    at: dict[Site, dict[tuple[Product, Site], Decimal]] = {}
    for line in lines:
        site = home if internal else line.source
        moves = at.setdefault(site, {})
        for product, quantity in line.parts:
            place = (product, line.source)
            moves[place] = moves.get(place, Decimal(0)) + quantity
    deliveries = sorted(at, key=lambda site: site != home)
    made = [
        Picking(external_id(kind, key, *([] if number == 0 else [site.code])), "delivery", site, at[site])
        for number, site in enumerate(deliveries)
    ]
    elsewhere = dict.fromkeys(line.source for line in lines if internal and line.source != home)
    for source in elsewhere:
        moves = {place: quantity for place, quantity in at[home].items() if place[1] == source}
        made.append(Picking(external_id("TRF", key, source.code), "transfer", source, moves))
    return made


def _there(found: FoundT | Refused) -> FoundT:
    if isinstance(found, Refused):
        raise found
    return found
