"""What pending_shipment and failed list, however ShipperOne ends them, and while orders move between their pages."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from scripted import Reply, Request, ScriptedServer, http
from shipperone_client import client_of
from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.shipperone.evidence_queues import read_failed, read_to_ship
from shipperone_erp.shipperone.order_parser import OrderWire

WIRE = OrderWire({})


def order(number: int) -> dict[str, Any]:
    return {"order_id": f"FO-{number}", "warehouse_code": "main", "items": [{"id": number, "sku": "MUG", "qty": 1}]}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(lambda request: http(404, ""))
    yield server
    server.close()


def answering(server: ScriptedServer, pages: list[list[Any]], past_the_end: Reply | str = "repeat") -> list[int]:
    asked: list[int] = []

    def answer(request: Request) -> Reply:
        number = int(request.target.rsplit("page=")[-1])
        asked.append(number)
        if number > len(pages) and past_the_end != "repeat":
            return past_the_end  # type: ignore[return-value]
        return http(200, json.dumps(pages[min(number, len(pages)) - 1]))

    server.answer = answer
    return asked


def reading(server: ScriptedServer, wanted: set[str] | None) -> Any:
    async def run() -> Any:
        client = client_of(server.base_url)
        try:
            return await (read_failed(client, WIRE) if wanted is None else read_to_ship(client, WIRE, wanted))
        finally:
            await client.aclose()

    return asyncio.run(run())


@pytest.mark.case("Q2")
@pytest.mark.parametrize(
    "end",
    ["repeat", http(200, "[]"), http(404, '{"message": "no page"}'), http(400, '{"message": "no page"}')],
    ids=["it is repeated", "an empty page", "404", "400"],
)
def test_the_last_page_ends_it_however_it_is_ended(server, end) -> None:
    pages = [[order(n) for n in range(100)], [order(100)]]
    answering(server, pages, end)
    assert reading(server, {"FO-100", "FO-7", "FO-999"}) == {"FO-100": {"100"}, "FO-7": {"7"}}
    assert reading(server, None) == {f"FO-{n}" for n in range(101)}


@pytest.mark.case("Q1")
def test_an_order_that_moves_up_past_the_next_page_is_found(server) -> None:
    """Order 0 is shipped between two requests: order 100 is then the last one of the first page."""
    queue = [order(n) for n in range(150)]
    asked: list[int] = []

    def answer(request: Request) -> Reply:
        number = int(request.target.rsplit("page=")[-1])
        if asked == [1]:
            del queue[0]
        asked.append(number)
        return http(200, json.dumps(queue[(number - 1) * 100 : number * 100]))

    server.answer = answer
    assert reading(server, {"FO-100"}) == {"FO-100": {"100"}}


def test_one_page_is_read_once(server) -> None:
    asked = answering(server, [[order(1)]])
    assert reading(server, {"FO-2"}) == {}
    assert asked == [1, 2]


def test_a_refusal_of_the_first_page_is_no_end(server) -> None:
    server.answer = lambda request: http(403, '{"message": "no"}')
    with pytest.raises(ReadFailed) as failed:
        reading(server, {"FO-1"})
    assert failed.value.trouble is Trouble.UNAUTHORISED
