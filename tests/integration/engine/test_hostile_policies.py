"""Policies that never agree, change their mind, answer with anything or raise: nothing is sent, and the others go on."""

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State
from stage_orders import order

I = Stage.INVOICE  # noqa: E741

POLICY = """
import asyncio
import itertools

CALLS = itertools.count()

class MoodSettings(ConnectorSettings):
    mood: str

class Plugged(Policy[MoodSettings]):
    @hookimpl
    def handle_mismatch(self, mismatch):
        mood = self.settings.mood
        if mood == "swap":
            return [Resolution.retry(), Resolution.rebuild()][next(CALLS) % 2]
        if mood in ("retry", "rebuild"):
            return getattr(Resolution, mood)()
        if mood == "str":
            return "accept"
        if mood == "None":
            return None
        if mood == "CancelledError":
            raise asyncio.CancelledError
        raise {"SystemExit": SystemExit(3), "TimeoutError": TimeoutError(), "ValueError": ValueError()}[mood]
"""


@pytest.mark.parametrize(
    ("mood", "reason", "sentence"),
    [
        ("retry", Reason.TOTAL_DIFFERS, "ERP 25.00, ShipperOne 24.99"),
        ("rebuild", Reason.TOTAL_DIFFERS, "ERP 25.00, ShipperOne 24.99"),
        ("swap", Reason.TOTAL_DIFFERS, "ERP 25.00, ShipperOne 24.99"),
        ("str", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody answered with a str"),
        ("None", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody answered with None"),
        ("ValueError", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody raised ValueError"),
        ("TimeoutError", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody raised TimeoutError"),
        ("SystemExit", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody raised SystemExit"),
        ("CancelledError", Reason.CONNECTOR_BUG, "handle_mismatch of policy moody raised CancelledError"),
    ],
)
def test_a_hostile_policy_holds_its_order_and_no_other(world, plugins, mood, reason, sentence):
    plugins.install(f"moody_{mood.lower()}", POLICY, group="shipperone_erp.policies", name="moody")
    world.settings["policies"] = '["moody"]'
    world.more = f'\n[tenants.acme.moody]\nmood = "{mood}"\n'
    world.sandbox.add(order("FO-1"))
    world.sandbox.add(order("FO-2", first_id=30))
    world.erp.script("build_invoice", "cent_off", order="FO-1", times=99)
    world.once(settle_for=4)
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, reason)
    assert sentence in (held.sentence or "")
    assert world.erp.issued() == ["30:2"], "the other order is invoiced"
    assert world.erp.drafts() == 1, "each earlier draft is discarded"
    assert len(world.sandbox.order("FO-1").invoices) == 0
