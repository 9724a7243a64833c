"""Random days: both stages with crashes, faults, parts, edits, cancellations, two runtimes at once.

The orders are those of the month: bundles, services, transfers, coupons, samples, parts of one line. At every moment:
nothing is reserved or issued twice, nothing is issued that ShipperOne has not accepted as it is or that a person was to
approve first, of no item more than was ordered, nothing of an order that does not add up, and no stock is oversold. At the
end, once the faults are over and a person has acted on what was held, every order is done or explained.
`SHIPPERONE_ERP_EXAMPLES=200 pytest tests/integration/engine/test_state_machine.py` runs longer.
"""

import os
import random
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from examples import THOROUGH
from month.kinds import KINDS as MONTH
from month.kinds import SETTINGS, STOCK, invoiced_rows
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder
from world import World

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741
AT_MOST = 4
PARTS = {
    "whole": (),
    "two lines": ({1: D(2)}, {2: D(3)}),
    "2 + 3 of one line": ({1: D(2), 2: D(1)}, {2: D(2)}),
}
FAULTS = ["lost_answer", "dropped", "cut", "500", "html_502", "html_200", "empty", "503", "latency"]
SCRIPTS = ["transient", "unknown_after", "raise", "none", "pending", "refused"]
HOOKS = ["reserve_stock", "build_invoice", "issue_invoice", "release_stock", "discard_invoice", "deliver"]
ERPS: list[dict[str, str]] = [{}, {"drafts": "false"}]
RULES: list[dict[str, str]] = [{}, {"approve": '["invoice"]'}, {"transfer": '"reserved"'}]
NEVER_INVOICED = {name for name, kind in MONTH.items() if kind.fate and kind.fate[0] is I} - {
    "equal parts, no operator"
}
"""What is listed of them does not add up."""


class PowerCut(Ledger):
    """A ledger whose disk goes away at the n-th commit: what was done outside by then is done, and not recorded."""

    left = 0

    def commit(self, batch):
        type(self).left -= 1
        if type(self).left < 0:
            raise OSError("power cut")
        super().commit(batch)


class Days(RuleBasedStateMachine):
    @initialize(
        erp=st.sampled_from(ERPS),
        rules=st.sampled_from(RULES),
        connector=st.sampled_from(["counting", "counting_batch"]),
    )
    def open_shop(self, erp, rules, connector):
        self.folder = tempfile.TemporaryDirectory()
        self.sandbox = Sandbox()
        self.sandbox.__enter__()
        self.sandbox.auto_ship = True
        self.world = World(Path(self.folder.name), self.sandbox)
        self.world.erp_settings |= {"transfers_take_time": "true", **erp}
        self.world.settings |= {"connector": f'"{connector}"', "settle": '"0.1s"', **SETTINGS, **rules}
        for (warehouse, sku), pieces in STOCK.items():
            self.world.erp.stock(sku, pieces, warehouse)
        self.world.runtime_settings["lease"] = '"0.4s"'
        self.orders: dict[str, str] = {}
        self.cancelled: set[str] = set()

    @precondition(lambda self: len(self.orders) < AT_MOST)
    @rule(parts=st.sampled_from(sorted(PARTS)))
    def order_comes(self, parts):
        order_id = f"FO-{len(self.orders)}"
        self.sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), ("TEA", 3, "4.50"), parts=PARTS[parts]))
        self.orders[order_id] = parts

    @precondition(lambda self: len(self.orders) < AT_MOST)
    @rule(kind=st.sampled_from(sorted(MONTH)), seed=st.integers(0, 9))
    def order_of_the_month_comes(self, kind, seed):
        number = len(self.orders)
        self.sandbox.add(MONTH[kind].make(random.Random(seed), f"FO-{number}", 100 + number * 10))
        self.orders[f"FO-{number}"] = kind

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, AT_MOST - 1), fee=st.sampled_from(["4.99", "6.50"]))
    def shop_changes_shipping(self, which, fee):
        order_id = self._one(which)
        amount = D(fee)

        def edit(raw):
            total = raw["total_incl_tax"] - raw["shipping_amount_incl_tax"] + amount
            return {**raw, "shipping_amount_incl_tax": amount, "total_incl_tax": total}

        self.sandbox.change(order_id, edit)

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, AT_MOST - 1))
    def shop_cancels(self, which):
        order_id = self._one(which)
        if not self.sandbox.order(order_id).allocations:
            self.sandbox.cancel(order_id)
            self.cancelled.add(order_id)

    @rule(
        kind=st.sampled_from(FAULTS),
        action=st.sampled_from(["allocate", "invoice", "pending_allocation", "pending_invoice"]),
    )
    def shipperone_stumbles(self, kind, action):
        self.sandbox.faults.add(Fault(kind, action=action, times=1, retry_after="0", seconds=0.2))

    @rule(hook=st.sampled_from(HOOKS), what=st.sampled_from(SCRIPTS))
    def erp_stumbles(self, hook, what):
        self.world.erp.script(hook, what, times=1)

    @rule()
    def goods_come(self):
        self.world.erp.ask("UPDATE stock SET on_hand = on_hand + 20 WHERE sku = 'LATE'")
        self.world.erp.ask("UPDATE transfers SET arrived = 1")

    @rule()
    def a_person_acts(self):
        self._a_person_acts()

    @rule(hours=st.sampled_from([3, 400]))
    def time_passes(self, hours):
        self.world.clock.ahead += timedelta(hours=hours)

    @rule()
    def runtime_runs(self):
        self.world.once(settle_for=0.5)

    @rule(commits=st.integers(0, 25))
    def power_is_cut(self, commits):
        PowerCut.left = commits
        self.world.once(settle_for=0.5, open_ledger=lambda url: PowerCut.open(url, migrate=True))

    @rule()
    def two_runtimes_at_once(self):
        configuration = self.world.read()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: self.world.once(settle_for=0.2, configuration=configuration), range(2)))

    @invariant()
    def nothing_twice_and_nothing_unaccepted(self):
        if not hasattr(self, "world"):
            return
        for order_id in self.orders:
            assert self.world.erp.live(order_id) <= 1, order_id
            issued = Counter(self.world.erp.issued(order_id))
            state = self.sandbox.order(order_id)
            counted = {str(item_id) for item_id in invoiced_rows(state.order)}  # the others are only confirmed
            accepted = Counter(
                ",".join(
                    f"{item_id}:{plain(qty)}" for item_id, qty in sorted(quantities.items()) if str(item_id) in counted
                )
                for quantities, _ in state.invoices
            )
            assert not issued - accepted, (order_id, issued, accepted)
            assert not (issued and self.orders[order_id] in NEVER_INVOICED), (order_id, issued)
            pieces: Counter[str] = Counter()
            for items in issued.elements():
                pieces.update({item.split(":")[0]: float(item.split(":")[1]) for item in items.split(",")})
            ordered = {str(item.id): float(item.qty) for item in state.order.items}
            assert all(qty <= ordered[item_id] for item_id, qty in pieces.items()), (order_id, issued, ordered)
        for sku, on_hand, reserved in self.world.erp.ask("SELECT sku, on_hand, reserved FROM stock"):
            assert 0 <= reserved <= on_hand, (sku, on_hand, reserved)
        if "approve" in self.world.settings:
            unapproved = [job for job in self._invoices() if job.number and job.approved is None]
            assert not unapproved, unapproved

    def _listed(self) -> list[str]:
        states = {order_id: self.sandbox.order(order_id) for order_id in self.orders}
        return [order_id for order_id, state in states.items() if state.to_allocate or state.to_invoice]

    def _one(self, which: int) -> str:
        return list(self.orders)[which % len(self.orders)]

    def _invoices(self) -> list[Any]:
        return self.world.jobs(stage=I) if (self.world.folder / "ledger.db").exists() else []

    def teardown(self):
        if not hasattr(self, "world"):
            return
        try:
            self._everything_ends_done_or_explained()
        finally:
            self.sandbox.__exit__(None, None, None)
            self.folder.cleanup()

    def _a_person_acts(self):
        """Says what the answers were that nobody knows, having asked ShipperOne; tries everything else again."""
        if not (self.world.folder / "ledger.db").exists():
            return
        with self.world.ledger() as ledger:
            for job in ledger.find_jobs(states=[State.HELD, State.WAITING]):
                with suppress(UsageError):  # a process that was cut off had taken it: refused until the next one starts
                    self._act_on(ledger, job)

    def _act_on(self, ledger, job) -> None:
        if job_actions.can_be_approved(job):
            job_actions.approve(ledger, job, self.world.clock(), "it is right")
        elif job_actions.can_be_repeated(job):
            if self.orders[job.order_id] == "equal parts, repeated" and self.sandbox.order(job.order_id).to_invoice:
                job_actions.repeat(ledger, job, self.world.clock(), "the second parcel")
        elif job.reason is Reason.OUTCOME_UNKNOWN and job.lost_at and job_actions.can_be_ended(job):
            outcome = "confirmed" if self._took(job) else "cancelled"
            job_actions.resolve(ledger, job, self.world.clock(), "asked", outcome=outcome)
        elif job_actions.can_be_retried(job):
            job_actions.retry(ledger, job, self.world.clock(), "by the machine")

    def _took(self, job) -> bool:
        state = self.sandbox.order(job.order_id)
        if job.stage is A:
            return state.allocations > 0
        same = {item.item_id: item.qty for item in job.order.items}
        accepted = [one for one in self._invoices() if one.order_id == job.order_id and one.accepted]
        known = sum({item.item_id: item.qty for item in one.order.items} == same for one in accepted)
        return sum(quantities == same for quantities, _ in state.invoices) > known

    def _everything_ends_done_or_explained(self):
        self.sandbox.faults.clear()
        self.world.erp.ask("DELETE FROM script")
        self.goods_come()
        for _ in range(8):
            ended = self.world.once(settle_for=1.5)
            if ended.ending is Ending.FINISHED and not self.world.stuck() and not self._listed():
                break
            self._a_person_acts()
        self.world.once(settle_for=3)
        self.nothing_twice_and_nothing_unaccepted()
        jobs = self.world.jobs()
        for order_id in self.orders:
            state = self.sandbox.order(order_id)
            mine = [job for job in jobs if job.order_id == order_id]
            open_ = [job for job in mine if job.state in (State.HELD, State.WAITING)]
            assert all(job.reason and job.sentence and job.owner for job in open_), open_
            if open_:
                continue
            if order_id in self.cancelled:
                # an answer that was lost, and then the order left: two reads say accepted, and the goods stay reserved
                inferred = any(job.inferred for job in mine)
                assert self.world.erp.live(order_id) == 0 or inferred, (order_id, mine)
                continue
            assert mine, f"{order_id} was lost"
            assert len(self.world.erp.issued(order_id)) == len(state.invoices), (order_id, mine)
            assert not state.to_allocate, (order_id, self.world.stuck())
            assert not state.to_invoice, (order_id, self.world.stuck())
        explained = [job for job in jobs if job.state is State.HELD]
        assert len(explained) <= len(self.orders), self.world.stuck()


EXAMPLES = int(os.environ.get("SHIPPERONE_ERP_EXAMPLES", "40" if THOROUGH else "10"))
TestDays = Days.TestCase
TestDays.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a failure takes an hour, and tells little more
)
