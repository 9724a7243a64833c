"""ShipperOne's keys in Tryton: get or create, and the marks of keys that cannot be used again."""

from __future__ import annotations

import json
from typing import Any

from shipperone_erp import OrderItem
from shipperone_erp_tryton.erp import Books

KEY = "shipperone.key"


def find(books: Books, kind: str, key: str) -> Any | None:
    """The row of this key."""
    rows = books.search(KEY, [("kind", "=", kind), ("key", "=", key)], limit=1)
    return rows[0] if rows else None


def create(books: Books, kind: str, key: str, order_id: str, **values: Any) -> Any:
    """A new row of this key. The unique constraint decides between two concurrent calls, and the loser is replayed."""
    Key = books.model(KEY)
    (row,) = Key.create([{"kind": kind, "key": key, "order": order_id, **values}])
    return row


def void(books: Books, kind: str, key: str, order_id: str) -> None:
    """From now on no document is created under this key."""
    row = find(books, kind, key)
    if row is None:
        create(books, kind, key, order_id, voided=True)
    elif not row.voided:
        books.model(KEY).write([row], {"voided": True})


def item_text(item: OrderItem) -> str:
    """An item's id as it is written in Tryton: `5` is the number, `"5"` the text."""
    return json.dumps(item.item_id)


def item_id(text: str) -> int | str:
    """The item's id, parsed from `item_text`."""
    found: int | str = json.loads(text)
    return found
