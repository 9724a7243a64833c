"""A note that is printed on the invoice: `policies = ["invoice_note"]`.

The policy only supplies the note; the connector prints it, from `order.extra["invoice_note"]`.
"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from shipperone_erp import BuildInvoice, ConnectorSettings, Policy, hookimpl

KEY = "invoice_note"
"""The key of the note in `order.extra`, for a connector."""


class NoteSettings(ConnectorSettings):
    """The note's text, and the invoices that it applies to."""

    note: str = Field("", description="text on every invoice; none if left out")
    by_payment: Mapping[str, str] = Field(
        {}, description='text that replaces `note`, by payment method: { bank_transfer = "Payable within 14 days" }'
    )
    by_country: Mapping[str, str] = Field(
        {}, description="further text by destination country, such as a sentence required by law"
    )


class InvoiceNote(Policy[NoteSettings]):
    """Sets `order.extra["invoice_note"]` before an invoice is built; leaves the order unchanged if no note applies."""

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
