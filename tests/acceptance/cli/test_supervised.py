"""Going live with a yes for each order: killed at every question, nothing is done twice and nothing is left out."""

import json
import os
import re
from dataclasses import replace
from decimal import Decimal

import pytest

import warm_processes
from console_pages import as_shown
from inspected import tenant
from places import page_file
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.hook_answers import FreeStock
from shipperone_erp.domain.hook_requests import Goods
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.stock_overview import ErpStock
from shipperone_erp.operations.supervised_orders import Candidate, Kind, kinds_of, shown
from shipperone_erp.sandbox import SandboxOrder
from typist import Typist, environment
from world import World

BEGIN = "[y] do it  [s] skip  [q] stop"
OPEN_UP = "open up"


@pytest.fixture
def world(tmp_path, sandbox):
    found = World(tmp_path, sandbox)
    found.settings |= {"go_live": '"ask"', "settle": '"0.2s"'}
    found.erp.stock("MUG", 100)
    found.write()
    return found


def company(order_id: str, first_id: int) -> SandboxOrder:
    plain = SandboxOrder.simple(order_id, ("MUG", 1, "10.00"), first_id=first_id)
    return replace(plain, billing={"company": "Acme s.r.o.", "country": "SK"})


def discounted(order_id: str, first_id: int) -> SandboxOrder:
    plain = SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=first_id)
    (item,) = plain.items
    off = replace(item, discount=Decimal("1.00"), row_total_incl_tax=Decimal("19.00"))
    return replace(plain, items=(off,), total_incl_tax=Decimal("23.99"))


def variables(world: World) -> dict[str, str]:
    return environment(ACME_TOKEN=world.sandbox.token, PYTHONPATH=os.pathsep.join(map(str, world.plugins)))


def started(world: World, *more: str) -> Typist:
    return Typist(world.folder, "run", "--supervised", "1", *more, env=variables(world))


def effects(world: World) -> dict[str, int]:
    return {hook: world.erp.effects(hook) for hook in ("reserve_stock", "build_invoice", "issue_invoice", "deliver")}


def posts(world: World) -> list[str]:
    return [f"{post.path.rpartition('/')[2]} {post.order_id}" for post in world.sandbox.posts]


def asked_now(typist: Typist) -> str:
    """The question alone, without its number and without what came before it."""
    shown = typist.child.before
    return shown.rpartition("acme allocation: ")[2] if "acme allocation: " in shown else shown.split(" · ", 1)[1]


def test_killed_at_every_question_nothing_is_done_twice_and_nothing_is_left_out(world):
    orders = [SandboxOrder.simple("FO-1", ("MUG", 1, "10.00"), first_id=10), company("FO-2", 20),
              discounted("FO-3", 30), SandboxOrder.simple("FO-4", ("MUG", 1, "10.00"), first_id=40)]  # fmt: skip
    for order in orders:
        world.sandbox.add(order)
    asked: list[str] = []
    typist = started(world, "--once", "--settle-for", "1s")
    while True:
        which = typist.waits_for(BEGIN, OPEN_UP)
        question = asked_now(typist)
        before = (effects(world), posts(world))
        typist.process.kill()  # at the question
        typist.process.wait(30)
        typist = started(world, "--once", "--settle-for", "1s")
        assert typist.waits_for(BEGIN, OPEN_UP) == which
        assert asked_now(typist) == question, "the same question is asked again"
        assert (effects(world), posts(world)) == before, "nothing is done before its question is answered"
        if which == 1:
            break
        asked.append(question.split(",")[0])
        typist.child.sendline("y")
    typist.child.sendline("a")
    typist.ends()
    assert typist.code == 0
    assert sorted(asked) == sorted(
        [f"FO-{n} · allocation" for n in (1, 2, 3)] + [f"FO-{n} · invoice" for n in (1, 2, 3) for _ in "ab"]
    ), "one of each kind: FO-4 is plain like FO-1"
    assert effects(world) == dict.fromkeys(effects(world), 4)
    assert sorted(posts(world)) == sorted(f"{stage} FO-{n}" for stage in ("allocate", "invoice") for n in (1, 2, 3, 4))
    assert len(world.erp.issued()) == 4
    assert world.sandbox.queue("allocation") == world.sandbox.queue("invoice") == []


def test_an_order_that_is_skipped_or_not_reached_is_unchanged(world):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00"), first_id=10))
    world.sandbox.add(company("FO-2", 20))
    typist = started(world)
    printed = typist.answers(BEGIN, "s")
    assert "counting will reserve   MUG ×1 (free: 100)" in printed
    assert '{"order":{"order_id":"FO-1","items":[{"item_id":10}]}}' in printed
    assert "cannot be undone" in printed
    assert "FO-2 · allocation, warehouse main · company" in typist.answers(BEGIN, "q")
    typist.ends()
    assert typist.code == Ending.HELD
    assert effects(world) == dict.fromkeys(effects(world), 0)
    assert posts(world) == []
    with Ledger.open(f"sqlite:///{world.folder / 'ledger.db'}") as ledger:
        held = ledger.find_jobs(tenant="acme", stage=Stage.ALLOCATION)
    assert {(job.order_id, job.reason) for job in held} == {
        ("FO-1", Reason.BEFORE_GO_LIVE), ("FO-2", Reason.BEFORE_GO_LIVE),
    }  # fmt: skip


def test_a_draft_that_was_not_confirmed_can_be_discarded(world):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00"), first_id=10), stage="invoice")
    typist = started(world)
    assert "Nothing is sent yet" in typist.answers(BEGIN, "y")
    printed = typist.answers(BEGIN, "q")
    assert "total 14.99 EUR; ShipperOne lists 14.99" in printed
    assert "and then only credited" in printed
    typist.ends()
    assert (world.erp.drafts(), posts(world)) == (1, [])
    again = warm_processes.run("order", "retry", "FO-1", "--rebuild", cwd=world.folder, env=variables(world))
    assert again.returncode == 0, again.stderr
    world.settings["approve"] = '["invoice"]'
    world.once()
    assert world.erp.effects("discard_invoice") == 1
    assert (world.erp.drafts(), world.erp.issued(), posts(world)) == (1, [], [])


def test_without_a_terminal_no_question_is_asked(world):
    done = warm_processes.run("run", "--supervised", "1", cwd=world.folder, env=variables(world))
    assert (done.returncode, "run it on a terminal" in done.stderr) == (2, True)


def test_the_first_read_holds_everything_also_when_a_run_is_restricted(world):
    """What is listed before the go-live counts once: a run of one order must not set the others free."""
    for number in (1, 2, 3):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 1, "10.00"), first_id=10 * number))
    world.once(orders=["FO-1"])
    world.once()
    assert world.erp.effects("reserve_stock") == 0
    listed = json.loads(warm_processes.run("orders", "--json", cwd=world.folder, env=variables(world)).stdout)
    assert {row["reason"] for row in listed} == {"before_go_live"}
    assert len(listed) == 3


def order(**fields) -> FulfillmentOrder:
    items = fields.pop("items", [OrderItem(item_id=1, sku="MUG", qty=1)])
    return FulfillmentOrder(order_id="FO-1", warehouse_code="main", items=items, **fields)


def test_kinds_are_what_orders_differ_in():
    assert kinds_of(order(), "SK", part=False) == {Kind.PLAIN}
    assert kinds_of(order(), "SK", part=True) == {Kind.PART}
    assert kinds_of(order(shipping=Party(country="SK")), "SK", part=False) == {Kind.PLAIN}
    assert kinds_of(order(shipping=Party(country="CZ")), "SK", part=False) == {Kind.FOREIGN}
    assert kinds_of(order(billing=Party(vat_id="SK1", country="SK")), "SK", part=False) == {Kind.COMPANY}
    moved = [OrderItem(item_id=1, sku="MUG", qty=1, warehouse_code="outlet", discount=Decimal(1))]
    assert kinds_of(order(items=moved), None, part=False) == {Kind.TRANSFER, Kind.DISCOUNT}
    parts = [OrderItem(item_id=1, sku="SET", qty=1), OrderItem(item_id=2, sku="MUG", qty=1, parent_item_id=1)]
    assert kinds_of(order(items=parts), None, part=False) == {Kind.BUNDLE}


def test_the_page_shows_what_is_printed(tmp_path):
    (block,) = re.findall(r"```text\n(.*?)```", page_file("going-live.md").read_text("utf-8"), re.DOTALL)
    items = [OrderItem(item_id=55501, sku="MUG-RED", qty=2), OrderItem(item_id=55502, sku="TEA", qty=1)]
    listed = FulfillmentOrder(order_id="FO-000012345", warehouse_code="BA", items=items)
    counted = {"MUG-RED": Decimal(40), "TEA": Decimal(12)}
    stock = ErpStock({Goods(sku, "BA"): FreeStock(sku, "BA", free) for sku, free in counted.items()})
    lines = shown(Candidate(Stage.ALLOCATION, listed, frozenset({Kind.PLAIN}), None), tenant(connector="odoo"), stock)
    printed = "\n".join([f"1 · {lines[0]}", *lines[1:], f"{BEGIN}:"])
    assert block == as_shown(printed, tmp_path), "a question is wrapped as a page shows it"
