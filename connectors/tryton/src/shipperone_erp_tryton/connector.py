"""The hooks of the Tryton connector. Each is a transaction that may be replayed, and finds past work by its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from shipperone_erp import (
    BuildInvoice,
    Capability,
    Check,
    Connector,
    Deliver,
    DiscardInvoice,
    Document,
    Done,
    FreeStock,
    Goods,
    Invoice,
    IssueInvoice,
    Pending,
    ReleaseStock,
    Reserved,
    ReserveStock,
    Shortage,
    Voided,
    hookimpl,
)
from shipperone_erp_tryton import delivering, documents, invoicing, issuing, stock
from shipperone_erp_tryton.checks import checks
from shipperone_erp_tryton.erp import Erp
from shipperone_erp_tryton.free_stock import free_stock
from shipperone_erp_tryton.settings import TrytonSettings


class TrytonConnector(Connector[TrytonSettings]):
    """One company of one Tryton database."""

    api = ">=1,<2"
    capabilities = frozenset(Capability) - {Capability.BATCH, Capability.LOTS}

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
        return self._erp.do(lambda books: stock.reserve(books, request), "reserving")

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        return self._erp.do(lambda books: stock.release(books, request), "releasing")

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided:
        return self._erp.do(lambda books: invoicing.build(books, request), "drafting the invoice")

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided:
        return self._erp.do(lambda books: issuing.issue(books, request), "posting the invoice")

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        return self._erp.do(lambda books: invoicing.discard(books, request), "discarding the draft")

    @hookimpl
    def deliver(self, request: Deliver) -> Done | Pending:
        return self._erp.do(lambda books: delivering.deliver(books, request), "delivering")

    @hookimpl
    def list_documents(self, since: datetime) -> list[Document]:
        return self._erp.do(lambda books: documents.documents(books, since), "listing documents", readonly=True)

    def free_stock(self, goods: Sequence[Goods]) -> list[FreeStock]:
        """The quantities on hand and not assigned."""
        return self._erp.do(lambda books: free_stock(books, goods), "counting the stock", readonly=True)

    def check(self) -> list[Check]:
        """Checks database, module, user and company, and that every record named in the settings exists."""
        return checks(self._erp)

    def identity(self) -> str:
        """The database."""
        return f"tryton:{self.settings.url}"

    def exclusive(self) -> str | None:
        """One writer of stock for each database: Tryton locks without waiting, and two would only be replayed."""
        return self.identity()

    def close(self) -> None:
        """Release the database."""
        self._erp.close()

    @cached_property
    def _erp(self) -> Erp:
        return Erp(self.settings)
