"""`run` as a service, in processes of its own: stopped, paused, steered, its secrets renewed, all while it runs."""

import asyncio
import json
import signal
import threading
import time

import pytest

from service_process import at_rest, order, service, until
from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.operations.actors import actor
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder, generate

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.fixture
def often(world):
    """Polled often."""
    world.settings["poll_interval"] = '"0.3s"'
    return world


@pytest.fixture
def seldom(world):
    """Polled once an hour: what happens soon, happens because a person acted."""
    world.settings["poll_interval"] = '"1h"'
    return world


def test_a_hook_that_hangs_does_not_keep_the_service_from_stopping(often):
    often.sandbox.add(order())
    often.erp.script("reserve_stock", "hang", detail="300")
    with service(often, stop_within=1.0) as running:
        until(lambda: often.erp.ask("SELECT times FROM script") == [(0,)])
        assert running.stop(within=100) == 0
        assert "a call is still unanswered; its outcome is unknown to the process that takes over" in running.logged
    assert often.erp.effects("reserve_stock") == 0
    often.finishes()
    assert (often.erp.effects("reserve_stock"), len(often.erp.issued())) == (1, 1)


def test_a_long_queue_is_left_at_its_next_recorded_point_and_nothing_is_lost(often):
    entries = generate(60, seed=8)
    for entry in entries:
        often.sandbox.add(entry)
    often.settings["concurrency"] = "2"
    often.erp.script("reserve_stock", "hang_then", times=999, detail="0.5")
    with service(often) as running:
        until(lambda: often.erp.effects("reserve_stock") >= 3)
        assert running.stop() == 0
    assert often.erp.effects("reserve_stock") < 60
    assert not [job for job in often.jobs() if job.state is State.HELD]
    often.erp.ask("DELETE FROM script")
    often.finishes(settle_for=30)
    assert often.erp.effects("reserve_stock") == 60
    assert all(often.sandbox.order(entry.order_id).allocations == 1 for entry in entries)


def test_a_second_signal_stops_at_once(often):
    often.sandbox.add(order())
    often.erp.script("reserve_stock", "hang", detail="300")
    with service(often, stop_within=200) as running:
        until(lambda: often.erp.ask("SELECT times FROM script") == [(0,)])
        running.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping: " in running.logged)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=60) == -signal.SIGTERM
    often.finishes()
    assert often.erp.effects("reserve_stock") == 1


@pytest.mark.case("H4")
def test_a_token_is_renewed_in_its_file_while_the_service_runs(often):
    token = often.folder / "token"
    token.write_text(often.sandbox.token)
    token.chmod(0o600)
    often.settings["token"] = '{ file = "token" }'
    with service(often) as running:
        often.sandbox.add(order("FO-1"))
        until(lambda: often.erp.delivered("FO-1"))
        often.sandbox.revoke("renewed-token")
        often.sandbox.add(order("FO-2"))
        until(lambda: "ShipperOne refuses the token" in running.logged)
        (row, _) = json.loads(often.command("status", "--json").stdout)
        assert row["paused"] == "platform_auth"
        time.sleep(1.5)
        token.write_text("renewed-token")
        until(lambda: often.erp.delivered("FO-2"))
        assert running.stop() == 0
    assert running.logged.count("the tenant is paused, no order fails") == 1, running.logged
    assert "acme: the token was reloaded" in running.logged
    assert "renewed-token" not in running.logged
    assert {job.state for job in often.jobs()} == {State.DONE}
    assert {row["paused"] for row in json.loads(often.command("status", "--json").stdout)} == {None}


@pytest.mark.case("H4")
def test_the_erps_password_is_renewed_in_its_file_while_the_service_runs(often):
    password = often.folder / "password"
    password.write_text("old-password")
    password.chmod(0o600)
    often.erp_settings["password"] = '{ file = "password" }'
    with service(often) as running:
        often.sandbox.add(order("FO-1"))
        until(lambda: often.erp.delivered("FO-1"))
        often.erp.script("*", "auth_unless", times=9999, detail="new-password")
        often.sandbox.add(order("FO-2"))
        until(lambda: "the ERP is not available: the ERP refuses the login" in running.logged)
        password.write_text("new-password")
        until(lambda: often.erp.delivered("FO-2"))
        assert running.stop() == 0
    assert "acme: the ERP's secrets were reloaded" in running.logged
    assert "-password" not in running.logged
    assert {job.state for job in often.jobs()} == {State.DONE}


def test_a_secret_that_was_missing_at_the_start_is_taken_up_when_it_comes(often):
    often.settings["token"] = '{ file = "token" }'
    often.sandbox.add(order())
    with service(often) as running:
        until(lambda: "paused, config_incomplete" in running.logged)
        time.sleep(0.5)
        (often.folder / "token").write_text(often.sandbox.token)
        until(lambda: often.erp.delivered("FO-1"))
        assert running.stop() == 0
    assert "acme: its configuration is complete now; the tenant is served" in running.logged


def test_pause_and_resume_are_obeyed_at_once(often):
    with service(often) as running:
        often.sandbox.add(order("FO-1"))
        until(lambda: often.erp.delivered("FO-1"))
        printed = often.command("pause", "acme", "--stage", "allocation", "--note", "stock-taking")
        assert "acme: allocation paused; `shipperone-erp resume acme` ends the pause" in printed.stdout
        until(lambda: "acme/allocation: paused by" in running.logged)
        often.sandbox.add(order("FO-2"))
        time.sleep(1)
        assert often.erp.effects("reserve_stock", "FO-2") == 0
        allocation, invoice = json.loads(often.command("status", "--json").stdout)
        assert allocation["paused"].startswith("by ")
        assert allocation["sentence"].endswith(": stock-taking")
        assert invoice["paused"] is None
        assert "acme: allocation resumed" in often.command("resume", "acme").stdout
        until(lambda: often.erp.delivered("FO-2"))
        assert "nothing was paused" in often.command("resume", "acme").stdout
        assert running.stop() == 0


def test_a_pause_is_obeyed_while_a_queue_is_being_read(often):
    """Twenty orders wait for the one slot, and ShipperOne's next answer comes long after the test."""
    often.settings["concurrency"] = "1"
    often.erp.script("reserve_stock", "hang_then", times=99, detail="1")
    for number in range(20):
        often.sandbox.add(order(f"FO-{number}"))
    with service(often) as running:
        until(lambda: often.erp.effects("reserve_stock") > 0)
        late = often.sandbox.faults.add(Fault("latency", action="pending_allocation", seconds=250))
        until(lambda: late.hits > 0)
        often.command("pause", "acme", "--stage", "allocation")
        until(lambda: "acme/allocation: paused by" in running.logged)
        assert "did not answer in time" not in running.logged, "it did not wait for the end of the read"
        # the hook in flight may end; how long that takes is the machine's affair, twenty orders are not
        assert at_rest(lambda: often.erp.effects("reserve_stock"), 3) < 20


def test_run_once_skips_paused_stages_and_reports_them(world):
    world.sandbox.add(order())
    world.finishes()
    world.sandbox.add(order("FO-2"))
    world.command("pause", "acme")
    done = world.command("run", "--once")
    assert done.returncode == 3
    assert "acme: paused: allocation (by " in done.stderr
    assert "`shipperone-erp resume acme` ends the pause" in done.stderr
    assert world.erp.effects("reserve_stock", "FO-2") == 0
    assert world.command("pause", "nobody").returncode == 2


def test_operator_actions_take_effect_while_the_service_runs(seldom):
    seldom.sandbox.add(order("FO-1"))
    seldom.erp.script("reserve_stock", "refused", times=1, detail="product_unknown")
    with service(seldom) as running:
        until(lambda: "product_unknown" in running.logged)
        assert seldom.command("order", "retry", "FO-1").returncode == 0
        until(lambda: seldom.sandbox.order("FO-1").allocations == 1)
        assert running.stop() == 0


def test_a_retry_of_all_with_one_reason_is_shown_before_it_is_done(world):
    for number in range(3):
        world.sandbox.add(order(f"FO-{number}"))
    world.erp.script("reserve_stock", "refused", times=3, detail="product_unknown")
    world.once(settle_for=1)
    shown = world.command("order", "retry", "--reason", "product_unknown")
    assert shown.returncode == 0
    assert "3 order(s) with product_unknown would be retried: repeat the command with --yes" in shown.stdout
    assert {job.state for job in world.jobs()} == {State.HELD}
    done = world.command("order", "retry", "--reason", "product_unknown", "--yes", "--note", "mended")
    assert "3 order(s) with product_unknown retried" in done.stdout
    world.finishes()
    assert world.command("order", "retry").returncode == 2
    assert world.command("order", "retry", "FO-1", "--reason", "product_unknown").returncode == 2


def test_a_retry_with_rebuild_undoes_what_was_made_and_makes_the_next_generation(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=3)
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.TOTAL_DIFFERS)
    world.erp.ask("DELETE FROM script")
    assert world.command("order", "retry", "FO-1", "--rebuild").returncode == 0
    world.finishes()
    assert world.job("FO-1", I).generation > held.generation
    assert (world.erp.drafts(), len(world.erp.issued("FO-1"))) == (0, 1)


def test_only_retry_is_allowed_for_an_accepted_job(world):
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "refused", times=1, detail="erp_period_locked")
    world.once(settle_for=0.5)
    job = world.job("FO-1", I)
    assert (job.accepted, job.reason) == (True, Reason.ERP_PERIOD_LOCKED)
    for arguments in (("ignore", "FO-1"), ("resolve", "FO-1", "--outcome", "cancelled")):
        printed = world.command("order", *arguments, "--stage", "invoice")
        assert printed.returncode == 2, printed.stdout
    # it is rebuilt only where the ERP's own list shows that it is missing, and this connector keeps none
    rebuilt = world.command("order", "retry", "FO-1", "--rebuild", "--stage", "invoice")
    assert (rebuilt.returncode, "nothing was done, since the ERP could not be queried first" in rebuilt.stderr) == (
        5,
        True,
    )
    assert world.job("FO-1", I) == job
    assert world.command("order", "retry", "FO-1", "--stage", "invoice").returncode == 0
    world.finishes()
    assert len(world.erp.issued("FO-1")) == 1


def test_handled_by_hand_it_ends_and_comes_up_again_while_shipperone_still_lists_it(world):
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "refused", times=1, detail="product_unknown")
    world.once(settle_for=1)
    assert world.command("order", "resolve", "FO-1", "--outcome", "cancelled", "--note", "by phone").returncode == 0
    ended = world.job("FO-1", A)
    assert (ended.state, ended.open) == (State.GONE, False)
    assert (ended.sentence or "").startswith("handled by hand: cancelled, according to ")
    world.finishes()
    assert world.erp.effects("reserve_stock", "FO-1") == 1
    assert world.job("FO-1", A).id != ended.id


def test_a_manually_confirmed_job_is_held_while_it_is_still_listed(world):
    world.sandbox.auto_ship = False
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "refused", times=1, detail="product_unknown")
    world.once(settle_for=1)
    assert world.command("order", "resolve", "FO-1", "--outcome", "confirmed").returncode == 0
    assert world.job("FO-1", A).state is State.DONE
    shown = world.command("order", "show", "FO-1").stdout
    assert f"confirmed at ShipperOne, according to {actor()}" in shown
    assert "inferred" not in shown
    for _ in range(5):
        world.once(settle_for=0.1)
    again = world.job("FO-1", A)
    assert (again.state, again.reason) == (State.HELD, Reason.LISTED_AGAIN)
    assert world.erp.effects("reserve_stock") == 0


@pytest.mark.parametrize(("outcome", "posts"), [("confirmed", 0), ("cancelled", 1)])
def test_an_operator_resolves_the_lost_answer_of_an_invoice(world, outcome, posts):

    world.sandbox.add(order())
    world.settings["in_doubt"] = '"hold"'
    kind = "lost_answer" if outcome == "confirmed" else "dropped"
    world.sandbox.faults.add(Fault(kind, action="invoice", times=3))
    world.once(settle_for=15)
    held = world.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.OUTCOME_UNKNOWN)
    before = len(world.sandbox.posts)
    assert world.command("order", "resolve", "FO-1", "--outcome", outcome).returncode == 0
    world.finishes()
    assert len(world.sandbox.posts) - before == posts
    assert (len(world.erp.issued("FO-1")), len(world.sandbox.order("FO-1").invoices)) == (1, 1)


def test_an_ignored_job_stays_and_keeps_its_documents(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=3)
    assert world.command("order", "ignore", "FO-1", "--note", "test order").returncode == 0
    world.erp.ask("DELETE FROM script")
    world.finishes()
    job = world.job("FO-1", I)
    assert (job.state, world.erp.drafts(), world.erp.issued("FO-1")) == (State.IGNORED, 1, [])
    with world.ledger() as ledger:
        assert [(act.action, act.note) for act in ledger.actions(job.id)] == [("ignore", "test order")]
    assert world.command("order", "retry", "FO-1", "--stage", "invoice").returncode == 0
    world.finishes()
    assert len(world.erp.issued("FO-1")) == 1


def serve(world, seconds, configuration=None, enough=lambda: False):
    """The service for that long, or until there is enough, in this process."""
    configuration = configuration or world.read()

    async def go():
        stopping = asyncio.Event()
        async with Runtime(configuration, time=world.clock) as runtime:
            serving = asyncio.create_task(runtime.serve(stopping))
            ends = time.monotonic() + seconds
            while time.monotonic() < ends and not enough():
                await asyncio.sleep(0.05)
            stopping.set()
            await serving

    asyncio.run(go())


@pytest.mark.parametrize("what", ["vanished", "unreadable"])
def test_a_due_job_without_action_does_not_keep_the_service_reading(world, what):
    world.settings |= {"poll_interval": '"1h"', "gone_grace": '"2h"'}
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", times=1, retry_after="0"))
    world.once(settle_for=0)
    assert world.job("FO-1", A).state is State.WAITING
    if what == "vanished":
        world.sandbox.cancel("FO-1")
    else:
        world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "sku": "MUG"}]})
    before = world.sandbox.requests.total()
    serve(world, 4.0)
    assert world.sandbox.requests.total() - before < 8, world.sandbox.requests


@pytest.mark.case("H4")
def test_a_token_that_no_header_can_carry_does_not_end_the_watching(world):
    world.settings["poll_interval"] = '"0.3s"'
    token = world.folder / "token"
    token.write_text(world.sandbox.token)
    token.chmod(0o600)
    world.settings["token"] = '{ file = "token" }'
    with service(world) as running:
        world.sandbox.add(order("FO-1"))
        until(lambda: world.erp.delivered("FO-1"))
        world.sandbox.revoke("renewed-token")
        token.write_text("TOKEN = renewed-token")
        time.sleep(2.5)
        token.write_text("renewed-token")
        world.sandbox.add(order("FO-2"))
        until(lambda: world.erp.delivered("FO-2"))
        assert running.stop() == 0


def test_a_token_that_no_header_can_carry_is_its_own_tenants_trouble(world):
    world.settings["poll_interval"] = '"0.3s"'
    world.sandbox.add(order())
    with Sandbox(token="another") as shop:
        world.more = (
            f'[tenants.shop]\nbase_url = "{shop.base_url}"\ntoken = {{ env = "SHOP_TOKEN" }}\nconnector = "counting"\n'
            f'[tenants.shop.counting]\ndatabase = "{world.erp.file}"\n'
        )
        world.environment["SHOP_TOKEN"] = "not a token"
        with service(world) as running:
            until(lambda: world.erp.delivered("FO-1"))
            assert running.stop() == 0


@pytest.mark.case("H4")
def test_a_token_that_may_only_read_does_not_keep_the_service_reading(seldom):
    shop = seldom.sandbox
    shop.faults.add(Fault("call", method="POST", payload=lambda post: shop.without_scope.add(shop.token)))
    shop.faults.add(Fault("call", method="GET", payload=lambda get: shop.without_scope.discard(shop.token)))
    shop.add(order())
    seldom.once(settle_for=0)
    time.sleep(1.2)
    before = shop.requests.total()
    # a second cycle, which finds the order waiting for the token
    threading.Timer(1.5, lambda: seldom.command("resume", "acme")).start()
    threading.Timer(1.0, lambda: seldom.command("pause", "acme", "--stage", "invoice")).start()
    serve(seldom, 12.0)
    assert seldom.job("FO-1", A).reason is Reason.PLATFORM_AUTH
    assert shop.requests.total() - before < 12, shop.requests


@pytest.mark.case("H4")
def test_a_token_that_was_renewed_while_the_service_was_starting_is_read(often):
    token = often.folder / "token"
    token.write_text("of-yesterday")
    token.chmod(0o600)
    often.settings["token"] = '{ file = "token" }'
    often.sandbox.add(order())
    configuration = often.read()
    token.write_text(often.sandbox.token)
    serve(often, 60.0, configuration, lambda: often.erp.delivered("FO-1"))
    assert often.erp.delivered("FO-1") == 1


def test_a_queue_that_cannot_be_read_takes_nothing_from_the_orders_that_wait_for_a_slot(world):
    """Their reservations are still known when their turn comes: they leave what is reserved, not what is free."""
    world.settings |= {"concurrency": "1", "poll_interval": '"0.2s"'}
    world.sandbox.auto_ship = False
    world.erp.stock("MUG", 200)
    for number in range(14):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 2, "10.00"), first_id=number * 10 + 1))
    world.once()
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(200, 28)]
    for number in range(14):
        world.sandbox.ship(f"FO-{number}")
    world.erp.script("build_invoice", "hang_then", times=99, detail="0.3")
    with service(world) as running:
        until(lambda: world.erp.ask("SELECT times FROM script")[0][0] < 99)
        world.sandbox.faults.add(Fault("500", action="pending_invoice", times=10**6))
        until(lambda: len(world.erp.issued()) >= 8)
        world.sandbox.faults.clear()
        until(lambda: world.erp.ask("SELECT on_hand FROM stock") == [(172,)])
        assert running.stop() == 0
    assert world.erp.ask("SELECT on_hand, reserved FROM stock") == [(172, 0)]
