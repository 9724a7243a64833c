"""Parts, transfers, shortages and amounts through both stages: the confirmations sent, and the held jobs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp import FulfillmentOrder, OrderItem, Reason, Shortage, ShortLine
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.json import loads
from shipperone_erp.sandbox import Fault
from shipperone_erp.workflow.allocation import shortage_sentence
from stage_orders import act, one_mug_less, order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.case("P10")
def test_a_change_after_allocation_starts_again_and_leaves_nothing_behind(world):
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.50")))
    world.erp.stock("MUG", 10)
    world.sandbox.faults.add(Fault("503", action="allocate", times=1, retry_after="1"))
    world.sandbox.faults.add(
        Fault("call", action="allocate", times=1, payload=lambda post: world.sandbox.change("FO-1", one_mug_less))
    )
    world.finishes()
    assert [job.state for job in world.jobs("FO-1", A)] == [State.SUPERSEDED, State.DONE]
    assert world.erp.live("FO-1") == 1
    assert world.erp.ask("SELECT on_hand, reserved FROM stock WHERE sku = 'MUG'") == [(10, 1)]


def test_a_mismatch_is_rebuilt_after_a_fresh_read(any_world):
    def dearer(raw):
        return {**raw, "shipping_amount_incl_tax": D("7.00"), "total_incl_tax": D("27.00")}

    any_world.sandbox.add(order())
    any_world.sandbox.faults.add(
        Fault("call", action="invoice", times=1, payload=lambda post: any_world.sandbox.change("FO-1", dearer))
    )
    ended = any_world.once()
    if any_world.settings.get("fiscal_first") == "true":
        assert ended.ending is Ending.HELD
        assert any_world.job("FO-1", I).reason is Reason.ISSUED_NOT_CONFIRMED
        assert len(any_world.erp.issued("FO-1")) == 1
        return
    if any_world.settings["connector"] == '"counting_bare"':
        assert any_world.job("FO-1", I).reason is Reason.ITEMS_CHANGED
        assert "cannot undo draft" in (any_world.job("FO-1", I).sentence or "")
        return
    assert ended.ending is Ending.FINISHED
    assert any_world.erp.issued("FO-1") == ["1:2"]
    assert any_world.erp.drafts() == 0
    assert any_world.sandbox.order("FO-1").invoices == [({1: D(2)}, D("7.00"))]


@pytest.mark.case("M6")
def test_each_part_sends_the_shipping_that_the_queue_showed(world):
    world.sandbox.add(order("FO-1", ("MUG", 1, "10.00"), ("TEA", 1, "4.50"), parts=({1: D(1)}, {2: D(1)})))
    world.sandbox.faults.add(
        Fault(
            "call",
            action="invoice",
            times=1,
            payload=lambda post: world.sandbox.change("FO-1", _free_once_invoiced(world)),
        )
    )
    world.finishes()
    assert [amount for _, amount in world.sandbox.order("FO-1").invoices] == [D("4.99"), D("0.00")]


def _free_once_invoiced(world):
    def edit(raw):
        first = not world.sandbox.order("FO-1").invoices
        return raw if first else {**raw, "shipping_amount_incl_tax": D("0.00")}

    return edit


@pytest.mark.case("M7")
def test_another_tax_than_the_shop_used_is_held_and_nothing_is_sent(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "tax_zero", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.rebuilds) == (Reason.TAX_DIFFERS, 3)
    assert "ERP 0, ShipperOne 21" in (job.sentence or "")
    assert not [post for post in world.sandbox.posts if post.path.endswith("/invoice")]
    assert world.erp.drafts() == 1, "the last draft stays, so that the accountant can look at it"


@pytest.mark.case("M5")
def test_a_cent_within_the_tolerance_goes_through(world):
    world.settings["tolerance"] = '"0.01"'
    world.erp_settings["drafts"] = "false"
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off")
    world.finishes()


@pytest.mark.case("P1")
@pytest.mark.parametrize("parts", [((1, 2), (3, 4), (5,)), ((5,), (1, 2), (3, 4)), ((3, 4), (5,), (1, 2))])
def test_five_items_as_two_and_two_and_one_in_any_order_with_replays(world, parts):
    lines = [(f"SKU-{n}", 1, "10.00") for n in range(1, 6)]
    plan = tuple({item: D(1) for item in part} for part in parts)
    world.sandbox.add(order("FO-1", *lines, parts=plan))
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", every=2))
    world.finishes(settle_for=20)
    assert sorted(world.erp.issued("FO-1")) == sorted(",".join(f"{item}:1" for item in part) for part in parts)
    assert world.erp.delivered("FO-1") == 3
    assert len(world.sandbox.order("FO-1").invoices) == 3


@pytest.mark.case("P1")
def test_one_line_of_five_ships_as_two_and_three(world):
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00"), parts=({1: D(2)}, {1: D(3)})))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:3"]


@pytest.mark.case("P1")
def test_the_first_part_may_ship_before_the_answer_to_the_allocation_is_known(world):
    """The answer was lost; while it is being settled the warehouse ships two of five."""
    world.settings["settle"] = '"1s"'
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00"), parts=({1: D(2)}, {1: D(3)})))
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:3"]


@pytest.mark.case("P1")
def test_an_equal_part_is_held_until_an_operator_repeats_it(world):
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00"), parts=({1: D(2)}, {1: D(2)}, {1: D(1)})))
    assert world.once().ending in (Ending.FINISHED, Ending.HELD)
    for _ in range(4):
        ended = world.once(settle_for=0)
    assert ended.ending is Ending.HELD
    held = world.job("FO-1", I)
    assert held.reason is Reason.LISTED_AGAIN
    assert world.erp.issued("FO-1") == ["1:2"]
    act(world, "repeat", "FO-1", I)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:2", "1:1"]
    assert world.job("FO-1", I).occurrence == 1
    assert {job.occurrence for job in world.jobs("FO-1", I)} == {1, 2}


@pytest.mark.case("P4")
def test_one_sku_on_two_lines_is_distinguished_by_the_item_id(world):
    world.erp.stock("MUG", 6)
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("MUG", 3, "12.00"), first_id=70, parts=({71: D(3)},)))
    world.sandbox.auto_ship = False
    world.finishes()
    world.sandbox.ship("FO-1", {71: 3})
    world.finishes()
    assert world.erp.issued("FO-1") == ["71:3"], "the other line was cancelled before it shipped"
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(3, 2)]


@pytest.mark.case("P4")
def test_a_shortage_of_two_lines_of_one_sku_names_both(world):
    world.erp.stock("MUG", 4)
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("MUG", 3, "12.00")))
    world.once(settle_for=0)
    sentence = world.job("FO-1", A).sentence
    assert sentence == "MUG: 5 wanted, 4 available in main; MUG: 5 wanted, 4 available in main"


@pytest.mark.case("P9")
def test_a_shortage_names_the_warehouse_of_the_items_goods():
    items = (
        OrderItem(item_id=1, sku="MUG", qty=D(5)),
        OrderItem(item_id="b", sku="CUP", qty=D(3), warehouse_code="outlet"),
    )
    lines = (ShortLine(1, "MUG", D(5), D(2)), ShortLine("b", "CUP", D(3), D(0)))
    sentence = shortage_sentence(Shortage(lines), FulfillmentOrder("FO-1", "main", items))
    assert sentence == "MUG: 5 wanted, 2 available in main; CUP: 3 wanted, 0 available in outlet"


@pytest.mark.case("P9")
def test_a_transfer_is_awaited_and_the_job_resumes_after_its_arrival(world):
    world.erp_settings["transfers_take_time"] = "true"
    listed = order("FO-1", ("LAMP", 1, "39.90"))
    world.sandbox.add(replace(listed, items=tuple(replace(i, warehouse_code="outlet") for i in listed.items)))
    assert world.once(settle_for=0.5).ending is Ending.FINISHED
    job = world.job("FO-1", A)
    assert (job.state, job.reason) == (State.WAITING, Reason.WAITING_FOR_TRANSFER)
    assert world.sandbox.posts == []
    world.erp.ask("UPDATE transfers SET arrived = 1")
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:1"]


@pytest.mark.case("P9")
def test_transfer_reserved_confirms_goods_reserved_at_the_source(world):
    world.erp_settings["transfers_take_time"] = "true"
    world.settings["transfer"] = '"reserved"'
    listed = order("FO-1", ("LAMP", 1, "39.90"))
    world.sandbox.add(replace(listed, items=tuple(replace(i, warehouse_code="outlet") for i in listed.items)))
    world.finishes()
    assert world.erp.ask("SELECT arrived FROM transfers") == [(0,)]


@pytest.mark.case("Q6")
@pytest.mark.parametrize("trouble", ["transient", "auth"])
def test_that_stock_was_short_for_long_makes_no_later_trouble_longer(world, trouble):
    world.erp.stock("MUG", 0)
    world.sandbox.add(order())
    world.once(settle_for=2.5)
    short = world.job("FO-1", A)
    assert (short.reason, short.attempts >= 6) == (Reason.NOT_ENOUGH_STOCK, True)
    world.erp.script("reserve_stock", trouble, times=1)
    world.clock.ahead += timedelta(seconds=0.3)
    world.once(settle_for=0)
    job = world.job("FO-1", A)
    assert job.reason in (Reason.ERP_UNAVAILABLE, Reason.ERP_AUTH)
    assert job.attempts <= 1
    assert (job.next_attempt_at - world.clock()).total_seconds() < 3, "two to the sixth, it would be"


@pytest.mark.case("Q6")
def test_a_shortage_has_its_own_schedule_and_is_logged_once(world):
    world.erp.stock("MUG", 1)
    world.sandbox.add(order("FO-1", ("MUG", 3, "10.00")))
    world.once(settle_for=1.5)
    job = world.job("FO-1", A)
    assert (job.state, job.reason) == (State.WAITING, Reason.NOT_ENOUGH_STOCK)
    assert job.sentence == "MUG: 3 wanted, 1 available in main"
    tries = world.erp.ask("SELECT COUNT(*) FROM effects WHERE hook = 'reserve_stock'")[0][0]
    assert tries == 0, "a shortage leaves nothing reserved"
    assert 3 <= job.attempts <= 9, "within 1.5 s at one try each 0.2 s"
    reported = [after for before, after in world.changes if before is None or before.reason is not after.reason]
    assert len([after for after in reported if after.reason is Reason.NOT_ENOUGH_STOCK]) == 1
    world.erp.stock("MUG", 9)
    world.finishes()


@pytest.mark.case("B18")
@pytest.mark.parametrize(
    ("edit", "reason", "stage"),
    [
        ({"shipping_amount_incl_tax": None}, Reason.SHIPPING_MISSING, I),
        ({"total_incl_tax": D("12.00")}, Reason.AMOUNT_UNEXPLAINED, I),
        ({"currency": "USD"}, Reason.CURRENCY_DIFFERS, I),
    ],
)
def test_absent_is_not_zero_and_nothing_is_built(world, edit, reason, stage):
    world.sandbox.add(order())
    world.sandbox.change("FO-1", lambda raw: {k: v for k, v in {**raw, **edit}.items() if v is not None})
    assert world.once().ending is Ending.HELD
    assert world.job("FO-1", stage).reason is reason
    assert world.erp.ask("SELECT COUNT(*) FROM invoices") == [(0,)]


@pytest.mark.case("B18")
def test_no_price(world):
    world.sandbox.add(order())
    bare = [{"id": 1, "sku": "MUG", "qty": 2}]
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": bare})
    assert world.once().ending is Ending.HELD
    assert world.job("FO-1", I).reason is Reason.PRICE_MISSING


@pytest.mark.case("B18")
def test_an_explicit_zero_is_kept(world):
    world.sandbox.add(order("FO-1", ("GIFT", 1, "0.00"), fee="0.00"))
    world.finishes()
    assert loads(world.sandbox.posts[-1].body)["order"]["shipping_amount_incl_tax"] == D("0.00")
    assert world.erp.issued("FO-1") == ["1:1"]
    assert world.erp.delivered("FO-1") == 1


@pytest.mark.case("B11")
def test_a_repeat_never_invoices_more_than_was_allocated(world):
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00")))
    world.sandbox.auto_ship = False
    world.once(settle_for=1)
    world.sandbox.ship("FO-1", {1: 3})
    world.finishes()
    world.sandbox.ship("FO-1", {1: 2})
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{**item, "qty": 3} for item in raw["items"]]})
    for _ in range(5):
        world.once(settle_for=0)
    assert world.job("FO-1", I).reason is Reason.LISTED_AGAIN
    act(world, "repeat", "FO-1", I)
    world.once(settle_for=0.2)
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.MORE_THAN_ORDERED)
    assert "5 allocated, 3 invoiced already, and 3 more are listed" in held.sentence
    assert world.erp.issued("FO-1") == ["1:3"]


def test_a_listing_of_less_than_nothing_is_held_and_no_operator_can_approve_it(world):
    def returned(raw):
        items = [{**item, "price_incl_tax": D("-10.00"), "row_total_incl_tax": D("-20.00")} for item in raw["items"]]
        return {**raw, "items": items, "total_incl_tax": D("-15.01")}

    world.sandbox.add(order(), stage="invoice")
    world.sandbox.change("FO-1", returned)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert job.reason is Reason.AMOUNT_UNEXPLAINED
    assert (job.sentence or "").startswith("the invoice comes to -15.01 EUR: less than nothing is a credit note")
    assert (world.erp.drafts(), world.sandbox.posts) == (0, [])
    refused = world.command("order", "approve", "FO-1", "--total=-15.01", "--note", "a return")
    assert refused.returncode == 2
    assert "that is a credit note, which is never issued automatically. Nothing was approved" in refused.stderr
