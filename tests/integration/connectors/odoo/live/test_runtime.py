"""The runtime on a real Odoo when its process is killed, or ShipperOne refuses: afterwards everything is there once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from late_calls import Holding, killed_with_a_call_on_its_way
from odoo_live import ON_A_REAL_SERVER, RECORDED
from odoo_sale_cases import SELLER
from odoo_tenant import connect, reserved
from places import SUPPORT
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import Fault, SandboxOrder
from shipperone_erp_odoo.seeding import Seed
from world import World

pytestmark = ON_A_REAL_SERVER


KILLED = SUPPORT / "killed_odoo_run.py"


def answered(world: World, number: int) -> str | None:
    ended = subprocess.run(
        [sys.executable, str(KILLED), str(world.write()), str(number)],
        capture_output=True, text=True, timeout=AT_MOST, env=world.process_environment(), check=False,
    )  # fmt: skip
    if ended.returncode == -signal.SIGKILL:
        return ended.stdout
    assert ended.returncode in (0, 1), ended.stderr
    return None


@pytest.fixture
def shop(world, seed, about) -> str:
    """The beginning of this test's names. What `auto` speaks runs a whole shop, or the protocol that is asked for."""
    if about["protocol"] != os.environ.get("ODOO_TEST_PROTOCOL", RECORDED[seed.admin.version]):
        pytest.skip("not what `auto` speaks")
    connect(world, seed, about)
    return f"{about['protocol']}-{world.folder.name[-12:]}"


@pytest.fixture(params=["answered", "late"])
def kill(request, world, seed, about, shop) -> Iterator[Callable[..., str | None]]:
    """Runs a process until its n-th change, and kills it: once Odoo has answered, or before the call has reached Odoo,
    which gets it when the next process makes its first change. Returns the call; None if there were fewer."""
    if request.param == "answered":
        yield lambda number, **settings: answered(world, number)
        return
    gate = Holding(seed.admin.url)
    connect(world, seed, about, url=f'"{gate.url}"')  # from the first run on: an Odoo elsewhere is another ERP

    def late(number: int, **settings: str) -> str | None:
        connect(world, seed, about, url=f'"{gate.url}"', **settings)
        gate.let_go()
        return killed_with_a_call_on_its_way(world, gate, number, AT_MOST)

    yield late
    gate.let_go()
    gate.close()


AT_MOST = 600
"""Seconds that a process may take on a busy machine."""


def run_until(world: World, done: Callable[[], object]) -> None:
    """`run --once` until it is so; a busy machine may need several. Each ends well."""
    for _ in range(8):
        again = world.command("run", "--once", "--settle-for", "20s", timeout=AT_MOST)
        assert again.returncode == 0, (again.stdout, world.stuck())
        if done():
            return


def buyer(name: str) -> dict[str, Any]:
    return {
        "customer": {"name": "Anna", "email": f"{name}@example.com"},
        "billing": {"name": "Anna", "street": "Main 1", "city": "Nitra", "postcode": "94901", "country": "SK"},
    }


def invoices(seed: Seed, order: str) -> list[tuple[str, D]]:
    """State and total of every invoice that names the order, the oldest first."""
    rows = seed.admin.find("account.move", [("invoice_origin", "=", order)], ["state", "amount_total"], order="id")
    return [(row["state"], D(str(row["amount_total"]))) for row in rows]


def deliveries(seed: Seed, order: str) -> list[str]:
    """The state of every delivery that names the order, or whose sales order does."""
    domain = ["|", ("origin", "=", order), ("sale_id.origin", "=", order)]
    return [row["state"] for row in seed.admin.find("stock.picking", domain, ["state"])]


def sales(seed: Seed, order: str) -> list[tuple[str, str]]:
    """State and invoice status of every sales order that names the order."""
    rows = seed.admin.find("sale.order", [("origin", "=", order)], ["state", "invoice_status"], order="id")
    return [(row["state"], row["invoice_status"]) for row in rows]


def on_hand(seed: Seed, product: int) -> D:
    domain = [("product_id", "=", product), ("location_id.usage", "=", "internal")]
    return sum((D(str(row["quantity"])) for row in seed.admin.find("stock.quant", domain, ["quantity"])), D(0))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("documents", ["picking", "sale_order"])
def test_killed_after_every_write_and_started_again_everything_is_there_once(
    world, sandbox, seed, shop, about, documents, kill, request
):
    changed = {}
    if documents == "sale_order":
        seed.grant(SELLER)
        changed = {"documents": '"sale_order"', "transfers": '"direct"'}
        connect(world, seed, about, **changed)
    mug, tea = seed.product(f"{shop}-MUG"), seed.product(f"{shop}-TEA")
    seed.stock(mug, 1000)
    seed.stock(tea, 1000)
    last_words: list[str] = []
    while True:
        number = len(last_words) + 1
        name = f"{seed.tag}-{shop}-{number}"
        lines = (seed.sku(f"{shop}-MUG"), 3, "3.33"), (seed.sku(f"{shop}-TEA"), 1, "5.00")
        sandbox.add(SandboxOrder.simple(name, *lines, first_id=10 * number, **buyer(name)))
        call = kill(number, **changed)
        if call is None:
            break
        last_words.append(call)
        run_until(world, lambda name=name: invoices(seed, name) and set(deliveries(seed, name)) == {"done"})
        assert invoices(seed, name) == [("posted", D("19.98"))], call
        assert deliveries(seed, name) == ["done"], call
        if documents == "sale_order":
            assert sales(seed, name) == [("sale", "invoiced")], call
        assert (on_hand(seed, mug), on_hand(seed, tea)) == (1000 - 3 * number, 1000 - number), call
        if request.node.callspec.params["kill"] == "late":
            # two confirmations at once: Odoo may count goods as reserved that have left, until it tidies
            seed.admin.call("stock.quant", "action_view_inventory")
        assert (reserved(seed, mug), reserved(seed, tea)) == (0, 0), call
        assert len(sandbox.order(name).invoices) == 1
    printed = " ".join(last_words)
    for method in ("load", "action_confirm", "action_post", "button_validate"):
        assert method in printed, f"it was killed after {method} too"


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("killed", ["before the transfer", "after the transfer"])
def test_killed_with_parts_and_a_transfer_every_part_is_there_once(world, sandbox, seed, shop, killed, kill, request):
    """Five mugs on two lines go out as 2 + 2 + 1, the second two with a cup that came from the other warehouse."""
    names = f"{shop}-{killed[0]}"
    mug, cup = seed.product(f"{names}-MUG"), seed.product(f"{names}-CUP")
    seed.stock(mug, 1000)
    seed.stock(cup, 1000, "B")
    last_words: list[str] = []
    while True:
        number = len(last_words) + 1
        name = f"{seed.tag}-{names}-{number}"
        three, two, cups = (10 * number + line for line in range(3))
        mugs = seed.sku(f"{names}-MUG")
        lines = (mugs, 3, "3.33"), (mugs, 2, "3.33"), (seed.sku(f"{names}-CUP"), 1, "5.00")
        parts = ({three: D(2)}, {two: D(2), cups: D(1)}, {three: D(1)})
        order = SandboxOrder.simple(name, *lines, first_id=three, parts=parts, **buyer(name))
        *here, there = order.items
        sandbox.add(replace(order, items=(*here, replace(there, warehouse_code="far"))))
        if killed == "after the transfer":
            world.command("run", "--once", "--settle-for", "2s", timeout=AT_MOST)
            transferred(seed, name)
        call = kill(number)
        if call is None:
            break
        last_words.append(call)
        if killed == "before the transfer":
            world.command("run", "--once", "--settle-for", "2s", timeout=AT_MOST)
            transferred(seed, name)
        run_until(world, lambda name=name: len(invoices(seed, name)) == 3 and set(deliveries(seed, name)) == {"done"})
        totals = [("posted", D(total)) for total in ("8.32", "11.65", "16.65")]
        assert sorted(invoices(seed, name)) == totals, (call, world.stuck())
        assert set(deliveries(seed, name)) == {"done"}, (call, world.stuck())
        assert (on_hand(seed, mug), on_hand(seed, cup)) == (1000 - 5 * number, 1000 - number), call
        if request.node.callspec.params["kill"] == "late":
            seed.admin.call("stock.quant", "action_view_inventory")  # as above
        assert (reserved(seed, mug), reserved(seed, cup)) == (0, 0), call
        assert len(sandbox.order(name).invoices) == 3
    printed = " ".join(last_words)
    steps = ("action_confirm",) if killed == "before the transfer" else ("action_post", "button_validate")
    for method in ("load", *steps):
        assert method in printed, f"it was killed after {method} too"
    print(f"{len(last_words)} kills {killed}")


def transferred(seed: Seed, order: str) -> None:
    """The warehouse that receives the order's one transfer has validated it."""
    domain = [("origin", "=", order), ("picking_type_code", "=", "internal"), ("state", "!=", "cancel")]
    (there,) = seed.admin.find("stock.picking", domain, ["id"])
    seed.admin.call("stock.picking", "button_validate", [there["id"]])


def test_shipperone_refuses_a_draft_it_is_cancelled_and_the_next_one_is_issued(world, sandbox, seed, shop):
    """The fee changes while ShipperOne is asked: what was a draft is cancelled, nothing fiscal ever was."""
    mug = seed.product(f"{shop}-MUG")
    seed.stock(mug, 10)
    name = f"{seed.tag}-{shop}"
    sandbox.add(SandboxOrder.simple(name, (seed.sku(f"{shop}-MUG"), 2, "9.99"), **buyer(name)))

    def dearer(_post: object) -> None:
        sandbox.change(name, lambda raw: {**raw, "shipping_amount_incl_tax": 7, "total_incl_tax": D("26.98")})

    sandbox.faults.add(Fault("call", action="invoice", order_id=name, times=1, payload=dearer))
    world.finishes(settle_for=30)
    admin = seed.admin
    assert invoices(seed, name) == [("cancel", D("24.97")), ("posted", D("26.98"))]
    first, second = admin.find("account.move", [("invoice_origin", "=", name)], ["name", "posted_before"], order="id")
    assert not first["posted_before"]
    jobs = sorted(world.jobs(name, Stage.INVOICE), key=lambda job: job.id)
    assert [job.state for job in jobs] == [State.SUPERSEDED, State.DONE], world.stuck()
    assert jobs[1].number == second["name"]
    assert [amount for _, amount in sandbox.order(name).invoices] == [D(7)]
    assert deliveries(seed, name) == ["done"]
    assert (on_hand(seed, mug), reserved(seed, mug)) == (8, 0)
