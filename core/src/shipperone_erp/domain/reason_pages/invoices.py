"""Reasons that concern the invoice: buyer, taxes, payments, prices, totals, dates."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.CUSTOMER_AMBIGUOUS: Explanation(
        ACCOUNTANT,
        f"Several customers in the ERP fit this order. {FROM_CONNECTOR}",
        HELD,
        f"Merge or tell them apart in the ERP. {RETRY}",
    ),
    Reason.TAX_NOT_MAPPED: Explanation(
        ACCOUNTANT, f"No tax in the ERP is mapped to this order's. {FROM_CONNECTOR}", HELD, f"Map it. {RETRY}"
    ),
    Reason.PAYMENT_NOT_MAPPED: Explanation(
        ACCOUNTANT,
        f"No payment in the ERP is mapped to this order's method. {FROM_CONNECTOR}",
        HELD,
        f"Map it. {RETRY}",
    ),
    Reason.PRICE_MISSING: Explanation(
        IT,
        "ShipperOne gives an item neither a row total nor a price. Absent is not zero, so no invoice is made; a gift "
        "that is listed at 0 is invoiced at 0.00.",
        "It is held: nothing happens to it until an operator acts, or until ShipperOne lists the price.",
        "If the price is elsewhere in the order, name the place as `price_incl_tax` or `row_total_incl_tax` in "
        f"[tenants.NAME.fields]. {RETRY}",
        (SHIPPERONE,),
    ),
    Reason.SHIPPING_MISSING: Explanation(
        IT,
        "ShipperOne gives no shipping amount. Absent is not zero, so no invoice is made; free shipping is listed as 0.",
        "It is held: nothing happens to it until an operator acts, or until ShipperOne lists the amount.",
        "If it is elsewhere in the order, name the place as `shipping_amount_incl_tax` in [tenants.NAME.fields]. "
        f"{RETRY}",
    ),
    Reason.CURRENCY_MISSING: Explanation(
        IT,
        "The order states no currency, and the tenant has none set.",
        HELD,
        f'Set `currency = "EUR"` for the tenant, or name the place as `currency` in [tenants.NAME.fields]. {RETRY}',
    ),
    Reason.CURRENCY_DIFFERS: Explanation(
        ACCOUNTANT,
        "The order, or the invoice, is in another currency than the tenant's `currency` and `currencies` allow.",
        HELD,
        f'If it is right, add it: `currencies = ["CZK"]`; else correct it in the shop or the ERP. {RETRY}',
    ),
    Reason.TOTAL_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice comes to another amount than what shipped, or the ERP reports no total of it and `not_compared` "
        "is `hold`. ShipperOne was not asked.",
        "One that differs was built again up to three times with the same result; now it is held.",
        "Compare both sides in `order show ID`; correct prices or rounding in the ERP, have it report its total, or "
        f'set `not_compared = "accept"`. {RETRY}',
    ),
    Reason.AMOUNT_UNEXPLAINED: Explanation(
        ACCOUNTANT,
        "Lines, shipping and charges do not add up to the order's total, or an amount has more decimals than its "
        "currency: a coupon, a gift card, a fee, a discount or a rounding that no setting names. Or nothing proves "
        "whether rows are before or after their discount. Or a part lists the row, the discount or the sum of more "
        "than itself. The sentence has the sums, of a part with every invoice of the order.",
        "It is held: nothing is built, and a draft that was built is not sent. It resumes by itself once a charge that "
        "is named, or `discount`, explains it.",
        'Name a coupon or a fee in [[tenants.NAME.charges]] with `kind = "line"`, a gift card with `kind = '
        '"payment"`; set `discount` to how rows count; allow a cent with `tolerance`. '
        f"docs/explanation/amounts.md has an example of each. {RETRY} One order that is right as it is: "
        "`order approve ID --total T`; a credit note that was made: `order credited ID`.",
    ),
    Reason.SHIPPING_DIFFERS: Explanation(
        ACCOUNTANT,
        "The shipping amount of the invoice is not ShipperOne's.",
        "It was built again up to three times; now it is held.",
        f"Correct shipping in the ERP, or have ShipperOne correct the order. {RETRY}",
    ),
    Reason.SHIPPING_REPEATED: Explanation(
        ACCOUNTANT,
        "This part of an order lists the same shipping, or the same charge, that an earlier invoice of it carried, or "
        "an invoice of another fulfillment order of the same sales order.",
        "It is held: nothing is built and nothing is sent. It resumes by itself once ShipperOne lists it otherwise.",
        f'If the customer pays it with every part, set `shipping_on_parts = "as_listed"`. {RETRY} Else have ShipperOne '
        "list it on one part only.",
    ),
    Reason.TAX_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice has another tax than the shop used. ShipperOne was not asked.",
        "It was built again up to three times; now it is held.",
        f"Correct the product's tax, or the mapping of taxes, in the ERP. {RETRY}",
    ),
    Reason.VAT_ID_INVALID: Explanation(
        ACCOUNTANT,
        f"The buyer's VAT id is not valid, and the tax would differ by it. {FROM_CONNECTOR}",
        HELD,
        f"Have the customer's VAT id corrected or removed in the shop, or correct the customer in the ERP. {RETRY} To "
        "invoice the order without it: `order approve ID --without-vat --note …`.",
    ),
    Reason.DATE_IMPLAUSIBLE: Explanation(
        ACCOUNTANT,
        "The invoice would be of a day of supply that cannot be true: ShipperOne lists a `shipped_at` that is no date, "
        "is later than the order's first listing by more than a day, is earlier than its allocation was accepted by "
        "more than a day, or, without an allocation in the ledger, is older than `oldest_date`. The sentence has the "
        "value as it is listed.",
        "No invoice is built, sent or issued of that day. It resumes by itself once ShipperOne lists a date that can "
        "be true; what ShipperOne has accepted already is looked at again before it is issued.",
        "Have the date corrected at ShipperOne. Or set the true day with `shipperone-erp order supply-date ID --date D "
        '--note …`. If dates without an offset are local times, set `dates_without_zone = "tenant"`; if parcels are '
        "older than a year, `oldest_date`.",
    ),
}
