"""E: the connector in core's own runtime, against a local sandbox of ShipperOne, end to end."""

from shipperone_erp.sandbox.faults import KINDS
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import same
from shipperone_erp.testing.shop import Shop

PROBES = "settings add_product documents"

POSTS = tuple(kind for kind in KINDS if kind not in ("call", "insert", "remove"))
"""The faults for a POST: all except those of a queue's pages, and a tool of tests."""

READS = tuple(kind for kind in POSTS if kind != "echo")
"""The faults for a read of a queue, which is never refused with a 400."""


@case(
    "E1",
    "an order flows from the queue to its invoice",
    needs="reserve_stock build_invoice",
    probes=PROBES,
    suffers="Nothing is ever shipped: each hook works, but the connector does not work in core.",
    cure="Run the other cases first; the remaining causes are an entry point, a warehouse code or a rounding in the "
    "ERP.",
)
def flows(bench: Bench) -> None:
    """The runtime serves one tenant with this connector, against a sandbox over HTTP: an order of two lines, one
    that ships in two parcels, and one that is cancelled before it is allocated. The first two are allocated and
    invoiced at ShipperOne once, and are in the ERP once; the third has no live document. With `connectors test
    --capture FILE` every order of that file whose amounts add up is processed as well."""
    with Shop(bench) as shop:
        plain, parcels, cancelled = shop.sell(), shop.sell_in_parcels(), shop.sell()
        captured = shop.sell_captured(bench.harness.capture) if bench.harness.capture else []
        shop.sandbox.cancel(cancelled)
        shop.run()
        shop.is_done(plain)
        shop.is_done(parcels)
        for order_id in captured:
            shop.is_done(order_id)
        shop.captured_goods_are_gone()
        shop.is_nothing_of(cancelled)


@case(
    "E2",
    "no fault of ShipperOne doubles or loses an effect",
    needs="reserve_stock build_invoice",
    probes=PROBES,
    suffers="After one lost answer a customer has two invoices.",
    cure="Check the named order: usually one hook is not get-or-create on its key.",
)
def survives_faults(bench: Bench) -> None:
    """The sandbox's complete list of faults: each for the POST of an order of its own, in both stages, then each for
    a read of one queue or the other: slow, lost and cut responses, 429, 503, 500, HTML instead of JSON, 400,
    redirects, an order that appears between two pages and one that disappears. In the end every order is done, with
    one reservation and one invoice on either side."""
    with Shop(bench) as shop:
        sold = []
        gone = shop.vanish("pending_allocation")
        for action in ("allocate", "invoice"):
            for kind in POSTS:
                sold.append(shop.sell())
                shop.refuse(kind, action, sold[-1])
        late = shop.unlisted()
        shop.disturb("insert", "pending_allocation", 2, late)
        shop.run()
        for order_id in [*sold, late.order_id]:
            shop.is_done(order_id)
        posted = len(sold)
        for kinds in zip(READS[::2], READS[1::2], strict=False):
            sold.append(shop.sell())
            for kind, queue in zip(kinds, ("pending_allocation", "pending_invoice"), strict=True):
                shop.disturb(kind, queue, 1)
            shop.run()
        same(shop.never_struck(), [], "faults that did not occur")
        for order_id in sold[posted:]:
            shop.is_done(order_id)
        shop.is_nothing_of(gone)
