"""Reads a whole queue, and determines whether the read proves absence.

All pages are read before anything is acted on, because confirming an order removes it from its queue and moves the rest
up. An order that is not listed is proven absent only by a read in which it cannot have moved between pages.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from shipperone_erp.domain.keys import fingerprint
from shipperone_erp.domain.listing import Listed, Listing, ReadFailed, Trouble, UnreadableOrder
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.backoff import spread
from shipperone_erp.kernel.json import dumps
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.duplicate_ids import described, listed_twice
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable
from shipperone_erp.shipperone.pages import Garbled
from shipperone_erp.shipperone.response_reader import Received

FULL_PAGE = 100
"""The most orders on a page, by the guide."""

PAGES_AT_MOST = 1000
"""A queue with more pages counts as endless."""

ORDERS_AT_MOST = 25_000
"""The most orders of one read that are kept; the others are read once some of these have left the queue."""

THROTTLED_AT_MOST = 10
"""How often one page is requested again after it was throttled; each time it waits for its turn (`rate_limit`)."""

POSTED = "one of this tenant's confirmations was in progress during the read"

PAUSES = (0.2, 1.0)
"""Seconds before a page past the first is requested again, when ShipperOne was unavailable for a moment."""


Entry = Listed | UnreadableOrder


@dataclass(frozen=True, slots=True)
class _Page:
    """The content of one page; `rows` also counts an order that is twice on it, `size` is its bytes."""

    entries: Mapping[str, Entry]
    rows: int
    size: int


@dataclass(slots=True)
class _Pass:
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
    """Ids under which two pages listed orders that share no item: two orders, or one that was just changed."""

    def add(self, entries: Mapping[str, Entry]) -> None:
        """Add the entries of a page; the later copy of an order counts."""
        for name in entries.keys() & self.entries.keys():
            before, after = self.entries[name], entries[name]
            if isinstance(before, Listed) and isinstance(after, Listed) and _share_nothing(before.order, after.order):
                self.twice[name] = _two_orders(before, after)
        self.entries.update(entries)

    @property
    def doubt(self) -> str | None:
        """Why these pages may not be the whole queue; None if each answer was a page that names all its orders."""
        if not self.plain_end:
            return self.ended_by or self.alert
        nameless = sum(isinstance(entry, UnreadableOrder) and entry.order_id is None for entry in self.entries.values())
        return f"{nameless} order(s) are listed without a readable id" if nameless else None

    @property
    def at_once(self) -> bool:
        """All orders came in one answer: none can have moved between two pages.

        A full first page is no such answer: orders of the second page may have moved up while the first was under way.
        """
        return self.bringing <= 1 and self.first_page < FULL_PAGE


def _alike(first: Entry, second: Entry) -> bool:
    """Two rows of one page under one id are the same order, listed twice."""
    if isinstance(first, Listed) and isinstance(second, Listed):
        return first.fingerprint == second.fingerprint
    return isinstance(first, UnreadableOrder) and isinstance(second, UnreadableOrder) and first.digest == second.digest


def _share_nothing(first: FulfillmentOrder, second: FulfillmentOrder) -> bool:
    return {str(item.item_id) for item in first.items}.isdisjoint(str(item.item_id) for item in second.items)


def _two_orders(first: Entry, second: Entry) -> UnreadableOrder:
    """Two orders under one id, neither of which can be worked on."""
    texts = [order_text(one.order) if isinstance(one, Listed) else one.raw for one in (first, second)]
    words = [described(one.order) if isinstance(one, Listed) else one.sentence for one in (first, second)]
    order_id = second.order.order_id if isinstance(second, Listed) else second.order_id
    raw = f"[{','.join(texts)}]"
    digest = hashlib.sha256(raw.encode()).hexdigest()[:16]
    return UnreadableOrder(order_id, listed_twice(str(order_id), *words), raw, digest)


def _moved(first: _Pass, second: _Pass) -> str | None:
    """The difference between the orders of two passes; None if they are the same."""
    moved = first.entries.keys() ^ second.entries.keys()
    if not moved:
        return None
    some = ", ".join(sorted(name.removeprefix("id ") for name in moved)[:3])
    return (
        f"{len(moved)} order(s) were added or removed between its two passes ({some}{', …' if len(moved) > 3 else ''})"
    )


async def read_failed(client: ShipperOne, wire: OrderWire) -> frozenset[str]:
    """The ids of the orders that failed in ShipperOne's process. ReadFailed if the token may not read them.

    Evidence only: an order that is missing here proves nothing.
    """
    found: set[str] = set()
    for number in range(1, PAGES_AT_MOST + 1):
        ids = set(map(wire.order_id, await client.failed_page(number))) - {None}
        if ids <= found:
            break
        found.update(filter(None, ids))
    return frozenset(found)


class QueueReader:
    """Reads one queue of one tenant, one read at a time. Unchanged pages are not parsed again."""

    def __init__(
        self,
        client: ShipperOne,
        stage: Stage,
        wire: OrderWire,
        *,
        pauses: Sequence[float] = PAUSES,
        rows: Callable[[Sequence[Any]], None] | None = None,
        time: TimeSource | None = None,
    ) -> None:
        """`rows` is called with the entries of each page as received; for a large page in another thread."""
        self._rows = rows
        self._time = time or client.time
        self._client = client
        self._stage = stage
        self._pauses = pauses
        self._wire = wire
        self._known: dict[int, tuple[bytes, _Page]] = {}

    async def read(self, *, prove: bool = False, posts_started: Callable[[], int] = lambda: 0) -> Listing:
        """Read every page. ReadFailed if the first one fails, or the token is refused on any.

        With `prove`, a queue of several pages is read twice, and proves absence if both passes list the same orders and
        `posts_started()`, which counts the POSTs of this process on this queue, is unchanged; none may be under way at
        the start.
        """
        began_at = self._time.now()
        posts = posts_started()
        walk = await self._walk()
        pages, doubt = walk.pages, walk.doubt
        proving = False
        if doubt is None and not walk.at_once:
            doubt = POSTED if prove else f"its {walk.pages} page(s) were read only once"
            proving = prove and posts_started() == posts
        if proving or walk.twice:
            again = await self._again()
            pages += again.pages
            if proving:
                doubt = again.doubt or _moved(walk, again) or (POSTED if posts_started() != posts else None)
            # an id that the second pass does not list twice was changed during the first
            twice = {name: entry for name, entry in walk.twice.items() if name in again.twice or not again.complete}
            walk = again if again.complete else walk
            walk.entries |= twice
        for number in [number for number in self._known if number > walk.pages]:
            del self._known[number]
        entries = walk.entries.values()
        return Listing(
            stage=self._stage,
            began_at=began_at,
            ended_at=self._time.now(),
            orders=MappingProxyType({e.order.order_id: e for e in entries if isinstance(e, Listed)}),
            unreadable=tuple(entry for entry in entries if isinstance(entry, UnreadableOrder)),
            complete=walk.complete,
            proves_absence=doubt is None,
            pages=pages,
            alert=walk.alert,
            doubt=doubt,
        )

    async def _again(self) -> _Pass:
        """A second pass, which can only add to the first: its failure is no failure of the read."""
        try:
            return await self._walk()
        except ReadFailed as failure:
            if failure.trouble is Trouble.UNAUTHORISED:
                raise
            return _Pass(ended_by=f"its second pass failed: {failure.sentence}")

    async def _walk(self) -> _Pass:
        walk = _Pass()
        while walk.pages < PAGES_AT_MOST:
            number = walk.pages + 1
            try:
                page = await self._page_with_patience(number)
            except ReadFailed as failure:
                if number == 1 or failure.trouble is Trouble.UNAUTHORISED:
                    raise
                if failure.trouble in (Trouble.REFUSED, Trouble.NOT_FOUND):
                    walk.complete = True
                    walk.ended_by = f"page {number} was answered with {failure.status} instead of a page"
                else:
                    walk.alert = f"only {walk.pages} page(s) could be read: {failure.sentence}"
                return walk
            walk.pages = number
            if number == 1:
                walk.first_page = page.rows
            unseen = page.entries.keys() - walk.entries.keys()
            walk.add(page.entries)
            if not unseen:
                walk.complete = walk.plain_end = True
                return walk
            walk.bringing += 1
            walk.size += page.size
            if walk.size > self._client.max_response or len(walk.entries) > ORDERS_AT_MOST:
                walk.alert = (
                    f"the queue is too long to be read at once: after {walk.pages} page(s) with {len(walk.entries)} "
                    f"orders in {walk.size / 2**20:.0f} MiB the read ended. These orders are processed; the next reads "
                    "bring the others. If the orders are genuine, raise max_response under [runtime]"
                )
                return walk
        walk.alert = f"the queue did not end after {walk.pages} pages; {len(walk.entries)} orders were read"
        return walk

    async def _page_with_patience(self, number: int) -> _Page:
        pauses = list(self._pauses if number > 1 else ())
        throttled = 0
        while True:
            try:
                return await self._page(number)
            except ReadFailed as failure:
                if failure.trouble is Trouble.THROTTLED and failure.status is not None:
                    # the read resumes here: the next attempt waits for its turn, and ends at once if that is too far
                    # away
                    throttled += 1
                    if throttled > THROTTLED_AT_MOST:
                        raise
                    continue
                if failure.trouble is not Trouble.UNAVAILABLE or not pauses:
                    raise
            await self._time.sleep(spread(pauses.pop(0)))

    async def _page(self, number: int) -> _Page:
        answer = await self._client.page_body(self._stage, number)
        return await self._client.in_turn(partial(self._parsed, answer, number), len(answer.body))

    def _parsed(self, answer: Received, number: int) -> _Page:
        digest = hashlib.sha256(answer.body).digest()
        known = self._known.get(number)
        if known is not None and known[0] == digest:
            return known[1]
        entries: dict[str, Entry] = {}
        rows = 0
        for raw in self._shown(self._client.entries_of(answer, self._stage, number)):
            name, entry = self._entry(raw)
            before = entries.get(name, entry)
            entries[name] = entry if _alike(before, entry) else _two_orders(before, entry)
            rows += 1
        page = _Page(entries, rows, len(answer.body))
        self._known[number] = digest, page
        return page

    def _shown(self, rows: Iterable[Any]) -> Iterable[Any]:
        if self._rows is None:
            return rows
        rows = list(rows)
        self._rows([row.legible if isinstance(row, Garbled) else row for row in rows])
        return rows

    def _entry(self, raw: Any) -> tuple[str, Entry]:
        if isinstance(raw, Garbled):
            return self._garbled(raw)
        try:
            order = self._wire.read(raw)
        except Unreadable as why:
            text = dumps(raw)
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            name = f"no id, {digest}" if why.order_id is None else f"id {why.order_id}"
            return name, UnreadableOrder(why.order_id, why.sentence, text, digest)
        return f"id {order.order_id}", Listed(order, fingerprint(order), self._wire.dates(raw))

    def _garbled(self, entry: Garbled) -> tuple[str, Entry]:
        order_id = self._wire.legible_id(entry.legible, entry.illegible)
        who = "an order without a legible id" if order_id is None else f"order {order_id}"
        sentence = (
            f"{who} cannot be read: {entry.sentence}. The other orders of the page are processed; this one is read "
            "again with every poll and resumes by itself once ShipperOne lists it correctly"
        )
        digest = hashlib.sha256(entry.raw.encode()).hexdigest()[:16]
        name = f"no id, {digest}" if order_id is None else f"id {order_id}"
        return name, UnreadableOrder(order_id, sentence, entry.raw, digest)
