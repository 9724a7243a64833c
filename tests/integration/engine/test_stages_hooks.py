"""What connectors do wrong in a hook: it costs that job, and no other."""

from datetime import timedelta

import pytest

from installed_plugins import InstalledPlugins
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State
from shipperone_erp.sandbox import Fault
from stage_orders import act, order, voided_as_shipperone_accepts_it

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.case("Q1", "Q5")
@pytest.mark.parametrize(
    ("bug", "endings"),
    [
        pytest.param("what is wrong with {} only", {Ending.HELD: {State.HELD}}, id="each its own bug"),
        pytest.param(
            "", {Ending.HELD: {State.HELD}, Ending.ERP: {State.HELD, State.WAITING}}, id="one and the same bug"
        ),
    ],
)
def test_poison_orders_first_and_the_good_ones_finish_in_the_first_run(world, bug, endings):
    """Orders that raise each for itself are held; equal exceptions in a row are a burst, whose orders may still wait."""
    for number in range(101):
        world.sandbox.add(order(f"FO-BAD-{number:03}", ("MUG", 1, "1.00"), first_id=1000 + number))
    for number in range(5):
        world.sandbox.add(order(f"FO-GOOD-{number}", ("TEA", 1, "1.00"), first_id=5000 + number))
    for number in range(101):
        world.erp.script("reserve_stock", "raise", order=f"FO-BAD-{number:03}", times=99, detail=bug.format(number))
    ending = world.once().ending
    assert ending in endings
    assert sum(len(world.erp.issued(f"FO-GOOD-{number}")) for number in range(5)) == 5
    unfinished = [job for job in world.jobs(stage=A) if job.reason is Reason.CONNECTOR_BUG]
    assert {job.order_id for job in unfinished} == {f"FO-BAD-{number:03}" for number in range(101)}
    assert {job.state for job in unfinished} <= endings[ending]


def test_a_voided_document_takes_the_next_generation(world):
    voided_as_shipperone_accepts_it(world)
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


def test_a_differing_fiscal_invoice_is_held_and_not_undone(world):
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


@pytest.mark.case("G5")
@pytest.mark.parametrize(
    ("what", "expected"), [("none", "None"), ("wrong_type", "a str"), ("raise", "ZeroDivisionError")]
)
def test_a_contract_violation_holds_that_job_and_the_others_go_on(world, what, expected):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.erp.script("reserve_stock", what, order="FO-BAD", times=9)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-BAD", A)
    assert job.reason is Reason.CONNECTOR_BUG
    assert expected in (job.sentence or "")
    assert world.erp.issued("FO-1") == ["50:2"]


@pytest.mark.case("G6")
def test_a_hook_that_hangs_meets_its_deadline_and_counts_as_unknown(world):
    world.settings["hook_timeout"] = '"0.3s"'
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "hang", detail="1")
    world.finishes()
    with world.ledger() as ledger:
        outcomes = [effect.outcome for effect in ledger.effects(world.job("FO-1", A).id)]
    assert outcomes == [Outcome.UNKNOWN, Outcome.OK, Outcome.OK]
    assert world.erp.live("FO-1") == 1


@pytest.mark.case("G7")
@pytest.mark.parametrize(
    ("how", "reason"),
    [("leak", "connector_bug"), ("leak_refused", "erp_refused"), ("leak_pending", "erp_pending")],
)
def test_a_secret_that_a_connector_leaks_is_nowhere(world, tmp_path, how, reason):
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
    world.erp.script("deliver_batch", "forget")
    world.finishes(settle_for=15)
    assert world.erp.live() == 30
    assert len(world.erp.issued()) == 30
    assert world.erp.effects("build_invoice_batch") >= 1
    assert 1 <= world.erp.effects("deliver_batch") < 30
    assert world.erp.ask("SELECT COUNT(*) FROM deliveries") == [(30,)]


def test_an_erp_that_refuses_the_login_fails_no_order(world):
    for number in range(10):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    world.erp.script("*", "auth", times=999)
    assert world.once(settle_for=0.5).ending is Ending.ERP
    assert {job.state for job in world.jobs()} == {State.WAITING}
    assert all(job.attempts == 0 for job in world.jobs())
    world.erp.ask("DELETE FROM script")
    world.finishes()


@pytest.mark.case("Q5")
@pytest.mark.parametrize("what", ["text_ids", "already_issued"])
def test_any_answer_of_an_invoice_hook_lets_the_other_orders_continue(world, what):
    world.sandbox.add(order("FO-BAD"))
    world.sandbox.add(order("FO-1", first_id=50))
    world.erp.script("build_invoice", what, order="FO-BAD", times=99)
    ended = world.once(settle_for=2)
    assert world.erp.issued("FO-1") == ["50:2"], ended
    assert ended.ending in (Ending.HELD, Ending.FINISHED), ended


@pytest.mark.case("Q5")
def test_a_mismatch_hook_that_hangs_holds_its_order_and_the_others_go_on(world, plugins: InstalledPlugins):
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


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("hook", "stage"), [("reserve_stock", A), ("build_invoice", I)])
def test_an_erp_that_voids_every_document_is_called_a_limited_number_of_times(world, hook, stage):
    world.sandbox.add(order())
    world.erp.script(hook, "voided", times=40)
    world.once(settle_for=0.5)
    assert world.job("FO-1", stage).generation <= 5
    assert world.job("FO-1", stage).state in (State.HELD, State.WAITING)


def left_unobserved(world):
    """A draft of FO-1 is in the ERP, and the order has left the queue while nobody read it."""
    world.sandbox.add(order(), stage="invoice")
    world.sandbox.faults.add(Fault("503", action="invoice", retry_after="1"))
    world.once(settle_for=0.5)
    world.sandbox.faults.clear()
    assert world.erp.drafts() == 1
    world.sandbox.cancel("FO-1")


def read_twice_a_day_later(world):
    for hours in (25, 28):
        world.clock.ahead = timedelta(hours=hours)
        world.once(settle_for=0.5)


@pytest.mark.case("B4")
def test_an_erp_that_voids_every_document_is_not_asked_without_end_for_an_order_that_left(world):
    left_unobserved(world)
    world.erp.script("build_invoice", "voided", times=50)
    read_twice_a_day_later(world)
    job = world.job("FO-1", I)
    assert (job.state, job.reason) == (State.HELD, Reason.ERP_REFUSED)
    assert "has voided the document of every key so far" in (job.sentence or "")
    assert world.erp.ask("SELECT times FROM script WHERE what = 'voided'")[0][0] >= 42


@pytest.mark.case("B4")
def test_an_issued_invoice_is_found_also_where_the_connector_raises_it(world):
    left_unobserved(world)
    world.erp.script("build_invoice", "already_issued")
    read_twice_a_day_later(world)
    job = world.job("FO-1", I)
    assert (job.state, job.number, job.inferred) == (State.DONE, "7", True)
