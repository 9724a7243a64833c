"""The hooks: each is one step of configured statements in one transaction, which looks for its key first.

A step that finds its key answers with the document found. A duplicate key rolls the whole step back and looks again: a
duplicate that was ignored statement by statement would reserve twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from shipperone_erp import (
    AlreadyIssued,
    BuildInvoice,
    Capability,
    Check,
    Connector,
    Deliver,
    DiscardInvoice,
    Document,
    Done,
    FreeStock,
    FulfillmentOrder,
    Goods,
    Invoice,
    IssueInvoice,
    Owner,
    Pending,
    Question,
    Reason,
    Refused,
    ReleaseStock,
    Reservation,
    Reserved,
    ReserveStock,
    Setup,
    SetupDone,
    Shortage,
    Voided,
    hookimpl,
)
from shipperone_erp_generic_sql import hook_answers
from shipperone_erp_generic_sql.checks import checks
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.free_stock import as_order, free_stock
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.query_results import FoundReservation
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.step_execution import Work

AnswerT = TypeVar("AnswerT")

STOCK_AGAIN = 900.0
"""Seconds until a shortage is tried again if no `available` query returns its quantities."""


class GenericSqlConnector(Connector[GenericSqlSettings]):
    """An SQL database as the ERP. Every hook may be called again, and from many threads at once."""

    capabilities = frozenset(Capability) - {Capability.BATCH}

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
        def step(work: Work) -> FoundReservation:
            found = work.reservation()
            if found is None:
                work.run("reserve")
                found = work.reservation()
            if found is None:
                raise hook_answers.not_found("reserve", "find_reservation")
            return found

        call = self._call(request.key, request.order, generation=request.generation, transfer=request.transfer)
        try:
            found = self._step(call, step, "reserve")
        except Refused as refusal:
            if refusal.reason is not Reason.NOT_ENOUGH_STOCK:
                raise
            return self._shortage(call, refusal.sentence)
        if found.state == "short":
            return self._shortage(call, found.sentence or "the ERP's side reports that it is short of stock")
        return hook_answers.reserved(found)

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        def step(work: Work) -> Done | Pending:
            found = work.reservation()
            if found is None or found.state not in ("voided", "releasing", "release_error"):
                work.run("release", reference=found.reference if found else None)
                found = work.reservation()
            if found is None or found.state == "voided":
                return Done()
            if found.state == "releasing":
                return Pending(found.sentence or f"the ERP has not released reservation {found.reference} yet")
            if found.state == "release_error":
                raise found.refusal("the release")
            raise hook_answers.not_undone("release", "find_reservation")

        self._need("release", "a reservation must be released")
        return self._step(self._call(request.key, request.order), step, "release")

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided:
        call = self._call(
            request.key,
            request.order,
            generation=request.generation,
            tax_date=request.tax_date,
            issue_date=request.issue_date,
            reservations=request.reservations,
        )

        def step(work: Work) -> Invoice | Pending | Voided:
            found = work.invoice()
            if found is None or found.state in ("draft", "pending"):
                work.refuse_dates()
            if found is None and self.settings.build_invoice:
                work.run("build_invoice")
                found = work.invoice()
                if found is None:
                    raise hook_answers.not_found("build_invoice", "find_invoice")
            if found is None:
                return hook_answers.computed(call)
            match found.state:
                case "voided" | "discarding" | "discard_error":
                    return Voided(found.reference)
                case "pending":
                    return Pending(found.sentence or f"the ERP has not created the draft of {found.reference} yet")
                case "error":
                    raise found.refusal("the invoice")
                case _:
                    return found.invoice

        return self._step(call, step, "build_invoice")

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided:
        def step(work: Work) -> Invoice | Pending | Voided:
            found = work.invoice()
            if found is None and request.invoice.reference is not None:
                return Voided(request.invoice.reference)
            if found is None or found.state in ("draft", "pending"):
                drafted = found is not None and found.state == "draft"
                if found is not None and drafted:
                    hook_answers.refuse_changed(found.invoice, request.invoice)
                work.refuse_dates()
                work.run("issue_invoice", reference=found.reference if found else None)
                found = work.invoice()
                if found is not None and drafted and found.state == "issued":
                    # someone may have changed it since it was looked at: then nothing of this step is kept
                    hook_answers.refuse_changed(found.invoice, request.invoice, known_only=True)
            if found is None:
                raise hook_answers.not_found("issue_invoice", "find_invoice")
            match found.state:
                case "voided" | "discarding" | "discard_error":
                    return Voided(found.reference)
                case "issued":
                    return found.invoice
                case "error":
                    raise found.refusal("the invoice")
                case _:
                    return Pending(found.sentence or f"the ERP has not issued invoice {found.reference} yet")

        self._need("issue_invoice", "an invoice must be issued")
        call = self._call(request.key, request.order, tax_date=request.tax_date, issue_date=request.issue_date)
        return self._step(call, step, "issue_invoice")

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        def step(work: Work) -> Done | Pending:
            found = work.invoice()
            if found is not None and found.state == "issued":
                raise AlreadyIssued(found.invoice)
            if found is None and not self.settings.discard_invoice:
                return Done()
            if found is None or found.state not in ("voided", "discarding", "discard_error"):
                self._need("discard_invoice", "a draft must be discarded")
                work.run("discard_invoice", reference=found.reference if found else None)
                found = work.invoice()
            if found is None or found.state == "voided":
                return Done()
            if found.state == "discarding":
                return Pending(found.sentence or f"the ERP has not discarded draft {found.reference} yet")
            if found.state == "discard_error":
                raise found.refusal("the discarding")
            raise hook_answers.not_undone("discard_invoice", "find_invoice")

        return self._step(self._call(request.key, request.order, reason=request.reason), step, "discard_invoice")

    @hookimpl
    def deliver(self, request: Deliver) -> Done | Pending:
        def step(work: Work) -> Done | Pending:
            found = work.delivery()
            if found is None:
                work.run("deliver", invoice_reference=work.invoice_reference())
                found = work.delivery()
            if found is None:
                raise hook_answers.not_found("deliver", "find_delivery")
            if found.state == "pending":
                return Pending(found.sentence or "the ERP has not booked the goods out yet")
            if found.state == "error":
                raise found.refusal("the delivery")
            return Done()

        if not self.settings.deliver:
            return Done()
        return self._step(self._call(request.key, request.order, reservations=request.reservations), step, "deliver")

    @hookimpl
    def list_documents(self, since: datetime) -> list[Document]:
        if not self.settings.list_documents:
            sentence = "the ERP's documents must be listed, but no statements are configured for list_documents"
            raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
        nothing = FulfillmentOrder(order_id="", warehouse_code="", items=())
        call = self._call("", nothing, since=since)
        return self._step(call, lambda work: work.documents())

    def free_stock(self, goods: Sequence[Goods]) -> list[FreeStock] | None:
        """The result of `available` for each; None if it is not configured."""
        if not self.settings.available:
            return None
        return self._step(self._call("", as_order(goods)), free_stock)

    @classmethod
    def setup(cls, setup: Setup) -> Question | SetupDone:
        """The questions about the database and the statements to start from."""
        from shipperone_erp_generic_sql.setup_questions import ask  # not needed by any other hook

        return ask(setup)

    def check(self) -> list[Check]:
        """Checks that the database opens and that each statement fits it; no statement is run."""
        return checks(self._database, self.settings)

    def identity(self) -> str:
        """Kind, host, port and name of the database, or the absolute file."""
        return self._database.name

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @cached_property
    def _database(self) -> Database:
        return Database(self.settings)

    @cached_property
    def _prepared(self) -> Prepared:
        return Prepared(self.settings)

    def _step(self, call: Call, step: Callable[[Work], AnswerT], name: str = "") -> AnswerT:
        def work(connection: Connection) -> AnswerT:
            return step(Work(connection, self._database, self._prepared, call))

        if name and self.settings.serial(name):
            return self._database.one_by_one(name, work)
        return self._database.in_transaction(work)

    def _call(
        self,
        key: str,
        order: FulfillmentOrder,
        *,
        reservations: tuple[Reservation, ...] = (),
        **values: object,
    ) -> Call:
        return self.settings.call(self.tenant, key, order, reservations=reservations, **values)

    def _need(self, step: str, why: str) -> None:
        if not self.settings.statements(step):
            raise Refused(Reason.CONFIG_INCOMPLETE, f"{why}, but no statements are configured for {step}", Owner.IT)

    def _shortage(self, call: Call, sentence: str) -> Shortage | Pending:
        """Every short line with its available quantity; without a query for that, only the fact that it is short.

        Goods for which the query returns no row are not short: the ERP has no such product, or not in that warehouse.
        """
        if self.settings.available:
            short = self._step(call, lambda work: work.short_lines())
            if short.unknown:
                return Pending(hook_answers.no_such_goods(short), STOCK_AGAIN, Reason.PRODUCT_UNKNOWN, Owner.WAREHOUSE)
            if short:
                return Shortage(short.lines)
        return Pending(sentence, STOCK_AGAIN, Reason.NOT_ENOUGH_STOCK, Owner.WAREHOUSE)
