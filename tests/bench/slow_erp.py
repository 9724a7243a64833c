"""An ERP that takes 20 ms for every call and keeps nothing: what an order costs is what the runtime adds."""

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
    """How long every hook takes."""

    seconds: float = TAKES


class SlowErp(Connector[NoErpSettings]):
    """Every hook sleeps for that long, and answers that it is done."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved:
        time.sleep(self.settings.seconds)
        return Reserved(f"R-{request.key}")

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice:
        time.sleep(self.settings.seconds)
        return invoice_of(request)

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice:
        time.sleep(self.settings.seconds)
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
