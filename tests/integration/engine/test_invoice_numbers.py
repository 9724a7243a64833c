"""A number is used once by one issuer, in one process and in the next."""

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from stage_orders import order

I = Stage.INVOICE  # noqa: E741


def shipped(world, order_id: str, first_id: int, number: str) -> None:
    """Its invoice gets that number: `INV/1`, or `INV/1 by SK` of an issuer."""
    world.sandbox.add(order(order_id, first_id=first_id), stage="invoice")
    world.erp.script("issue_invoice", "numbered", order=order_id, times=9, detail=number)


@pytest.mark.case("B5")
@pytest.mark.parametrize("at_once", [True, False], ids=["in one run", "in two runs"])
@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        ("INV/1", "INV/1", True),
        ("INV/1 by SK", "INV/1 by SK", True),
        ("INV/1 by SK", "INV/1", True),
        ("INV/1 by SK", "INV/1 by CZ", False),
        ("INV/1", "INV/2", False),
        (" ", " ", False),
    ],
)
def test_two_invoices_of_one_issuer_never_have_one_number(world, first, second, held, at_once):
    shipped(world, "FO-1", 10, first)
    if not at_once:
        world.finishes()
    shipped(world, "FO-2", 20, second)
    ended = world.once()
    stuck = [job for job in world.jobs(stage=I) if job.state is State.HELD]
    assert (ended.ending is Ending.HELD) is held
    # in one run each of the two may find the other
    assert {job.reason for job in stuck} == ({Reason.NUMBER_REUSED} if held else set())
    assert len(world.erp.issued()) == 2
