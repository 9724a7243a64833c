"""What can be done wrong with invoices. One fault a class; `caught_by` is the case that must find it."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import HonestConnector

from shipperone_erp import AlreadyIssued, Done, Invoice, Refused, Voided, hookimpl

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
    """Issued, and its number is not stated."""

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
