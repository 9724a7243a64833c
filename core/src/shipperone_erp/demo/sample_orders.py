"""The demo's orders: a majority that is processed without a problem, and six special cases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from shipperone_erp.sandbox import SandboxItem, SandboxOrder, generate

CROWD = 34
PART = "FO-PART"
TRANSFER = "FO-TRANSFER"
SHORTAGE = "FO-SHORTAGE"
MISMATCH = "FO-MISMATCH"
LOST = "FO-LOST"
PERSON = "FO-PERSON"

STORIES: Mapping[str, str] = MappingProxyType(
    {
        PART: "ships in two parcels",
        TRANSFER: "its goods are in another warehouse",
        SHORTAGE: "wants three pieces of a product of which one is in stock",
        MISMATCH: "is changed at ShipperOne while it is being invoiced",
        LOST: "ShipperOne accepts its invoice, and the answer is lost",
        PERSON: "has a coupon that the configuration does not map",
    }
)


@dataclass(frozen=True, slots=True)
class Stock:
    """The stock of a product in a warehouse before the first order."""

    warehouse: str
    sku: str
    pieces: int


def orders(seed: int) -> list[SandboxOrder]:
    """Every order of the demo in ShipperOne's sequence; equal for equal seeds."""
    listed = generate(CROWD, seed=seed)
    lamp = SandboxOrder.simple(TRANSFER, ("LAMP", 1, "39.90"), first_id=9020)
    samples = [
        SandboxOrder.simple(
            PART,
            ("TEA", 2, "4.50"),
            ("MUG", 1, "12.00"),
            first_id=9010,
            fee="0.00",
            parts=({9010: Decimal(2)}, {9011: Decimal(1)}),
        ),
        replace(lamp, items=tuple(_elsewhere(item) for item in lamp.items)),
        SandboxOrder.simple(SHORTAGE, ("VASE", 3, "18.00"), first_id=9030),
        SandboxOrder.simple(MISMATCH, ("RUG", 1, "89.00"), first_id=9040),
        SandboxOrder.simple(LOST, ("SOAP", 4, "3.20"), first_id=9050),
        SandboxOrder.simple(
            PERSON,
            ("BOWL", 2, "7.50"),
            first_id=9060,
            total_incl_tax=Decimal("14.99"),
            extra={"totals": {"coupon_amount": Decimal("5.00")}},
        ),
    ]
    for number, order in enumerate(samples):
        listed.insert(3 + number * 6, order)
    return listed


def stock(listed: list[SandboxOrder]) -> list[Stock]:
    """Sufficient stock of everything except the vases; the lamps are in the outlet."""
    skus = sorted({item.sku for order in listed for item in order.items} - {"VASE", "LAMP"})
    return [*(Stock("main", sku, 200) for sku in skus), Stock("main", "VASE", 1), Stock("outlet", "LAMP", 5)]


def _elsewhere(item: SandboxItem) -> SandboxItem:
    return replace(item, warehouse_code="outlet")
