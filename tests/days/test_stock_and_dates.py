"""Days about stock and dates: transfers that are on the road (B22), the day that an invoice is of (B7)."""

from decimal import Decimal as D

from shipperone_erp import Reason
from shipperone_erp.model.work import Stage, State
from shipperone_erp.sandbox import SandboxItem, SandboxOrder


def test_b22_the_courier_does_not_come_for_goods_that_are_still_on_the_road(merchant):
    """One mug lies in the outlet: it is reserved there, and ShipperOne hears of it once it has arrived."""
    merchant.books.stock("VASE", 3, "outlet")
    price = {"price_incl_tax": D("30.00"), "row_total_incl_tax": D("30.00"), "tax_percent": D(21)}
    item = SandboxItem(id=1, sku="VASE", warehouse_code="outlet", **price)
    merchant.sandbox.add(SandboxOrder(order_id="FO-1", items=(item,), total_incl_tax=D("34.99")))
    merchant.once(settle_for=0.5)
    waits = merchant.job("FO-1", Stage.ALLOCATION)
    assert (waits.state, waits.reason) == (State.WAITING, Reason.WAITING_FOR_TRANSFER)
    assert "transfer" in (waits.sentence or "")
    assert merchant.books.stock_of("VASE", "outlet") == (3, 1), "reserved where it lies"
    assert merchant.sandbox.order("FO-1").allocations == 0
    merchant.books.transfers_arrive()
    merchant.finishes()
    assert merchant.sandbox.order("FO-1").allocations == 1
    assert len(merchant.books.invoices("FO-1")) == 1
