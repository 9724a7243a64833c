"""Days about stock: transfers that are on the road (B22)."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from shipperone_erp import Reason
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.sandbox import SandboxItem, SandboxOrder, order_of


@pytest.mark.case("B22")
def test_the_courier_does_not_come_for_goods_that_are_still_on_the_road(merchant):
    """One mug lies in the outlet: it is reserved there, and ShipperOne hears of it once it has arrived."""
    merchant.books.stock("VASE", 3, "outlet")
    price = {"price_incl_tax": D("30.00"), "row_total_incl_tax": D("30.00"), "tax_percent": D(21)}
    item = SandboxItem(id=1, sku="VASE", warehouse_code="outlet", **price)
    merchant.sandbox.add(SandboxOrder(order_id="FO-1", items=(item,), total_incl_tax=D("34.99")))
    merchant.once(settle_for=0.5)
    waits = merchant.job("FO-1", Stage.ALLOCATION)
    assert (waits.state, waits.reason) == (State.WAITING, Reason.WAITING_FOR_TRANSFER)
    assert waits.owner is Owner.WAREHOUSE
    assert "transfer" in (waits.sentence or "")
    assert merchant.books.stock_of("VASE", "outlet") == (3, 1), "reserved where it lies"
    assert merchant.sandbox.order("FO-1").allocations == 0
    merchant.clock.ahead = timedelta(hours=3, minutes=5)
    merchant.once(settle_for=0.5)
    assert (merchant.job("FO-1", Stage.ALLOCATION).sentence or "").endswith("(since 3 h)")
    merchant.books.transfers_arrive()
    merchant.clock.ahead = timedelta(hours=3, minutes=15)
    merchant.finishes()
    assert merchant.sandbox.order("FO-1").allocations == 1
    assert len(merchant.books.invoices("FO-1")) == 1


@pytest.mark.case("B22")
def test_the_merchant_sends_the_courier_at_once(merchant):
    """`transfer = "reserved"`: the order is allocated while its goods are on the road."""
    merchant.settings["transfer"] = '"reserved"'
    merchant.books.stock("VASE", 3, "outlet")
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order_of("transfer", "FO-1", 1))
    merchant.finishes()
    assert merchant.sandbox.order("FO-1").allocations == 1
    assert merchant.books.stock_of("VASE", "outlet") == (3, 1)


@pytest.mark.case("B22")
def test_a_transfer_names_its_document(merchant):
    merchant.books.stock("VASE", 3, "outlet")
    merchant.sandbox.add(order_of("transfer", "FO-1", 1))
    merchant.once(settle_for=0.3)
    waits = merchant.job("FO-1", Stage.ALLOCATION)
    document = "transfer T-1 from outlet" if merchant.books.connector == "generic_sql" else f"transfer of {waits.key}"
    assert document in (waits.sentence or "")
    printed = merchant.command("orders", "--reason", "waiting_for_transfer").stdout
    assert "FO-1" in printed
    assert "warehouse" in printed
