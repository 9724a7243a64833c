"""Selects the tax of an item: by the tenant's table of taxes, or the product's own tax if the table says `product`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp import FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.lookups import Tax
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.parties import buyer, delivered_to
from shipperone_erp_odoo.products import Product
from shipperone_erp_odoo.settings import PRODUCTS_OWN, OdooSettings, TaxRule
from shipperone_erp_odoo.warehouses import Company


@dataclass(frozen=True, slots=True)
class ItemTax:
    """The table's entry for an item, and the tax in Odoo."""

    rule: TaxRule
    tax: Tax


def item_taxes(
    odoo: Odoo, at: Company, order: FulfillmentOrder, products: Mapping[str, Product | Refused]
) -> dict[str, ItemTax]:
    """The tax of each item, by its id as text. `Refused`, tax_not_mapped, if one has none."""
    settings, business, to = odoo.settings, buyer(order).vat_id is not None, delivered_to(order, at)
    found: dict[str, ItemTax] = {}
    for item in order.items:
        rule = rule_for(settings, at, to, business=business, percent=item.tax_percent)
        product = products[item.sku]
        if rule.tax != PRODUCTS_OWN:
            found[str(item.item_id)] = ItemTax(rule, lookups.tax(odoo, rule.tax, at))
        elif isinstance(product, Refused):
            raise product
        else:
            found[str(item.item_id)] = _products_own(odoo, at, product, rule, to)
    return found


def rule_for(settings: OdooSettings, at: Company, country: str, *, business: bool, percent: Decimal | None) -> TaxRule:
    """The first rule of the tenant's table that matches. `Refused`, tax_not_mapped, if none does (M7).

    `tax = "product"` applies only if ShipperOne provides no rate, at home, for a buyer without a VAT id: a product's
    tax is that of a private buyer in the company's own country.
    """
    own = percent is None and not business and country != "" and country == at.country
    for rule in settings.taxes:
        if (
            rule.country.upper() in ("*", country)
            and rule.business in (None, business)
            and (rule.percent is None or rule.percent == percent)
            and (own or rule.tax != PRODUCTS_OWN)
        ):
            return rule
    who = "a business with a VAT id" if business else "a private buyer"
    rate = "no stated rate" if percent is None else f"{percent:f} %"
    sentence = f"no entry of [[tenants.NAME.odoo.taxes]] fits {rate} for {who}, delivered to {country or 'no country'}"
    if any(rule.tax == PRODUCTS_OWN for rule in settings.taxes):
        sentence += '; tax = "product" is for items without a rate, at home, for buyers without a VAT id'
    raise Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)


def _products_own(odoo: Odoo, at: Company, product: Product, rule: TaxRule, country: str) -> ItemTax:
    """The product's sale tax, if its price includes it; else the table's entry for its rate."""
    own = lookups.sale_taxes(odoo, product.taxes, at)
    if len(own) != 1:
        names = ", ".join(tax.name for tax in own) or "none"
        raise _refusal(
            product, f"it has {len(own) or 'no'} sale taxes of {at.name} ({names}), but exactly one is needed"
        )
    (tax,) = own
    if tax.included:
        return ItemTax(rule, tax)
    if tax.percent is None:
        raise _refusal(product, f"its tax {tax.name} is not included in its price, and is no plain percentage")
    try:
        of_rate = rule_for(odoo.settings, at, country, business=False, percent=tax.percent)
    except Refused:
        sentence = (
            f"its tax {tax.name} is not included in its price: add an entry for {tax.percent.normalize():f} % whose "
        )
        raise _refusal(product, f"{sentence}tax is, or give the product such a tax") from None
    return ItemTax(of_rate, lookups.tax(odoo, of_rate.tax, at))


def _refusal(product: Product, why: str) -> Refused:
    sentence = f'"{product.sku}" cannot be invoiced with its own tax (tax = "product"): {why}'
    return Refused(Reason.TAX_NOT_MAPPED, sentence, Owner.ACCOUNTANT)
