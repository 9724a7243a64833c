"""Personal data in an order: the order without them, and sentences without them.

The connector gets the whole order. The ledger keeps it whole for a set number of days. Sentences about it, in lists and
logs, name nobody.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from shipperone_erp.domain.explanations import EXPLANATIONS
from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.kernel.json import dumps, loads

ORDER_STAYS = (
    "order_id", "warehouse_code", "items", "currency", "shipping_amount_incl_tax", "total_incl_tax", "order_number",
    "payment_method", "ordered_at", "shipped_at", "charges",
)  # fmt: skip
ITEM_STAYS = (
    "item_id", "sku", "qty", "warehouse_code", "price_incl_tax", "row_total_incl_tax", "tax_percent", "discount",
    "parent_item_id", "item_type", "line_total_incl_tax",
)  # fmt: skip
"""An allow-list: a new field of the model counts as personal data until it is added here."""

NAMING = ("name", "company", "vat_id", "company_id", "email", "phone", "street")
"""The fields of a party that identify somebody. A town or a country does not, and messages on tax and stock need it."""

SHORTEST = 3
"""Characters: a shorter text identifies nobody, and would match in every sentence."""

_USUAL = frozenset(
    ("account", "address", "amount", "another", "business", "buyer", "cancel", "client", "company", "contact",
     "country", "credit", "currency", "customer", "date", "delivery", "demo", "discount", "document", "draft", "email",
     "firm", "goods", "guest", "home", "invoice", "item", "items", "journal", "line", "main", "mail", "name", "none",
     "number", "office", "order", "orders", "paid", "pack", "payment", "period", "person", "phone", "price", "private",
     "product", "products", "rate", "reference", "retail", "sale", "sales", "service", "shipping", "shop", "stock",
     "store", "street", "supplier", "tax", "test", "total", "transfer", "unknown", "user", "warehouse", "without")
)  # fmt: skip
"""Words of sentences about orders that occur in no explanation of a reason."""


def _explained() -> Iterator[str]:
    """The words of all explanations of reasons that occur there without a capital."""
    for entry in EXPLANATIONS.values():
        for text in (entry.means, entry.meanwhile, entry.cure):
            yield from re.findall(r"(?<!\w)[a-z]{2,}(?!\w)", text)


COMMON = _USUAL | frozenset(_explained())
"""Words that identify nobody by themselves: a customer "Buyer 7", or "Will Held", is masked as a whole only."""


def without_people(order_text: str) -> str:
    """The order's text reduced to its items, quantities, amounts, numbers and times."""
    raw = loads(order_text)
    bare = {name: value for name, value in raw.items() if name in ORDER_STAYS}
    bare["items"] = [{name: value for name, value in item.items() if name in ITEM_STAYS} for item in raw["items"]]
    return dumps(bare)


def discreet(sentence: str, orders: Iterable[FulfillmentOrder], *, shown: Collection[str] = ()) -> str:
    """The sentence with an ellipsis in place of every text that identifies somebody in these orders.

    `shown`: the fields of a party that it may contain.
    """
    folded = _folded(sentence)
    if not folded:
        return sentence
    for text in sorted(set(_naming(orders, shown)), key=len, reverse=True):
        if _folded(text) not in folded:
            continue  # most sentences name nobody, and a pattern for each name costs more than the rest of an order
        sentence = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "…", sentence, flags=re.IGNORECASE)
    return sentence


_DOTS = str.maketrans("\u0130\u0131", "ii")


def _folded(text: str) -> str:
    """Equal for texts that `re.IGNORECASE` takes for equal, which disregards the dots of Turkish letters too."""
    return text.translate(_DOTS).casefold()


def _naming(orders: Iterable[FulfillmentOrder], shown: Collection[str]) -> Iterator[str]:
    for order in orders:
        for party in (order.customer, order.billing, order.shipping):
            if party is not None:
                yield from (
                    text for text in _texts(party, shown) if len(text) >= SHORTEST and text.casefold() not in COMMON
                )


def _texts(party: Party, shown: Collection[str]) -> Iterator[str]:
    for field in (name for name in NAMING if name not in shown):
        text = getattr(party, field)
        if text:
            yield text.strip()
    yield from (party.name or "").split()
