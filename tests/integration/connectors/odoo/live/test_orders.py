"""Orders from ShipperOne's sandbox through the whole runtime into a real Odoo, and what is there afterwards."""

from dataclasses import replace
from decimal import Decimal as D

from odoo_live import ON_A_REAL_SERVER
from odoo_tenant import connect, reserved
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import Fault, SandboxOrder

pytestmark = ON_A_REAL_SERVER


def test_orders_of_every_kind_come_to_their_end(world, sandbox, seed, about):
    if about["protocol"] == "xmlrpc" or (about["protocol"] == "jsonrpc" and seed.admin.version >= 19):
        return  # what `auto` speaks is what runs a whole shop
    connect(world, seed, about)
    run = f"E{about['protocol']}"
    mug, tea, old = (seed.product(f"{run}-{name}") for name in ("MUG", "TEA", "OLD"))
    seed.admin.call("product.product", "write", [old], {"active": False})
    seed.stock(mug, 50)
    seed.stock(tea, 3)

    def sku(name: str) -> str:
        return seed.sku(f"{run}-{name}")

    def order(name: str) -> str:
        return f"{seed.tag}-{name}"

    who = {
        "customer": {"name": "Anna", "email": f"{seed.tag}@example.com"},
        "billing": {"name": "Anna", "street": "Main 1", "city": "Nitra", "postcode": "94901", "country": "SK"},
    }
    for number in range(12):
        sandbox.add(SandboxOrder.simple(order(f"FULL{number}"), (sku("MUG"), 2, "9.99"), first_id=10 * number, **who))
    parts = ({501: D(2)}, {501: D(3)})
    sandbox.add(SandboxOrder.simple(order("PARTS"), (sku("MUG"), 5, "3.33"), first_id=501, parts=parts, **who))
    sandbox.add(SandboxOrder.simple(order("SHORT"), (sku("TEA"), 4, "5.00"), first_id=600, **who))
    sandbox.add(SandboxOrder.simple(order("OLD"), (sku("OLD"), 1, "5.00"), first_id=700, **who))
    cup = seed.product(f"{run}-CUP")
    seed.stock(cup, 5, "B")
    far = SandboxOrder.simple(order("FAR"), (sku("CUP"), 2, "5.00"), first_id=800, **who)
    lost = SandboxOrder.simple(order("LOST"), (sku("CUP"), 3, "5.00"), first_id=810, **who)
    for one in (far, lost):
        sandbox.add(replace(one, items=tuple(replace(item, warehouse_code="far") for item in one.items)))
    world.once(settle_for=20)
    for name in ("FAR", "LOST"):
        assert world.job(order(name), Stage.ALLOCATION).reason == "waiting_for_transfer", world.stuck()
    assert reserved(seed, cup) == 5
    for number in range(12):
        job = world.job(order(f"FULL{number}"), Stage.INVOICE)
        assert job.state is State.DONE, world.stuck()
        assert job.number
    assert world.job(order("SHORT"), Stage.ALLOCATION).reason == "not_enough_stock"
    assert world.job(order("OLD"), Stage.ALLOCATION).reason == "product_archived"
    seed.stock(tea, 4)
    sandbox.cancel(order("LOST"))
    sandbox.faults.add(Fault("lost_answer", action="allocate", order_id=order("FAR"), times=1))
    sandbox.faults.add(Fault("lost_answer", action="invoice", order_id=order("FAR"), times=1))
    transfer = [("origin", "=", order("FAR")), ("picking_type_code", "=", "internal")]
    (there,) = seed.admin.find("stock.picking", transfer, ["id"])
    seed.admin.call("stock.picking", "button_validate", [there["id"]])
    world.once(settle_for=20)
    assert world.job(order("LOST"), Stage.ALLOCATION).state is State.GONE, world.stuck()
    assert world.job(order("FAR"), Stage.INVOICE).state is State.DONE, world.stuck()
    assert reserved(seed, cup) == 0
    assert world.job(order("SHORT"), Stage.INVOICE).state is State.DONE, world.stuck()
    admin = seed.admin
    posted = admin.find(
        "account.move", [("invoice_origin", "=like", f"{seed.tag}-FULL%")], ["state", "amount_total", "name"]
    )
    assert len(posted) == 12
    assert [job.state for job in world.jobs(order("PARTS"), Stage.INVOICE)] == [State.DONE, State.DONE], world.stuck()
    of_parts = admin.find("account.move", [("invoice_origin", "=", order("PARTS"))], ["amount_total"])
    assert sorted(D(str(one["amount_total"])) for one in of_parts) == [D("11.65"), D("14.98")]
    assert reserved(seed, mug) == 0
    assert {(one["state"], D(str(one["amount_total"]))) for one in posted} == {("posted", D("24.97"))}
    left = admin.find("stock.quant", [("product_id", "=", tea), ("location_id.usage", "=", "internal")], ["quantity"])
    assert sum(D(str(row["quantity"])) for row in left) == 0
    doctor = world.command("doctor", "acme")
    assert "FAIL" not in doctor.stdout, doctor.stdout
