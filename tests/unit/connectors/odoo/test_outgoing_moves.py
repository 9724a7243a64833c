"""The moves that leave under a key, and the values written to each: pure functions, and a simulated server."""

import json
from decimal import Decimal as D

import httpx
import pytest

from odoo_answers import behind_login, odoo
from shipperone_erp import Refused, Transient
from shipperone_erp_odoo.delivery_obstacles import wizard
from shipperone_erp_odoo.odoo import RACES, UNCLEAR, Odoo
from shipperone_erp_odoo.outgoing_moves import Take, missing, plan, whole
from shipperone_erp_odoo.pickings import Found, Move, chained, chains

MUG, TEA = 1, 2


def move(
    id: int, product: int, wanted: int, has: int, state: str = "assigned", mark: str = "", picking: int = 7
) -> Move:
    return Move(id, picking, f"OUT/{picking}", product, state, D(wanted), D(has), 1, (), 8, mark)


@pytest.mark.parametrize(
    ("moves", "left"),
    [
        ([], D(3)),
        ([move(1, MUG, 3, 3)], D(3)),
        ([move(1, MUG, 3, 3, "done", "i-1")], None),
        ([move(1, MUG, 3, 3, "done", "i-2"), move(2, MUG, 3, 3)], D(3)),
        ([move(1, MUG, 1, 1, "done", "i-1"), move(2, MUG, 2, 2)], D(2)),
        ([move(1, MUG, 3, 3, "done", "FO-1")], None),
        ([move(1, MUG, 3, 3, "done", "i-2")], D(3)),
        ([move(1, MUG, 3, 0, "cancel")], D(3)),
        ([move(1, MUG, 3, 3, "done", "FO-1"), move(2, MUG, 1, 1)], D(3)),
    ],
    ids=[
        "nothing", "reserved", "left", "left under another key", "a part left", "validated by hand", "another key's",
        "cancelled", "by hand, and some of it is still open",
    ],
)  # fmt: skip
def test_undelivered_goods_are_computed_from_the_keys_on_the_moves(moves, left):
    assert missing("i-1", {MUG: D(3)}, moves) == ({} if left is None else {MUG: left})


def test_a_delivery_plan_takes_the_oldest_reserved_moves_and_lists_the_unreserved_rest():
    first, second, tea = move(1, MUG, 2, 2), move(2, MUG, 5, 4, picking=9), move(3, TEA, 1, 0, "confirmed")
    made = plan([first, second, tea], {MUG: D(3), TEA: D(1)})
    assert made.takes == {7: [Take(first, D(2))], 9: [Take(second, D(1))]}
    assert made.lacking == {TEA: D(1)}
    assert whole(Found(7, "OUT/7", (first,)), made.takes[7])
    assert not whole(Found(7, "OUT/7", (first, tea)), made.takes[7])
    assert not whole(Found(9, "OUT/9", (second,)), made.takes[9])


def answering(*results: object) -> tuple[Odoo, list[list[object]]]:
    """An Odoo that gives these answers one after the other, and what it was asked."""
    asked: list[list[object]] = []
    left = list(results)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["params"]["args"][3:])
        return httpx.Response(200, json={"result": left.pop(0)})

    return odoo(behind_login(answer)), asked


def test_backorders_hang_on_each_picking_that_they_come_from():
    def row(id: int, before: int) -> dict[str, object]:
        return {"id": id, "backorder_id": [before, "…"]}

    erp, asked = answering([row(11, 1), row(12, 2)], [row(21, 11), row(22, 12)], [])
    assert chains(erp, [2, 1, 11], 5) == {1: [1, 11, 21], 2: [2, 12, 22], 11: [11, 21]}
    assert len(asked) == 3


def test_backorders_are_read_with_their_moves():
    def row(id: int, picking: int, before: int | bool) -> dict[str, object]:
        of = {"id": picking, "display_name": f"WH/OUT/{picking}", "backorder_id": before}
        return {
            "id": id, "picking_id": of, "product_id": 5, "state": "assigned", "product_uom_qty": 1.0, "quantity": 1.0,
            "product_uom": 1, "move_orig_ids": [], "location_id": 8, "origin": False,
        }  # fmt: skip

    def records(*rows: dict[str, object]) -> dict[str, object]:
        return {"length": len(rows), "records": rows}

    erp, asked = answering(records(row(1, 1, False), row(2, 2, 99)))
    assert chained(erp, [1, 2], 5)[0] == {1: [1], 2: [2]}
    assert len(asked) == 1, "one that is somebody's backorder begins a chain of its own"
    erp, asked = answering(records(row(7, 11, 1), row(8, 12, 2)), records(row(9, 21, 11)), records())
    chains, there = chained(erp, [2, 1], 5)
    assert chains == {1: [1, 11, 21], 2: [2, 12]}
    assert {id: [move.id for move in picking.moves] for id, picking in there.items()} == {11: [7], 12: [8], 21: [9]}
    assert len(asked) == 3


RACE = {"type": "error", "message": "could not serialize access due to concurrent update"}
ROWS = {4: {"origin": "i-1", "picked": "1"}, 9: {"origin": "i-2", "picked": "1"}}


def test_records_get_their_own_values_in_one_call():
    erp, asked = answering({"ids": [4, 9], "messages": []})
    assert erp.write_each("stock.move", ROWS) == {}
    (call,) = asked
    assert call[-1]["fields"] == [".id", "origin", "picked"]
    assert call[-1]["data"] == [["4", "i-1", "1"], ["9", "i-2", "1"]]


def test_a_record_that_odoo_refuses_is_named_and_one_that_it_does_not_name_is_all(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    done = {"type": "error", "record": 1, "message": "You cannot change the UoM for a stock move that is done"}
    erp, _ = answering(*[{"ids": False, "messages": [done]}] * UNCLEAR)
    assert "cannot change the UoM" in str(erp.write_each("stock.move", ROWS).pop(9))
    unnamed = {"ids": False, "messages": [{"type": "error", "message": "something else"}]}
    erp, _ = answering(*[unnamed] * UNCLEAR)
    refused = erp.write_each("stock.move", ROWS)
    assert set(refused) == {4, 9}
    assert all(isinstance(why, Refused) for why in refused.values())


def test_a_write_that_loses_a_race_is_made_again_and_then_given_up_for_now(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    raced = {"ids": False, "messages": [RACE]}
    erp, asked = answering(raced, raced, {"ids": [4, 9], "messages": []})
    assert erp.write_each("stock.move", ROWS) == {}
    assert len(asked) == 3
    erp, _ = answering(*[raced] * RACES)
    with pytest.raises(Transient):
        erp.write_each("stock.move", ROWS)


def test_an_odoo_wizard_refuses_a_delivery_and_a_report_does_not():
    asked = wizard(
        {"type": "ir.actions.act_window", "res_model": "expiry.picking.confirmation", "name": "Confirmation"}
    )
    assert "only an Odoo user can answer" in asked.sentence
    assert wizard(True) is None
    assert wizard({"type": "ir.actions.client", "tag": "do_multi_print"}) is None
