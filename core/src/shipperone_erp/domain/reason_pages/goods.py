"""Reasons that concern the goods: stock, products, units, bundles, warehouses."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRIED, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.NOT_ENOUGH_STOCK: Explanation(
        WAREHOUSE,
        "The ERP has less of an item than the order wants. Nothing of the order is reserved.",
        "It is retried every `stock_retry` (default: 15 minutes), as long as ShipperOne lists it.",
        "Replenish the stock, or have ShipperOne move or cancel the order. `order retry` retries it at once.",
    ),
    Reason.WAITING_FOR_TRANSFER: Explanation(
        WAREHOUSE,
        "Goods are in another warehouse and have not arrived yet. The message names the transfer and its start.",
        'The ERP is queried again, and the order is confirmed once the goods have arrived (`transfer = "arrived"`).',
        'Complete the transfer in the ERP. With `transfer = "reserved"` orders do not wait for transfers.',
    ),
    Reason.ERP_PENDING: Explanation(
        NOBODY,
        "The ERP has accepted the request and has not completed it yet.",
        RETRIED,
        "None, unless it persists: then check in the ERP what the request is waiting for.",
    ),
    Reason.PRODUCT_UNKNOWN: Explanation(
        IT,
        f"The ERP has no product with this SKU, or (generic_sql) has never had it in that warehouse. {FROM_CONNECTOR}",
        f"{HELD} With generic_sql it waits and is retried like a shortage.",
        f"Create the product. {RETRY}",
        other_owners=(WAREHOUSE,),
    ),
    Reason.PRODUCT_AMBIGUOUS: Explanation(
        IT,
        f"Several products in the ERP have this SKU. {FROM_CONNECTOR}",
        HELD,
        f"Leave the SKU on one product only. {RETRY}",
    ),
    Reason.PRODUCT_ARCHIVED: Explanation(
        IT, f"The product with this SKU is archived in the ERP. {FROM_CONNECTOR}", HELD, f"Unarchive it. {RETRY}"
    ),
    Reason.UNIT_UNCLEAR: Explanation(
        IT,
        "A quantity cannot be converted to the ERP's unit without rounding, or the factor is unknown.",
        HELD,
        f"Set the product's unit, or its factor, in the ERP. {RETRY}",
        (WAREHOUSE,),
    ),
    Reason.KIT_INCOMPLETE: Explanation(
        WAREHOUSE,
        f"A component of a kit is missing, so that the kit cannot be reserved. {FROM_CONNECTOR}",
        HELD,
        f"Replenish the component. {RETRY}",
    ),
    Reason.BUNDLE_UNCLEAR: Explanation(
        IT,
        "The order lists a bundle and its parts, and no setting decides which of them the ERP keeps in stock. Or both "
        "have different prices, or a bundle is listed without the rows that have its price: a price would be missing "
        "on the invoice.",
        "It is held before anything is reserved or invoiced.",
        '`bundles = "children"` reserves the parts of a bundle, `bundles = "parents"` the bundle itself; the side '
        "with the price is invoiced. If both sides have different prices, have the shop correct them. "
        "Then run `shipperone-erp order retry --reason bundle_unclear --yes`.",
        (ACCOUNTANT,),
    ),
    Reason.WAREHOUSE_UNKNOWN: Explanation(
        IT,
        "The ERP has no warehouse with ShipperOne's code. Or goods are in another warehouse than the order's, and the "
        "connector declares no transfers.",
        HELD,
        "Map the code in the connector's settings, or create the warehouse. Without transfers, have ShipperOne ship "
        f"the order from the warehouse of its goods. {RETRY}",
    ),
}
