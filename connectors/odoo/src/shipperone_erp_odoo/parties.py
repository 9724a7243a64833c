"""What an order states about its buyer and its destination. Pure functions."""

from shipperone_erp import FulfillmentOrder, Party
from shipperone_erp_odoo.business_identity import company_name, registration_number, vat_id
from shipperone_erp_odoo.sites import Company

PLACE = ("street", "city", "postcode", "country")


def buyer(order: FulfillmentOrder) -> Party:
    """The billing address, completed by what only the customer's record states.

    A VAT id, a registration number or a company that identifies nobody is None; the VAT id is normalised.
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
        **{name: getattr(place, name) for name in PLACE},
    )


def delivered_to(order: FulfillmentOrder, at: Company) -> str:
    """The country of the delivery in capitals; where the order states none, the company's own."""
    to = (order.shipping and order.shipping.country) or buyer(order).country or at.country or ""
    return to.upper()


def _registered(text: str | None) -> str | None:
    """The registration number as it is written."""
    return " ".join((text or "").split()) if registration_number(text) else None
