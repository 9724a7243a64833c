"""K: a kill at any of a hook's calls to the ERP leaves no state that the next call does not repair.

For each call of the hook to the outside (another library, a database, a socket) a process of its own is killed
(SIGKILL) right before it, and one more when the hook returns. Then another process repeats the call with the same key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shipperone_erp.connector.api import Connector
from shipperone_erp.domain.hook_answers import Invoice, Pending, Reserved
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.invoices import figures_are
from shipperone_erp.testing.findings import Finding, NotApplicable, must, same
from shipperone_erp.testing.hook_calls import answered
from shipperone_erp.testing.kill_points import Kill, calls_of, can_kill, kill, spread

PROBES = "settings add_product on_hand reserved documents"


@dataclass(frozen=True, slots=True)
class _Prepared:
    request: Any
    order: FulfillmentOrder
    sku: str


Prepare = Callable[[], _Prepared]
Verify = Callable[[_Prepared, Any], None]


def _killed_everywhere(bench: Bench, hook: str, prepare: Prepare, verify: Verify) -> None:
    if not can_kill():
        raise NotApplicable(
            "this system has no fork and SIGKILL, by which a process is killed; run it on Linux or macOS"
        )
    first = prepare()
    counting: Connector[Any] = bench.another().connector
    calls = answered(
        lambda: calls_of(counting, hook, first.request), hook, bench.harness.deadline, bench.harness.advance
    )
    must(calls, f"{hook} makes no call to the outside: the kit cannot see how it reaches the ERP")
    prepared = [(at, prepare()) for at in spread(calls, bench.harness.kills)]
    kills = [Kill(one.request, at) for at, one in prepared]
    struck = kill(bench.found, bench.harness.settings(), hook, kills)
    must(any(struck), f"no process was killed at any of the {len(calls)} calls of {hook}")
    for at, one in prepared:
        try:
            verify(one, bench.desk.ask(hook, one.request))
        except Finding as finding:
            place = f"call {calls.index(at) + 1} of {len(calls)}" if at else "its return"
            raise Finding(f"{hook}, killed at {place} and called again: {finding}") from None


@case(
    "K1",
    "reserve_stock, killed at every call, reserves once",
    needs="reserve_stock",
    probes=PROBES,
    suffers="A power cut in the middle of an order reserves goods that belong to no order.",
    cure="Write the stock and the reservation in one transaction.",
)
def reserves_once_after_a_kill(bench: Bench) -> None:
    """Two lines of one SKU. Afterwards their stock is reserved once, and there is one reservation."""

    def prepare() -> _Prepared:
        mug = bench.product(10)
        order = bench.order(bench.item(mug, 2), bench.item(mug, 1))
        return _Prepared(bench.desk.to_reserve(order), order, mug)

    def verify(one: _Prepared, answer: Any) -> None:
        same(bench.stock(one.sku), (10, 3), "on hand and reserved")
        same(len(bench.documents(one.request.key, "live")), 1, "live reservations of one key")

    _killed_everywhere(bench, "reserve_stock", prepare, verify)


@case(
    "K2",
    "release_stock, killed at every call, releases once",
    needs="reserve_stock release_stock",
    probes=PROBES,
    suffers="A power cut releases goods twice, or never.",
    cure="Change the reservation's state and release its stock in one transaction.",
)
def releases_once_after_a_kill(bench: Bench) -> None:
    """Two orders hold 2 and 3 of one product, and the first is released. Afterwards the second's 3 are reserved."""

    def prepare() -> _Prepared:
        mug = bench.product(10)
        order = bench.order(bench.item(mug, 2))
        bench.desk.reserved(order)
        bench.desk.reserved(bench.order(bench.item(mug, 3)))
        return _Prepared(bench.desk.to_release(order), order, mug)

    def verify(one: _Prepared, answer: Any) -> None:
        same(bench.stock(one.sku), (10, 3), "on hand and reserved, after 2 of 2 + 3 were released")

    _killed_everywhere(bench, "release_stock", prepare, verify)


@case(
    "K3",
    "build_invoice, killed at every call, builds once",
    needs="build_invoice",
    probes=PROBES,
    suffers="A power cut leaves a draft with half of its lines, which is issued later.",
    cure="Write header and lines in one transaction or one call; otherwise complete the draft when its key is found.",
)
def builds_once_after_a_kill(bench: Bench) -> None:
    """Afterwards the invoice has every line, and there is at most one document. Skipped if nothing is written."""

    def prepare() -> _Prepared:
        order = bench.order()
        return _Prepared(bench.desk.to_build(order), order, "")

    def verify(one: _Prepared, answer: Any) -> None:
        figures_are(answer, one.order)
        made = bench.documents(one.request.key, "draft", "issued")
        must(len(made) <= 1, "there are two documents of one key")
        bench.compare(one.order, answer, found=made)

    if bench.desk.built(bench.order()).reference is None:
        raise NotApplicable("build_invoice writes nothing: there is nothing to interrupt")
    _killed_everywhere(bench, "build_invoice", prepare, verify)


@case(
    "K4",
    "issue_invoice, killed at every call, issues once",
    needs="build_invoice issue_invoice",
    probes=PROBES,
    suffers="A power cut loses an invoice number, or creates two invoices for one sale.",
    cure="Number and issue the document in one transaction, and look up the key before taking a number.",
)
def issues_once_after_a_kill(bench: Bench) -> None:
    """Afterwards there is one issued document, with the number in the answer."""

    def prepare() -> _Prepared:
        order = bench.order()
        return _Prepared(bench.desk.to_issue(bench.desk.built(order), order), order, "")

    def verify(one: _Prepared, answer: Any) -> None:
        must(
            isinstance(answer, Invoice) and answer.issued and answer.number,
            f"it answered {answer}, not an issued Invoice",
        )
        made = bench.documents(one.request.key, "issued")
        numbers = {found.number for found in made}
        same(len(made), 1, "issued documents of one key")
        bench.compare(one.order, answer, found=made)
        same(numbers - {None, answer.number}, set(), "other numbers in the ERP")

    _killed_everywhere(bench, "issue_invoice", prepare, verify)


@case(
    "K5",
    "discard_invoice, killed at every call, discards once",
    needs="build_invoice discard_invoice",
    probes=PROBES,
    suffers="A power cut leaves a draft without an order, and the accountant issues it.",
    cure="Void the document in one transaction, and never use its lines to decide whether it exists.",
)
def discards_once_after_a_kill(bench: Bench) -> None:
    """Afterwards there is no live document of that key."""

    def prepare() -> _Prepared:
        order = bench.order()
        bench.desk.built(order)
        return _Prepared(bench.desk.to_discard(order), order, "")

    def verify(one: _Prepared, answer: Any) -> None:
        same(bench.documents(one.request.key, "draft", "issued"), [], "live documents after discarding")

    _killed_everywhere(bench, "discard_invoice", prepare, verify)


@case(
    "K6",
    "deliver, killed at every call, delivers once",
    needs="reserve_stock build_invoice issue_invoice deliver",
    probes=PROBES,
    suffers="A power cut removes the goods from stock twice.",
    cure="Write the delivery's key and the stock in one transaction.",
)
def delivers_once_after_a_kill(bench: Bench) -> None:
    """2 of 10 are delivered. Afterwards 8 are on hand and none is reserved."""

    def prepare() -> _Prepared:
        mug = bench.product(10)
        order = bench.order(bench.item(mug, 2))
        reservation = bench.desk.reserved(order)
        bench.desk.issued(order)
        return _Prepared(bench.desk.to_deliver(order, reservation, order), order, mug)

    def verify(one: _Prepared, answer: Any) -> None:
        same(bench.stock(one.sku), (8, 0), "on hand and reserved, after 2 of 10 were delivered")

    _killed_everywhere(bench, "deliver", prepare, verify)


@case(
    "K7",
    "reserve_stock with a transfer, killed at every call, asks for one transfer",
    needs="reserve_stock",
    can="transfers",
    probes=PROBES + " arrive",
    since="1.1",
    suffers="A power cut leaves a reservation without its transfer: it counts as reserved, and the goods never arrive.",
    cure="Write the reservation and its transfer in one transaction, or complete the transfer when the key is found.",
)
def transfers_once_after_a_kill(bench: Bench) -> None:
    """2 of the order's goods are in the other warehouse. Afterwards they are reserved there once, and the transfer
    is awaited; after their arrival 2 are here, reserved, and no more have left there."""
    there = bench.harness.other_warehouse

    def prepare() -> _Prepared:
        mug = bench.product(10, there)
        order = bench.order(bench.item(mug, 2, warehouse_code=there))
        return _Prepared(bench.desk.to_reserve(order), order, mug)

    def verify(one: _Prepared, answer: Any) -> None:
        must(
            isinstance(answer, Pending) and answer.reason == Reason.WAITING_FOR_TRANSFER,
            f"it answered {answer}, not Pending(reason='waiting_for_transfer')",
        )
        same(bench.stock(one.sku, there), (10, 2), f"on hand and reserved in {there}")
        bench.harness.arrive(one.request.key)
        must(isinstance(bench.desk.ask("reserve_stock", one.request), Reserved), "it is not reserved after the arrival")
        same((bench.stock(one.sku, there), bench.stock(one.sku)), ((8, 0), (2, 2)), "stock there and here")

    _killed_everywhere(bench, "reserve_stock", prepare, verify)
