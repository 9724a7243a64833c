"""Two orders under one id: neither is processed in place of the other, and a sentence describes both."""

import unicodedata
from collections.abc import Iterable

from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.listing import Listed, UnreadableOrder
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.serialization import order_text

Entry = Listed | UnreadableOrder


def described(order: FulfillmentOrder) -> str:
    """'1 of MUG (item 11) in WH, shipping 4.99, total 14.99': distinguishes an order, without personal data."""
    items = ", ".join(f"{plain(item.qty)} of {item.sku} (item {item.item_id})" for item in order.items)
    words = f"{items} in {order.warehouse_code}"
    if order.shipping_amount_incl_tax is not None:
        words += f", shipping {order.shipping_amount_incl_tax}"
    return words if order.total_incl_tax is None else f"{words}, total {order.total_incl_tax}"


def listed_twice(order_id: str, first: str, second: str) -> str:
    """The sentence about an id that two orders share; `first` and `second` describe them."""
    return (
        f"order {order_id} is listed twice, as two different orders: {first}; and {second}. Neither is processed until "
        "the id identifies one order; then it proceeds automatically. Have ShipperOne correct its listing, or set "
        "`order_id` in the tenant's table of fields to a field that distinguishes them"
    )


def alike(first: Entry, second: Entry) -> bool:
    """Two rows of one page under one id are the same order, listed twice."""
    if isinstance(first, Listed) and isinstance(second, Listed):
        return first.fingerprint == second.fingerprint
    return isinstance(first, UnreadableOrder) and isinstance(second, UnreadableOrder) and first.raw == second.raw


def spelled_alike(entries: Iterable[Entry]) -> list[tuple[Listed, Listed]]:
    """Pairs of orders that share an item, and whose ids differ in case, blanks or the form of characters only."""
    spelled: dict[str, Listed] = {}
    pairs = []
    for entry in entries:
        if isinstance(entry, Listed):
            before = spelled.setdefault(_folded(entry.order.order_id), entry)
            if before is not entry and _share_an_item(before.order, entry.order):
                pairs.append((before, entry))
    return pairs


def _folded(order_id: str) -> str:
    if order_id.isascii():
        return order_id.strip().casefold()
    return "".join(filter(str.isprintable, unicodedata.normalize("NFKC", order_id))).strip().casefold()


def _share_an_item(first: FulfillmentOrder, second: FulfillmentOrder) -> bool:
    return not {str(item.item_id) for item in first.items}.isdisjoint(str(item.item_id) for item in second.items)


def two_spellings(pair: tuple[Listed, Listed]) -> list[UnreadableOrder]:
    """One order under two ids: neither is processed, since each would be reserved and invoiced."""
    names = " and ".join(repr(one.order.order_id) for one in pair)
    sentence = (
        f"the queue lists {names} with the same items ({described(pair[1].order)}): two spellings of one order. "
        "Neither is processed until one is left; then it proceeds automatically. Have ShipperOne correct its listing"
    )
    return [UnreadableOrder(one.order.order_id, sentence, order_text(one.order)) for one in pair]


def two_orders(first: Entry, second: Entry) -> UnreadableOrder:
    """Two orders under one id, neither of which can be worked on."""
    texts = [order_text(one.order) if isinstance(one, Listed) else one.raw for one in (first, second)]
    words = [described(one.order) if isinstance(one, Listed) else one.sentence for one in (first, second)]
    order_id = second.order.order_id if isinstance(second, Listed) else second.order_id
    return UnreadableOrder(order_id, listed_twice(str(order_id), *words), f"[{','.join(texts)}]")
