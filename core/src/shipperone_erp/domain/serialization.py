"""Orders and invoices as the JSON text that the ledger stores, and back."""

from dataclasses import fields
from functools import lru_cache

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp.kernel.frozen import Same
from shipperone_erp.kernel.json import dumps, loads

_STORED = tuple(field.name for field in fields(Invoice) if field.name != "issuer")


def order_text(order: FulfillmentOrder) -> str:
    """The order as the ledger stores it."""
    return dumps(order)


def order_from_text(text: str) -> FulfillmentOrder:
    """The order that `order_text` wrote, equal to the original."""
    raw = loads(text)
    raw["items"] = tuple(OrderItem(**item) for item in raw["items"])
    raw["charges"] = tuple(Charge(**charge) for charge in raw.get("charges", ()))
    for name in ("customer", "billing", "shipping"):
        if raw.get(name) is not None:
            raw[name] = Party(**raw[name])
    return FulfillmentOrder(**raw)


def invoice_text(invoice: Invoice) -> str:
    """The invoice as the ledger stores it, without its issuer, for which a job has a column of its own."""
    return _invoice_text(Same(invoice))


@lru_cache(maxsize=64)
def _invoice_text(same: Same[Invoice]) -> str:
    """Cached: an answer is stored twice in a row, with its call and with its job."""
    return dumps({name: getattr(same.value, name) for name in _STORED})


def invoice_from_text(text: str) -> Invoice:
    """The invoice that `invoice_text` wrote, without its issuer."""
    raw = loads(text)
    return Invoice(**{"reference": None, "shipping_amount_incl_tax": None, "total_incl_tax": None, **raw})
