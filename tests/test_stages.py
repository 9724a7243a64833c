"""Both stages end to end: the sandbox over HTTP, the counting ERP, effects counted where they happen."""

import re
import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from installed_plugins import InstalledPlugins
from shipperone_erp import Reason
from shipperone_erp.model.text import loads
from shipperone_erp.model.work import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.operations import going_live, steering
from shipperone_erp.runtime.outcome import Ending
from shipperone_erp.sandbox import Fault, SandboxOrder, generate

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def order(order_id: str = "FO-1", *lines: tuple[str, int, str], **fields) -> SandboxOrder:
    return SandboxOrder.simple(order_id, *(lines or (("MUG", 2, "10.00"),)), **fields)


def act(world, what, order_id, stage=None):
    with world.ledger() as ledger:
        fits = {"retry": steering.can_be_retried, "repeat": steering.can_be_repeated}[what]
        job = steering.pick(ledger, steering.Pick(order_id, stage=stage), fits, what)
        {"retry": steering.retry, "repeat": steering.repeat}[what](ledger, job, world.clock(), "by a test")


KINDS = {
    "drafts": {},
    "without drafts": {"erp": {"drafts": "false"}},
    "fiscal first": {"erp": {"fiscal": "true"}, "tenant": {"fiscal_first": "true"}},
    "batches": {"tenant": {"connector": '"counting_batch"'}},
    "no deliver, no undo": {"tenant": {"connector": '"counting_bare"'}},
}


@pytest.fixture(params=KINDS)
def any_world(request, world):
    """The same day with every kind of ERP."""
    kind = KINDS[request.param]
    world.erp_settings.update(kind.get("erp", {}))
    world.settings.update(kind.get("tenant", {}))
    return world


def test_an_order_flows_through_both_stages_with_every_kind_of_erp(any_world):
    any_world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.50")))
    any_world.finishes()
    assert any_world.erp.live("FO-1") == 1
    assert any_world.erp.issued("FO-1") == ["1:2,2:1"]
    assert any_world.sandbox.order("FO-1").allocations == 1
    assert any_world.sandbox.order("FO-1").invoices == [({1: D(2), 2: D(1)}, D("4.99"))]
    job = any_world.job("FO-1", I)
    assert (job.state, job.step, job.number) == (State.DONE, Step.DONE, "1")
    bare = any_world.settings["connector"] == '"counting_bare"'
    assert any_world.erp.delivered() == (0 if bare else 1)


def test_exactly_the_bodies_of_the_guide_go_out(world):
    world.sandbox.add(order(fee="4.90", first_id=55501))
    world.finishes()
    bodies = [post.body.decode() for post in world.sandbox.posts]
    assert [re.sub(r"\s", "", body) for body in bodies] == [
        '{"order":{"order_id":"FO-1","items":[{"item_id":55501}]}}',
        '{"order":{"order_id":"FO-1","items":[{"item_id":55501}],"shipping_amount_incl_tax":4.90}}',
    ]


def test_250_orders_with_repeated_pages_and_inserts_between_pages_in_one_run(world):
    listed = generate(250, seed=3)
    for entry in listed:
        world.sandbox.add(entry)
    late = generate(3, seed=9, prefix="FO-LATE-")
    late = [
        replace(o, items=tuple(replace(i, id=90000 + n * 10 + k) for k, i in enumerate(o.items)))
        for n, o in enumerate(late)
    ]
    for page, entry in enumerate(late, 1):
        world.sandbox.faults.add(Fault("insert", action="pending_allocation", page=page, times=1, payload=entry))
    world.settings["concurrency"] = "16"
    world.finishes(settle_for=20)
    everything = [*listed, *late]
    assert len(world.erp.issued()) == len(everything)
    assert world.erp.live() == len(everything)
    sent = sorted(post.body for post in world.sandbox.posts)
    expected = []
    for entry in everything:
        items = ",".join(f'{{"item_id":{item.id}}}' for item in entry.items)
        head = f'{{"order":{{"order_id":"{entry.order_id}","items":[{items}]'
        expected += [f"{head}}}}}", f'{head},"shipping_amount_incl_tax":{entry.shipping_amount_incl_tax}}}}}']
    assert sent == sorted(text.encode() for text in expected)


def test_d1_shipperone_takes_the_invoice_and_the_answer_is_lost(any_world):
    any_world.sandbox.add(order())
    lost = any_world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    any_world.finishes()
    assert lost.hits == 1
    assert any_world.erp.issued("FO-1") == ["1:2"]
    assert len(any_world.sandbox.order("FO-1").invoices) == 1
    assert any_world.job("FO-1", I).inferred


def test_d1_the_call_was_lost_on_its_way_there_and_is_sent_again(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("dropped", action="invoice", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]
    assert not world.job("FO-1", I).inferred
    assert [post.status for post in world.sandbox.posts if post.path.endswith("/invoice")] == [0, 200]


def test_d1_an_allocation_whose_answer_was_lost(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.sandbox.order("FO-1").allocations == 1
    assert world.erp.live("FO-1") == 1


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_d1_the_first_call_comes_after_the_second_was_on_its_way(world, action):
    """Its asker was given up, two reads said that it had no effect, and then it has one all the same."""
    world.sandbox.add(order())
    world.erp.stock("MUG", 9)
    shop = world.sandbox._shop

    def late(post):
        shop.allocate("FO-1", [1]) if action == "allocate" else shop.invoice("FO-1", [1], D("4.99"))

    world.sandbox.faults.add(Fault("dropped", action=action, times=1))
    world.sandbox.faults.add(Fault("call", action=action, times=1, every=2, payload=late))
    world.finishes(settle_for=20)
    job = world.job("FO-1", A if action == "allocate" else I)
    assert (job.state, job.inferred) == (State.DONE, True)
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
    assert world.erp.effects("release_stock") == world.erp.effects("discard_invoice") == 0
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(7, 0)]


def test_d1_in_doubt_hold_leaves_it_to_a_person(world):
    world.settings["in_doubt"] = '"hold"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert job.reason is Reason.OUTCOME_UNKNOWN
    assert world.erp.issued() == []


@pytest.mark.parametrize("kind", ["cut", "html_200", "redirect", "html_502", "500"])
def test_h3_an_answer_that_is_none_is_unknown_and_settled_by_the_queue(world, kind):
    world.sandbox.add(order())
    fault = world.sandbox.faults.add(Fault(kind, action="invoice", times=1))
    world.finishes(settle_for=15)
    assert fault.hits == 1
    assert len(world.sandbox.order("FO-1").invoices) == 1
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.parametrize("retry_after", ["1", "date1"])
@pytest.mark.parametrize("kind", ["429", "503"])
def test_h5_a_pause_that_shipperone_asks_for_is_no_attempt(world, kind, retry_after):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault(kind, action="allocate", times=1, retry_after=retry_after))
    world.finishes()
    assert world.job("FO-1", A).attempts == 0
    assert world.erp.issued("FO-1") == ["1:2"]


def test_h4_a_refused_token_pauses_the_tenant_and_fails_no_order(world):
    world.sandbox.add(order())
    world.sandbox.revoke("another")
    assert world.once().ending is Ending.PLATFORM
    assert world.jobs() == []
    world.environment["ACME_TOKEN"] = "another"
    world.finishes()


def test_h4_a_token_that_is_revoked_in_the_middle(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(
        Fault("call", action="invoice", times=1, payload=lambda post: world.sandbox.revoke("another"))
    )
    ended = world.once()
    assert ended.ending is Ending.PLATFORM
    assert "401" in ended.sentence
    assert world.job("FO-1", I).state is not State.HELD
    world.environment["ACME_TOKEN"] = "another"
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


def test_d3_a_hook_that_fails_twice_causes_one_post(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=2)
    world.finishes(settle_for=15)
    assert len(world.sandbox.posts) == 2
    assert world.erp.effects("issue_invoice") == 1


def test_d2_a_hook_whose_answer_was_lost_is_called_again_with_the_same_key(any_world):
    any_world.sandbox.add(order())
    for hook in ("reserve_stock", "build_invoice", "issue_invoice", "deliver"):
        any_world.erp.script(hook, "unknown_after")
    any_world.finishes(settle_for=20)
    assert any_world.erp.live("FO-1") == 1
    assert any_world.erp.issued("FO-1") == ["1:2"]
    assert any_world.erp.delivered() <= 1


def test_d7_a_retry_reads_both_sides_again(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "refused")
    assert world.once().ending is Ending.HELD
    world.sandbox.change(
        "FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D("5.99"), "total_incl_tax": D("25.99")}
    )
    act(world, "retry", "FO-1", I)
    world.finishes()
    assert loads(world.sandbox.posts[-1].body)["order"]["shipping_amount_incl_tax"] == D("5.99")


def test_p10_a_change_after_allocation_starts_again_and_leaves_nothing_behind(world):
    world.sandbox.auto_ship = False
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.50")))
    world.erp.stock("MUG", 10)
    world.sandbox.faults.add(Fault("503", action="allocate", times=1, retry_after="1"))
    world.sandbox.faults.add(
        Fault("call", action="allocate", times=1, payload=lambda post: world.sandbox.change("FO-1", _one_mug_less))
    )
    world.finishes()
    assert [job.state for job in world.jobs("FO-1", A)] == [State.SUPERSEDED, State.DONE]
    assert world.erp.live("FO-1") == 1
    assert world.erp.ask("SELECT on_hand, reserved FROM stock WHERE sku = 'MUG'") == [(10, 1)]


def _one_mug_less(raw):
    mugs, *rest = raw["items"]
    return {**raw, "items": [{**mugs, "qty": 1, "row_total_incl_tax": D("10.00")}, *rest]}


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


def test_m6_each_part_sends_the_shipping_that_the_queue_showed(world):
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


def test_m7_another_tax_than_the_shop_used_is_held_and_nothing_is_sent(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "tax_zero", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.rebuilds) == (Reason.TAX_DIFFERS, 3)
    assert "ERP 0, ShipperOne 21" in (job.sentence or "")
    assert not [post for post in world.sandbox.posts if post.path.endswith("/invoice")]
    assert world.erp.drafts() == 1, "the last draft stays, so that the accountant can look at it"


def test_m5_a_cent_within_the_tolerance_goes_through(world):
    world.settings["tolerance"] = '"0.01"'
    world.erp_settings["drafts"] = "false"
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off")
    world.finishes()


@pytest.mark.parametrize("parts", [((1, 2), (3, 4), (5,)), ((5,), (1, 2), (3, 4)), ((3, 4), (5,), (1, 2))])
def test_p1_five_items_as_two_and_two_and_one_in_any_order_with_replays(world, parts):
    lines = [(f"SKU-{n}", 1, "10.00") for n in range(1, 6)]
    plan = tuple({item: D(1) for item in part} for part in parts)
    world.sandbox.add(order("FO-1", *lines, parts=plan))
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", every=2))
    world.finishes(settle_for=20)
    assert sorted(world.erp.issued("FO-1")) == sorted(",".join(f"{item}:1" for item in part) for part in parts)
    assert world.erp.delivered("FO-1") == 3
    assert len(world.sandbox.order("FO-1").invoices) == 3


def test_p1_one_line_of_five_as_two_and_three(world):
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00"), parts=({1: D(2)}, {1: D(3)})))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:3"]


def test_p1_the_first_part_may_ship_before_the_answer_to_the_allocation_is_known(world):
    """The answer was lost; while it is being settled the warehouse ships two of five."""
    world.settings["settle"] = '"1s"'
    world.sandbox.add(order("FO-1", ("MUG", 5, "10.00"), parts=({1: D(2)}, {1: D(3)})))
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2", "1:3"]


def test_p1_an_equal_part_is_held_until_a_person_repeats_it(world):
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


def test_p4_one_sku_on_two_lines_is_told_apart_by_the_items_id(world):
    world.erp.stock("MUG", 6)
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("MUG", 3, "12.00"), first_id=70, parts=({71: D(3)},)))
    world.sandbox.auto_ship = False
    world.finishes()
    world.sandbox.ship("FO-1", {71: 3})
    world.finishes()
    assert world.erp.issued("FO-1") == ["71:3"], "the other line was cancelled before it shipped"
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(3, 2)]


def test_p4_a_shortage_of_two_lines_of_one_sku_names_both(world):
    world.erp.stock("MUG", 4)
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("MUG", 3, "12.00")))
    world.once(settle_for=0)
    sentence = world.job("FO-1", A).sentence
    assert sentence == "MUG: 5 wanted, 4 available in main; MUG: 5 wanted, 4 available in main"


def test_p9_a_transfer_is_waited_for_and_goes_on_by_itself(world):
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


def test_p9_reserved_at_the_source_is_enough_where_the_tenant_says_so(world):
    world.erp_settings["transfers_take_time"] = "true"
    world.settings["transfer"] = '"reserved"'
    listed = order("FO-1", ("LAMP", 1, "39.90"))
    world.sandbox.add(replace(listed, items=tuple(replace(i, warehouse_code="outlet") for i in listed.items)))
    world.finishes()
    assert world.erp.ask("SELECT arrived FROM transfers") == [(0,)]


def test_q1_q5_poison_orders_first_and_the_good_ones_finish_in_the_first_run(world):
    for number in range(101):
        world.sandbox.add(order(f"FO-BAD-{number:03}", ("MUG", 1, "1.00"), first_id=1000 + number))
    for number in range(5):
        world.sandbox.add(order(f"FO-GOOD-{number}", ("TEA", 1, "1.00"), first_id=5000 + number))
    for number in range(101):
        world.erp.script("reserve_stock", "raise", order=f"FO-BAD-{number:03}", times=99)
    assert world.once().ending is Ending.HELD
    assert sum(len(world.erp.issued(f"FO-GOOD-{number}")) for number in range(5)) == 5
    held = world.jobs(stage=A)
    assert sum(job.reason is Reason.CONNECTOR_BUG for job in held) == 101


@pytest.mark.parametrize("trouble", ["transient", "auth"])
def test_q6_that_stock_was_short_for_long_makes_no_later_trouble_longer(world, trouble):
    world.erp.stock("MUG", 0)
    world.sandbox.add(order())
    world.once(settle_for=2.5)
    short = world.job("FO-1", A)
    assert (short.reason, short.attempts >= 6) == (Reason.NOT_ENOUGH_STOCK, True)
    world.erp.script("reserve_stock", trouble, times=1)
    time.sleep(0.3)
    world.once(settle_for=0)
    job = world.job("FO-1", A)
    assert job.reason in (Reason.ERP_UNAVAILABLE, Reason.ERP_AUTH)
    assert job.attempts <= 1
    assert (job.next_attempt_at - world.clock()).total_seconds() < 3, "two to the sixth, it would be"


def test_q6_a_shortage_waits_on_its_own_schedule_and_says_so_once(world):
    world.erp.stock("MUG", 1)
    world.sandbox.add(order("FO-1", ("MUG", 3, "10.00")))
    world.once(settle_for=1.5)
    job = world.job("FO-1", A)
    assert (job.state, job.reason) == (State.WAITING, Reason.NOT_ENOUGH_STOCK)
    assert job.sentence == "MUG: 3 wanted, 1 available in main"
    tries = world.erp.ask("SELECT COUNT(*) FROM effects WHERE hook = 'reserve_stock'")[0][0]
    assert tries == 0, "a shortage leaves nothing reserved"
    assert 3 <= job.attempts <= 9, "within 1.5 s at one try each 0.2 s"
    said = [after for before, after in world.changes if before is None or before.reason is not after.reason]
    assert len([after for after in said if after.reason is Reason.NOT_ENOUGH_STOCK]) == 1
    world.erp.stock("MUG", 9)
    world.finishes()


def test_unreadable_orders_hide_no_other_and_start_once_they_can_be_read(world):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.sandbox.change("FO-BAD", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once().ending is Ending.HELD
    job = world.job("FO-BAD", A)
    assert job.reason is Reason.ORDER_UNREADABLE
    assert "quantity" in (job.sentence or "")
    assert world.erp.issued("FO-1") == ["50:2"]
    world.sandbox.change("FO-BAD", lambda raw: raw)
    world.finishes()
    assert world.erp.issued("FO-BAD") == ["1:2"]


def test_go_live_asks_about_what_was_listed_before(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order("FO-OLD"))
    assert world.once().ending is Ending.HELD
    assert world.job("FO-OLD", A).reason is Reason.BEFORE_GO_LIVE
    world.sandbox.add(order("FO-NEW", first_id=50))
    world.once()
    assert world.erp.issued() == ["50:2"], "what came later goes on"
    with world.ledger() as ledger:
        going_live.go_live(ledger, "acme", [A, I], world.clock(), from_now=True)
    world.finishes()
    assert world.job("FO-OLD", A).state is State.IGNORED
    assert world.erp.live("FO-OLD") == 0
    act(world, "retry", "FO-OLD")
    world.finishes()
    assert world.erp.issued("FO-OLD") == ["1:2"]


def test_go_live_all_releases_them(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order())
    world.once()
    with world.ledger() as ledger:
        going_live.go_live(ledger, "acme", [A, I], world.clock(), from_now=False)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.parametrize(
    ("edit", "reason", "stage"),
    [
        ({"shipping_amount_incl_tax": None}, Reason.SHIPPING_MISSING, I),
        ({"total_incl_tax": D("12.00")}, Reason.AMOUNT_UNEXPLAINED, I),
        ({"currency": "USD"}, Reason.CURRENCY_DIFFERS, I),
    ],
)
def test_b18_absent_is_not_zero_and_nothing_is_built(world, edit, reason, stage):
    world.sandbox.add(order())
    world.sandbox.change("FO-1", lambda raw: {k: v for k, v in {**raw, **edit}.items() if v is not None})
    assert world.once().ending is Ending.HELD
    assert world.job("FO-1", stage).reason is reason
    assert world.erp.ask("SELECT COUNT(*) FROM invoices") == [(0,)]


def test_b18_no_price(world):
    world.sandbox.add(order())
    bare = [{"id": 1, "sku": "MUG", "qty": 2}]
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": bare})
    assert world.once().ending is Ending.HELD
    assert world.job("FO-1", I).reason is Reason.PRICE_MISSING


def test_b18_an_explicit_zero_is_kept(world):
    world.sandbox.add(order("FO-1", ("GIFT", 1, "0.00"), fee="0.00"))
    world.finishes()
    assert loads(world.sandbox.posts[-1].body)["order"]["shipping_amount_incl_tax"] == D("0.00")
    assert world.erp.issued("FO-1") == ["1:1"]
    assert world.erp.delivered("FO-1") == 1


def test_a_vanished_order_gives_its_reservation_back(world):
    world.erp.stock("MUG", 9)
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1", times=99))
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    world.sandbox.cancel("FO-1")
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1, "one read is not enough"
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 0
    assert world.erp.ask("SELECT reserved FROM stock") == [(0,)]
    assert world.job("FO-1", A).state is State.GONE


def test_a_vanished_order_that_had_come_due_does_not_hurry_the_reads(world):
    """It is kept for `gone_grace`, and nothing about it changes sooner however often the queue is read."""
    world.settings["gone_grace"] = '"2h"'
    world.erp_settings["transfers_take_time"] = "true"
    far = replace(order(), items=(replace(order().items[0], warehouse_code="outlet"),))
    world.sandbox.add(far)
    world.once(settle_for=0.1)
    assert world.job("FO-1", A).reason is Reason.WAITING_FOR_TRANSFER
    world.sandbox.cancel("FO-1")
    before = world.sandbox.requests.total()
    world.once(settle_for=3)
    assert world.sandbox.requests.total() - before <= 6
    assert world.erp.live("FO-1") == 1


def test_q4_a_read_that_proves_nothing_lets_nothing_go(world):
    for number in range(130):
        world.sandbox.add(order(f"FO-{number:03}", first_id=number * 10))
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="60", times=999))
    world.once(settle_for=0)
    world.sandbox.cancel("FO-001")
    page_two = world.sandbox.faults.add(Fault("html_502", action="pending_allocation", page=2))
    for _ in range(3):
        world.once(settle_for=0)
    assert page_two.hits > 3
    assert world.job("FO-001", A).state is not State.GONE
    assert world.erp.live("FO-001") == 1


def test_a_voided_document_takes_the_next_generation(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)
    world.sandbox.faults.add(
        Fault(
            "call",
            action="invoice",
            times=1,
            payload=lambda post: world.erp.ask("UPDATE invoices SET state = 'voided'"),
        )
    )
    world.finishes(settle_for=15)
    job = world.job("FO-1", I)
    assert job.generation == 2
    assert world.erp.issued("FO-1") == ["1:2"]
    assert len(world.sandbox.order("FO-1").invoices) == 1, "no second POST"


def test_an_issued_answer_without_fiscal_first_is_a_bug_and_nothing_is_sent(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "issued_flag", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert job.reason is Reason.CONNECTOR_BUG
    assert "fiscal_first" in (job.sentence or "")
    assert len(world.sandbox.posts) == 1


def test_a_retry_after_a_false_issued_answer_builds_again_and_really_issues(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "issued_flag", times=1)
    world.once(settle_for=1)
    assert world.job("FO-1", I).reason is Reason.CONNECTOR_BUG
    act(world, "retry", "FO-1", I)
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]
    assert world.job("FO-1", I).number == "1"


def test_an_invoice_that_is_fiscal_already_and_differs_is_held_for_a_person_and_not_undone(world):
    world.erp_settings["fiscal"] = "true"
    world.settings["fiscal_first"] = "true"
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.generation) == (Reason.TOTAL_DIFFERS, 1)
    assert world.erp.effects("build_invoice") == 1
    assert [effect.kind for effect in world.ledger().effects(job.id)] == [EffectKind.BUILD]
    assert world.sandbox.order("FO-1").invoices == []


@pytest.mark.parametrize(("what", "said"), [("none", "None"), ("wrong_type", "a str"), ("raise", "ZeroDivisionError")])
def test_g5_a_contract_violation_holds_that_job_and_the_others_go_on(world, what, said):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.erp.script("reserve_stock", what, order="FO-BAD", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-BAD", A)
    assert job.reason is Reason.CONNECTOR_BUG
    assert said in (job.sentence or "")
    assert world.erp.issued("FO-1") == ["50:2"]


def test_g6_a_hook_that_hangs_meets_its_deadline_and_counts_as_unknown(world):
    world.settings["hook_timeout"] = '"0.3s"'
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "hang", detail="1")
    world.finishes()
    with world.ledger() as ledger:
        outcomes = [effect.outcome for effect in ledger.effects(world.job("FO-1", A).id)]
    assert outcomes == [Outcome.UNKNOWN, Outcome.OK, Outcome.OK]
    assert world.erp.live("FO-1") == 1


@pytest.mark.parametrize(
    ("how", "reason"),
    [("leak", "connector_bug"), ("leak_refused", "erp_refused"), ("leak_pending", "erp_pending")],
)
def test_g7_a_secret_that_a_connector_leaks_is_nowhere(world, tmp_path, how, reason):
    secret = "Pl4nted-Secret-9"
    world.erp_settings["password"] = '{ env = "ERP_PASSWORD" }'
    world.environment["ERP_PASSWORD"] = secret
    world.sandbox.add(order())
    world.erp.script("reserve_stock", how, times=9)
    done = world.command("run", "--once", "--settle-for", "0s")
    assert done.returncode == (0 if how == "leak_pending" else 3)
    shown = world.command("order", "show", "FO-1", "--json")
    assert reason in shown.stdout
    for text in (done.stdout, done.stderr, shown.stdout, shown.stderr):
        assert secret not in text
        assert world.sandbox.token not in text
    for file in tmp_path.glob("ledger.db*"):
        assert secret.encode() not in file.read_bytes()
        assert world.sandbox.token.encode() not in file.read_bytes()


def test_batches_that_fail_as_a_whole_are_tried_one_by_one_and_forgotten_keys_again(world):
    world.settings["connector"] = '"counting_batch"'
    for number in range(30):
        world.sandbox.add(order(f"FO-{number:02}", first_id=number * 10))
    world.erp.script("reserve_stock_batch", "raise")
    world.erp.script("issue_invoice_batch", "forget")
    world.finishes(settle_for=15)
    assert world.erp.live() == 30
    assert len(world.erp.issued()) == 30
    assert world.erp.effects("build_invoice_batch") >= 1


def test_an_erp_that_refuses_the_login_fails_no_order(world):
    for number in range(10):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    world.erp.script("*", "auth", times=999)
    assert world.once(settle_for=0.5).ending is Ending.ERP
    assert {job.state for job in world.jobs()} == {State.WAITING}
    assert all(job.attempts == 0 for job in world.jobs())
    world.erp.ask("DELETE FROM script")
    world.finishes()


def test_d6_a_ledger_that_meets_another_erp_does_nothing(world):
    world.sandbox.add(order())
    world.finishes()
    world.sandbox.add(order("FO-2", first_id=50))
    world.erp_settings["name"] = '"staging"'
    ended = world.once()
    assert ended.ending is Ending.CONFIGURATION
    assert "ledger adopt acme" in ended.sentence
    assert "staging" in ended.sentence
    assert world.erp.live("FO-2") == 0


def test_the_ledger_tells_every_effect_with_its_bodies(world):
    world.sandbox.add(order())
    world.finishes()
    with world.ledger() as ledger:
        effects = ledger.effects(world.job("FO-1", I).id)
    assert [effect.kind for effect in effects] == [
        EffectKind.BUILD,
        EffectKind.CONFIRM,
        EffectKind.ISSUE,
        EffectKind.DELIVER,
    ]
    assert {effect.outcome for effect in effects} == {Outcome.OK}
    assert effects[1].request == world.sandbox.posts[-1].body.decode()


def test_only_the_orders_and_as_many_as_were_asked_for(world):
    for number in range(5):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    world.finishes(orders=["FO-3"])
    assert world.erp.issued() == ["30:2"]
    world.finishes(limit=2)
    assert len(world.erp.issued()) == 3


@pytest.mark.parametrize("what", ["text_ids", "already_issued"])
def test_q5_whatever_an_invoice_hook_answers_the_other_orders_go_on(world, what):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.erp.script("build_invoice", what, order="FO-BAD", times=99)
    ended = world.once(settle_for=2)
    assert world.erp.issued("FO-1") == ["50:2"], ended
    assert ended.ending in (Ending.HELD, Ending.FINISHED), ended


def steer(world, act, order_id, stage, **options):
    with world.ledger() as ledger:
        act(ledger, world.job(order_id, stage), world.clock(), "by a test", **options)


def test_q5_a_mismatch_hook_that_hangs_holds_its_order_and_the_others_go_on(world, plugins: InstalledPlugins):
    plugins.install(
        "slow",
        "import time\nclass Plugged(Policy[ConnectorSettings]):\n    @hookimpl\n"
        "    def handle_mismatch(self, mismatch):\n        time.sleep(1.5)\n",
        group="shipperone_erp.policies",
    )
    world.settings |= {"policies": '["slow"]', "hook_timeout": '"0.3s"'}
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.erp.script("build_invoice", "cent_off", order="FO-BAD", times=99)
    ended = world.once(settle_for=2)
    assert world.erp.issued("FO-1") == ["50:2"], ended
    assert ended.ending is Ending.HELD, ended


def test_d1_one_lost_answer_is_settled_by_the_queue_however_long_the_order_waited_before(world):
    world.erp.stock("MUG", 0)
    world.sandbox.add(order())
    world.once(settle_for=1)
    assert world.job("FO-1", A).attempts >= 3
    world.erp.stock("MUG", 9)
    world.sandbox.faults.add(Fault("lost_answer", action="allocate", times=1))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]


def test_d1_ignored_and_retried_an_unknown_outcome_is_still_settled(world):
    world.settings["settle"] = '"3s"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    world.once(settle_for=1)
    assert world.job("FO-1", I).lost_at is not None
    steer(world, steering.ignore, "FO-1", I)
    steer(world, steering.retry, "FO-1", I)
    world.finishes()
    assert len(world.sandbox.order("FO-1").invoices) == 1
    assert world.erp.issued("FO-1") == ["1:2"]


def test_what_is_accepted_is_issued_while_shipperone_is_away(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)
    world.once(settle_for=0.3)
    job = world.job("FO-1", I)
    assert job.accepted
    assert job.state is not State.DONE
    world.sandbox.revoke("another")
    time.sleep(1.5)
    assert world.once(settle_for=0).ending is Ending.PLATFORM
    assert world.erp.issued("FO-1") == ["1:2"]
    assert world.erp.delivered("FO-1") == 1


def test_an_open_order_that_can_no_longer_be_read_is_held_and_heals_by_itself(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", times=1, retry_after="0"))
    world.once(settle_for=0)
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once(settle_for=0.5).ending is Ending.HELD
    held = world.job("FO-1", A)
    assert (held.state, held.reason, held.reference is not None) == (State.HELD, Reason.ORDER_UNREADABLE, True)
    steer(world, steering.retry, "FO-1", A)
    assert world.once(settle_for=0.5).ending is Ending.HELD
    world.sandbox.change("FO-1", lambda raw: raw)
    world.finishes()
    assert world.erp.effects("reserve_stock") == 1


def test_an_unreadable_order_that_is_retried_in_vain_is_held_again(world):
    world.sandbox.add(order())
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    assert world.once(settle_for=0.2).ending is Ending.HELD
    steer(world, steering.retry, "FO-1", A)
    assert world.once(settle_for=0.2).ending is Ending.HELD
    world.sandbox.change("FO-1", lambda raw: raw)
    world.finishes()


def test_a_rebuild_that_a_person_asked_for_is_done_once_the_lost_answer_is_settled(world):
    world.settings["settle"] = '"2s"'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("dropped", action="invoice", times=1))
    world.once(settle_for=1)
    assert world.job("FO-1", I).lost_at is not None
    steer(world, steering.retry, "FO-1", I, rebuild=True)
    world.finishes()
    assert world.job("FO-1", I).generation == 2
    assert world.erp.issued("FO-1") == ["1:2"]


def test_a_refused_release_is_not_asked_for_again_before_a_person_says_so(world):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1", times=99))
    world.erp.script("release_stock", "refused", times=99)
    world.once(settle_for=0)
    world.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D("7.00"), "total_incl_tax": D(27)})
    for _ in range(4):
        assert world.once(settle_for=0).ending in (Ending.HELD, Ending.PLATFORM)
    with world.ledger() as ledger:
        kinds = [effect.kind for effect in ledger.effects(world.jobs("FO-1", A)[0].id)]
    assert kinds.count(EffectKind.RELEASE) == 1
    world.erp.ask("DELETE FROM script")
    world.sandbox.faults.clear()
    steer(world, steering.retry, "FO-1", A)
    world.finishes()
    assert world.erp.live("FO-1") == 1


def test_an_ignored_reservation_is_not_joined_by_a_second_one_when_the_order_changes(world):
    world.sandbox.add(order("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.50")))
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="60", times=99))
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    steer(world, steering.ignore, "FO-1", A)
    world.sandbox.change("FO-1", _one_mug_less)
    world.once(settle_for=0)
    assert world.erp.live("FO-1") == 1
    world.sandbox.faults.clear()
    steer(world, steering.retry, "FO-1", A)
    world.once(settle_for=2)
    assert world.erp.live("FO-1") == 1
    assert world.erp.effects("release_stock") == 1


def test_what_a_person_ignores_while_the_service_is_busy_stays_ignored(world):
    world.settings |= {"concurrency": "1", "stock_retry": '"0.05s"'}
    world.erp.stock("MUG", 0)
    for number in range(8):
        world.sandbox.add(order(f"FO-{number}", first_id=10 * number + 1))
    world.once(settle_for=0)
    world.erp.stock("MUG", 99)
    world.erp.script("reserve_stock", "hang_then", times=99, detail="0.3")
    time.sleep(0.1)
    running = threading.Thread(target=lambda: world.once(settle_for=0))
    running.start()
    while world.erp.effects("reserve_stock") == 0:
        time.sleep(0.02)
    waiting = [job for job in world.jobs(stage=A) if job.state is State.WAITING]
    last = max(waiting, key=lambda job: job.order_id)
    steer(world, steering.ignore, last.order_id, A)
    running.join()
    assert world.job(last.order_id, A).state is State.IGNORED
    assert world.erp.live(last.order_id) == 0


def test_d7_a_draft_that_was_corrected_in_the_erp_is_read_again_by_retry(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    assert world.once(settle_for=3).ending is Ending.HELD
    held = world.job("FO-1", I)
    world.erp.ask("DELETE FROM script")
    steer(world, steering.retry, "FO-1", I)
    world.finishes()
    assert world.job("FO-1", I).key == held.key, "the corrected draft was thrown away"


def test_an_accepted_document_that_was_built_anew_and_differs_is_read_again_with_every_try(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)
    world.sandbox.faults.add(
        Fault(
            "call",
            action="invoice",
            times=1,
            payload=lambda post: world.erp.ask("UPDATE invoices SET state = 'voided'"),
        )
    )
    world.once(settle_for=0.2)
    world.erp.script("build_invoice", "cent_off", times=1)
    world.finishes(settle_for=15)
    assert world.erp.issued("FO-1") == ["1:2"]


def test_a_refused_rebuild_of_what_is_accepted_is_tried_again_by_itself(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)
    world.sandbox.faults.add(
        Fault(
            "call",
            action="invoice",
            times=1,
            payload=lambda post: world.erp.ask("UPDATE invoices SET state = 'voided'"),
        )
    )
    world.once(settle_for=0.2)
    world.erp.script("build_invoice", "refused", times=1, detail="erp_period_locked")
    world.finishes(settle_for=15)
    assert world.erp.issued("FO-1") == ["1:2"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("hook", "stage"), [("reserve_stock", A), ("build_invoice", I)])
def test_an_erp_that_voids_everything_is_not_asked_without_end(world, hook, stage):
    world.sandbox.add(order())
    world.erp.script(hook, "voided", times=40)
    world.once(settle_for=0.5)
    assert world.job("FO-1", stage).generation <= 5
    assert world.job("FO-1", stage).state in (State.HELD, State.WAITING)


def test_b11_a_repeat_never_invoices_more_than_was_allocated(world):
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


def test_a_queue_that_only_was_read_again_is_told_to_the_ledger_once_a_minute(world):
    def told() -> object:
        with world.ledger() as ledger:
            record = ledger.queue("acme", A)
            assert record is not None
            return record.last_good_read_at

    world.once(settle_for=0)
    first = told()
    world.once(settle_for=0)
    assert told() == first
    world.clock.ahead = timedelta(seconds=61)
    world.once(settle_for=0)
    later = told()
    assert later > first
    world.clock.ahead = timedelta(days=-1)
    world.once(settle_for=0)
    assert told() < first, "a clock that was set back is not waited for"
