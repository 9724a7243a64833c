"""T: two tenants of one process share no state."""

from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import same
from shipperone_erp.testing.hook_calls import in_time


@case(
    "T1",
    "two tenants share nothing",
    needs="reserve_stock",
    probes="settings add_product on_hand reserved documents",
    suffers="An order of one shop takes goods from another shop's warehouse.",
    cure="Keep connections and caches in self; a default argument, a class attribute or a module's cache is shared.",
)
def keeps_tenants_apart(bench: Bench) -> None:
    """Two connectors in one process, each to an ERP of its own, are given the very same order, one after the other.
    Each reserves only in its own ERP; when the first is closed, the second still works. State in the class or in the
    module is shared by all tenants: keep it in `self`."""
    other = bench.neighbour()
    sku = bench.product(10)
    other.add_product(sku, bench.harness.on_hand(sku, bench.harness.warehouse), other.warehouse)
    order = bench.order(bench.item(sku, 2))
    one, two = bench.another(tenant="one"), bench.another(other, tenant="two")
    one.reserved(order)
    same(
        (bench.stock(sku), other.reserved(sku, other.warehouse)),
        ((10, 2), 0),
        "stock here, and reserved at the other's",
    )
    two.reserved(order)
    same(other.reserved(sku, other.warehouse), 2, "reserved at the other tenant's")
    in_time(one.connector.close, "close", bench.harness.deadline)
    second = bench.order(bench.item(sku, 3))
    two.reserved(second)
    same(bench.stock(sku), (10, 2), "on hand and reserved at the first tenant's")
    same(other.reserved(sku, other.warehouse), 5, "reserved at the other tenant's, after the first was closed")
