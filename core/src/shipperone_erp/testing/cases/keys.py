"""N: a key is stored completely, and identifies one document of its kind.

Keys are at most 64 characters of `[A-Za-z0-9._-]`. A delivery has the key of its invoice.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from shipperone_erp.domain.hook_answers import ConnectorError, Done, Invoice, Reserved
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import Finding, must, same

AnswerT = TypeVar("AnswerT")

LENGTH = 64
ID_LENGTH = 24
PLACES = (63, 60, 50, 43, 40, 36, 32, 30, 24)
"""The positions at which two keys are made to differ once a connector confuses two, to find the stored length."""


def long_order(bench: Bench, qty: int, sku: str) -> FulfillmentOrder:
    """An order with an id of all permitted kinds of characters, as long as a key allows."""
    order = bench.order(bench.item(sku, qty, f"{qty * 10}.00"))
    return replace(order, order_id=f"a.B_{order.order_id}"[:ID_LENGTH].ljust(ID_LENGTH, "9"))


def long_key(key: str, last: str, at: int = LENGTH) -> str:
    """That key at its full length, with this character at that position (counted from 1)."""
    full = f"{key}-g12345678-n1234567891"[:LENGTH].ljust(LENGTH, "1")
    return full[: at - 1] + last + full[at:]


def mixed_up(ask: Callable[[str], str | None], key: str) -> str:
    """The length of the key that the connector stores, found by pairs of keys that differ at one position."""
    for at in PLACES:
        if ask(long_key(key, "3", at)) != ask(long_key(key, "4", at)):
            return f"it keeps between {at} and {LENGTH - 1} characters of a key of {LENGTH}"
    return f"it keeps fewer than {PLACES[-1]} characters of a key of {LENGTH}"


@case(
    "N1",
    "two reservations whose keys differ in the last of 64 characters are two",
    needs="reserve_stock release_stock",
    probes="settings add_product on_hand reserved documents",
    since="1.1",
    suffers="The second revision of an order gets the first one's released reservation: it ships from stock that "
    "is sold to others.",
    cure="Store the key in a column of 64 characters that is compared byte by byte; many ERPs truncate a reference "
    "at 30 or 40.",
)
def keeps_reservation_keys_whole(bench: Bench) -> None:
    """Two keys of 64 characters, with letters of both cases, digits, dot, underscore and hyphen, differ only in
    their last character: two reservations, of 2 and 3 pieces. Each is found again by its key, and a release of the
    first leaves the second."""
    desk, mug = bench.desk, bench.product(100)
    one, two = long_order(bench, 2, mug), long_order(bench, 3, mug)
    key = desk.to_reserve(one).key
    first, second = (
        replace(desk.to_reserve(order), key=long_key(key, last)) for order, last in ((one, "1"), (two, "2"))
    )

    def reference(key: str) -> str | None:
        answer = desk.ask("reserve_stock", replace(desk.to_reserve(one), key=key))
        return answer.reference if isinstance(answer, Reserved) else None

    answers = []
    for request in (first, second, first):
        answer = _asked(lambda r=request: desk.ask("reserve_stock", r), "reserve_stock")  # type: ignore[misc]
        must(isinstance(answer, Reserved), f"reserve_stock answered {answer} to a key of {LENGTH} characters")
        answers.append(answer)
    if answers[0].reference == answers[1].reference:
        raise Finding(f"two keys are one reservation, {answers[0].reference}: {mixed_up(reference, key)}")
    same(answers[2], answers[0], "reserve_stock with the first key again")
    same(bench.stock(mug), (100, 5), "on hand and reserved, of two reservations of 2 and 3")
    same(len(bench.documents(first.key, "live")), 1, "live reservations of the first key")
    same(desk.ask("release_stock", replace(desk.to_release(one), key=first.key)), Done(), "the answer of release_stock")
    same(bench.stock(mug), (100, 3), "on hand and reserved, after the first was released")


@case(
    "N2",
    "two invoices whose keys differ in the last of 64 characters are two",
    needs="build_invoice issue_invoice",
    probes="settings add_product documents",
    since="1.1",
    suffers="The second invoice of an order gets the first one's number: one of the two is never created.",
    cure="As in N1: a column of 64 characters, compared byte by byte, under a unique constraint.",
)
def keeps_invoice_keys_whole(bench: Bench) -> None:
    """As N1, with invoices of 20.00 and 30.00: two numbers, and each key has its own document in the ERP."""
    desk, mug = bench.desk, bench.product()
    one, two = long_order(bench, 2, mug), long_order(bench, 3, mug)
    key = desk.to_build(one).key

    def issued(order: FulfillmentOrder, key: str) -> Invoice:
        built = desk.ask("build_invoice", replace(desk.to_build(order), key=key))
        must(isinstance(built, Invoice), f"build_invoice answered {built} to a key of {LENGTH} characters")
        made = desk.ask("issue_invoice", replace(desk.to_issue(built, order), key=key))
        must(isinstance(made, Invoice) and made.number, f"issue_invoice answered {made}, not an issued Invoice")
        return made  # type: ignore[no-any-return]

    made = [
        _asked(lambda: issued(one, long_key(key, "1")), "an invoice"),
        _asked(lambda: issued(two, long_key(key, "2")), "an invoice"),
    ]
    if made[0].number == made[1].number:
        raise Finding(
            f"two keys are one invoice, {made[0].number}: {mixed_up(lambda key: issued(one, key).number, key)}"
        )
    for order, last, invoice in ((one, "1", made[0]), (two, "2", made[1])):
        found = bench.documents(long_key(key, last), "issued")
        same(len(found), 1, f"issued documents of the key that ends with {last}")
        bench.compare(order, invoice, found=found)


def _asked(ask: Callable[[], AnswerT], what: str) -> AnswerT:
    try:
        return ask()
    except ConnectorError as raised:
        sentence = f"with a key of {LENGTH} characters {what} raised {type(raised).__name__}: {raised.sentence}"
        raise Finding(sentence) from raised


@case(
    "N3",
    "a delivery under its invoice's key leaves the invoice unchanged",
    needs="reserve_stock build_invoice issue_invoice deliver",
    probes="settings add_product on_hand reserved documents",
    since="1.1",
    suffers="After a crash between invoice and delivery the invoice is created again, or is treated as voided.",
    cure="Keep deliveries in a separate table or field: Deliver.key equals the key of the invoice.",
)
def keeps_deliveries_apart(bench: Bench) -> None:
    """An order is reserved, invoiced, and delivered under the invoice's key. Then `issue_invoice` is repeated, as
    after a crash: the same invoice and number; one issued document; another delivery changes nothing."""
    desk, mug = bench.desk, bench.product(10)
    order = bench.order(bench.item(mug, 2))
    reservation = desk.reserved(order)
    issued = desk.issued(order)
    same(desk.deliver(order, reservation, order), Done(), "the answer of deliver")
    same(bench.stock(mug), (8, 0), "on hand and reserved, after a delivery under the invoice's key")
    again = desk.issue(issued, order)
    must(isinstance(again, Invoice), f"issue_invoice after the delivery answered {again}, not the issued Invoice")
    same((again.number, again.issued), (issued.number, True), "number and issued, after the delivery")
    made = bench.documents(desk.to_build(order).key, "issued")
    same(len(made), 1, "issued documents of the key, after the delivery")
    bench.compare(order, again, found=made)
    same(desk.deliver(order, reservation, order), Done(), "the answer of deliver, again")
    same(bench.stock(mug), (8, 0), "on hand and reserved, after the same delivery again")
