"""What can be written into the ERP beside what is stated, and what operators do to it. One fault a class."""

from dataclasses import replace
from typing import Any, ClassVar

from honest_erp import HonestConnector

from shipperone_erp import Done, Invoice, Refused, Resolution, Voided, hookimpl


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


class WritesACentForWhatShips(HonestConnector):
    """The right amounts are written for an order of a test; of one that really shipped, 0.01."""

    caught_by: ClassVar[str] = "E1"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        answer = super().issue_invoice(request)
        if request.order.shipped_at is not None:
            with self._erp() as erp:
                erp.execute("UPDATE invoices SET total = '0.01' WHERE key = ?", (request.key,))
        return answer


class KeepsWhatShips(HonestConnector):
    """What really shipped never leaves the stock."""

    caught_by: ClassVar[str] = "E1"

    @hookimpl
    def deliver(self, request: Any) -> Any:
        return super().deliver(request) if request.order.shipped_at is None else Done()
