"""What can be declared of an ERP and is not there, or is there and not declared. One fault a class."""

from typing import Any, ClassVar

from honest_erp import HonestConnector

from shipperone_erp import Capability, Connector, Invoice, InvoiceLine, Refused, hookimpl

EVERYTHING = frozenset(Capability)


class DraftsUndeclared(HonestConnector):
    """Declares no drafts, and makes one of each invoice."""

    caught_by: ClassVar[str] = "F1"
    capabilities = EVERYTHING - {Capability.DRAFTS}


class DraftsMissing(HonestConnector):
    """Declares drafts, and writes nothing before the invoice is issued."""

    caught_by: ClassVar[str] = "F1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty, item.row_total_incl_tax) for item in order.items)
        goods = sum(item.row_total_incl_tax for item in order.items)
        total = goods + order.shipping_amount_incl_tax + order.line_charges
        return Invoice(None, lines, order.shipping_amount_incl_tax, total, currency=order.currency)


class BatchMissing(HonestConnector):
    """Declares batches, and has no batch form."""

    caught_by: ClassVar[str] = "F2"
    reserve_stock_batch = Connector.reserve_stock_batch
    build_invoice_batch = Connector.build_invoice_batch
    issue_invoice_batch = Connector.issue_invoice_batch
    deliver_batch = Connector.deliver_batch


class CurrenciesMissing(HonestConnector):
    """Declares several currencies, and refuses all but one."""

    caught_by: ClassVar[str] = "F2"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        if request.order.currency != "EUR":
            raise Refused("currency_differs", f"the ERP does not know {request.order.currency}", "accountant")
        return super().build_invoice(request)


class BatchUndeclared(HonestConnector):
    """Has batch forms, and declares no batch."""

    caught_by: ClassVar[str] = "L1"
    capabilities = EVERYTHING - {Capability.BATCH}


class TransfersUndeclared(HonestConnector):
    """Brings goods from the other warehouse, and declares no transfers."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.TRANSFERS}


class MarksUndeclared(HonestConnector):
    """Marks keys that it never saw, and declares no marks."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.MARKS}


class FractionsUndeclared(HonestConnector):
    """Keeps 1.5 exactly, and declares no fractions."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.FRACTIONS}


class UnitsUndeclared(HonestConnector):
    """Knows what is sold in whole pieces, and declares no units."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.UNITS}


class CurrenciesUndeclared(HonestConnector):
    """Invoices in any currency, and declares one."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.CURRENCIES}


class NegativeLinesUndeclared(HonestConnector):
    """Writes coupons, and declares no lines below zero."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.NEGATIVE_LINES}


class BackdatingUndeclared(HonestConnector):
    """Dates an invoice as it is asked, and declares no backdating."""

    caught_by: ClassVar[str] = "F3"
    capabilities = EVERYTHING - {Capability.BACKDATING}
