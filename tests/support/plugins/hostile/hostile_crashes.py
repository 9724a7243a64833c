"""What a process that is killed can leave behind. One fault a class; `caught_by` is the case that must find it."""

from contextlib import closing
from typing import Any, ClassVar

from honest_erp import HonestConnector
from honest_stock import thousandths

from shipperone_erp import (
    Done,
    Invoice,
    Voided,
    hookimpl,
)


class CommitsInTheMiddle(HonestConnector):
    """The stock first, then the reservation: two transactions."""

    caught_by: ClassVar[str] = "K1"

    def _hold(self, erp: Any, key: str, order: Any, item: Any) -> None:
        super()._hold(erp, key, order, item)
        erp.execute("COMMIT")
        erp.execute("BEGIN IMMEDIATE")

    def _insert_reservation(self, erp: Any, key: str, order: Any, state: str) -> None:
        self._later = lambda: super(CommitsInTheMiddle, self)._insert_reservation(erp, key, order, state)
        if state != "live":
            self._later()

    def _reserve(self, erp: Any, request: Any) -> Any:
        self._later = None
        answer = super()._reserve(erp, request)
        if self._later is not None:
            self._later()
        return answer


class ReleasesInTwoSteps(HonestConnector):
    """The stock is freed and committed, then the reservation is marked."""

    caught_by: ClassVar[str] = "K2"

    def _free(self, erp: Any, key: str) -> None:
        super()._free(erp, key)
        erp.execute("COMMIT")
        erp.execute("BEGIN IMMEDIATE")


class DeliversInTwoSteps(HonestConnector):
    """The goods leave, and then the delivery is noted."""

    caught_by: ClassVar[str] = "K6"

    @hookimpl
    def deliver(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone():
                return Done()
        for item in request.order.items:
            with closing(self._connected()) as erp:
                change = (thousandths(item.qty), thousandths(item.qty), item.sku)
                erp.execute("UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE sku = ?", change)
        with self._erp() as erp:
            erp.execute("INSERT OR IGNORE INTO deliveries VALUES (?, '')", (request.key,))
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
