"""Drafts: `account.invoice` in state draft, with the buyer, net prices, and taxes that add up to ShipperOne's gross."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shipperone_erp import (
    AlreadyIssued,
    BuildInvoice,
    DiscardInvoice,
    Done,
    FulfillmentOrder,
    Invoice,
    OrderItem,
    Owner,
    Reason,
    Refused,
    Voided,
)
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.amounts import Piece, pieces
from shipperone_erp_tryton.buyers import address, buyer
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.invoice_reader import CHARGE, ISSUED, SHIPPING, reference, stated
from shipperone_erp_tryton.issue_checks import refuse_what_cannot_be_issued
from shipperone_erp_tryton.products import products, quantity
from shipperone_erp_tryton.taxes import tax_of

KIND = "invoice"
INVOICE = "account.invoice"
TAX = "account.invoice.tax"


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be invoiced: an item, the shipping or a charge."""

    mark: str
    product: Any
    tax: Any
    gross: Decimal
    pieces: tuple[Piece, ...]
    text: str


def build(books: Books, request: BuildInvoice) -> Invoice | Voided:
    """The draft of this key."""
    row = keys.find(books, KIND, request.key)
    if row is None:
        row = keys.create(books, KIND, request.key, request.order.order_id)
        invoice = draft(books, request)
        books.model(keys.KEY).write([row], {"invoice": invoice.id})
        return stated(invoice, request.order)
    if not is_live(row):
        return Voided(None if row.invoice is None else reference(row.invoice))
    return stated(row.invoice, request.order)


def discard(books: Books, request: DiscardInvoice) -> Done:
    """The draft is cancelled and stays in Tryton; its key cannot be used again. Fiscal documents are never changed."""
    row = keys.find(books, KIND, request.key)
    if row is not None and is_live(row):
        if row.invoice.state in ISSUED:
            raise AlreadyIssued(stated(row.invoice, request.order))
        books.model(INVOICE).cancel([row.invoice])
    keys.void(books, KIND, request.key, request.order.order_id)
    return Done()


def is_live(row: Any) -> bool:
    """Whether the key's invoice exists, and is neither discarded nor cancelled."""
    return not row.voided and row.invoice is not None and row.invoice.state != "cancelled"


def draft(books: Books, request: BuildInvoice) -> Any:
    """A new draft whose total equals ShipperOne's gross to the cent, and that can be issued on its dates."""
    order = request.order
    currency = _currency(books, order)
    lines = list(planned_lines(books, order, currency))
    party = buyer(books, order)
    Invoice_, Line_ = books.model(INVOICE), books.model("account.invoice.line")
    invoice = Invoice_(company=books.company, type="out", party=party, currency=currency)
    invoice.set_journal()
    invoice.on_change_party()
    invoice.invoice_address = address(books, party, order.billing or order.customer or order.shipping)
    invoice.reference = order.order_number or order.order_id
    invoice.invoice_date = date_of(books, request.issue_date, request.tax_date)
    invoice.lines = [
        Line_(
            type="line",
            company=books.company,
            currency=currency,
            product=line.product,
            unit=line.product.default_uom,
            quantity=float(piece.qty),
            unit_price=piece.price,
            account=line.product.account_revenue_used,
            taxes=[line.tax],
            taxes_date=request.tax_date,
            description=line.text,
            shipperone_item=line.mark,
            shipperone_gross=piece.gross,
        )
        for line in lines
        for piece in line.pieces
    ]
    invoice.save()
    _set_taxes(books, invoice, lines)
    invoice = Invoice_(invoice.id)
    wanted = sum((line.gross for line in lines), Decimal(0))
    if invoice.total_amount != wanted:
        sentence = f"order {order.order_id}: Tryton computes {invoice.total_amount} where ShipperOne has {wanted}"
        raise Refused(Reason.TOTAL_DIFFERS, sentence, Owner.ACCOUNTANT)
    refuse_what_cannot_be_issued(books, invoice)
    return invoice


def date_of(books: Books, issue_date: datetime.date | None, tax_date: datetime.date | None) -> datetime.date:
    """The invoice's date."""
    today: datetime.date = books.model("ir.date").today()
    supply = tax_date if books.settings.dated == "supply" else None
    return issue_date or supply or today


def _set_taxes(books: Books, invoice: Any, lines: list[Line]) -> None:
    """Set the tax of each rate to the tax contained in the lines' gross, as an accountant corrects it in the draft.

    Tryton recomputes a tax only when its base changes, so the amount stays. A difference of more than a cent a line is
    not a rounding difference, and is refused.
    """
    exact: dict[tuple[int, bool], Decimal] = defaultdict(Decimal)
    counted: dict[tuple[int, bool], int] = defaultdict(int)
    for line in lines:
        for piece in line.pieces:
            row = (line.tax.id, piece.net >= 0)
            exact[row] += piece.gross - piece.net
            counted[row] += 1
    for tax in books.model(INVOICE)(invoice.id).taxes:
        row = (tax.tax.id, tax.base >= 0)
        wanted = exact.pop(row, None)
        if wanted is None or abs(wanted - tax.amount) > invoice.currency.rounding * counted[row]:
            sentence = f"Tryton computes {tax.amount} of {tax.description}, but the order states {wanted}"
            raise Refused(Reason.TAX_DIFFERS, sentence, Owner.ACCOUNTANT)
        if wanted != tax.amount:
            books.model(TAX).write([tax], {"amount": wanted})
    if any(exact.values()):
        raise Refused(Reason.TAX_DIFFERS, f"Tryton computes no tax for {invoice.rec_name}", Owner.ACCOUNTANT)


def planned_lines(books: Books, order: FulfillmentOrder, currency: Any) -> Iterator[Line]:
    """The lines of the order's invoice. Refused if a product or a tax of it is missing in Tryton."""
    codes = [item.sku for item in order.items]
    if order.shipping_amount_incl_tax:
        codes.append(_service(books.settings.shipping_product, "shipping_product", Reason.SHIPPING_MISSING))
    charges = [charge for charge in order.charges if charge.kind == "line" and charge.amount]
    codes += [
        _service(books.settings.charges.get(one.name), f"charges.{one.name}", Reason.CONFIG_INCOMPLETE)
        for one in charges
    ]
    found = products(books, codes)
    taxes = {item.item_id: tax_of(books, order, item.tax_percent) for item in order.items}
    for item in order.items:
        product = found[item.sku]
        quantity(product, item.qty)
        gross = _gross(item)
        yield _line(books, keys.item_text(item), product, taxes[item.item_id], item.qty, gross, item.name, currency)
    extra = [(SHIPPING, books.settings.shipping_product, order.shipping_amount_incl_tax)] * bool(
        order.shipping_amount_incl_tax
    ) + [(f"{CHARGE}{one.name}", books.settings.charges[one.name], one.amount) for one in charges]
    highest = max(taxes.values(), key=lambda tax: tax.rate)
    for mark, code, amount in extra:
        yield _line(books, mark, found[str(code)], highest, Decimal(1), amount or Decimal(0), None, currency)


def _line(
    books: Books, mark: str, product: Any, tax: Any, qty: Decimal, gross: Decimal, text: str | None, currency: Any
) -> Line:
    digits = books.model("account.invoice.line").unit_price.digits[1]
    cent = currency.rounding
    if gross != gross.quantize(cent):
        raise Refused(
            Reason.TOTAL_DIFFERS, f"{gross} is not an amount in {currency.code}, whose smallest unit is {cent}"
        )
    made = pieces(qty, gross.quantize(cent), tax.rate, cent, digits, currency.round)
    return Line(mark, product, tax, gross.quantize(cent), tuple(made), text or product.name)


def _gross(item: OrderItem) -> Decimal:
    gross = item.line_total_incl_tax if item.line_total_incl_tax is not None else item.row_total_incl_tax
    if gross is None:
        raise Refused(Reason.PRICE_MISSING, f"item {item.item_id} ({item.sku}) has no amount with tax")
    return gross


def _service(code: str | None, setting: str, reason: Reason) -> str:
    if code is None:
        raise Refused(reason, f"set `{setting}` to the code of the service product for this amount")
    return code


def _currency(books: Books, order: FulfillmentOrder) -> Any:
    """The order's currency; refused if it is missing in Tryton or has no rate."""
    if order.currency is None:
        raise Refused(Reason.CURRENCY_MISSING, f"order {order.order_id} has no currency")
    found = books.search("currency.currency", [("code", "=", order.currency)])
    if not found:
        sentence = f"Tryton has no active currency {order.currency}; the company's is {books.company.currency.code}"
        raise Refused(Reason.CURRENCY_DIFFERS, sentence, Owner.ACCOUNTANT)
    if found[0] != books.company.currency and not found[0].rate:
        raise Refused(Reason.CURRENCY_DIFFERS, f"Tryton has no rate of {order.currency}", Owner.ACCOUNTANT)
    return found[0]
