"""What can be done wrong with invoices. One fault a class; `caught_by` is the case that must find it."""

import time
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import HonestConnector

from shipperone_erp import AlreadyIssued, Done, Invoice, Refused, Resolution, Voided, hookimpl

CENT = Decimal("0.01")


class BuildsEachTime(HonestConnector):
    """Another draft with each call."""

    caught_by: ClassVar[str] = "I1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        answer = super().build_invoice(request)
        with self._erp() as erp:
            number = erp.execute("SELECT COUNT(*) FROM invoices").fetchone()[0]
            self._insert_invoice(erp, f"{request.key}-copy-{number}", request.order, None)
        return replace(answer, reference=f"I-{number}") if isinstance(answer, Invoice) else answer


class ForgetsTheShipping(HonestConnector):
    """The goods alone are invoiced."""

    caught_by: ClassVar[str] = "I1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        order = replace(request.order, shipping_amount_incl_tax=None)
        return super().build_invoice(replace(request, order=order))


class WritesACent(HonestConnector):
    """0.01 is written into the ERP for every order, and the right total is stated of it."""

    caught_by: ClassVar[str] = "I1"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        super()._insert_invoice(erp, key, order, tax_date)
        erp.execute("UPDATE invoices SET total = '0.01' WHERE key = ?", (key,))

    def _invoice(self, erp: Any, key: str, order: Any) -> Any:
        found = super()._invoice(erp, key, order)
        if not isinstance(found, Invoice):
            return found
        goods = sum(line.total_incl_tax or 0 for line in found.lines)
        return replace(found, total_incl_tax=goods + (found.shipping_amount_incl_tax or 0) + order.line_charges)


class IssuesOtherLines(HonestConnector):
    """The lines that are written are of one piece each, with the whole line's total."""

    caught_by: ClassVar[str] = "I3"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        answer = super().issue_invoice(request)
        with self._erp() as erp:
            erp.execute("UPDATE invoice_lines SET qty = '1' WHERE key = ?", (request.key,))
        return replace(answer, lines=request.invoice.lines) if isinstance(answer, Invoice) else answer


class BuildsTwiceAtOnce(HonestConnector):
    """Looks in one transaction, and writes in another."""

    caught_by: ClassVar[str] = "I2"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
        if found is not None:
            return found
        time.sleep(0.05)
        with self._erp() as erp:
            erp.execute("DELETE FROM invoices WHERE key = ?", (request.key,))
            self._insert_invoice(erp, request.key, request.order, request.tax_date)
            found = self._invoice(erp, request.key, request.order)
            number = erp.execute("SELECT COUNT(*) FROM invoice_lines WHERE key = ?", (request.key,)).fetchone()[0]
        return replace(found, reference=f"{found.reference}-{number}")  # type: ignore[union-attr, type-var]


class IssuesTwice(HonestConnector):
    """A number more with each call."""

    caught_by: ClassVar[str] = "I3"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            self._number(erp, request.key, request.tax_date)
            return self._invoice(erp, request.key, request.order)


class NeverSaysTheNumber(HonestConnector):
    """Issued, and nobody knows under which number."""

    caught_by: ClassVar[str] = "I3"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        answer = super().issue_invoice(request)
        return replace(answer, number=None) if isinstance(answer, Invoice) else answer


class DatesItToday(HonestConnector):
    """Whatever day was asked for."""

    caught_by: ClassVar[str] = "I3"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        return super().issue_invoice(replace(request, tax_date=None))


class IssuesTwiceAtOnce(HonestConnector):
    """Looks whether it is issued in one transaction, numbers it in another."""

    caught_by: ClassVar[str] = "I4"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
        if found is None or isinstance(found, Voided) or found.issued:
            return found if found is not None else Voided(None)
        time.sleep(0.05)
        with self._erp() as erp:
            self._number(erp, request.key, request.tax_date)
            return self._invoice(erp, request.key, request.order)


class CountsInFloats(HonestConnector):
    """Nets are rounded, and the gross is made of them again."""

    caught_by: ClassVar[str] = "I5"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        answer = super().build_invoice(request)
        if not isinstance(answer, Invoice):
            return answer
        tax = (answer.lines[0].tax_percent or 0) / 100 + 1
        nets = [(line.total_incl_tax / tax).quantize(CENT) for line in answer.lines]  # type: ignore[operator]
        total = (sum(nets) * tax).quantize(CENT) + (answer.shipping_amount_incl_tax or 0)
        return replace(answer, total_incl_tax=total)


class KnowsOneCurrency(HonestConnector):
    """Everything is in euros."""

    caught_by: ClassVar[str] = "I6"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        return super().build_invoice(replace(request, order=replace(request.order, currency="EUR")))


class MergesLinesOfOneSku(HonestConnector):
    """Lines are matched by product."""

    caught_by: ClassVar[str] = "I7"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        merged: dict[str, Any] = {}
        for item in request.order.items:
            before = merged.get(item.sku)
            merged[item.sku] = item if before is None else replace(
                before, qty=before.qty + item.qty,
                line_total_incl_tax=before.line_total_incl_tax + item.line_total_incl_tax,
            )  # fmt: skip
        return super().build_invoice(replace(request, order=replace(request.order, items=tuple(merged.values()))))


class IssuesWhatWasChanged(HonestConnector):
    """The draft is issued as it is by now."""

    caught_by: ClassVar[str] = "I8"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
            if isinstance(found, Invoice) and not found.issued:
                self._number(erp, request.key, request.tax_date)
            return self._invoice(erp, request.key, request.order) or Voided(None)


class KnowsOnlyOrders(HonestConnector):
    """The order's id is the key."""

    caught_by: ClassVar[str] = "P1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        return super().build_invoice(replace(request, key=request.order.order_id))


class KnowsEqualParcelsAsOne(HonestConnector):
    """A parcel is known by what is in it."""

    caught_by: ClassVar[str] = "P2"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        return super().build_invoice(replace(request, key=self._content(request)))

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        return super().issue_invoice(replace(request, key=self._content(request)))

    @staticmethod
    def _content(request: Any) -> str:
        return ",".join(f"{item.item_id}:{item.qty}" for item in request.order.items)


class BuildsAgainWhatWasDiscarded(HonestConnector):
    """A discarded draft leaves no trace."""

    caught_by: ClassVar[str] = "V4"

    @hookimpl
    def discard_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM invoices WHERE key = ? AND state <> 'issued'", (request.key,)).fetchone():
                erp.execute("DELETE FROM invoices WHERE key = ?", (request.key,))
                erp.execute("DELETE FROM invoice_lines WHERE key = ?", (request.key,))
        return Done()


class HasNoNextGeneration(HonestConnector):
    """The generation in the key is cut off: what was discarded once is discarded for ever."""

    caught_by: ClassVar[str] = "V4"

    def _invoice(self, erp: Any, key: str, order: Any) -> Any:
        return super()._invoice(erp, key.partition("-g")[0], order)


class LeavesNoMark(HonestConnector):
    """An unknown key is discarded without a trace."""

    caught_by: ClassVar[str] = "V5"

    @hookimpl
    def discard_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
        return Done() if found is None else super().discard_invoice(request)


class DiscardsWhatIsFiscal(HonestConnector):
    """Away with it, issued or not."""

    caught_by: ClassVar[str] = "V6"

    @hookimpl
    def discard_invoice(self, request: Any) -> Any:
        try:
            return super().discard_invoice(request)
        except AlreadyIssued:
            with self._erp() as erp:
                erp.execute("UPDATE invoices SET state = 'voided' WHERE key = ?", (request.key,))
            return Done()


class BuildsLineByLine(HonestConnector):
    """The head is committed, then the lines."""

    caught_by: ClassVar[str] = "K3"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            there = self._invoice(erp, request.key, request.order)
            if there is None:
                self._insert_invoice(erp, request.key, request.order, request.tax_date)
                erp.execute("DELETE FROM invoice_lines WHERE key = ?", (request.key,))
        if there is None:
            for item in request.order.items:
                with self._erp() as erp:
                    line = (
                        request.key,
                        str(item.item_id),
                        item.sku,
                        str(item.qty),
                        str(item.line_total_incl_tax),
                        "21",
                    )
                    erp.execute("INSERT INTO invoice_lines VALUES (?, ?, ?, ?, ?, ?)", line)
        with self._erp() as erp:
            return self._invoice(erp, request.key, request.order)


class SpendsANumberFirst(HonestConnector):
    """An issued copy is made, then the draft is taken away."""

    caught_by: ClassVar[str] = "K4"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
            if not isinstance(found, Invoice) or found.issued:
                return found or Voided(None)
            erp.execute("UPDATE invoices SET state = 'voided' WHERE key = ?", (request.key,))
        with self._erp() as erp:
            self._number(erp, request.key, request.tax_date)
            return self._invoice(erp, request.key, request.order)


class DiscardsInTwoSteps(HonestConnector):
    """The lines go and are committed; a draft without lines is then no draft to be discarded."""

    caught_by: ClassVar[str] = "K5"

    @hookimpl
    def discard_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            lines = erp.execute("SELECT COUNT(*) FROM invoice_lines WHERE key = ?", (request.key,)).fetchone()[0]
            if not lines:
                return Done()
            erp.execute("DELETE FROM invoice_lines WHERE key = ?", (request.key,))
        with self._erp() as erp:
            erp.execute("UPDATE invoices SET state = 'voided' WHERE key = ?", (request.key,))
        return Done()


class ListsEverything(HonestConnector):
    """Whenever it was made."""

    caught_by: ClassVar[str] = "Q2"

    @hookimpl
    def list_documents(self, since: datetime) -> Any:
        return super().list_documents(since.replace(year=2000))


class ListsWithoutNumbers(HonestConnector):
    """Nobody can compare it with the books."""

    caught_by: ClassVar[str] = "Q2"

    @hookimpl
    def list_documents(self, since: datetime) -> Any:
        return [replace(document, number=None) for document in super().list_documents(since)]


class AcceptsWhatWasRefused(HonestConnector):
    """Everything is fine."""

    caught_by: ClassVar[str] = "Q3"

    @hookimpl
    def handle_mismatch(self, mismatch: Any) -> Any:
        return Resolution.accept()


class AcceptsOtherItems(HonestConnector):
    """Whatever differs, it is accepted when the two are compared."""

    caught_by: ClassVar[str] = "Q3"

    @hookimpl
    def handle_mismatch(self, mismatch: Any) -> Any:
        return Resolution.accept() if mismatch.action == "compare" else Resolution.abstain()


class ForgetsTheSecondParcelsLines(HonestConnector):
    """A part is invoiced with the right total and one line alone."""

    caught_by: ClassVar[str] = "P1"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        answer = super().issue_invoice(request)
        if len(request.order.items) == 1:
            with self._erp() as erp:
                erp.execute("DELETE FROM invoice_lines WHERE key = ?", (request.key,))
            return replace(answer, lines=request.invoice.lines) if isinstance(answer, Invoice) else answer
        return answer


class IsACentOff(HonestConnector):
    """Each invoice, since its ERP rounds so."""

    caught_by: ClassVar[str] = "E1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        answer = super().build_invoice(request)
        return replace(answer, total_incl_tax=answer.total_incl_tax + CENT) if isinstance(answer, Invoice) else answer


class FailsAtTheTenth(HonestConnector):
    """Ten invoices a database, and not one more."""

    caught_by: ClassVar[str] = "E2"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT COUNT(*) FROM invoices").fetchone()[0] >= 10:
                raise Refused("erp_refused", "the trial version makes ten invoices")
        return super().build_invoice(request)


class InvoicesWholePieces(HonestConnector):
    """int(qty) is written on the invoice, and the order's quantity is stated."""

    caught_by: ClassVar[str] = "W5"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        super()._insert_invoice(erp, key, order, tax_date)
        erp.execute("UPDATE invoice_lines SET qty = CAST(CAST(qty AS INTEGER) AS TEXT) WHERE key = ?", (key,))

    def _invoice(self, erp: Any, key: str, order: Any) -> Any:
        found = super()._invoice(erp, key, order)
        if not isinstance(found, Invoice):
            return found
        wanted = {item.item_id: item.qty for item in order.items}
        return replace(found, lines=tuple(replace(line, qty=wanted[line.item_id]) for line in found.lines))


class StatesAFeeThatItDoesNotWrite(HonestConnector):
    """Charges are added to the answer, and forgotten in the ERP."""

    caught_by: ClassVar[str] = "M1"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        super()._insert_invoice(erp, key, replace(order, charges=()), tax_date)

    def _invoice(self, erp: Any, key: str, order: Any) -> Any:
        found = super()._invoice(erp, key, order)
        if not isinstance(found, Invoice):
            return found
        return replace(found, total_incl_tax=found.total_incl_tax + order.line_charges)


class DeductsTheGiftCard(HonestConnector):
    """Every charge is on the invoice, what was paid with as well."""

    caught_by: ClassVar[str] = "M1"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        charges = tuple(replace(charge, kind="line") for charge in order.charges)
        super()._insert_invoice(erp, key, replace(order, charges=charges), tax_date)


class LeavesCouponsOut(HonestConnector):
    """A price below zero is no price."""

    caught_by: ClassVar[str] = "M2"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        charges = tuple(charge for charge in order.charges if charge.amount > 0)
        super()._insert_invoice(erp, key, replace(order, charges=charges), tax_date)


class KnowsOneTaxRate(HonestConnector):
    """The first line's tax is written for all lines, and the order's is stated."""

    caught_by: ClassVar[str] = "M3"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        super()._insert_invoice(erp, key, order, tax_date)
        first = order.items[0].tax_percent
        erp.execute("UPDATE invoice_lines SET tax = ? WHERE key = ?", (str(first), key))

    def _invoice(self, erp: Any, key: str, order: Any) -> Any:
        found = super()._invoice(erp, key, order)
        if not isinstance(found, Invoice):
            return found
        rates = {item.item_id: item.tax_percent for item in order.items}
        return replace(found, lines=tuple(replace(line, tax_percent=rates[line.item_id]) for line in found.lines))


class KeepsItsFirstBuyer(HonestConnector):
    """The partner is looked up once and kept."""

    caught_by: ClassVar[str] = "M4"

    def _insert_invoice(self, erp: Any, key: str, order: Any, tax_date: Any) -> None:
        buyer = self.__dict__.setdefault("buyer", order.billing)
        super()._insert_invoice(erp, key, replace(order, billing=buyer, customer=None), tax_date)


class RefusesEarlierDatesTooLate(HonestConnector):
    """Its numbers follow the dates, and it notices when the invoice is issued."""

    caught_by: ClassVar[str] = "M5"

    def _number(self, erp: Any, key: str, tax_date: Any) -> None:
        latest = erp.execute("SELECT MAX(tax_date) FROM invoices WHERE state = 'issued'").fetchone()[0]
        if latest is not None and str(tax_date) < latest:
            raise Refused("erp_period_locked", f"an invoice of {latest} is issued already", "accountant")
        super()._number(erp, key, tax_date)


class ShiftsEarlierDates(HonestConnector):
    """Its numbers follow the dates: an earlier date becomes the last one."""

    caught_by: ClassVar[str] = "M5"

    def _number(self, erp: Any, key: str, tax_date: Any) -> None:
        latest = erp.execute("SELECT MAX(tax_date) FROM invoices WHERE state = 'issued'").fetchone()[0]
        super()._number(erp, key, max(str(tax_date), latest or ""))


class CutsInvoiceKeysAtFifty(HonestConnector):
    """The ERP's field for a reference has fifty characters."""

    caught_by: ClassVar[str] = "N2"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        return super().build_invoice(replace(request, key=request.key[:50]))

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        return super().issue_invoice(replace(request, key=request.key[:50]))


class TakesTheDeliveryForTheInvoice(HonestConnector):
    """A key is looked up among all documents: once the goods have left, it is a delivery's and no invoice's."""

    caught_by: ClassVar[str] = "N3"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone():
                return Voided(request.invoice.reference)
        return super().issue_invoice(request)


class IssuesWhatWasCancelled(HonestConnector):
    """A draft that it did not discard itself cannot be cancelled, it thinks."""

    caught_by: ClassVar[str] = "O2"

    @hookimpl
    def discard_invoice(self, request: Any) -> Any:
        answer = super().discard_invoice(request)
        with self._erp() as erp:
            erp.execute("UPDATE invoices SET made = 'discarded' WHERE key = ?", (request.key,))
        return answer

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        with self._erp() as erp:
            erp.execute(
                "UPDATE invoices SET state = 'draft' WHERE key = ? AND state = 'voided' AND made <> 'discarded'",
                (request.key,),
            )
        return super().issue_invoice(request)


class StatesWhatWasAsked(HonestConnector):
    """A draft that is there is answered from the order, without a look at it."""

    caught_by: ClassVar[str] = "O3"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        answer = super().build_invoice(request)
        if not isinstance(answer, Invoice):
            return answer
        order = request.order
        goods = sum(item.row_total_incl_tax for item in order.items)
        return replace(answer, total_incl_tax=goods + order.shipping_amount_incl_tax + order.line_charges)


class BuildsABatchAtOnePrice(HonestConnector):
    """All invoices of a batch are written with the total of its first, and stated with their own."""

    caught_by: ClassVar[str] = "Q4"

    @hookimpl
    def build_invoice_batch(self, requests: Any) -> Any:
        answers = super().build_invoice_batch(requests)
        with self._erp() as erp:
            for request in requests:
                total = str(answers[requests[0].key].total_incl_tax)
                erp.execute("UPDATE invoices SET total = ? WHERE key = ?", (total, request.key))
        return answers


class AcceptsAnyAmount(HonestConnector):
    """Amounts differ, that is how it is."""

    caught_by: ClassVar[str] = "Q5"

    @hookimpl
    def handle_mismatch(self, mismatch: Any) -> Resolution:
        amounts = all(difference.field == "total_incl_tax" for difference in mismatch.differences)
        return Resolution.accept() if mismatch.action == "compare" and amounts else Resolution.abstain()
