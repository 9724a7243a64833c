"""Level dry run: every step on one order, twice, inside a transaction that is always rolled back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection

from shipperone_erp import Check, ConnectorError, FulfillmentOrder, Invoice, Reason, Refused, Reservation
from shipperone_erp.tools import label
from shipperone_erp_generic_sql.checking import compare, refusals, state_guards
from shipperone_erp_generic_sql.checking.compare import Goods
from shipperone_erp_generic_sql.checking.other_documents import Bystanders
from shipperone_erp_generic_sql.checking.sample import parts
from shipperone_erp_generic_sql.checking.trial_transaction import Trial
from shipperone_erp_generic_sql.database import Database, Unmet
from shipperone_erp_generic_sql.errors import DatabaseFailed, Kind
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.step_execution import Work

LIMITS = (
    "not undone by a rollback: numbers of sequences and AUTO_INCREMENT, effects of triggers outside the database, and "
    "commits inside procedures"
)
_UNIQUE = "create a unique index on the column of :key (or :item_key), and let the duplicate fail"
_IN_STOCK = "choose an order (or --sku and --warehouse) that is in stock"


@dataclass
class DryRun:
    """One dry run. `issuing`: an invoice is also issued and the goods delivered (and both are rolled back)."""

    database: Database
    order: FulfillmentOrder
    tenant: str
    issuing: bool
    found: list[Check] = field(default_factory=list)
    _calls: list[Call] = field(default_factory=list)

    def run(self) -> list[Check]:
        """The lines; the last ones report whether any of its rows is still there afterwards."""
        prepared = Prepared(self.database.settings)
        try:
            with self.database.rolled_back() as connection:
                for check in self._steps(Trial(self.database, connection, prepared, self.tenant)):
                    self.found.append(check)
        except (ConnectorError, DatabaseFailed) as failure:
            self._report("dry run", False, str(failure), "the message names the statement")
        self._check_rollback(prepared)
        return self.found

    def _steps(self, trial: Trial) -> Iterator[Check]:
        settings = trial.settings
        reserve = self._call(trial, self.order, transfer="reserved")
        before = trial.free(reserve)
        held: tuple[Reservation, ...] = ()
        booked = False
        if before is not None:
            missing = trial.work(reserve).short_lines()
            for line in missing.unknown:
                yield Check("available", None, f"{line}: no row, or no number", "choose a product that the ERP has")
            for short in missing.lines:
                sentence = f"{label(short.sku)}: {digits(short.wanted)} wanted, {digits(short.available)} available"
                yield Check("available", None, sentence, "choose an order (or --sku) that is in stock")
        if settings.reserve:
            yield (outcome := self._reserving(trial.work(reserve)))
            found = trial.work(reserve).reservation() if outcome.ok else None
            if found is not None:
                yield self._twice(trial, reserve, "reserve")
                held = (Reservation(reserve.key, found.reference, tuple(item.item_id for item in self.order.items)),)
                booked = found.state in ("live", "waiting_for_transfer")
            if booked:
                yield from self._booked(trial, reserve, before)
        bystanders = Bystanders(trial, self.order, booked=booked)
        yield from bystanders.arrive()
        before = before and {goods: left - bystanders.taken.get(goods, Decimal(0)) for goods, left in before.items()}
        yield from self._drafting(trial, held)
        shipped: dict[str, Decimal] = {}
        if self.issuing and settings.issue_invoice:
            numbers: list[str | None] = []
            for part in parts(self.order):
                yield from self._issuing(trial, part, held, reserve, shipped, booked, numbers)
            if len(given := [number for number in numbers if number]) > len(set(given)):
                sentence = f"the invoices of one order's parts were given the numbers {', '.join(given)}"
                yield Check(
                    "issue_invoice", False, sentence, "let find_invoice look by :key, and take a new number for each"
                )
        if settings.release and held:
            yield from self._releasing(trial, reserve, held[0].reference, before if booked else None, shipped)
        yield from bystanders.untouched()

    def _reserving(self, work: Work) -> Check:
        try:
            work.run("reserve")
        except Refused as refusal:
            if refusal.reason is not Reason.NOT_ENOUGH_STOCK:
                raise
            return Check("reserve", None, f"{refusal.sentence}; the step was not completed", _IN_STOCK)
        found = work.reservation()
        if found is None:
            return Check("reserve", False, "it ran, but find_reservation does not find its key", "compare both")
        return Check("reserve", True, f"reservation {found.reference}, {found.state}")

    def _booked(self, trial: Trial, reserve: Call, before: dict[Goods, Decimal] | None) -> Iterator[Check]:
        """The changes made by the reservation, item by item; then a shortage and a fraction, in savepoints."""
        yield compare.held("reserved lines", trial.work(reserve), reserve, {})
        if trial.settings.release:
            found = trial.work(reserve).reservation()
            yield state_guards.released_again(trial, reserve, found.reference if found else "")
        if before is None:
            sentence = "`available` is not configured: it was not checked whether the right goods were reserved"
            yield Check("reserved goods", None, sentence, "configure `available`: on hand minus reserved")
            return
        wanted = {goods: -qty for goods, qty in compare.wanted(reserve).items()}
        yield compare.moved("reserved goods", before, trial.free(reserve) or {}, wanted)
        yield from refusals.refused(trial, self.order, reserve)

    def _drafting(self, trial: Trial, held: tuple[Reservation, ...]) -> Iterator[Check]:
        settings = trial.settings
        if not settings.build_invoice:
            return
        draft = self._call(trial, self.order, tax_date=_today(), reason="dry run", reservations=held)
        yield from self._building(trial, draft)
        yield self._twice(trial, draft, "build_invoice")
        if settings.discard_invoice:
            trial.work(draft).run("discard_invoice", reference=_reference(trial.work(draft)))
            yield _state("discard_invoice", trial.work(draft).invoice(), ("voided", "discarding"))
            yield state_guards.discarded_again(trial, draft)
            if self.issuing and settings.issue_invoice:
                yield state_guards.issued_after_discarding(trial, draft)

    def _building(self, trial: Trial, draft: Call) -> Iterator[Check]:
        trial.work(draft).run("build_invoice")
        found = trial.work(draft).invoice()
        if found is None:
            yield Check("build_invoice", False, "it ran, but find_invoice does not find its key", "compare both")
            return
        yield Check("build_invoice", *_amounts(found.invoice, found.state, draft.order.total_incl_tax))
        if found.state in ("draft", "pending") and found.invoice.number is not None:
            sentence = (
                f"the draft has the number {found.invoice.number}: a discarded draft would leave a gap in the numbers"
            )
            yield Check(
                "build_invoice",
                None,
                sentence,
                "assign the number in issue_invoice, or let find_invoice return it only then",
            )
        if found.state != "pending":
            listed = trial.work(draft).configured("find_invoice_lines")
            yield from compare.invoiced("invoice lines", found.invoice, draft, listed=listed)

    def _issuing(
        self, trial: Trial, part: FulfillmentOrder, held: tuple[Reservation, ...], reserve: Call,
        shipped: dict[str, Decimal], booked: bool, numbers: list[str | None],
    ) -> Iterator[Check]:  # fmt: skip
        settings = trial.settings
        invoice = self._call(trial, part, tax_date=_today(), reason="dry run", reservations=held)
        if settings.build_invoice:
            yield from self._building(trial, invoice)
        trial.work(invoice).run("issue_invoice", reference=_reference(trial.work(invoice)))
        issued = trial.work(invoice).invoice()
        yield _state("issue_invoice", issued, ("issued", "issuing"))
        numbers.append(issued.invoice.number if issued else None)
        yield (
            self._twice(trial, invoice, "issue_invoice")
            if not settings.build_invoice
            else state_guards.issued_again(trial, invoice)
        )
        if settings.discard_invoice:
            yield state_guards.discarded_after_issuing(trial, invoice)
        if not (settings.deliver and held):
            return
        before = trial.free(reserve)
        trial.work(invoice).run("deliver", invoice_reference=_reference(trial.work(invoice)))
        found = trial.work(invoice).delivery()
        if found is None:
            yield Check("deliver", False, "it ran, but find_delivery does not find its key", "compare both")
            return
        yield Check("deliver", True, found.state)
        if found.state == "done" and booked:
            for item in part.items:
                shipped[str(item.item_id)] = shipped.get(str(item.item_id), Decimal(0)) + item.qty
            yield compare.held("delivered lines", trial.work(reserve), reserve, shipped)
            if before is not None:
                yield compare.moved("delivered goods", before, trial.free(reserve) or {}, {})

    def _releasing(
        self, trial: Trial, reserve: Call, reference: str, before: dict[Goods, Decimal] | None,
        shipped: dict[str, Decimal],
    ) -> Iterator[Check]:  # fmt: skip
        trial.work(reserve).run("release", reference=reference)
        yield _state("release", trial.work(reserve).reservation(), ("voided", "releasing"))
        if before is not None:
            gone: dict[Goods, Decimal] = {}
            for line in reserve.lines:
                goods = line.item.sku, line.warehouse_code
                gone[goods] = gone.get(goods, Decimal(0)) - shipped.get(str(line.item.item_id), Decimal(0))
            yield compare.moved("released goods", before, trial.free(reserve) or {}, gone)

    def _twice(self, trial: Trial, call: Call, step: str) -> Check:
        """Run the step's statements a second time without the lookup before them: the database itself must refuse."""
        name = f"{step} again"
        refusal = trial.tried(lambda: trial.work(call).run(step))
        if refusal is None:
            return Check(name, False, "the same key ran twice: two concurrent calls would have two effects", _UNIQUE)
        if isinstance(refusal, DatabaseFailed) and refusal.kind is Kind.DUPLICATE:
            return Check(name, True, "the database refuses the same key the second time")
        sentence = refusal.sentence if isinstance(refusal, Unmet) else str(refusal)
        return Check(name, None, f"it is refused, but not as a duplicate: {sentence}", _UNIQUE)

    def _check_rollback(self, prepared: Prepared) -> None:
        def remaining(connection: Connection) -> list[str]:
            found = []
            for call in self._calls:
                work = Work(connection, self.database, prepared, call)
                query = "find_reservation" if call.transfer else "find_invoice"
                look: Callable[[], object] = work.reservation if call.transfer else work.invoice
                if work.configured(query) and query not in found and look() is not None:
                    found.append(query)
            return found

        try:
            with self.database.rolled_back() as connection:
                still = remaining(connection)
        except (ConnectorError, DatabaseFailed) as failure:
            self._report(
                "rollback",
                False,
                str(failure),
                "fix the reported error: it could not be checked whether anything remains",
            )
            return
        if still:
            sentence = f"after the rollback {', '.join(still)} still finds it"
            self._report(
                "rollback", False, sentence, "fix the table without transactions, or the procedure that commits"
            )
        else:
            self._report("rollback", True, "no effect remains")

    def _call(self, trial: Trial, order: FulfillmentOrder, **values: object) -> Call:
        call = trial.call(order, generation=1, **values)
        self._calls.append(call)
        return call

    def _report(self, name: str, ok: bool | None, sentence: str, cure: str | None = None) -> None:
        self.found.append(Check(name, ok, sentence, cure))


def _amounts(invoice: Invoice, state: str, wanted: Decimal | None) -> tuple[bool | None, str, str | None]:
    if state == "pending" or invoice.total_incl_tax is None or wanted is None:
        return True, f"invoice {invoice.reference}, {state}; nothing was compared", None
    if invoice.total_incl_tax != wanted:
        sentence = (
            f"invoice {invoice.reference} comes to {digits(invoice.total_incl_tax)}, the order to {digits(wanted)}"
        )
        return None, sentence, "the order would be held before anything is sent: compare taxes and rounding"
    return True, f"invoice {invoice.reference}, {state}, {digits(wanted)}", None


def _state(step: str, found: object, wanted: tuple[str, ...]) -> Check:
    state = getattr(found, "state", None)
    if state in wanted or (found is None and "voided" in wanted):
        return Check(step, True, state or "gone")
    sentence = f"it ran, but its query returns {state or 'nothing'}; it must be one of {', '.join(wanted)}"
    return Check(step, False, sentence, "compare the statements with the query")


def _reference(work: Work) -> str | None:
    found = work.invoice()
    return found.reference if found else None


def _today() -> object:
    return datetime.now(UTC).date()
