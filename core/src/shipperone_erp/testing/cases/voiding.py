"""V: a released or discarded document stays so, and a fiscal document is never changed."""

from shipperone_erp.domain.hook_answers import AlreadyIssued, Done, Invoice, Reserved, Voided
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import Finding, must, same

STOCK = "settings add_product on_hand reserved documents"
PAPER = "settings add_product documents"


@case(
    "V1",
    "releasing twice succeeds, and releases the stock once",
    needs="reserve_stock release_stock",
    probes=STOCK,
    suffers="A cancelled order keeps its goods reserved forever; or, released twice, frees goods that are reserved "
    "for another order.",
    cure="Find the reservation by request.key, change its state first, and release the stock only if that changed a "
    "row.",
)
def releases_once(bench: Bench) -> None:
    """Two orders hold 2 and 3 of 10. The first is released three times, by its key alone (`reference=None`, as after a
    crash): `Done` each time, and the second order's 3 stay reserved."""
    mug = bench.product(10)
    first, second = bench.order(bench.item(mug, 2)), bench.order(bench.item(mug, 3))
    bench.desk.reserved(first)
    bench.desk.reserved(second)
    for _ in range(3):
        same(bench.desk.release(first), Done(), "the answer of release_stock")
    same(bench.stock(mug), (10, 3), "on hand and reserved, after 2 of 2 + 3 were released")


@case(
    "V2",
    "a released key is never reserved again",
    needs="reserve_stock release_stock",
    probes=STOCK,
    suffers="A call in progress during the cancellation reserves the order after all, and it is never released.",
    cure="Keep the released reservation with its key and a state; do not delete it.",
)
def released_stays_released(bench: Bench) -> None:
    """`reserve_stock` with the key of a released reservation answers `Voided`, and reserves nothing; the next
    generation's key is reserved normally."""
    mug = bench.product(10)
    order = bench.order(bench.item(mug, 2))
    bench.desk.reserved(order)
    bench.desk.release(order)
    answer = bench.desk.reserve(order)
    must(isinstance(answer, Voided), f"reserve_stock with a released key answered {answer}, not Voided")
    same(bench.stock(mug), (10, 0), "on hand and reserved")
    answer = bench.desk.reserve(order, generation=2)
    must(isinstance(answer, Reserved), f"reserve_stock of the next generation answered {answer}")


@case(
    "V3",
    "releasing an unknown key succeeds, and marks the key as released",
    needs="reserve_stock release_stock",
    can="marks",
    probes=STOCK,
    suffers="A reservation whose answer was lost arrives after the order was cancelled, and keeps the goods reserved.",
    cure="Insert a released reservation under the unknown key, so that the late call finds it.",
)
def marks_what_it_never_saw(bench: Bench) -> None:
    """An unknown key is released: `Done`. A later `reserve_stock` of that key answers `Voided`. An ERP that cannot
    store such a mark declares its capabilities without `marks`."""
    mug = bench.product(10)
    order = bench.order(bench.item(mug, 2))
    same(bench.desk.release(order), Done(), "the answer of release_stock for an unknown key")
    answer = bench.desk.reserve(order)
    must(isinstance(answer, Voided), f"reserve_stock after its key was released answered {answer}, not Voided")
    same(bench.stock(mug), (10, 0), "on hand and reserved")


@case(
    "V4",
    "a discarded draft is never used again",
    needs="build_invoice discard_invoice",
    probes=PAPER,
    suffers="The draft with the old price is issued in addition to the new one.",
    cure="Keep the discarded draft with its key and a state; the key includes its suffix, such as -g2.",
)
def discarded_stays_discarded(bench: Bench) -> None:
    """A draft is discarded three times: `Done`. Then `build_invoice` and `issue_invoice` with its key answer `Voided`,
    and the next generation is built and issued. Without drafts, `issue_invoice` answers `Voided`."""
    desk, order = bench.desk, bench.order()
    built = desk.built(order)
    for _ in range(3):
        same(desk.discard(order), Done(), "the answer of discard_invoice")
    same(bench.documents(desk.to_build(order).key, "draft", "issued"), [], "live documents after discarding")
    if built.reference is not None:
        answer = desk.build(order)
        must(isinstance(answer, Voided), f"build_invoice with a discarded key answered {answer}, not Voided")
    if "issue_invoice" in desk.plugins.offers:
        answer = desk.issue(built, order)
        must(isinstance(answer, Voided), f"issue_invoice with a discarded key answered {answer}, not Voided")
        bench.compare(order, desk.issued(order, generation=2), "issued", generation=2)


@case(
    "V5",
    "discarding an unknown key succeeds, and marks the key as discarded",
    needs="build_invoice discard_invoice",
    can="marks",
    probes=PAPER,
    suffers="A draft whose answer was lost appears after it was discarded, and is issued.",
    cure="Insert a voided document under the unknown key, so that the late call finds it.",
)
def marks_what_it_never_built(bench: Bench) -> None:
    """An unknown key is discarded: `Done`. A later call (`build_invoice`, or without drafts `issue_invoice`) answers
    `Voided`, and creates nothing."""
    desk, order, sample = bench.desk, bench.order(), bench.order()
    same(desk.discard(order), Done(), "the answer of discard_invoice for an unknown key")
    pattern = desk.built(sample)
    late = desk.build(order)
    if pattern.reference is None and "issue_invoice" in desk.plugins.offers:
        must(isinstance(late, Invoice | Voided), f"build_invoice answered {late}")
        late = desk.issue(late, order) if isinstance(late, Invoice) else late
    must(isinstance(late, Voided), f"a call that came after its key was discarded was answered {late}, not Voided")
    same(bench.documents(desk.to_build(order).key, "draft", "issued"), [], "live documents of that key")


@case(
    "V6",
    "an issued invoice is not discarded",
    needs="build_invoice issue_invoice discard_invoice",
    probes=PAPER,
    suffers="A fiscal document disappears, and the number series has a gap.",
    cure="Check the document's state before discarding it, and raise AlreadyIssued(invoice) if it is fiscal.",
)
def keeps_what_is_fiscal(bench: Bench) -> None:
    """`discard_invoice` of an issued document raises `AlreadyIssued` with that invoice and its number; the document
    is unchanged."""
    desk, order = bench.desk, bench.order()
    issued = desk.issued(order)
    before = bench.documents(desk.to_build(order).key)
    try:
        answer = desk.discard(order)
    except AlreadyIssued as raised:
        same(
            (raised.invoice.issued, raised.invoice.number),
            (True, issued.number),
            "issued and number of the reported invoice",
        )
    else:
        raise Finding(f"discard_invoice of an issued invoice answered {answer}; it raises AlreadyIssued(invoice)")
    same(bench.documents(desk.to_build(order).key), before, "the documents of that key")


@case(
    "V7",
    "releasing an unknown key leaves other orders' stock reserved",
    needs="reserve_stock release_stock",
    probes=STOCK,
    since="1.1",
    suffers="The cancellation of an unreserved order releases another order's goods, which are sold again while "
    "being packed.",
    cure="Release what the reservation of request.key holds; the order's lines state what was ordered, not what is "
    "reserved.",
)
def frees_nothing_of_others(bench: Bench) -> None:
    """Another order holds 3 of 10. An unknown key is released, for an order of 2 of the same product: `Done`, twice,
    and the 3 stay reserved."""
    mug = bench.product(10)
    bench.desk.reserved(bench.order(bench.item(mug, 3)))
    unknown = bench.order(bench.item(mug, 2))
    for _ in range(2):
        same(bench.desk.release(unknown), Done(), "the answer of release_stock for an unknown key")
        same(bench.stock(mug), (10, 3), "on hand and reserved by another order, after an unknown key was released")


@case(
    "V8",
    "a release cancels the transfer too",
    needs="reserve_stock release_stock",
    can="transfers",
    probes=STOCK + " arrive",
    since="1.1",
    suffers="The order is cancelled, and its goods are transferred to the other warehouse anyway.",
    cure="Release each line where its goods are now, and cancel its transfer if it has not arrived.",
)
def releases_transfers(bench: Bench) -> None:
    """An order holds 2 in the other warehouse and 1 here; it is released while the transfer is in transit: nothing
    is reserved in either warehouse. A second one is released after its transfer has arrived: the goods are here, and
    free."""
    there, here = bench.harness.other_warehouse, bench.harness.warehouse
    mug, tea = bench.product(5, there), bench.product(10)
    moving, arrived = (bench.order(bench.item(mug, 2, warehouse_code=there), bench.item(tea, 1)) for _ in range(2))
    bench.desk.reserve(moving)
    same((bench.stock(mug, there), bench.stock(tea)), ((5, 2), (10, 1)), "on hand and reserved, there and here")
    same(bench.desk.release(moving), Done(), "the answer of release_stock while a transfer is on its way")
    same(
        (bench.stock(mug, there), bench.stock(tea)),
        ((5, 0), (10, 0)),
        "on hand and reserved, there and here, after a release with a transfer on its way",
    )
    bench.desk.reserve(arrived)
    bench.harness.arrive(bench.desk.to_reserve(arrived).key)
    bench.desk.reserved(arrived)
    same(bench.desk.release(arrived), Done(), "the answer of release_stock after a transfer has arrived")
    same(
        (bench.stock(mug, there), bench.stock(mug, here), bench.stock(tea)),
        ((3, 0), (2, 0), (10, 0)),
        "on hand and reserved, there and here, after a release with a transfer that has arrived",
    )
