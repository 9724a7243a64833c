"""A note that is printed on the invoice: `policies = ["invoice_note"]`.

The policy only says what the note is; the connector prints it, from `order.extra["invoice_note"]`.
"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from shipperone_erp import BuildInvoice, ConnectorSettings, Policy, hookimpl

KEY = "invoice_note"
"""Where in `order.extra` a connector finds it."""


class NoteSettings(ConnectorSettings):
    """What is printed, and on which invoices."""

    note: str = Field("", description="on every invoice; nothing if left out")
    by_payment: Mapping[str, str] = Field(
        {}, description='instead of it, by payment method: { bank_transfer = "Payable within 14 days" }'
    )
    by_country: Mapping[str, str] = Field(
        {}, description="below it, by the country that is shipped to: a sentence that the law asks for"
    )


class InvoiceNote(Policy[NoteSettings]):
    """Sets `order.extra["invoice_note"]` before an invoice is built; leaves the order as it is if nothing fits."""

    @hookimpl
    def before_build(self, request: BuildInvoice) -> BuildInvoice:
        order, settings = request.order, self.settings
        country = order.shipping.country if order.shipping else None
        lines = [
            settings.by_payment.get(order.payment_method or "", settings.note),
            settings.by_country.get(country or "", ""),
        ]
        note = "\n".join(line for line in lines if line)
        if not note:
            return request
        return replace(request, order=replace(order, extra={**order.extra, KEY: note}))
