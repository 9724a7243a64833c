"""The demo's orders: a crowd that simply flows, and six that have something to tell."""

from dataclasses import dataclass, replace
from decimal import Decimal

from shipperone_erp.sandbox import SandboxItem, SandboxOrder, generate

CROWD = 34
PART, TRANSFER, SHORTAGE, MISMATCH, LOST, PERSON = (
    "FO-PART",
    "FO-TRANSFER",
    "FO-SHORTAGE",
    "FO-MISMATCH",
    "FO-LOST",
    "FO-PERSON",
)


@dataclass(frozen=True, slots=True)
class Told:
    """An order of the story: what is special about it."""

    order: SandboxOrder
    story: str


def story_orders(seed: int) -> list[Told]:
    """Every order of the demo in the sequence in which ShipperOne lists them; the same for the same seed."""
    crowd = [Told(order, "") for order in generate(CROWD, seed=seed)]
    told = [
        Told(_order(PART, ("TEA", 2, "4.50"), ("MUG", 1, "12.00")), "ships in two parts, and is invoiced in two"),
        Told(
            _order(TRANSFER, ("LAMP", 1, "39.90"), source="outlet"),
            "its goods lie in another warehouse: it waits for the transfer",
        ),
        Told(_order(SHORTAGE, ("VASE", 3, "18.00")), "three wanted, one there: it waits until stock comes in"),
        Told(_order(MISMATCH, ("RUG", 1, "89.00")), "changes at ShipperOne while it is invoiced: refused, rebuilt"),
        Told(_order(LOST, ("SOAP", 4, "3.20")), "ShipperOne takes its invoice, but the answer is lost on the way"),
        Told(
            replace(_order(PERSON, ("BOWL", 2, "7.50")), total_incl_tax=Decimal("14.99")),
            "a coupon that nobody mapped: its amounts do not add up",
        ),
    ]
    step = CROWD // len(told)
    for number, entry in enumerate(told):
        crowd.insert(number * (step + 1) + 3, entry)
    return crowd


def _order(order_id: str, *lines: tuple[str, int, str], source: str | None = None) -> SandboxOrder:
    """One order with simple lines of (sku, pieces, price of one), 21 % tax, 4.99 for shipping."""
    items = tuple(
        SandboxItem(
            id=abs(hash((order_id, number))) % 10**8,
            sku=sku,
            name=sku.title(),
            qty=Decimal(pieces),
            price_incl_tax=Decimal(price),
            row_total_incl_tax=Decimal(price) * pieces,
            tax_percent=Decimal(21),
            warehouse_code=source,
        )
        for number, (sku, pieces, price) in enumerate(lines)
    )
    total = sum((item.row_total_incl_tax or Decimal(0) for item in items), Decimal("4.99"))
    return SandboxOrder(
        order_id=order_id,
        warehouse_code="main",
        items=items,
        currency="EUR",
        shipping_amount_incl_tax=Decimal("4.99"),
        total_incl_tax=total,
    )
