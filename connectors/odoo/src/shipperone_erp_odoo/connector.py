"""The hooks of the Odoo connector. Each may be called again, and finds the results of earlier calls."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import httpx

from shipperone_erp import (
    BuildInvoice,
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
    Pending,
    Question,
    ReleaseStock,
    Reserved,
    ReserveStock,
    Setup,
    SetupDone,
    Shortage,
    Voided,
    hookimpl,
)
from shipperone_erp_odoo.checks import checks
from shipperone_erp_odoo.credit_notes import CreditNote, credit
from shipperone_erp_odoo.delivering import deliver
from shipperone_erp_odoo.documents import documents
from shipperone_erp_odoo.draft_invoices import build
from shipperone_erp_odoo.free_stock import free_stock
from shipperone_erp_odoo.issuing import discard, issue
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.rehearsing import rehearse
from shipperone_erp_odoo.releasing import release
from shipperone_erp_odoo.reserving import reserve
from shipperone_erp_odoo.settings import OdooSettings
from shipperone_erp_odoo.setup_questions import ask


class OdooConnector(Connector[OdooSettings]):
    """One company, or several, of one Odoo database."""

    transport: httpx.BaseTransport | None = None
    """The HTTP transport of a test; None for the network."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
        return reserve(self._odoo, [request]).only()

    @hookimpl
    def reserve_stock_batch(
        self, requests: Sequence[ReserveStock]
    ) -> dict[str, Reserved | Shortage | Pending | Voided | Exception]:
        return dict(reserve(self._odoo, requests).found)

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        return release(self._odoo, request)

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided:
        return build(self._odoo, [request]).only()

    @hookimpl
    def build_invoice_batch(
        self, requests: Sequence[BuildInvoice]
    ) -> dict[str, Invoice | Pending | Voided | Exception]:
        return dict(build(self._odoo, requests).found)

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided:
        return issue(self._odoo, [request]).only()

    @hookimpl
    def issue_invoice_batch(
        self, requests: Sequence[IssueInvoice]
    ) -> dict[str, Invoice | Pending | Voided | Exception]:
        return dict(issue(self._odoo, requests).found)

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        return discard(self._odoo, request)

    @hookimpl
    def deliver(self, request: Deliver) -> Done | Pending:
        return deliver(self._odoo, [request]).only()

    @hookimpl
    def deliver_batch(self, requests: Sequence[Deliver]) -> dict[str, Done | Pending | Exception]:
        return dict(deliver(self._odoo, requests).found)

    @hookimpl
    def list_documents(self, since: datetime) -> list[Document]:
        return documents(self._odoo, since)

    def draft_credit_note(self, request: CreditNote) -> Document | Voided:
        """A draft that credits an issued invoice in full, for an accountant to post in Odoo; no hook calls it."""
        return credit(self._odoo, request)

    @classmethod
    def setup(cls, setup: Setup) -> Question | SetupDone:
        """Asks for server, database and login; then for the warehouses, journals and taxes found there."""
        return ask(setup, cls.transport)

    def free_stock(self, goods: Sequence[Goods]) -> list[FreeStock]:
        """On hand minus reserved, without expired goods; for a kit the number that its components allow."""
        return free_stock(self._odoo, goods)

    def check(self) -> list[Check]:
        """Checks server, login, rights, and that every record named in the settings exists."""
        return checks(self._odoo)

    def rehearse(self, orders: Sequence[FulfillmentOrder]) -> list[Check]:
        """How Odoo would invoice these orders: drafts that are removed afterwards."""
        return rehearse(self._odoo, orders)

    def identity(self) -> str:
        """Host and database."""
        return self._name

    def exclusive(self) -> str | None:
        """One writer of stock for each database: Odoo over-reserves if two transactions reserve at once."""
        return self._name

    def close(self) -> None:
        """Close the connections."""
        self._odoo.close()

    @property
    def _name(self) -> str:
        return f"odoo:{self.settings.host}/{self.settings.database}"

    @cached_property
    def _odoo(self) -> Odoo:
        return Odoo(self.settings, self.transport)
