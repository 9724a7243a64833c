"""Tryton's documents under a key, in the form that the conformance kit compares; read without the connector."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from shipperone_erp.testing import ErpDocument, ErpLine
from shipperone_erp_tryton import keys
from shipperone_erp_tryton.erp import exact

State = Literal["live", "draft", "issued", "voided"]

INVOICES: Mapping[str, State] = {
    "draft": "draft", "validated": "draft", "posted": "issued", "paid": "issued", "cancelled": "voided",
}  # fmt: skip


def reservations(pool: Any, key: str) -> Iterable[ErpDocument]:
    """The key's customer shipment, and others of its order that belong to no key."""
    for row in pool.get("shipperone.key").search([("kind", "=", "reservation"), ("key", "=", key)]):
        shipment = row.shipment
        gone = row.voided or shipment is None or shipment.state == "cancelled"
        yield ErpDocument("reservation", "voided" if gone else "live", None if shipment is None else str(shipment))
        yield from (
            ErpDocument("reservation", "live", str(other))
            for other in _strays(pool, "stock.shipment.out", "shipment", row.order)
        )


def invoices(pool: Any, key: str) -> Iterable[ErpDocument]:
    """The key's customer invoice, and others of its order that belong to no key."""
    for row in pool.get("shipperone.key").search([("kind", "=", "invoice"), ("key", "=", key)]):
        if row.invoice is None:
            yield ErpDocument("invoice", "voided")
            continue
        for invoice in (row.invoice, *_strays(pool, "account.invoice", "invoice", row.order)):
            state = "voided" if row.voided else INVOICES[invoice.state]
            yield ErpDocument(
                "invoice",
                state,
                str(invoice),
                invoice.number,
                invoice.total_amount,
                invoice.currency.code,
                invoice.party.name,
                tuple(_lines(invoice)),
            )


def _lines(invoice: Any) -> Iterable[ErpLine]:
    """The lines as Tryton has them: net plus tax, within the cent by which a line's rounding may differ."""
    by_item: dict[str | None, list[Any]] = {}
    for line in invoice.lines:
        by_item.setdefault(line.shipperone_item, []).append(line)
    for text, lines in by_item.items():
        goods = text is not None and lines[0].product.type != "service"
        rate = sum((tax.rate for tax in lines[0].taxes), Decimal(0))
        yield ErpLine(
            item_id=keys.item_id(text) if goods and text else None,
            sku=lines[0].product.code if goods else None,
            qty=sum((exact(line.quantity) for line in lines), Decimal(0)),
            total_incl_tax=sum((_gross(line, rate) for line in lines), Decimal(0)),
            tax_percent=rate * 100,
        )


def _gross(line: Any, rate: Decimal) -> Decimal:
    computed: Decimal = line.currency.round(line.amount * (1 + rate))
    sold: Decimal | None = line.shipperone_gross
    return sold if sold is not None and abs(sold - computed) <= line.currency.rounding else computed


def _strays(pool: Any, model: str, field: str, order: str) -> list[Any]:
    """Documents of the order that belong to no key: created twice, and no longer referenced."""
    known = {getattr(row, field).id for row in pool.get("shipperone.key").search([(field, "!=", None)])}
    found = pool.get(model).search([("reference", "=", order), ("state", "!=", "cancelled")])
    return [record for record in found if record.id not in known]
