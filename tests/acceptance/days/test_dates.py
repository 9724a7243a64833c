"""Days about the day that an invoice is of (B7)."""

from decimal import Decimal as D

import pytest

from merchant import order
from operator_actions import perform
from shipperone_erp import Reason
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import order_of

I = Stage.INVOICE  # noqa: E741


def without_shipped_at(raw):
    return {key: value for key, value in raw.items() if key != "shipped_at"}


@pytest.mark.case("B7")
@pytest.mark.parametrize(
    ("timezone", "shipped_at", "day"),
    [
        ("Europe/Bratislava", "2026-03-31T22:30:00Z", "2026-04-01"),  # half past midnight there, yesterday in UTC
        ("UTC", "2026-03-31T22:30:00Z", "2026-03-31"),
        ("Europe/Bratislava", "2026-03-28T23:30:00Z", "2026-03-29"),  # the night before the clocks go forward
        ("Europe/Bratislava", "2026-03-29T22:30:00Z", "2026-03-30"),  # the night after
        ("Europe/Bratislava", "2026-10-24T22:30:00Z", "2026-10-25"),  # the night in which they go back
        ("Europe/Bratislava", "2026-10-25T22:30:00Z", "2026-10-25"),
        ("America/New_York", "2026-04-01T03:30:00Z", "2026-03-31"),
    ],
)
def test_half_past_midnight_is_yesterday_in_utc(merchant, timezone, shipped_at, day):
    merchant.settings["timezone"] = f'"{timezone}"'
    merchant.at(shipped_at)
    merchant.sandbox.add(order("FO-1", shipped_at=shipped_at), stage="invoice")
    merchant.finishes()
    assert merchant.tax_dates() == [day]


@pytest.mark.case("B7")
def test_shipped_on_the_31st_and_invoiced_on_the_1st(merchant):
    merchant.settings["timezone"] = '"Europe/Bratislava"'
    merchant.at("2026-04-01T09:00:00+02:00")
    merchant.sandbox.add(order("FO-1", shipped_at="2026-03-31T15:00:00+02:00"), stage="invoice")
    merchant.sandbox.add(order_of("midnight", "FO-2", 20), stage="invoice")
    merchant.finishes()
    assert {booked.order_id: booked.tax_date for booked in merchant.books.invoices()} == {
        "FO-1": "2026-03-31", "FO-2": "2026-04-01",
    }  # fmt: skip


@pytest.mark.case("B7")
@pytest.mark.parametrize("rule", ["shipped", "first_listed"])
def test_the_day_of_the_first_listing_stays_when_the_shop_corrects_the_order(merchant, rule):
    """Listed on the 31st with a total that nobody can explain, corrected on the 1st. It does not say when it shipped."""
    merchant.settings |= {"timezone": '"Europe/Bratislava"', "tax_date": f'"{rule}"'}
    merchant.at("2026-03-31T23:40:00+02:00")
    merchant.sandbox.add(order("FO-1", total_incl_tax=D("99.00")), stage="invoice")
    merchant.sandbox.change("FO-1", without_shipped_at)
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", I).reason is Reason.AMOUNT_UNEXPLAINED
    merchant.at("2026-04-01T08:00:00+02:00")
    merchant.sandbox.change("FO-1", lambda raw: {**without_shipped_at(raw), "total_incl_tax": D("24.99")})
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-03-31"]


@pytest.mark.case("B7")
def test_the_day_of_issue_is_fixed_by_the_first_attempt_to_issue(merchant):
    """The period is locked on the 31st at midnight; the invoice was tried before, and is not dated the 1st afterwards."""
    merchant.settings |= {"timezone": '"Europe/Bratislava"', "tax_date": '"issued"'}
    merchant.at("2026-03-31T23:59:00+02:00")
    merchant.books.lock("2026-03-31")
    merchant.sandbox.add(order("FO-1", shipped_at="2026-03-30T10:00:00+02:00"), stage="invoice")
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", I)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.ERP_PERIOD_LOCKED, Owner.ACCOUNTANT)
    assert held.accepted, "built without a date, and accepted by ShipperOne"
    assert "ShipperOne has accepted it, the invoice is not issued yet" in (held.sentence or "")
    merchant.at("2026-04-01T08:00:00+02:00")
    merchant.once(settle_for=0.3)
    assert merchant.tax_dates() == [], "tried again by itself, and never shifted into the open period"
    merchant.books.lock("")
    merchant.at("2026-04-01T08:30:00+02:00")
    merchant.finishes()
    assert merchant.tax_dates() == ["2026-03-31"]


@pytest.mark.case("B7")
def test_a_locked_period_is_held_and_keeps_its_day_after_a_retry(merchant):
    merchant.settings["timezone"] = '"Europe/Bratislava"'
    merchant.at("2026-04-03T08:00:00+02:00")
    merchant.books.lock("2026-03-31")
    merchant.sandbox.add(order("FO-1", shipped_at="2026-03-31T10:00:00+02:00"), stage="invoice")
    merchant.sandbox.add(order("FO-2", first_id=20, shipped_at="2026-04-01T10:00:00+02:00"), stage="invoice")
    merchant.once(settle_for=0.3)
    held = merchant.job("FO-1", I)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.ERP_PERIOD_LOCKED, Owner.ACCOUNTANT)
    assert merchant.sandbox.order("FO-1").invoices == [], "nothing was sent"
    assert merchant.tax_dates() == ["2026-04-01"], "the other one goes on"
    perform(merchant, "retry", "FO-1")
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", I).reason is Reason.ERP_PERIOD_LOCKED
    merchant.books.lock("")
    perform(merchant, "retry", "FO-1")
    merchant.finishes()
    assert sorted(map(str, merchant.tax_dates())) == ["2026-03-31", "2026-04-01"]
