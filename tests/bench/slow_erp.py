"""An ERP that takes 20 ms for everything and keeps nothing: what it costs is what the runtime adds."""

import time

from shipperone_erp import (
    BuildInvoice,
    Connector,
    ConnectorSettings,
    Invoice,
    InvoiceLine,
    IssueInvoice,
    Reserved,
    ReserveStock,
    hookimpl,
)

TAKES = 0.020


class NoErpSettings(ConnectorSettings):
    """Nothing to set."""


class SlowErp(Connector[NoErpSettings]):
    """Every hook sleeps for 20 ms and says yes."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved:
        time.sleep(TAKES)
        return Reserved(f"R-{request.key}")

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice:
        time.sleep(TAKES)
        return invoice_of(request)

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice:
        time.sleep(TAKES)
        invoice = request.invoice
        return Invoice(
            f"I-{request.key}",
            invoice.lines,
            invoice.shipping_amount_incl_tax,
            invoice.total_incl_tax,
            issued=True,
            number=request.key,
        )


def invoice_of(request: BuildInvoice) -> Invoice:
    order = request.order
    return Invoice(
        None,
        tuple(InvoiceLine(item.item_id, item.qty, item.row_total_incl_tax) for item in order.items),
        order.shipping_amount_incl_tax,
        order.total_incl_tax,
    )
