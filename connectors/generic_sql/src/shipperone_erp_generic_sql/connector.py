"""The hooks: each is one step of configured statements in one transaction, which looks for its key first.

A step that finds its key answers with what is there. A duplicate key rolls the whole step back and looks again: a
duplicate that was swallowed statement by statement would reserve twice.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from shipperone_erp import (
    AlreadyIssued,
    BuildInvoice,
    Check,
    Connector,
    ConnectorError,
    Deliver,
    DiscardInvoice,
    Done,
    FulfillmentOrder,
    Invoice,
    InvoiceLine,
    IssueInvoice,
    Owner,
    Pending,
    Reason,
    Refused,
    ReleaseStock,
    Reservation,
    Reserved,
    ReserveStock,
    Shortage,
    Voided,
    hookimpl,
)
from shipperone_erp_generic_sql.call import Call
from shipperone_erp_generic_sql.checks import checks
from shipperone_erp_generic_sql.database import Conflict, Database
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.work import VOIDED, FoundReservation, Unmet, Work

AnswerT = TypeVar("AnswerT")

STOCK_AGAIN = 900.0
"""Seconds until a shortage is tried again whose figures no `available` query tells."""

WAITING = {
    "waiting_for_transfer": (Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE),
    "pending": (Reason.ERP_PENDING, Owner.NOBODY),
}
"""States of find_reservation in which the ERP's side still has something to do, and whose move it is."""


class GenericSqlConnector(Connector[GenericSqlSettings]):
    """A SQLite database as the ERP. Every hook may be called again, and from many threads at once."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
        def step(work: Work) -> Reserved | Shortage | Pending | Voided:
            found = work.reservation()
            if found is None:
                try:
                    work.run("reserve")
                except Unmet as unmet:
                    if unmet.reason is not Reason.NOT_ENOUGH_STOCK:
                        raise
                    return self._shortage(work, unmet)
                found = work.reservation()
            if found is None:
                raise _not_found("reserve", "find_reservation")
            return _reserved(found)

        return self._step(
            self._call(request.key, request.order, generation=request.generation, transfer=request.transfer), step
        )

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        def step(work: Work) -> Done:
            found = work.reservation()
            if found is None or found.state != VOIDED:
                work.run("release", reference=found.reference if found else None)
                after = work.reservation()
                if after is not None and after.state != VOIDED:
                    raise _not_undone("release", "find_reservation")
            return Done()

        self._need("release", "a reservation is to be given back")
        return self._step(self._call(request.key, request.order), step)

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided:
        call = self._call(
            request.key,
            request.order,
            generation=request.generation,
            tax_date=request.tax_date,
            reservations=request.reservations,
        )

        def step(work: Work) -> Invoice | Voided:
            found = work.invoice()
            if found is None and self.settings.build_invoice:
                work.run("build_invoice")
                found = work.invoice()
                if found is None:
                    raise _not_found("build_invoice", "find_invoice")
            if found is None:
                return _computed(call)
            return Voided(found.reference) if found.state == VOIDED else found.invoice

        return self._step(call, step)

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided:
        def step(work: Work) -> Invoice | Pending | Voided:
            found = work.invoice()
            if found is None and request.invoice.reference is not None:
                return Voided(request.invoice.reference)
            if found is not None and found.state == VOIDED:
                return Voided(found.reference)
            if found is None or found.state != "issued":
                if found is not None:
                    _still_the_same(found.invoice, request.invoice)
                work.run("issue_invoice", reference=found.reference if found else None)
                found = work.invoice()
            if found is None:
                raise _not_found("issue_invoice", "find_invoice")
            if found.state != "issued":
                return Pending(f"invoice {found.reference} is not issued by the ERP yet")
            return found.invoice

        self._need("issue_invoice", "an invoice is to be issued")
        return self._step(self._call(request.key, request.order, tax_date=request.tax_date), step)

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        def step(work: Work) -> Done:
            found = work.invoice()
            if found is not None and found.state == "issued":
                raise AlreadyIssued(found.invoice)
            if found is not None and found.state == VOIDED:
                return Done()
            if found is not None or self.settings.discard_invoice:
                self._need("discard_invoice", "a draft is to be discarded")
                work.run("discard_invoice", reference=found.reference if found else None)
                after = work.invoice()
                if after is not None and after.state != VOIDED:
                    raise _not_undone("discard_invoice", "find_invoice")
            return Done()

        return self._step(self._call(request.key, request.order, reason=request.reason), step)

    @hookimpl
    def deliver(self, request: Deliver) -> Done | Pending:
        def step(work: Work) -> Done:
            if not work.is_delivered():
                found = work.invoice()
                work.run("deliver", invoice_reference=found.reference if found else None)
                if not work.is_delivered():
                    raise _not_found("deliver", "find_delivery")
            return Done()

        if not self.settings.deliver:
            return Done()
        return self._step(self._call(request.key, request.order, reservations=request.reservations), step)

    def check(self) -> list[Check]:
        """The database opens, and each statement fits it; nothing is run."""
        return checks(self._database, self.settings)

    def identity(self) -> str:
        """The file, absolute."""
        return f"sqlite:{self.settings.path}"

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @cached_property
    def _database(self) -> Database:
        return Database(self.settings.path, lock_timeout=self.settings.lock_timeout)

    def _step(self, call: Call, step: Callable[[Work], AnswerT]) -> AnswerT:
        """The step in a transaction; after a conflict once more in another, which then only looks."""
        try:
            with self._database.transaction() as connection:
                return step(Work(connection, self.settings, call))
        except Conflict as conflict:
            with self._database.transaction() as connection:
                return step(Work(connection, self.settings, call, conflict))

    def _call(
        self,
        key: str,
        order: FulfillmentOrder,
        *,
        reservations: tuple[Reservation, ...] = (),
        **told: object,
    ) -> Call:
        return Call(
            tenant=self.tenant,
            key=key,
            order=order,
            params=self.settings.params,
            reservations=reservations,
            **told,  # type: ignore[arg-type]
        )

    def _need(self, step: str, why: str) -> None:
        if not self.settings.statements(step):
            raise Refused(Reason.CONFIG_INCOMPLETE, f"{why}, and no statements are configured for {step}", Owner.IT)

    def _shortage(self, work: Work, unmet: Unmet) -> Shortage | Pending:
        """Every short line with what is available; without a query for that, only that it is short."""
        if self.settings.available:
            short = work.short_lines()
            if short:
                return Shortage(short)
        return Pending(unmet.sentence, STOCK_AGAIN, Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)


def _reserved(found: FoundReservation) -> Reserved | Pending | Voided:
    if found.state == VOIDED:
        return Voided(found.reference)
    if found.state in WAITING:
        told = found.sentence or f"reservation {found.reference} is {found.state}"
        return Pending(told, None, *WAITING[found.state])
    return Reserved(found.reference, found.url)


def _computed(call: Call) -> Invoice:
    """What the invoice would be, for an ERP that keeps no drafts."""
    lines = tuple(
        InvoiceLine(line.item.item_id, line.item.qty, line.total_incl_tax, line.item.tax_percent) for line in call.lines
    )
    shipping = call.order.shipping_amount_incl_tax
    totals = [line.total_incl_tax for line in lines]
    known = [total for total in totals if total is not None]
    complete = len(known) == len(totals)
    return Invoice(
        reference=None,
        lines=lines,
        shipping_amount_incl_tax=shipping,
        total_incl_tax=sum(known, shipping + call.order.line_charges) if shipping is not None and complete else None,
        currency=call.order.currency,
    )


def _still_the_same(draft: Invoice, accepted: Invoice) -> None:
    """The draft is what ShipperOne accepted, or a person has changed it meanwhile."""
    for name in ("lines", "shipping_amount_incl_tax", "total_incl_tax", "currency"):
        if getattr(draft, name) != getattr(accepted, name):
            raise Refused(
                Reason.TOTAL_DIFFERS,
                f"draft {draft.reference} is no longer what ShipperOne accepted: {name} has changed",
                Owner.ACCOUNTANT,
            )


def _not_undone(step: str, query: str) -> ConnectorError:
    return Refused(
        Reason.CONFIG_INCOMPLETE,
        f"the statements of {step} ran, and {query} still finds their key live; all was undone",
    )


def _not_found(step: str, query: str) -> ConnectorError:
    return Refused(
        Reason.CONFIG_INCOMPLETE, f"the statements of {step} ran, and {query} does not find their key; all was undone"
    )
