"""Reading a whole queue over real HTTP, and whether the read proves absence."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scripted import Reply, Request, ScriptedServer, http
from shipperone_client import TENANT, client_of
from shipperone_erp.domain.listing import Listing, Trouble
from shipperone_erp.domain.states import Stage
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader, ReadFailed

HTML = http(502, "<title>Bad Gateway</title>", kind="text/html")


def order(number: int | str, **changes: Any) -> dict[str, Any]:
    items = [{"id": f"i-{number}", "sku": "MUG", "qty": 1}]
    return {"order_id": f"FO-{number}", "warehouse_code": "main", "items": items, **changes}


def page_of(request: Request) -> int:
    return int(parse_qs(urlsplit(request.target).query)["page"][0])


class Queue:
    """What the server lists; `before` is called with the page's number before each answer, and may answer itself."""

    def __init__(self, orders: list[Any], past_the_end: str | int = "repeat") -> None:
        self.orders = orders
        self.past_the_end = past_the_end
        self.before: Callable[[int], Reply] = lambda number: None

    def __call__(self, request: Request) -> Reply:
        number = page_of(request)
        instead = self.before(number)
        if instead is not None:
            return instead
        last = max(1, -(-len(self.orders) // 100))
        if number > last:
            if isinstance(self.past_the_end, int):
                return http(self.past_the_end, '{"message": "no such page"}')
            number = last if self.past_the_end == "repeat" else number
        return http(200, json.dumps(self.orders[(number - 1) * 100 : number * 100]))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(Queue([]))
    yield server
    server.close()


def reading(server: ScriptedServer, use: Callable[[QueueReader], Awaitable[Any]], **settings: Any) -> Any:
    async def run() -> Any:
        client = client_of(server.base_url)
        wire = OrderWire(settings.pop("fields", {}), tenant=TENANT)
        try:
            return await use(QueueReader(client, Stage.INVOICE, wire, pauses=(0.01, 0.01), **settings))
        finally:
            await client.aclose()

    return asyncio.run(run())


def read(server: ScriptedServer, queue: Queue, *, prove: bool = False, **settings: Any) -> Listing:
    server.answer = queue
    listing: Listing = reading(server, lambda reader: reader.read(prove=prove), **settings)
    return listing


def ids(listing: Listing) -> list[str]:
    return list(listing.orders)


@pytest.mark.case("Q2")
@pytest.mark.parametrize("past_the_end", ["repeat", "empty", 400, 404])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 250])
def test_past_the_last_page_a_read_ends(server: ScriptedServer, size: int, past_the_end: str | int) -> None:
    listing = read(server, Queue([order(n) for n in range(size)], past_the_end))
    assert ids(listing) == [f"FO-{n}" for n in range(size)]
    assert len(server.requests) <= -(-size // 100) + 1
    assert listing.complete
    assert listing.alert is None
    assert listing.proves_absence == (size == 0 or (size < 100 and past_the_end in ("repeat", "empty")))


@pytest.mark.case("Q2")
def test_a_short_page_is_followed_by_one_more(server: ScriptedServer) -> None:
    queue = Queue([])
    pages = {1: [order(1)], 2: [order(2)], 3: []}
    queue.before = lambda number: http(200, json.dumps(pages[number]))
    assert ids(read(server, queue)) == ["FO-1", "FO-2"]
    assert [page_of(request) for request in server.requests] == [1, 2, 3]


@pytest.mark.case("Q2")
def test_a_queue_without_an_end_is_an_alert(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue([])
    queue.before = lambda number: http(200, json.dumps([order(number)]))
    monkeypatch.setattr("shipperone_erp.shipperone.queue_reader.PAGES_AT_MOST", 7)
    listing = read(server, queue)
    assert (len(server.requests), len(listing.orders)) == (7, 7)
    assert (listing.complete, listing.proves_absence) == (False, False)
    assert listing.alert == "the queue did not end after 7 pages; 7 orders were read"


@pytest.mark.case("Q1")
def test_every_page_is_read_although_none_is_acted_on_in_between(server: ScriptedServer) -> None:
    listing = read(server, Queue([order(n) for n in range(250)]), prove=True)
    assert len(listing.orders) == 250
    assert listing.proves_absence
    assert len(server.requests) == 8


@pytest.mark.case("Q3")
def test_an_insert_between_two_pages_shows_an_order_twice_and_the_later_copy_counts(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])

    def insert(number: int) -> Reply:
        if number == 2 and len(queue.orders) == 150:
            queue.orders.insert(0, order("new"))
            queue.orders[100]["order_number"] = "later"
        return None

    queue.before = insert
    listing = read(server, queue)
    assert ids(listing) == ["FO-new", *(f"FO-{n}" for n in range(150))], "it changed, so that the pages are read again"
    assert listing.orders["FO-99"].order.order_number == "later"
    assert not listing.proves_absence


@pytest.mark.case("Q4")
def test_an_order_that_slips_past_the_pages_is_not_proven_absent(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])

    def confirm_elsewhere(number: int) -> Reply:
        if number == 2 and len(queue.orders) == 150:
            del queue.orders[0]
        return None

    queue.before = confirm_elsewhere
    listing = read(server, queue, prove=True)
    assert not listing.proves_absence
    assert listing.complete
    assert "FO-100" in listing.orders, "the second pass has found it"
    assert "FO-0" not in listing.orders


@pytest.mark.case("Q4")
def test_an_order_of_the_second_page_may_have_moved_onto_a_full_first_page(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(101)], "empty")

    def confirm_elsewhere(number: int) -> Reply:
        if number == 2 and len(queue.orders) == 101:
            del queue.orders[0]
        return None

    queue.before = confirm_elsewhere
    first = read(server, queue)
    assert "FO-100" not in first.orders
    assert not first.proves_absence
    assert read(server, queue, prove=True).proves_absence


@pytest.mark.case("Q4")
@pytest.mark.parametrize("past_the_end", [400, 404])
def test_a_400_or_404_past_the_first_page_ends_it_for_work_and_proves_nothing(
    server: ScriptedServer, past_the_end: int
) -> None:
    listing = read(server, Queue([order(1)], past_the_end), prove=True)
    assert listing.complete
    assert not listing.proves_absence
    assert len(server.requests) == 2


@pytest.mark.case("Q4")
@pytest.mark.parametrize(
    "failure", [HTML, http(200, "<title>Shop</title>"), http(200, ""), http(200, "[{"), http(500, "{}")]
)
def test_a_later_page_that_fails_is_tried_again_and_then_leaves_the_read_incomplete(
    server: ScriptedServer, failure: bytes
) -> None:
    queue = Queue([order(n) for n in range(150)])
    queue.before = lambda number: failure if number == 2 else None
    listing = read(server, queue, prove=True)
    assert len(listing.orders) == 100
    assert (listing.complete, listing.proves_absence) == (False, False)
    assert listing.alert is not None
    assert listing.alert.startswith("only 1 page(s) could be read: pending_invoice, page 2: ShipperOne answered")
    assert [page_of(request) for request in server.requests] == [1, 2, 2, 2]


def test_a_later_page_that_fails_once_does_no_harm(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    failures = [HTML]
    queue.before = lambda number: failures.pop() if number == 2 and failures else None
    listing = read(server, queue, prove=True)
    assert len(listing.orders) == 150
    assert listing.proves_absence


@pytest.mark.case("H5")
def test_a_page_throttled_for_long_is_not_requested_again(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    queue.before = lambda number: http(429, "", Retry_After="60") if number == 2 else None
    listing = read(server, queue, prove=True)
    assert not listing.complete
    assert len(server.requests) == 2


@pytest.mark.case("H5")
@pytest.mark.parametrize("status", [429, 503])
def test_a_read_resumes_at_the_page_where_it_was_throttled(server: ScriptedServer, status: int) -> None:
    queue = Queue([order(n) for n in range(350)])
    refusals = {1: 1, 3: 2}

    def throttle(number: int) -> Reply:
        refusals[number] = refusals.get(number, 0) - 1
        return http(status, "", Retry_After="0") if refusals[number] >= 0 else None

    queue.before = throttle
    listing = read(server, queue)
    assert (len(listing.orders), listing.complete, listing.alert) == (350, True, None)
    assert [page_of(request) for request in server.requests] == [1, 1, 2, 3, 3, 3, 4, 5]


@pytest.mark.case("H5")
def test_a_page_that_is_always_throttled_ends_the_read(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipperone_erp.shipperone.rate_limit.FIRST_INTERVAL", (0.001, 0.001))
    monkeypatch.setattr("shipperone_erp.shipperone.rate_limit.LONGEST_INTERVAL", 0.01)
    queue = Queue([order(n) for n in range(150)])
    queue.before = lambda number: http(429, "") if number == 2 else None
    listing = read(server, queue)
    assert (len(listing.orders), listing.complete) == (100, False)
    assert len(server.requests) == 12


def test_a_first_page_that_fails_fails_the_read(server: ScriptedServer) -> None:
    for reply, trouble in ((HTML, Trouble.UNAVAILABLE), (http(404), Trouble.NOT_FOUND), (http(400), Trouble.REFUSED)):
        server.answer = lambda request, reply=reply: reply  # type: ignore[misc]
        with pytest.raises(ReadFailed) as failure:
            reading(server, lambda reader: reader.read())
        assert failure.value.trouble is trouble
    assert len(server.requests) == 3


@pytest.mark.case("H4")
def test_a_token_that_is_refused_on_a_later_page_fails_the_read(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    queue.before = lambda number: http(401) if number == 2 else None
    with pytest.raises(ReadFailed) as failure:
        read(server, queue)
    assert failure.value.trouble is Trouble.UNAUTHORISED


@pytest.mark.case("Q4")
def test_a_second_pass_that_fails_leaves_the_first_one(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    first_pages = []

    def fail_second(number: int) -> Reply:
        first_pages.append(number)
        return HTML if first_pages.count(1) == 2 and number == 1 else None

    queue.before = fail_second
    listing = read(server, queue, prove=True)
    assert len(listing.orders) == 150
    assert (listing.complete, listing.proves_absence) == (True, False)


@pytest.mark.case("Q4")
@pytest.mark.parametrize("during", [1, 2])
def test_a_post_of_ours_during_the_read_proves_nothing(server: ScriptedServer, during: int) -> None:
    queue = Queue([order(n) for n in range(150)])
    seen = []
    queue.before = lambda number: seen.append(number)
    server.answer = queue

    def posts_started() -> int:
        return int(seen.count(1) >= during)

    listing: Listing = reading(server, lambda reader: reader.read(prove=True, posts_started=posts_started))
    assert not listing.proves_absence
    assert len(listing.orders) == 150
    assert seen.count(1) == during, "a second pass that could prove nothing is not made"


def test_a_read_of_several_pages_proves_absence_only_on_request(server: ScriptedServer) -> None:
    assert not read(server, Queue([order(n) for n in range(101)])).proves_absence
    assert len(server.requests) == 3


@pytest.mark.case("B18")
def test_an_unreadable_order_with_an_id_is_listed_and_not_absent(server: ScriptedServer) -> None:
    broken = order(2, items=[{"id": 5, "sku": "MUG"}])
    listing = read(server, Queue([order(1), broken, order(3)]))
    assert ids(listing) == ["FO-1", "FO-3"]
    (entry,) = listing.unreadable
    assert entry.order_id == "FO-2"
    assert "order FO-2: item 5 has no quantity" in entry.sentence
    assert '[tenants.acme.fields] qty = "…"' in entry.sentence
    assert json.loads(entry.raw) == broken
    assert entry.raw not in repr(entry)
    assert listing.complete
    assert listing.proves_absence


@pytest.mark.case("Q4")
@pytest.mark.parametrize("entry", [order(1, order_id=None), "FO-1", None, ["x"], 7])
def test_an_order_without_a_readable_id_takes_the_proof_away(server: ScriptedServer, entry: Any) -> None:
    listing = read(server, Queue([entry, order(2)]), prove=True)
    assert ids(listing) == ["FO-2"]
    assert [unreadable.order_id for unreadable in listing.unreadable] == [None]
    assert (listing.complete, listing.proves_absence) == (True, False)
    assert read(server, Queue([entry, order(2)])).unreadable[0].digest == listing.unreadable[0].digest


def test_an_order_that_becomes_readable_on_a_later_page_is_readable(server: ScriptedServer) -> None:
    queue = Queue([])
    pages = {1: [order(1, items=[]), order(2)], 2: [order(1), order(2, items=[]), order(3)], 3: []}
    queue.before = lambda number: http(200, json.dumps(pages[number]))
    listing = read(server, queue)
    assert ids(listing) == ["FO-1", "FO-3"]
    assert [entry.order_id for entry in listing.unreadable] == ["FO-2"]


def test_an_unchanged_page_is_not_parsed_again(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    server.answer = queue

    async def twice(reader: QueueReader) -> tuple[Listing, Listing, Listing]:
        first = await reader.read()
        second = await reader.read()
        queue.orders[149]["order_number"] = "changed"
        return first, second, await reader.read()

    first, second, third = reading(server, twice)
    assert all(second.orders[name] is first.orders[name] for name in first.orders)
    assert third.orders["FO-0"] is first.orders["FO-0"]
    assert third.orders["FO-149"].order.order_number == "changed"
    assert third.orders["FO-149"].fingerprint != first.orders["FO-149"].fingerprint


@pytest.mark.case("M3")
def test_numbers_of_a_queue_keep_their_decimals(server: ScriptedServer) -> None:
    queue = Queue([])
    raw = json.dumps([order(1)]).replace('"qty": 1', '"qty": 1.000, "price_incl_tax": 4.990')
    queue.before = lambda number: http(200, raw)
    (item,) = read(server, queue).orders["FO-1"].order.items
    assert (str(item.qty), str(item.price_incl_tax)) == ("1.000", "4.990")


def test_a_tenants_places_are_used(server: ScriptedServer) -> None:
    queue = Queue([order(1, ref={"no": "100"})])
    assert read(server, queue, fields={"order_id": "ref.no"}).orders.keys() == {"100"}


def listed_twice(listing: Listing) -> str:
    (entry,) = listing.unreadable
    assert entry.order_id is not None
    return entry.sentence


@pytest.mark.case("Q9")
def test_two_orders_under_one_id_on_one_page_are_both_described_and_neither_is_processed(
    server: ScriptedServer,
) -> None:
    other = order(1, items=[{"id": 77, "sku": "TEA", "qty": 3}], warehouse_code="WH2")
    listing = read(server, Queue([order(1), other, order(2)]))
    assert ids(listing) == ["FO-2"]
    sentence = listed_twice(listing)
    assert "order FO-1 is listed twice, as two different orders" in sentence
    assert "3 of TEA (item 77) in WH2" in sentence
    assert listing.unreadable[0].order_id == "FO-1"
    assert listing.proves_absence, "it is listed, so that every order that is not listed is gone"


@pytest.mark.case("Q9")
def test_one_order_that_a_page_lists_twice_over_is_one_order(server: ScriptedServer) -> None:
    listing = read(server, Queue([order(1), order(1), order(2)]))
    assert (ids(listing), listing.unreadable) == (["FO-1", "FO-2"], ())


@pytest.mark.case("Q9")
def test_the_same_items_at_two_amounts_on_one_page_are_not_chosen_from(server: ScriptedServer) -> None:
    dear = order(1, shipping_amount_incl_tax=9.99)
    sentence = listed_twice(read(server, Queue([order(1), dear])))
    assert "9.99" in sentence


@pytest.mark.case("Q9")
def test_two_totals_of_one_order_on_one_page_are_both_named(server: ScriptedServer) -> None:
    sentence = listed_twice(read(server, Queue([order(1), order(1, total_incl_tax=14.99)])))
    assert sentence.count("total 14.99") == 1
    assert "total None" not in sentence


@pytest.mark.case("Q9")
@pytest.mark.parametrize("turned", [False, True], ids=["the readable one first", "the readable one last"])
def test_a_readable_and_an_unreadable_order_under_one_id_are_not_chosen_from(
    server: ScriptedServer, turned: bool
) -> None:
    both = [order(1), order(1, items=[])]
    listing = read(server, Queue([*(reversed(both) if turned else both), order(2)]))
    assert ids(listing) == ["FO-2"]
    assert "has no items" in listed_twice(listing)


@pytest.mark.case("Q9")
def test_two_orders_under_one_id_on_two_pages_are_reported_after_a_second_pass(
    server: ScriptedServer,
) -> None:
    queue = Queue([order(n) for n in range(150)])
    queue.orders[140] = order(3, items=[{"id": 777, "sku": "TEA", "qty": 3}])
    listing = read(server, queue)
    assert "FO-3" not in listing.orders
    assert "3 of TEA (item 777)" in listed_twice(listing)


@pytest.mark.case("Q9")
def test_the_same_items_at_two_amounts_on_two_pages_are_not_chosen_from(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])
    queue.orders[140] = order(3, shipping_amount_incl_tax=9.99)
    listing = read(server, queue)
    assert "FO-3" not in listing.orders
    assert "9.99" in listed_twice(listing)


@pytest.mark.case("Q9")
@pytest.mark.parametrize("other", ["fo-1", " FO-1", "FO-1\u00a0", "\uff26O-1", "FO-1\u200b"])
def test_one_order_under_two_spellings_of_its_id_is_not_processed_twice(server: ScriptedServer, other: str) -> None:
    listing = read(server, Queue([order(1), {**order(1), "order_id": other}, order(2)]))
    assert ids(listing) == ["FO-2"]
    assert {entry.order_id for entry in listing.unreadable} == {"FO-1", other}
    assert all("two spellings of one order" in entry.sentence for entry in listing.unreadable)


@pytest.mark.case("Q9")
def test_ids_that_differ_in_case_are_two_orders_if_they_share_no_item(server: ScriptedServer) -> None:
    other = order(1, items=[{"id": 777, "sku": "TEA", "qty": 3}])
    assert ids(read(server, Queue([order(1), {**other, "order_id": "fo-1"}]))) == ["FO-1", "fo-1"]


@pytest.mark.case("Q9")
def test_an_order_that_changes_its_items_between_two_pages_is_listed_as_it_is_now(server: ScriptedServer) -> None:
    queue = Queue([order(n) for n in range(150)])

    def moved_on(number: int) -> Reply:
        if number == 2 and len(queue.orders) == 150:
            del queue.orders[3]
            queue.orders.append(order(3, items=[{"id": 777, "sku": "TEA", "qty": 3}]))
            queue.orders.append(order("new"))
        return None

    queue.before = moved_on
    listing = read(server, queue)
    assert listing.unreadable == ()
    assert [item.item_id for item in listing.orders["FO-3"].order.items] == [777]
