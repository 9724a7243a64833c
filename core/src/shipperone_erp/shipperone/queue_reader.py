"""Reads a whole queue.

All pages are read before anything is acted on, because confirming an order removes it from its queue and moves the rest
up. `absence_proof` decides whether the read proves that an order that is not listed is not in the queue.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from shipperone_erp.domain.keys import fingerprint
from shipperone_erp.domain.listing import Listed, Listing, ReadFailed, Trouble, UnreadableOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.backoff import spread
from shipperone_erp.kernel.json import dumps
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.shipperone.absence_proof import Page, Pass, changed_between
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.duplicate_ids import Entry, alike, spelled_alike, two_orders, two_spellings
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable
from shipperone_erp.shipperone.pages import Garbled
from shipperone_erp.shipperone.response_reader import Received

PAGES_AT_MOST = 1000
"""A queue with more pages counts as endless."""

ORDERS_AT_MOST = 25_000
"""The most orders of one read that are kept; the others are read once some of these have left the queue."""

THROTTLED_AT_MOST = 10
"""How often one page is requested again after it was throttled; each time it waits for its turn (`rate_limit`)."""

POSTED = "one of this tenant's confirmations was in progress during the read"

HASHED_AT_ONCE = 2**20
"""Bytes of a page up to which it is compared with the one before in the event loop: a millisecond."""

PAUSES = (0.2, 1.0)
"""Seconds before a page past the first is requested again, when ShipperOne was unavailable for a moment."""


Orders = tuple[Mapping[str, Listed], tuple[UnreadableOrder, ...]]


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
        self._known: dict[int, Page] = {}
        self._last: tuple[bytes, Orders] | None = None

    async def read(self, *, prove: bool = False, posts_started: Callable[[], int] = lambda: 0) -> Listing:
        """Read every page. ReadFailed if the first one fails, or the token is refused on any.

        With `prove`, a queue of several pages is read twice, and proves absence if both passes list the same orders and
        `posts_started()`, which counts the POSTs of this process on this queue, is unchanged; none may be under way at
        the start.
        """
        began_at = self._time.now()
        posts = posts_started()
        walk = await self._walk()
        doubt = walk.doubt
        proving = False
        if doubt is None and not walk.at_once:
            doubt = POSTED if prove else f"its {walk.pages} page(s) were read only once"
            proving = prove and posts_started() == posts
        if proving or walk.twice:
            again = await self._again()
            if proving:
                doubt = again.doubt or changed_between(walk, again) or (POSTED if posts_started() != posts else None)
            # an id that the second pass does not list twice was changed during the first
            twice = {name: entry for name, entry in walk.twice.items() if name in again.twice or not again.complete}
            walk = again if again.complete else walk
            walk.entries |= twice
        for number in [number for number in self._known if number > walk.pages]:
            del self._known[number]
        orders, unreadable = self._sorted_out(walk)
        return Listing(
            stage=self._stage,
            began_at=began_at,
            orders=orders,
            unreadable=unreadable,
            complete=walk.complete,
            proves_absence=doubt is None,
            alert=walk.alert,
            doubt=doubt,
            digest=walk.digest,
        )

    def _sorted_out(self, walk: Pass) -> Orders:
        """The readable orders and the others; the same objects as long as the pages are the same."""
        digest = walk.digest
        if digest is not None and self._last is not None and self._last[0] == digest:
            return self._last[1]
        for pair in spelled_alike(walk.entries.values()):
            walk.entries |= {_name(one): one for one in two_spellings(pair)}
        entries = walk.entries.values()
        orders = MappingProxyType({e.order.order_id: e for e in entries if isinstance(e, Listed)})
        found = orders, tuple(entry for entry in entries if isinstance(entry, UnreadableOrder))
        self._last = (digest, found) if digest is not None else None
        return found

    async def _again(self) -> Pass:
        """A second pass, which can only add to the first: its failure is no failure of the read."""
        try:
            return await self._walk()
        except ReadFailed as failure:
            if failure.trouble is Trouble.UNAUTHORISED:
                raise
            return Pass(ended_by=f"its second pass failed: {failure.sentence}")

    async def _walk(self) -> Pass:
        walk = Pass()
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
            walk.add(page)
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

    async def _page_with_patience(self, number: int) -> Page:
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

    async def _page(self, number: int) -> Page:
        answer = await self._client.page_body(self._stage, number)
        known = self._known.get(number)
        if known is not None and len(answer.body) <= HASHED_AT_ONCE and known.digest == _digest(answer):
            return known
        return await self._client.in_turn(partial(self._parsed, answer, number), len(answer.body))

    def _parsed(self, answer: Received, number: int) -> Page:
        digest = _digest(answer)
        known = self._known.get(number)
        if known is not None and known.digest == digest:
            return known
        entries: dict[str, Entry] = {}
        rows = 0
        for raw in self._shown(self._client.entries_of(answer, self._stage, number)):
            entry = self._entry(raw)
            name = _name(entry)
            before = entries.get(name, entry)
            entries[name] = entry if alike(before, entry) else two_orders(before, entry)
            rows += 1
        page = self._known[number] = Page(entries, rows, len(answer.body), digest)
        return page

    def _shown(self, rows: Iterable[Any]) -> Iterable[Any]:
        if self._rows is None:
            return rows
        rows = list(rows)
        self._rows([row.legible if isinstance(row, Garbled) else row for row in rows])
        return rows

    def _entry(self, raw: Any) -> Entry:
        if isinstance(raw, Garbled):
            return self._garbled(raw)
        try:
            order = self._wire.read(raw)
        except Unreadable as why:
            return UnreadableOrder(why.order_id, why.sentence, dumps(raw))
        return Listed(order, fingerprint(order), self._wire.dates(raw))

    def _garbled(self, entry: Garbled) -> UnreadableOrder:
        order_id = self._wire.legible_id(entry.legible, entry.illegible)
        who = "an order without a legible id" if order_id is None else f"order {order_id}"
        sentence = (
            f"{who} cannot be read: {entry.sentence}. The other orders of the page are processed; this one is read "
            "again with every poll and resumes by itself once ShipperOne lists it correctly"
        )
        return UnreadableOrder(order_id, sentence, entry.raw)


def _name(entry: Entry) -> str:
    if isinstance(entry, Listed):
        return f"id {entry.order.order_id}"
    return f"no id, {entry.digest}" if entry.order_id is None else f"id {entry.order_id}"


def _digest(answer: Received) -> bytes:
    """Of all that is parsed: the body, and the encoding that its header declares."""
    digest = hashlib.sha256(answer.content_type.encode(errors="replace") + b"\0")
    digest.update(answer.body)
    return digest.digest()
