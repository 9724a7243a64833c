"""generic_sql: an order that leaves in parts, lines of one SKU, goods that lie in another warehouse."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import permutations

import pytest

from shipperone_erp import Deliver, Done, Owner, Pending, Reason, Refused, Reservation, Reserved, Shortage, ShortLine
from sql_erp import item, order


@pytest.mark.case("P1")
def test_parts_in_any_order_and_each_of_them_twice(erp):
    for attempt, parts in enumerate(permutations([(1, 2), (3, 4), (5,)])):
        lines = {number: item(number, f"SKU-{number}", "1", f"{number}.10") for number in range(1, 6)}
        for line in lines.values():
            erp.stock(line.sku, 1)
        whole = order(*lines.values(), order_id=f"FO-{attempt}")
        erp.reserve(whole, f"a-{attempt}")
        for ids in parts * 2:
            part, key = replace(whole, items=tuple(lines[number] for number in ids)), f"i-{attempt}-{ids[0]}"
            invoice = erp.issue(erp.build(part, key), part, key)
            assert [line.item_id for line in invoice.lines] == list(ids)
            erp.deliver(part, key, f"a-{attempt}")
        invoiced = "SELECT item_id FROM invoice_lines WHERE invoice_key LIKE :key ORDER BY item_id"
        assert erp.ask(invoiced, key=f"i-{attempt}-%") == [("1",), ("2",), ("3",), ("4",), ("5",)]
        assert [erp.on_hand_and_reserved(line.sku) for line in lines.values()] == [(0, 0)] * 5
    assert erp.ask("SELECT COUNT(*), MAX(number) FROM invoices") == [(18, 18)]


@pytest.mark.case("P1")
def test_one_line_of_five_leaves_as_two_and_two_and_one_and_no_sixth(erp):
    whole = order(item(1, "MUG", "5", "50.00"))
    erp.reserve(whole)
    for number, (qty, left) in enumerate((("2", (8, 3)), ("2", (6, 1)), ("1", (5, 0)))):
        part = order(item(1, "MUG", qty))
        assert erp.build(part, f"i-{number}").lines[0].qty == D(qty)
        assert erp.deliver(part, f"i-{number}") == erp.deliver(part, f"i-{number}") == Done()
        assert erp.on_hand_and_reserved("MUG") == left
    with pytest.raises(Refused) as refused:
        erp.deliver(order(item(1, "MUG", "1")), "i-sixth")
    assert (
        refused.value.sentence
        == "item 1 (SKU MUG): less of it is reserved (or, without a reservation, free) than has shipped"
    )
    assert erp.on_hand_and_reserved("MUG") == (5, 0)


@pytest.mark.case("P1")
def test_one_line_that_was_reserved_as_two_and_three_leaves_as_two_and_three(erp):
    parts = order(item(1, "MUG", "2")), order(item(1, "MUG", "3"))
    held = tuple(Reservation(f"a-{number}", f"R-{number}", (1,)) for number in (1, 2))
    for number, part in enumerate(parts, 1):
        erp.reserve(part, f"a-{number}")
    for number, part in enumerate(parts, 1):
        erp.connector.deliver(Deliver(f"i-{number}", part, held))
    assert erp.on_hand_and_reserved("MUG") == (5, 0)


@pytest.mark.case("P4")
def test_of_two_lines_of_one_sku_one_ships_and_the_other_is_cancelled(erp):
    whole = order(item(1, "MUG", "3", "30.00"), item(2, "MUG", "3", "27.00"))
    erp.reserve(whole)
    shipped = replace(whole, items=whole.items[1:])
    assert [(line.item_id, line.qty, line.total_incl_tax) for line in erp.build(shipped).lines] == [(2, D(3), D(27))]
    erp.deliver(shipped)
    assert erp.on_hand_and_reserved("MUG") == (7, 3)
    assert erp.ask("SELECT item_id, qty - shipped FROM reservation_lines ORDER BY item_id") == [("1", 3), ("2", 0)]
    erp.release(whole)
    assert erp.on_hand_and_reserved("MUG") == (7, 0)


@pytest.mark.case("P4")
def test_one_sku_in_two_warehouses_is_short_only_where_it_is_short(erp):
    erp.stock("MUG", 1, "outlet")
    what = order(item(1, "MUG", "2"), item(2, "MUG", "3", warehouse_code="outlet"))
    assert erp.reserve(what) == Shortage((ShortLine(2, "MUG", D(3), D(1)),))
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("MUG", "outlet")) == ((10, 0), (1, 0))
    assert erp.count("transfers") == 0


@pytest.mark.case("P9")
def test_an_order_waits_for_the_last_of_its_transfers(erp):
    erp.stock("MUG", 5, "outlet")
    erp.stock("TEA", 5, "depot")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"), item(2, "TEA", "1", warehouse_code="depot"))
    assert isinstance(erp.reserve(what), Pending)
    erp.ask("UPDATE transfers SET arrived = TRUE WHERE source = 'outlet'")
    waiting = erp.reserve(what)
    assert isinstance(waiting, Pending)
    assert (waiting.reason, waiting.owner) == (Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
    assert waiting.sentence.endswith(" from depot has not arrived yet")
    erp.ask("UPDATE transfers SET arrived = TRUE WHERE source = 'depot'")
    assert erp.reserve(what) == Reserved("R-1")
    assert erp.count("transfers") == 2


@pytest.mark.case("P9")
def test_goods_on_their_way_are_given_back_where_they_lie(erp):
    erp.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    erp.reserve(what)
    erp.release(what)
    assert (erp.on_hand_and_reserved("MUG", "outlet"), erp.on_hand_and_reserved("MUG")) == ((5, 0), (10, 0))


@pytest.mark.case("P9")
def test_a_transfer_that_arrives_after_its_release_takes_nothing_from_another_order(erp):
    erp.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    erp.reserve(what)
    erp.release(what)
    erp.reserve(replace(what, order_id="FO-2"), "a-2")
    erp.ask("UPDATE transfers SET arrived = TRUE WHERE reservation_key = 'a-1'")
    assert erp.on_hand_and_reserved("MUG", "outlet")[1] == 2
    assert erp.on_hand_and_reserved("MUG")[1] == 0
