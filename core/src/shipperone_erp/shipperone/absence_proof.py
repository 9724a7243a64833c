"""Decides whether a read proves that an order that is not listed is not in the queue.

It does if each answer was a page and names all its orders, and if no order can have moved between two pages: all orders
came in one answer, or two passes brought the same orders and no confirmation of this tenant was under way.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipperone_erp.domain.listing import Listed, UnreadableOrder
from shipperone_erp.shipperone.duplicate_ids import Entry, alike, two_orders

FULL_PAGE = 100
"""The most orders on a page, by the guide."""


@dataclass(frozen=True, slots=True)
class Page:
    """The content of one page; `rows` also counts an order that is twice on it, `size` is its bytes.

    `digest`: of all that the content follows from.
    """

    entries: Mapping[str, Entry]
    rows: int
    size: int
    digest: bytes


@dataclass(slots=True)
class Pass:
    """One pass through the pages. Entries are identified by the order's id, or by digest where that is unreadable."""

    entries: dict[str, Entry] = field(default_factory=dict)
    pages: int = 0
    bringing: int = 0
    first_page: int = 0
    size: int = 0
    complete: bool = False
    plain_end: bool = False
    alert: str | None = None
    ended_by: str | None = None
    twice: dict[str, UnreadableOrder] = field(default_factory=dict)
    """Ids under which two pages listed different orders: two orders, or one that was just changed."""
    digests: list[bytes] = field(default_factory=list)

    def add(self, page: Page) -> None:
        """Add the entries of a page; the later copy of an order counts."""
        entries = page.entries
        self.digests.append(page.digest)
        for name in entries.keys() & self.entries.keys():
            before, after = self.entries[name], entries[name]
            if isinstance(before, Listed) and isinstance(after, Listed) and not alike(before, after):
                self.twice[name] = two_orders(before, after)
        self.entries.update(entries)

    @property
    def doubt(self) -> str | None:
        """Why these pages may not be the whole queue; None if each answer was a page that names all its orders."""
        if not self.plain_end:
            return self.ended_by or self.alert
        nameless = sum(isinstance(entry, UnreadableOrder) and entry.order_id is None for entry in self.entries.values())
        return f"{nameless} order(s) are listed without a readable id" if nameless else None

    @property
    def digest(self) -> bytes | None:
        """Of all pages in their order; None if the entries do not follow from these pages alone."""
        return hashlib.sha256(b"".join(self.digests)).digest() if self.complete and not self.twice else None

    @property
    def at_once(self) -> bool:
        """All orders came in one answer: none can have moved between two pages.

        A full first page is no such answer: orders of the second page may have moved up while the first was under way.
        """
        return self.bringing <= 1 and self.first_page < FULL_PAGE


def changed_between(first: Pass, second: Pass) -> str | None:
    """The difference between the orders of two passes; None if they are the same."""
    moved = first.entries.keys() ^ second.entries.keys()
    if not moved:
        return None
    some = ", ".join(sorted(name.removeprefix("id ") for name in moved)[:3])
    return (
        f"{len(moved)} order(s) were added or removed between its two passes ({some}{', …' if len(moved) > 3 else ''})"
    )
