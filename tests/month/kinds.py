"""The kinds of orders of the month: how often each comes, how it is made, and where it must stand at the end.

A kind more is an entry more in `KINDS`; what its rule needs of the tenants' settings stands in `SETTINGS`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal as D

from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.sandbox import SandboxOrder, order_of

SETTINGS = {"bundles": '"children"', "currency": '"EUR"', "shipping_on_parts": '"as_listed"'}
"""Of both stores' tenants, beyond the address."""

PLENTY = 1_000_000
STOCK = {("main", sku): PLENTY for sku in ("MUG", "TEA", "LAMP", "SAMPLE", *(f"SKU-{n:03}" for n in range(1, 41)))} | {
    ("outlet", "VASE"): PLENTY, ("main", "VASE"): 0, ("main", "NEVER"): 0, ("main", "LATE"): 0,
}  # fmt: skip
"""What lies where on the first day; of LATE some comes in the middle of the month, of NEVER none."""

Fate = tuple[Stage, Reason] | None
"""Where it is stuck at the end, and why; None: it is not."""


@dataclass(frozen=True)
class Kind:
    """`share` of a thousand; `evening`: what the shop does with it on the evening of its day."""

    share: int
    make: Callable[[random.Random, str, int], SandboxOrder]
    fate: Fate = None
    evening: str | None = None


def _plain(chance: random.Random, order_id: str, first: int) -> SandboxOrder:
    lines = [
        (f"SKU-{sku:03}", chance.randint(1, 3), f"{chance.randint(199, 9999) / 100:.2f}")
        for sku in chance.sample(range(1, 41), chance.randint(1, 4))
    ]
    return SandboxOrder.simple(order_id, *lines, first_id=first, fee=chance.choice(("0.00", "2.99", "4.99")))


def _scenario(name: str) -> Callable[[random.Random, str, int], SandboxOrder]:
    return lambda chance, order_id, first: order_of(name, order_id, first)


def _of(sku: str) -> Callable[[random.Random, str, int], SandboxOrder]:
    return lambda chance, order_id, first: SandboxOrder.simple(order_id, (sku, 2, "8.40"), first_id=first)


def _coupon(chance: random.Random, order_id: str, first: int) -> SandboxOrder:
    made = SandboxOrder.simple(order_id, ("MUG", 1, "12.00"), first_id=first)
    return replace(made, total_incl_tax=D("11.99"))


def _unpriced(chance: random.Random, order_id: str, first: int) -> SandboxOrder:
    made = SandboxOrder.simple(order_id, ("MUG", 1, "12.00"), first_id=first)
    (item,) = made.items
    return replace(made, items=(replace(item, price_incl_tax=None, row_total_incl_tax=None),))


A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741

KINDS: dict[str, Kind] = {
    "plain": Kind(590, _plain),
    "parts": Kind(70, _scenario("parts")),
    "equal parts, repeated": Kind(20, _scenario("equal_parts")),
    "equal parts, no operator": Kind(15, _scenario("equal_parts"), (I, Reason.LISTED_AGAIN)),
    "bundle": Kind(60, _scenario("bundle")),
    "bundle priced on the set": Kind(10, _scenario("set")),
    "service": Kind(30, _scenario("service")),
    "services only": Kind(25, _scenario("services_only")),
    "transfer": Kind(50, _scenario("transfer")),
    "cancelled on the road": Kind(20, _scenario("transfer"), evening="cancel"),
    "fee edited on the road": Kind(20, _scenario("transfer"), evening="edit"),
    "sample for nothing": Kind(30, _scenario("free")),
    "short until the middle": Kind(20, _of("LATE")),
    "short for good": Kind(15, _of("NEVER"), (A, Reason.NOT_ENOUGH_STOCK)),
    "coupon that nobody mapped": Kind(15, _coupon, (I, Reason.AMOUNT_UNEXPLAINED)),
    "no price": Kind(10, _unpriced, (I, Reason.PRICE_MISSING)),
}


def invoiced_rows(order: SandboxOrder) -> set[int | str]:
    """The items that an invoice has: of a bundle its own row where the price stands there, else those in it."""
    parents = {item.parent_item_id for item in order.items}
    priced = {item.id for item in order.items if item.id in parents and item.row_total_incl_tax}
    return {
        item.id
        for item in order.items
        if item.id in priced or (item.id not in parents and item.parent_item_id not in priced)
    }


def deck(count: int, seed: int) -> list[str]:
    """That many kinds by their shares, each at least once, shuffled."""
    cards = [name for name, kind in KINDS.items() for _ in range(max(1, kind.share * count // 1000))]
    cards += ["plain"] * (count - len(cards))
    random.Random(seed).shuffle(cards)
    return cards[:count] if len(cards) > count else cards
