"""One and the same exception for order after order: the tenant's calls are suspended, no order needs an operator."""

from itertools import pairwise

import pytest

from ledger_databases import NOON, a_job
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.engine.repeated_exceptions import BURST, RepeatedExceptions
from shipperone_erp.sandbox import SandboxOrder
from skipped_time import SkippedTime

RESERVE, BUILD = EffectKind.RESERVE, EffectKind.BUILD


class Tried:
    """Bursts with a clock of its own."""

    def __init__(self):
        self.time = SkippedTime(NOON, 100.0)
        self.logged = []
        self.bursts = RepeatedExceptions(self.time, self.logged.append)
        self.jobs = {}

    def job(self, order_id):
        return self.jobs.setdefault(order_id, a_job(order_id))

    def fails(self, order_id, error=None, kind=RESERVE):
        """What becomes of an order whose call raises: `held` or `waits`; `kept` if it is not called at all."""
        if self.bursts.admits(kind, order_id) is not None:
            return "kept"
        raised = error or OSError(24, "Too many open files", f"/tmp/{order_id}.pdf")
        return "waits" if self.bursts.raised(kind, self.job(order_id), raised) else "held"

    def succeeds(self, order_id, kind=RESERVE):
        if self.bursts.admits(kind, order_id) is not None:
            return "kept"
        self.bursts.answered(kind, self.job(order_id))
        return "done"


@pytest.fixture
def tried():
    return Tried()


def burst(tried):
    return [tried.fails(f"FO-{number}") for number in range(BURST)]


def test_the_fifth_order_in_a_row_opens_it_and_frees_those_that_were_held(tried):
    assert burst(tried) == ["held", "held", "held", "held", "waits"]
    assert [tried.bursts.released(tried.job(f"FO-{number}")) for number in range(BURST)] == [True] * 4 + [False]
    assert [tried.fails("FO-7"), tried.fails("FO-8")] == ["waits", "waits"]
    assert [tried.fails("FO-7"), tried.fails("FO-8"), tried.fails("FO-0")] == ["kept", "kept", "kept"]
    assert len(tried.logged) == 1
    assert "the connector raised OSError (Too many open files) in reserve for 5 orders in a row" in tried.logged[0]


def test_one_order_that_fails_again_and_again_is_its_own_matter(tried):
    assert {tried.fails("FO-1") for _ in range(3 * BURST)} == {"held"}
    assert tried.logged == []


def test_other_exceptions_or_a_success_between_are_no_burst(tried):
    assert {tried.fails(f"FO-{n}", KeyError(f"sku-{n}")) for n in range(3 * BURST)} == {"held"}
    for number in range(3 * BURST):
        assert tried.fails(f"FO-A{number}") == "held"
        if number % (BURST - 1) == 0:
            assert tried.succeeds(f"FO-B{number}") == "done"
    assert tried.logged == []


def test_five_within_an_hour_not_five_in_a_week(tried):
    for number in range(3 * BURST):
        assert tried.fails(f"FO-{number}") == "held"
        tried.time.seconds += 1200


def test_the_orders_own_id_in_the_message_makes_no_other_exception(tried):
    assert [tried.fails(f"FO-{n}", RuntimeError(f"cannot write FO-{n}")) for n in range(BURST)][-1] == "waits"


def test_one_call_at_a_time_probes_with_growing_pauses_and_the_first_success_ends_it(tried):
    burst(tried)
    probes = []
    for _ in range(240):
        tried.time.seconds += 1
        probes += [tried.time.seconds] if tried.fails("FO-0") == "waits" else []
    pauses = [after - before for before, after in pairwise(probes)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert max(pauses) <= 60
    tried.time.seconds += 61
    assert [tried.succeeds("FO-8"), tried.succeeds("FO-9"), tried.succeeds("FO-0")] == ["done"] * 3
    assert len(tried.logged) == 2
    assert tried.logged[1].startswith("reserve works again")


def test_other_calls_go_on_meanwhile(tried):
    burst(tried)
    assert tried.succeeds("FO-8", BUILD) == "done"
    assert tried.fails("FO-0") == "kept"


def test_a_hundred_bad_orders_in_a_row_keep_no_good_one_waiting(tried):
    burst(tried)
    assert {tried.fails(f"FO-A{number}") for number in range(100)} == {"waits"}
    assert tried.succeeds("FO-GOOD") == "done"
    assert [tried.fails(f"FO-{number}") for number in range(BURST)] == ["held"] * BURST, "the fault is their own"
    assert not tried.bursts.released(tried.job("FO-0"))
    assert len(tried.logged) == 2


def test_too_many_open_files_hold_no_order_and_work_resumes_automatically(world, caplog):
    for number in range(30):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 1, "10.00"), first_id=number * 10 + 1))
    world.erp.script("reserve_stock", "raise", times=10**6)
    with caplog.at_level("WARNING", logger="shipperone_erp.run"):
        ended = world.once(settle_for=0.5)
        assert ended.ending is Ending.ERP
        jobs = world.jobs(stage=Stage.ALLOCATION)
        assert {(job.state, job.reason, job.owner, job.attempts) for job in jobs} == {
            (State.WAITING, Reason.CONNECTOR_BUG, Owner.IT, 0)
        }
        assert len([line for line in caplog.messages if "in a row" in line]) == 1
        world.erp.ask("DELETE FROM script")
        world.finishes(settle_for=20)
    assert {world.erp.effects("reserve_stock", f"FO-{number}") for number in range(30)} == {1}
