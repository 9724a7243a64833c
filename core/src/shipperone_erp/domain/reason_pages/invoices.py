"""Reasons that concern the invoice: buyer, taxes, payments, prices, totals, dates."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.CUSTOMER_AMBIGUOUS: Explanation(
        ACCOUNTANT,
        "Several customers in the ERP match this order, as the connector reports. Or only the allocation lists its "
        "billing party or delivery address, and no setting decides whether that is used.",
        "It is held until an operator acts; orders without a decided party resume once `unlisted_parties` is set.",
        f"Merge the customers, or make them distinguishable, in the ERP. {RETRY} Or set `unlisted_parties`.",
    ),
    Reason.TAX_NOT_MAPPED: Explanation(
        ACCOUNTANT, f"No tax of the ERP is mapped to a tax of this order. {FROM_CONNECTOR}", HELD, f"Map it. {RETRY}"
    ),
    Reason.PAYMENT_NOT_MAPPED: Explanation(
        ACCOUNTANT,
        f"No payment of the ERP is mapped to this order's payment method. {FROM_CONNECTOR}",
        HELD,
        f"Map it. {RETRY}",
    ),
    Reason.PRICE_MISSING: Explanation(
        IT,
        "ShipperOne lists an item with neither a row total nor a price. Absent is not zero, so no invoice is created; "
        "a gift listed at 0 is invoiced at 0.00.",
        "It is held until an operator acts or ShipperOne lists the price.",
        "If the price is elsewhere in the order, set its place as `price_incl_tax` or `row_total_incl_tax` in "
        f"[tenants.NAME.fields]. {RETRY}",
        (SHIPPERONE,),
    ),
    Reason.SHIPPING_MISSING: Explanation(
        IT,
        "ShipperOne lists no shipping amount. Absent is not zero, so no invoice is created; free shipping is listed "
        "as 0.",
        "It is held until an operator acts or ShipperOne lists the amount.",
        "If it is elsewhere in the order, set its place as `shipping_amount_incl_tax` in [tenants.NAME.fields]. "
        f"{RETRY}",
    ),
    Reason.CURRENCY_MISSING: Explanation(
        IT,
        "The order states no currency, and the tenant has no `currency` set.",
        HELD,
        f'Set `currency = "EUR"` for the tenant, or set its place as `currency` in [tenants.NAME.fields]. {RETRY}',
    ),
    Reason.CURRENCY_DIFFERS: Explanation(
        ACCOUNTANT,
        "The order, or the invoice, is in another currency than the tenant's `currency` and `currencies` allow, or the "
        "order was allocated in another one.",
        HELD,
        f'If it is right, add it: `currencies = ["CZK"]`; else correct it in the shop or the ERP, or set the place of '
        f"`currency` in [tenants.NAME.fields]. {RETRY}",
    ),
    Reason.TOTAL_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice's total differs from the shipped amount, or the ERP reports no total and `not_compared` is "
        "`hold`. Nothing was sent to ShipperOne.",
        "An invoice that differs was rebuilt up to three times with the same result; now it is held.",
        "Compare both sides in `order show ID`; correct prices or rounding in the ERP, have the ERP report its total, "
        "or "
        f'set `not_compared = "accept"`. {RETRY}',
    ),
    Reason.AMOUNT_UNEXPLAINED: Explanation(
        ACCOUNTANT,
        "Lines, shipping and charges do not add up to the order's total, or an amount has more decimals than its "
        "currency: a coupon, a gift card, a fee, a discount or a rounding that no setting names. Or it is not proven "
        "whether rows are before or after their discount, or whether a rate of tax below 1 is a percentage. Or a "
        "partial shipment lists the row, the discount or the total of more than itself. The message states the sums; "
        "for a partial shipment, with every invoice of the order.",
        "It is held: nothing is built, and an existing draft is not sent. It resumes automatically once a configured "
        "charge, `discount` or `tax_rates` explains it.",
        'Add a coupon or a fee to [[tenants.NAME.charges]] with `kind = "line"`, a gift card with `kind = '
        '"payment"`; set `discount` to how rows are listed, `tax_rates` to how rates are; allow a cent with '
        "`tolerance`. "
        f"docs/explanation/amounts.md has an example of each. {RETRY} For a single order that is right "
        "as it is: `order approve ID --total T`; for an existing credit note: `order credited ID`.",
    ),
    Reason.SHIPPING_DIFFERS: Explanation(
        ACCOUNTANT,
        "The shipping amount of the invoice differs from ShipperOne's.",
        "It was rebuilt up to three times; now it is held.",
        f"Correct shipping in the ERP, or have ShipperOne correct the order. {RETRY}",
    ),
    Reason.SHIPPING_REPEATED: Explanation(
        ACCOUNTANT,
        "This part of an order lists the same shipping, or the same charge, as an earlier invoice of the order, or as "
        "an invoice of another fulfillment order of the same sales order.",
        "It is held: nothing is built and nothing is sent. It resumes automatically once ShipperOne's listing no "
        "longer repeats it.",
        f'If the customer pays it with every part, set `shipping_on_parts = "as_listed"`. {RETRY} Otherwise have '
        "ShipperOne list it on one part only.",
    ),
    Reason.TAX_DIFFERS: Explanation(
        ACCOUNTANT,
        "The invoice's tax differs from the shop's. Nothing was sent to ShipperOne.",
        "It was rebuilt up to three times; now it is held.",
        f"Correct the product's tax, or the mapping of taxes, in the ERP. {RETRY}",
    ),
    Reason.VAT_ID_INVALID: Explanation(
        ACCOUNTANT,
        f"The buyer's VAT id is invalid, and the tax depends on it. {FROM_CONNECTOR}",
        HELD,
        f"Have the customer's VAT id corrected or removed in the shop, or correct the customer in the ERP. {RETRY} To "
        "invoice the order without it: `order approve ID --without-vat --note …`.",
    ),
    Reason.DATE_IMPLAUSIBLE: Explanation(
        ACCOUNTANT,
        "The invoice's day of supply would be impossible: ShipperOne lists a `shipped_at` that is not a date, is "
        "later than the order's first listing by more than a day, is earlier than its allocation was accepted by "
        "more than a day, or, without an allocation in the ledger, is older than `oldest_date`. The message states "
        "the listed value.",
        "No invoice of that day is built, sent or issued. It resumes automatically once ShipperOne lists a possible "
        "date; an invoice that ShipperOne has already accepted is checked again before it is issued.",
        "Have the date corrected at ShipperOne. Or set the true day with `shipperone-erp order supply-date ID --date D "
        '--note …`. If dates without an offset are local times, set `dates_without_zone = "tenant"`; if parcels are '
        "older than a year, `oldest_date`.",
    ),
}
