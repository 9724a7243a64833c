"""An order whose VAT id is not valid: an operator decides that it is processed without, and nothing else is decided."""

from dataclasses import replace

import pytest

from ledger_databases import a_job
from shipperone_erp import Reason
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.domain.without_vat import vat_mark, without_vat
from shipperone_erp.sandbox import SandboxOrder

ORDER = FulfillmentOrder(
    order_id="FO-1", warehouse_code="main", items=(OrderItem(item_id=1, sku="MUG", qty=1),),
    billing=Party(name="Eva", company="ACME", vat_id="SK123"), customer=Party(vat_id="SK123"),
)  # fmt: skip


def test_the_decision_is_about_these_vat_ids_and_no_others():
    decided = decided_about(vat_mark(ORDER))
    bare = without_vat(ORDER, [decided])
    assert (bare.billing.vat_id, bare.customer.vat_id, bare.billing.company) == (None, None, "ACME")
    assert bare.items == ORDER.items
    other = replace(ORDER, billing=Party(vat_id="SK456"))
    assert without_vat(other, [decided]) is other
    assert without_vat(ORDER, [decided_about(None)]) is ORDER
    assert vat_mark(bare) is None
    assert "SK123" not in str(vat_mark(ORDER))


def decided_about(mark):
    return a_job(without_vat=mark)


def billing(vat):
    return {"name": "Eva", "company": "ACME", "vat_id": vat, "street": "Biz 1", "city": "Nitra", "country": "SK"}


@pytest.fixture
def shop(world):
    world.erp.stock("MUG", 5)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=billing("SK123")))
    return world


def approve(shop, *more):
    return shop.command("order", "approve", "FO-1", "--without-vat", *more)


def test_a_decision_at_the_allocation_lets_the_order_be_reserved_and_invoiced_without_its_vat_id(shop):
    shop.erp.script("reserve_stock", "vat", times=99)
    shop.erp.script("build_invoice", "vat", times=99)
    shop.once(settle_for=1)
    held = shop.job("FO-1", Stage.ALLOCATION)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.VAT_ID_INVALID, "accountant")
    assert "SK123" in held.sentence
    assert shop.erp.live() == 0
    assert approve(shop).returncode == 2, "without a note"
    done = approve(shop, "--note", "the customer has none")
    assert done.returncode == 0, done.stderr
    shop.once(settle_for=1)
    assert shop.job("FO-1", Stage.INVOICE).state is State.DONE, shop.stuck()
    assert len(shop.erp.issued("FO-1")) == 1
    with shop.ledger() as ledger:
        (action,) = [one for one in ledger.actions(held.id) if one.action.startswith("approve")]
    assert (action.action, action.note) == ("approve --without-vat", "the customer has none")
    assert action.actor


def test_a_shipped_order_is_invoiced_by_the_decision_and_held_again_for_another_vat_id(shop):
    shop.once(settle_for=1)
    assert shop.job("FO-1", Stage.INVOICE).state is State.DONE
    shop.sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 1, "10.00"), first_id=5, billing=billing("SK123")))
    shop.erp.script("build_invoice", "vat", times=99)
    shop.once(settle_for=1)
    assert shop.job("FO-2", Stage.INVOICE).reason is Reason.VAT_ID_INVALID, shop.stuck()
    nothing = approve(shop, "--note", "of an order that has ended")
    assert nothing.returncode == 2
    assert "approved without its VAT id" in nothing.stderr
    shop.sandbox.change("FO-2", lambda raw: {**raw, "billing": billing("SK124")})
    assert shop.command("order", "approve", "FO-2", "--without-vat", "--note", "of the listing before").returncode == 0
    shop.once(settle_for=1)
    assert shop.job("FO-2", Stage.INVOICE).reason is Reason.VAT_ID_INVALID, "another number is another decision"
    assert shop.command("order", "approve", "FO-2", "--without-vat", "--note", "of this one").returncode == 0
    shop.once(settle_for=1)
    assert shop.job("FO-2", Stage.INVOICE).state is State.DONE, shop.stuck()
