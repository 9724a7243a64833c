"""The parent-child structure of an order's rows: nested bundles, including rows that only the ledger still holds."""

from collections.abc import Iterable
from decimal import Decimal

from shipperone_erp.domain.order import OrderItem
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.kernel.printable import label


def item_key(item: OrderItem) -> str:
    """The item's id as text: 7 and "7" name the same item."""
    return str(item.item_id)


def parent_of(item: OrderItem) -> str | None:
    """The id of the item that contains this row; None if there is none, or if the row names itself."""
    named = None if item.parent_item_id is None else str(item.parent_item_id)
    return None if named == str(item.item_id) else named


def names(items: Iterable[OrderItem]) -> str:
    """'item 1 (SET), item 2 (MUG)' for sentences."""
    return ", ".join(f"item {item.item_id} ({label(item.sku)})" for item in items)


def price(item: OrderItem) -> Decimal | None:
    """The row's price, not rounded; None where ShipperOne lists none."""
    if item.row_total_incl_tax is not None:
        return item.row_total_incl_tax
    return None if item.price_incl_tax is None else item.price_incl_tax * item.qty


class Families:
    """The listed rows, together with the `known` rows of the same order that are not listed now.

    A family is a row without a parent, with everything in it, at any depth. `roots` are the families that have a listed
    row, in the order of the listing; a root need be neither listed nor known. `loop`: rows whose parents form a cycle.
    """

    def __init__(self, listed: Iterable[OrderItem], known: Iterable[OrderItem] = ()) -> None:
        self.listed = {item_key(item): item for item in listed}
        self.known = {item_key(item): item for item in known}
        self._all = {**self.known, **self.listed}
        below = (item for item in self._all.values() if parent_of(item) is not None)
        self._children = grouped(below, key=parent_of)
        self.plain = not self._children
        climbed = {key: self.root(key) for key in self.listed}
        self.roots = list(dict.fromkeys(root for root in climbed.values() if root is not None))
        self.loop = tuple(self.listed[key] for key, root in climbed.items() if root is None)

    def children(self, key: str) -> tuple[OrderItem, ...]:
        """Its direct children."""
        return tuple(self._children.get(key, ()))

    def root(self, key: str) -> str | None:
        """The outermost item that contains it; None if its parents form a cycle."""
        outermost = self._above(key)[-1]
        item = self._all.get(outermost)
        return None if item is not None and parent_of(item) is not None else outermost

    def reaches_listed(self, key: str) -> bool:
        """It is listed, or something in it is."""
        return key in self.listed or any(self.reaches_listed(item_key(child)) for child in self._children.get(key, ()))

    def known_below(self, key: str) -> tuple[OrderItem, ...]:
        """The innermost known rows inside it."""
        found: list[OrderItem] = []
        for child in self._children.get(key, ()):
            below = self.known_below(item_key(child))
            found += below or [self.known[item_key(child)]] if item_key(child) in self.known else below
        return tuple(found)

    def within(self, key: str, other: str) -> bool:
        """It is inside the other one, at any depth."""
        return key != other and other in self._above(key)

    def _above(self, key: str) -> list[str]:
        """The item and all its ancestors, from the inside out, each once."""
        found = [key]
        while (item := self._all.get(found[-1])) is not None:
            above = parent_of(item)
            if above is None or above in found:
                break
            found.append(above)
        return found

    def innermost(self, key: str) -> bool:
        """It has no children."""
        return key not in self._children
