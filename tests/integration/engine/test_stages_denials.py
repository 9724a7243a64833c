"""ShipperOne answers a confirmation with 200 and a no: nothing is issued on it, and the queue decides."""

import json
import sys
from datetime import timedelta
from decimal import Decimal as D

import pytest

from kills import a_world, killed
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.sandbox import Fault, Sandbox
from shipperone_erp.workflow import retry_schedule
from stage_orders import order

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.parametrize("words", ["false", '{"success": false}', '{"error": "locked"}', "<title>Shop</title>"])
def test_a_no_with_status_200_issues_no_invoice(world, words):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("denied", action="invoice", payload=words))
    world.once(settle_for=2)
    assert (world.erp.issued(), world.sandbox.order("FO-1").invoices) == ([], [])
    assert world.job("FO-1", I).state is not State.DONE


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_a_no_that_the_queue_disproves_is_no_refusal(world, action):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("done_denied", action=action, times=1))
    world.finishes()
    assert world.job("FO-1", A if action == "allocate" else I).inferred
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])
    assert [post.path.rsplit("/", 1)[-1] for post in world.sandbox.posts] == ["allocate", "invoice"]


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_one_no_that_the_queue_confirms_is_sent_again(world, action):
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("denied", action=action, times=1))
    world.finishes(settle_for=15)
    assert not world.job("FO-1", A if action == "allocate" else I).inferred
    assert (world.sandbox.order("FO-1").allocations, len(world.sandbox.order("FO-1").invoices)) == (1, 1)
    assert (world.erp.live("FO-1"), world.erp.issued("FO-1")) == (1, ["1:2"])


LISTENING = """
ASKED = []

class ListeningSettings(ConnectorSettings):
    pass

class Plugged(Connector[ListeningSettings]):
    @hookimpl
    def reserve_stock(self, request):
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty) for item in order.items)
        return Invoice(None, lines, order.shipping_amount_incl_tax, order.total_incl_tax)

    @hookimpl
    def issue_invoice(self, request):
        raise AssertionError("nothing is issued on a denial")

    @hookimpl
    def handle_mismatch(self, mismatch):
        ASKED.append((mismatch.action, mismatch.message, mismatch.differences, mismatch.now is not None))
        return Resolution.abstain()
"""


@pytest.fixture
def at_once(monkeypatch):
    """Without the pauses between two tries."""
    shortest = timedelta(seconds=0.05)
    monkeypatch.setattr(retry_schedule, "FAILURES", Backoff(shortest, shortest))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"success": false, "message": "Le stock est épuisé."}', "Le stock est épuisé."),
        ("<title>Shop</title>", "Shop"),
    ],
)
def test_a_no_that_the_queue_confirms_is_a_refusal_in_shipperones_own_words(world, plugins, at_once, body, words):
    plugins.install("listening", LISTENING)
    world.settings |= {"connector": '"listening"'}
    world.erp_settings = {}
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("denied", action="invoice", payload=body))
    assert world.once(settle_for=20).ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.retries, job.number) == (Reason.PLATFORM_REFUSED, 3, None)
    assert words.rstrip(".") in job.sentence
    assert "sent again 3 times" in job.sentence
    asked = sys.modules["listening_module"].ASKED
    assert [(action, words in message, *rest) for action, message, *rest in asked] == [("invoice", True, (), True)] * 4
    assert [post.path.rsplit("/", 1)[-1] for post in world.sandbox.posts] == ["allocate"] + ["invoice"] * 4


def test_a_no_because_the_order_has_changed_is_built_anew_as_it_is_listed(world, at_once):
    """The denial was right: the shipping amount had changed, and the old one is not sent again."""
    world.sandbox.add(order())
    changed = {"shipping_amount_incl_tax": D("5.99"), "total_incl_tax": D("25.99")}

    def change(post):
        world.sandbox.change("FO-1", lambda raw: {**raw, **changed})

    world.sandbox.faults.add(Fault("denied", action="invoice", times=1))
    world.sandbox.faults.add(Fault("call", action="invoice", times=1, payload=change))
    world.finishes(settle_for=10)
    assert [shipping for _, shipping in world.sandbox.order("FO-1").invoices] == [D("5.99")]
    assert (world.erp.issued("FO-1"), world.erp.drafts()) == (["1:2"], 0)
    assert len(world.sandbox.posts) == 3


def test_denials_that_the_queue_keeps_disproving_are_one_alert_of_the_tenant(world, caplog):
    for number in range(4):
        world.sandbox.add(order(f"FO-{number}", first_id=1 + 10 * number))
    world.sandbox.faults.add(Fault("done_denied", action="allocate", payload='{"error": "locked"}'))
    caplog.set_level("WARNING", "shipperone_erp.run")
    world.finishes()
    alerts = [record.getMessage() for record in caplog.records if "denied 3 confirmations" in record.getMessage()]
    assert len(alerts) == 1
    assert "last: locked" in alerts[0]
    status = json.loads(world.command("status", "--json").stdout)
    assert {row["stage"]: bool(row["denials"]) for row in status} == {"allocation": True, "invoice": False}
    assert "denied 4 confirmations" in world.command("status").stdout
    lines = json.loads(world.command("doctor", "--json").stdout)
    assert [line["verdict"] for line in lines if line["check"] == "answers of allocation"] == ["WARN"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", ["denied", "done_denied"])
def test_killed_while_an_outcome_is_unknown_no_effect_is_repeated(tmp_path, fault):
    """SIGKILL once the POST's outcome is recorded, and once the first read is."""
    with Sandbox() as sandbox:
        sandbox.auto_ship = True
        for number, commit in enumerate((9, 11)):
            order_id = f"FO-{number}"
            world = a_world(tmp_path / order_id, sandbox, "drafts")
            world.erp.stock("MUG", 9)
            sandbox.add(order(order_id, first_id=1 + 10 * number))
            sandbox.faults.add(Fault(fault, action="invoice", times=1, order_id=order_id))
            killed(world, "after", commit)
            world.finishes(settle_for=10)
            assert len(sandbox.order(order_id).invoices) == 1, commit
            assert world.erp.issued(order_id) == [f"{1 + 10 * number}:2"], commit
            assert (world.erp.live(order_id), world.erp.drafts()) == (1, 0), commit
