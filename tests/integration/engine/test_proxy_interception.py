"""A firewall in front of ShipperOne refuses one order's confirmation, or everybody's: who waits, and who is held."""

from datetime import timedelta

import pytest

from scripted import Reply, Request, ScriptedServer, http
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.platform_breakers import ORDERS, PROBE_EVERY, ProxyInterception
from skipped_time import SkippedTime
from world import World

PAGE = http(403, "<html><head><title>403 Forbidden</title></head></html>", kind="text/html")


def row(order_id: str) -> str:
    return (
        f'{{"order_id": "{order_id}", "warehouse_code": "main", "currency": "EUR", "items": '
        f'[{{"id": "{order_id}-1", "sku": "MUG", "qty": 1, "row_total_incl_tax": 10.00}}]}}'
    )


class Shop:
    """Lists these orders to allocate; its firewall refuses to let confirmations through that hold one of these words."""

    def __init__(self, *orders: str, refused: tuple[str, ...]) -> None:
        self.orders = list(orders)
        self.refused = refused
        self.refusals = 0

    def __call__(self, request: Request) -> Reply:
        if request.method == "GET":
            rows = self.orders if "pending_allocation" in request.target and request.target.endswith("=1") else []
            return http(200, "[" + ",".join(map(row, rows)) + "]")
        if any(word in request.body.decode() for word in self.refused):
            self.refusals += 1
            return PAGE
        self.orders = [order for order in self.orders if f'"{order}"' not in request.body.decode()]
        return http(200, "true")


def served(world: World, shop: Shop) -> World:
    server = ScriptedServer(shop)
    world.settings |= {"base_url": f'"{server.base_url}"', "stages": '["allocation"]', "settle": '"0.05s"'}
    world.erp.stock("MUG", 100)
    return world


@pytest.mark.case("H13")
def test_one_order_that_a_firewall_refuses_is_held_and_the_others_are_confirmed(world: World) -> None:
    shop = Shop("FO-UNION-SELECT", "FO-2", "FO-3", refused=("UNION",))
    served(world, shop)
    assert world.once(settle_for=20).ending is Ending.HELD
    assert shop.orders == ["FO-UNION-SELECT"]
    assert shop.refusals == 3
    job = world.job("FO-UNION-SELECT", Stage.ALLOCATION)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.OUTCOME_UNKNOWN, Owner.IT)
    assert job.sentence is not None
    assert "answered 403 with a page, “403 Forbidden”" in job.sentence
    assert "scope" not in job.sentence
    assert world.erp.live() == 3, "what is reserved for it stays reserved, once"


@pytest.mark.case("H13")
def test_a_firewall_that_refuses_every_order_holds_none(world: World) -> None:
    shop = Shop(*(f"FO-{n}" for n in range(6)), refused=("FO",))
    served(world, shop)
    assert world.once(settle_for=3).ending is Ending.PLATFORM
    assert [job.state for job in world.jobs()] == [State.WAITING] * 6
    assert shop.refusals <= 12, "then they wait together, and one at a time is tried"
    shop.refused = ()
    world.clock.ahead = timedelta(minutes=1)
    world.finishes(settle_for=20)
    assert shop.orders == []
    assert world.erp.effects("reserve_stock") == 6


@pytest.mark.case("H13")
def test_while_a_firewall_refuses_every_order_one_is_tried_now_and_then() -> None:
    time, logged = SkippedTime(), []
    firewall = ProxyInterception(time, logged.append)
    for number in range(ORDERS):
        assert firewall.blocks() is None
        assert firewall.refused(f"FO-{number}", "a page") is (number == ORDERS - 1)
    assert firewall.blocks() == "a page"
    time.advance(PROBE_EVERY.total_seconds())
    assert firewall.blocks() is None
    assert firewall.blocks() == "a page", "one at a time"
    firewall.passed()
    assert firewall.blocks() is None
    assert len(logged) == 2


@pytest.mark.case("H13")
def test_one_order_alone_never_stops_the_others() -> None:
    firewall = ProxyInterception(SkippedTime(), lambda _: None)
    for number in range(10):
        assert not firewall.refused("FO-1", "a page")
        assert not firewall.refused(f"FO-{number}", "a page")
        firewall.passed()
