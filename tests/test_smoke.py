from decimal import Decimal as D

from shipperone_erp.sandbox import SandboxOrder


def test_one(world):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("A", 2, "10.00")))
    world.finishes()
    assert world.erp.issued("FO-1") == ["1:2"]
    assert world.sandbox.order("FO-1").invoices == [({1: D(2)}, D("4.99"))]
