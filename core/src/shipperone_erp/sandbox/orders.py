"""Orders in ShipperOne's form, and a generator of plausible ones."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxItem:
    """A line of an order. `warehouse_code` is set only if its goods are in another warehouse than the order's."""

    id: int | str
    sku: str
    qty: Decimal = Decimal(1)
    name: str | None = None
    price_incl_tax: Decimal | None = None
    row_total_incl_tax: Decimal | None = None
    tax_percent: Decimal | None = None
    discount: Decimal | None = None
    warehouse_code: str | None = None
    parent_item_id: int | str | None = None
    item_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOrder:
    """An order. `parts`: the parcels of the shipping partner, each a mapping of item id to quantity; empty: all at
    once.

    `shipped_at`: the day of shipment that the shop lists; None: the real one.
    """

    order_id: str
    items: tuple[SandboxItem, ...]
    warehouse_code: str = "main"
    currency: str | None = "EUR"
    shipping_amount_incl_tax: Decimal | None = Decimal("4.99")
    total_incl_tax: Decimal | None = None
    order_number: str | None = None
    payment_method: str | None = None
    payment_reference: str | None = None
    ordered_at: str | None = "2026-03-01T09:30:00Z"
    shipped_at: str | None = None
    customer: Mapping[str, Any] = field(default_factory=dict)
    billing: Mapping[str, Any] = field(default_factory=dict)
    shipping: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Mapping[int | str, Decimal], ...] = ()

    @classmethod
    def simple(
        cls, order_id: str, *lines: tuple[str, int, str], first_id: int = 1, fee: str = "4.99", **fields: Any
    ) -> "SandboxOrder":
        """An order of (sku, pieces, price of one) with 21 % tax, `fee` for shipping, and a total that adds up."""
        items = tuple(
            SandboxItem(
                id=first_id + number,
                sku=sku,
                name=sku.title(),
                qty=Decimal(pieces),
                price_incl_tax=Decimal(price),
                row_total_incl_tax=Decimal(price) * pieces,
                tax_percent=Decimal(21),
            )
            for number, (sku, pieces, price) in enumerate(lines)
        )
        total = sum((Decimal(price) * pieces for _, pieces, price in lines), Decimal(fee))
        order = cls(order_id=order_id, items=items, shipping_amount_incl_tax=Decimal(fee), total_incl_tax=total)
        return replace(order, **fields)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A captured order: the expected content of its confirmations, and its listed JSON text by queue."""

    order: SandboxOrder
    stage: str
    texts: Mapping[str, str]


PLACES = (("Bratislava", "811 01", "SK"), ("Wien", "1010", "AT"), ("Praha", "110 00", "CZ"), ("Brno", "602 00", "CZ"))
NAMES = ("Anna Nováková", "Jakub Horváth", "Eva Müller", "Peter O'Brien", "Zoë Čapek", "Łukasz Wójcik")


def generate(count: int, *, seed: int = 1, skus: int = 40, prefix: str = "FO-") -> list[SandboxOrder]:
    """That many orders, equal for equal seeds: one to four lines, 21 % tax, totals that add up exactly."""
    chance = random.Random(seed)  # noqa: S311
    return [_order(chance, number, skus, prefix) for number in range(1, count + 1)]


def _order(chance: random.Random, number: int, skus: int, prefix: str) -> SandboxOrder:
    lines = tuple(
        (f"SKU-{sku:03}", chance.randint(1, 3), f"{chance.randint(199, 9999) / 100:.2f}")
        for sku in chance.sample(range(1, skus + 1), chance.randint(1, 4))
    )
    city, postcode, country = chance.choice(PLACES)
    name = chance.choice(NAMES)
    address = {"name": name, "street": f"Main street {number}", "city": city, "postcode": postcode, "country": country}
    return SandboxOrder.simple(
        f"{prefix}{number:06}",
        *lines,
        first_id=number * 10,
        fee=chance.choice(("0.00", "2.99", "4.99")),
        order_number=f"{100000 + number}",
        payment_method=chance.choice(("card", "bank_transfer", "cash_on_delivery")),
        payment_reference=f"PAY-{number:06}",
        customer={"name": name, "email": f"customer{number}@example.com"},
        billing=address,
        shipping=address,
    )
