"""Which allocations are looked up among what waits to be shipped, and which of them count as confirmed elsewhere."""

from dataclasses import replace
from datetime import timedelta

import pytest

from job_rows import varied
from planning import MINUTE, NOW, listing, order, started
from shipperone_erp import Reason
from shipperone_erp.domain.confirmed_elsewhere import confirmed_by_others, listed_to_ship, to_be_looked_up
from shipperone_erp.domain.states import Stage, State, Step

GRACE = timedelta(hours=2)


def reserved(**fields):
    return varied(started(order()), **{"step": Step.RESERVED, "reference": "R-1", "id": 7, **fields})


@pytest.mark.parametrize(
    ("fields", "looked_up"),
    [
        ({}, True),
        ({"absent_since": NOW - GRACE}, True),
        ({"absent_since": NOW - GRACE + MINUTE}, True),
        ({"absent_since": NOW - GRACE + 2 * MINUTE}, False),
        ({"step": Step.NEW}, False),
        ({"lost_at": NOW - MINUTE, "step": Step.CONFIRMING, "state": State.WAITING}, False),
        ({"state": State.HELD, "reason": Reason.ORDER_GONE}, False),
        ({"state": State.IGNORED}, False),
        ({"state": State.GONE, "open": False}, False),
    ],
    ids=["it has just left", "its release is due", "its release is nearly due", "its release is not due yet",
         "nothing is reserved", "its answer was lost", "it is held as gone", "it is ignored", "it has ended"],
)  # fmt: skip
def test_an_order_that_left_is_looked_up_at_once_and_right_before_its_release(fields, looked_up):
    job = reserved(**fields)
    assert to_be_looked_up([job], listing(), NOW, GRACE) == ([job] if looked_up else [])


def test_nothing_is_looked_up_for_what_is_listed_nor_after_a_read_that_proves_nothing():
    assert to_be_looked_up([reserved()], listing(order()), NOW, GRACE) == []
    assert to_be_looked_up([reserved()], listing(proves=False), NOW, GRACE) == []


def test_a_release_that_an_operator_has_requested_is_looked_up_while_it_waits():
    job = reserved(step=Step.DONE, state=State.WAITING, accepted_at=NOW, ending=State.GONE)
    assert to_be_looked_up([job], listing(), NOW, GRACE) == [job]


@pytest.mark.parametrize(
    ("listed", "counts"),
    [({"FO-1": {"1", "9"}}, True), ({"FO-1": set()}, True), ({"FO-1": {"9"}}, False), ({"FO-2": {"1"}}, False)],
    ids=["an item of it", "items that cannot be read", "another part", "another order"],
)
def test_a_job_counts_as_listed_by_its_own_items(listed, counts):
    assert listed_to_ship([reserved()], listed) == ({7} if counts else set())


def test_the_warning_names_three_orders_and_counts_the_others():
    assert confirmed_by_others(["FO-1"]).startswith("ShipperOne ships FO-1, and this ledger has confirmed none of them")
    assert "ships FO-1, FO-2, FO-3, and" in confirmed_by_others([f"FO-{number}" for number in (1, 2, 3)])
    assert "ships FO-1, FO-2, FO-3 and 2 more, and" in confirmed_by_others([f"FO-{number}" for number in range(1, 6)])


def test_an_invoice_is_never_looked_up():
    job = varied(started(order(), Stage.INVOICE), step=Step.BUILT)
    assert to_be_looked_up([job], replace(listing(), stage=Stage.INVOICE), NOW, GRACE) == []
