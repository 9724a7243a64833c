"""Documents of other keys beside those under test: a step that does not filter by its key changes them too.

They belong to the same order, like its next part or its next reservation. A statement that filters by the order's id
instead of the key changes them as if they were its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from shipperone_erp import Check, FulfillmentOrder, Reservation
from shipperone_erp_generic_sql.checking.compare import Goods
from shipperone_erp_generic_sql.checking.trial_transaction import Trial
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.step_execution import Work

_BY_KEY = "look up by :key, and not by a value that another document may share, such as the order's id"
_NAME_THE_KEY = (
    "use :key (or a value found by it) in the WHERE of each statement of release, issue, discard and deliver"
)


class Bystanders:
    """A reservation and a draft of one piece, each under its own key. `booked`: whether reservations are live."""

    def __init__(self, trial: Trial, order: FulfillmentOrder, *, booked: bool) -> None:
        self.taken: dict[Goods, Decimal] = {}
        self._trial = trial
        self._booked = booked
        first = replace(order.items[0], qty=Decimal(1), row_total_incl_tax=order.items[0].price_incl_tax)
        total = first.price_incl_tax
        self._order = replace(
            order, items=(first,), shipping_amount_incl_tax=Decimal(0), total_incl_tax=total, charges=()
        )
        self._seen: list[tuple[str, Callable[[], object], object]] = []

    def arrive(self) -> Iterator[Check]:
        """Create them. Yields a line for each that could not be created, and for a query that finds an unused key."""
        trial, settings = self._trial, self._trial.settings
        held: tuple[Reservation, ...] = ()
        if self._booked:
            reserve = trial.call(self._order, generation=2, transfer="reserved")
            refusal = trial.kept(lambda: trial.work(reserve).run("reserve"))
            found = trial.work(reserve).reservation() if refusal is None else None
            if found is not None:
                line = reserve.lines[0]
                held = (Reservation(reserve.key, found.reference, (line.item.item_id,)),)
                self.taken = {(line.item.sku, line.warehouse_code): line.item.qty}
                self._watch("reservation", lambda: _reservation(trial.work(reserve)))
            else:
                sentence = f"a second reservation of the same order could not be created: {refusal}"
                yield Check("other reservation", None, sentence, "have one more piece of the first --sku in stock")
        if settings.build_invoice:
            draft = self._draft(held)
            refusal = trial.kept(lambda: trial.work(draft).run("build_invoice"))
            if refusal is None:
                self._watch("draft", lambda: _invoice(trial.work(draft)))
            else:
                sentence = f"a second draft of the same order could not be created: {refusal}"
                yield Check("other draft", None, sentence, "an order that ships in parts has one invoice for each part")
        yield from self.strangers()

    def strangers(self) -> Iterator[Check]:
        """A failure for each query that finds a document under an unused key."""
        trial = self._trial
        work = trial.work(trial.call(self._order, generation=1, transfer="reserved", tax_date=datetime.now(UTC).date()))
        looks: dict[str, Callable[[], object]] = {
            "find_reservation": work.reservation, "find_invoice": work.invoice, "find_delivery": work.delivery,
        }  # fmt: skip
        for query, look in looks.items():
            if work.configured(query) and look() is not None:
                sentence = f"{query} finds a document under an unused key: that step would be skipped"
                yield Check("strange key", False, sentence, _BY_KEY)

    def untouched(self) -> Iterator[Check]:
        """Whether they are unchanged after other documents were released, issued, discarded and delivered."""
        yield from self.strangers()
        changed = [
            f"{what}: {before} became {after}" for what, look, before in self._seen if (after := look()) != before
        ]
        if changed:
            sentence = "a document of another key was changed, too: " + "; ".join(changed)
            yield Check("other documents", False, sentence, _NAME_THE_KEY)
        elif self._seen:
            kept = " and ".join(f"the {what}" for what, _, _ in self._seen)
            yield Check("other documents", True, f"{kept} of another key of the same order is unchanged")

    def _draft(self, held: tuple[Reservation, ...]) -> Call:
        return self._trial.call(
            self._order, generation=2, tax_date=datetime.now(UTC).date(), reason="dry run", reservations=held
        )

    def _watch(self, what: str, look: Callable[[], object]) -> None:
        self._seen.append((what, look, look()))


def _reservation(work: Work) -> str:
    found = work.reservation()
    lines = work.held_lines() if work.configured("find_reservation_lines") else []
    held = sorted(f"{line.item_id or line.sku} x {line.qty:f}" for line in lines)
    return ", ".join([found.state if found else "gone", *held])


def _invoice(work: Work) -> str:
    found = work.invoice()
    if found is None:
        return "gone"
    invoice = found.invoice
    of = [found.state, invoice.number, invoice.date, invoice.total_incl_tax]
    lines = sorted(f"{line.item_id} x {line.qty:f}" for line in invoice.lines)
    return ", ".join([*(str(value) for value in of if value is not None), *lines])
