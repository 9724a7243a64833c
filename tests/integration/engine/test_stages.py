"""Both stages end to end: the sandbox over HTTP, the counting ERP, effects counted where they happen."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.sandbox import Fault, generate
from stage_orders import order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


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
    world.finishes(settle_for=100)  # on a busy machine; it ends as soon as nothing is left
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


@pytest.mark.case("D6")
def test_a_ledger_that_meets_another_erp_does_nothing(world):
    world.sandbox.add(order())
    world.finishes()
    world.sandbox.add(order("FO-2", first_id=50))
    world.erp_settings["name"] = '"staging"'
    ended = world.once()
    assert ended.ending is Ending.CONFIGURATION
    assert "ledger adopt acme" in ended.sentence
    assert "staging" in ended.sentence
    assert world.erp.live("FO-2") == 0


def test_the_ledger_lists_every_effect_with_its_bodies(world):
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


def test_only_the_requested_orders_and_the_requested_number_are_processed(world):
    for number in range(5):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    world.finishes(orders=["FO-3"])
    assert world.erp.issued() == ["30:2"]
    world.finishes(limit=2)
    assert len(world.erp.issued()) == 3


def test_an_unchanged_read_is_recorded_once_a_minute(world):
    def reported() -> object:
        with world.ledger() as ledger:
            record = ledger.queue("acme", A)
            assert record is not None
            return record.last_good_read_at

    world.once(settle_for=0)
    first = reported()
    world.once(settle_for=0)
    assert reported() == first
    world.clock.ahead = timedelta(seconds=61)
    world.once(settle_for=0)
    later = reported()
    assert later > first
    world.clock.ahead = timedelta(days=-1)
    world.once(settle_for=0)
    assert reported() < first, "a clock that was set back is not waited for"
