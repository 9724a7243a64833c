"""The order's data about its buyer and its destination. Pure functions."""

from shipperone_erp import FulfillmentOrder, Party
from shipperone_erp_odoo.business_identity import company_name, registration_number, vat_id
from shipperone_erp_odoo.warehouses import Company

PLACE = ("street", "city", "postcode", "country")

ORDER = "order"
LANGUAGE = "language"
SPOKEN = ("language", "language_code", "lang", "locale", "locale_code", "store_language", "store_locale")
"""Keys under which ShipperOne may list a language: `sk`, `sk-SK`, `sk_SK`."""


def buyer(order: FulfillmentOrder) -> Party:
    """The billing address, completed with data that only the customer's record has.

    A VAT id, a registration number or a company that identifies nobody is None; the VAT id is normalised. `extra` has
    the order's id, and the buyer's language, if the order has one.
    """
    billing, customer = order.billing or Party(), order.customer or Party()
    place = billing if billing.street else customer
    return Party(
        name=billing.name or customer.name,
        company=company_name(billing.company) or company_name(customer.company),
        vat_id=vat_id(billing.vat_id) or vat_id(customer.vat_id),
        company_id=_registered(billing.company_id) or _registered(customer.company_id),
        email=billing.email or customer.email,
        phone=billing.phone or customer.phone,
        region=place.region,
        extra={ORDER: order.order_id, **({LANGUAGE: spoken} if (spoken := _language(order)) else {})},
        **{name: getattr(place, name) for name in PLACE},
    )


def delivered_to(order: FulfillmentOrder, at: Company) -> str:
    """The country of the delivery in capitals; the company's own if the order has none."""
    to = (order.shipping and order.shipping.country) or buyer(order).country or at.country or ""
    return to.upper()


def _language(order: FulfillmentOrder) -> str | None:
    """The buyer's language in the order; None if it has none."""
    listed = [party.extra for party in (order.billing, order.customer) if party is not None] + [order.extra]
    texts = (extra.get(key) for extra in listed for key in SPOKEN)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _registered(text: str | None) -> str | None:
    """The registration number in its written form."""
    return " ".join((text or "").split()) if registration_number(text) else None
