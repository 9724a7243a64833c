"""Settings that change while an invoice waits: a draft built with the old ones is not made fiscal."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault, SandboxItem, SandboxOrder
from stage_orders import order, steer

I = Stage.INVOICE  # noqa: E741


def discounted() -> SandboxOrder:
    """Its rows are 20.00, before or after a discount of 3.00: nothing proves which."""
    item = SandboxItem(
        id=1, sku="MUG", qty=D(2), price_incl_tax=D("10.00"), row_total_incl_tax=D("20.00"), discount=D("3.00")
    )
    return SandboxOrder(order_id="FO-1", items=(item,))


def built_with(world, order: SandboxOrder) -> None:
    """The draft is built, and waits since ShipperOne does not take confirmations."""
    world.sandbox.add(order, stage="invoice")
    world.sandbox.faults.add(Fault("503", action="invoice", times=99, retry_after="1"))
    world.once(settle_for=0.5)
    world.sandbox.faults.clear()
    assert world.job("FO-1", I).step is Step.CONFIRMING


def documents(world) -> list[tuple[str, str]]:
    return [tuple(row) for row in world.erp.ask("SELECT state, total FROM invoices ORDER BY key")]


@pytest.mark.parametrize("drafts", ["true", "false"])
def test_a_draft_that_waits_is_built_again_before_it_is_sent(world, drafts):
    world.erp_settings["drafts"] = drafts
    world.settings["discount"] = '"in_row"'
    built_with(world, discounted())
    world.settings["discount"] = '"off_row"'
    world.finishes()
    assert documents(world) == ([("voided", "24.99")] if drafts == "true" else []) + [("issued", "21.99")]
    assert len(world.sandbox.order("FO-1").invoices) == 1


def test_a_draft_that_waits_is_approved_where_that_is_required_by_now(world):
    built_with(world, order())
    world.settings["approve"] = '["invoice"]'
    assert world.once().ending is Ending.HELD
    assert world.job("FO-1", I).reason is Reason.AWAITING_APPROVAL
    assert (world.sandbox.order("FO-1").invoices, documents(world)) == ([], [("draft", "24.99")])
    steer(world, job_actions.approve, "FO-1", I)
    world.finishes()
    assert documents(world) == [("issued", "24.99")]


def test_a_draft_that_waits_is_not_built_again_where_nothing_has_changed(world):
    built_with(world, order())
    world.finishes()
    assert documents(world) == [("issued", "24.99")]
    assert world.job("FO-1", I).generation == 1


def test_what_a_policy_has_accepted_is_sent_after_a_wait_and_not_where_the_policy_is_gone(world):
    world.erp_settings["drafts"] = "false"
    world.erp.script("build_invoice", "cent_off", times=99)
    world.settings["policies"] = '["within_a_cent"]'
    built_with(world, order())
    del world.settings["policies"]
    assert world.once(settle_for=4).ending is Ending.HELD
    assert world.job("FO-1", I).reason is Reason.TOTAL_DIFFERS
    assert world.sandbox.order("FO-1").invoices == []
    world.settings["policies"] = '["within_a_cent"]'
    steer(world, job_actions.retry, "FO-1", I)
    world.sandbox.faults.add(Fault("503", action="invoice", times=4, retry_after="1"))
    world.finishes(settle_for=30)
    assert len(world.sandbox.order("FO-1").invoices) == 1, "four waits do not use up what the policy may accept"


@pytest.mark.parametrize(("unit", "percent"), [("fraction", D(21)), ("percent", D("0.21"))])
def test_a_rate_that_may_be_a_fraction_is_held_and_resumes_once_its_unit_is_set(world, unit, percent):
    item = SandboxItem(id=1, sku="MUG", qty=D(2), row_total_incl_tax=D("20.00"), tax_percent=D("0.21"))
    world.sandbox.add(SandboxOrder(order_id="FO-1", items=(item,)))  # allocated before the unit is set
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.step, documents(world)) == (Reason.AMOUNT_UNEXPLAINED, Step.NEW, [])
    assert "is 0.21, which is 0.21 % or, as a fraction, 21 %" in (job.sentence or "")
    world.settings["tax_rates"] = f'"{unit}"'
    world.finishes()
    assert documents(world) == [("issued", "24.99")]
    assert [line.tax_percent for line in world.job("FO-1", I).invoice.lines] == [percent]


def test_another_amount_that_is_not_explained_rests_though_the_unit_of_rates_is_set(world):
    world.settings["tax_rates"] = '"percent"'
    world.sandbox.add(discounted(), stage="invoice")
    assert world.once().ending is Ending.HELD
    held = world.job("FO-1", I)
    assert (held.reason, held.step) == (Reason.AMOUNT_UNEXPLAINED, Step.NEW)
    world.once()
    assert world.job("FO-1", I) == held, "it is not tried again at every listing"


def accepted_and_not_issued(world) -> None:
    world.settings["discount"] = '"in_row"'
    world.sandbox.add(discounted(), stage="invoice")
    world.erp.script("issue_invoice", "transient")
    world.once(settle_for=0.1)
    assert world.job("FO-1", I).step is Step.ACCEPTED
    world.settings["discount"] = '"off_row"'


def test_an_accepted_draft_is_not_issued_at_an_amount_that_is_not_expected_any_more(world):
    accepted_and_not_issued(world)
    assert world.once(settle_for=2).ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.state, job.reason) == (State.HELD, Reason.CONFIRMED_NOT_ISSUED)
    assert "total_incl_tax: ERP 24.99, accepted 21.99" in (job.sentence or "")
    assert documents(world) == [("draft", "24.99")]
    world.erp.ask("UPDATE invoices SET state = 'voided'")  # as the sentence says
    world.clock.ahead = timedelta(minutes=10)
    world.finishes()
    assert documents(world) == [("voided", "24.99"), ("issued", "21.99")]
    assert len(world.sandbox.order("FO-1").invoices) == 1, "no second POST"


def test_an_accepted_draft_that_somebody_issues_meanwhile_is_reported_once(world):
    accepted_and_not_issued(world)
    world.once(settle_for=2)
    world.erp.ask("UPDATE invoices SET state = 'issued', number = 77")
    world.clock.ahead = timedelta(minutes=10)
    assert world.once(settle_for=2).ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.state, job.step, job.reason) == (State.HELD, Step.ISSUED, Reason.TOTAL_DIFFERS)
    assert "invoice 77 was issued with other values" in (job.sentence or "")


def test_an_erp_without_drafts_computes_an_accepted_invoice_anew(world):
    world.erp_settings["drafts"] = "false"
    accepted_and_not_issued(world)
    world.finishes()
    assert documents(world) == [("issued", "21.99")]
