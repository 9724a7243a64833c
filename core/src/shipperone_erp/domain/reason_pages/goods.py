"""Reasons that concern the goods: stock, products, units, bundles, warehouses."""

from collections.abc import Mapping

from shipperone_erp.domain.reason_pages.wording import FROM_CONNECTOR, HELD, RETRIED, RETRY
from shipperone_erp.domain.reasons import Explanation, Owner, Reason

WAREHOUSE, ACCOUNTANT, IT, SHIPPERONE, NOBODY = Owner

PAGES: Mapping[Reason, Explanation] = {
    Reason.NOT_ENOUGH_STOCK: Explanation(
        WAREHOUSE,
        "The ERP has less of an item than the order wants. Nothing of the order is reserved.",
        "It is tried again every `stock_retry` (15 minutes unless set), for as long as ShipperOne lists it.",
        "Bring stock in, or have ShipperOne move or cancel the order. `order retry` tries at once.",
    ),
    Reason.WAITING_FOR_TRANSFER: Explanation(
        WAREHOUSE,
        "Goods lie in another warehouse, and have not arrived yet. The sentence names the transfer, and since when.",
        'The ERP is asked again, and the order is confirmed once the goods are there (`transfer = "arrived"`).',
        'Carry out the transfer in the ERP. With `transfer = "reserved"` the order would not wait for it.',
    ),
    Reason.ERP_PENDING: Explanation(
        NOBODY,
        "The ERP has taken the request and has not answered yet.",
        RETRIED,
        "Nothing, unless it lasts: then look in the ERP for what it waits for.",
    ),
    Reason.PRODUCT_UNKNOWN: Explanation(
        IT,
        f"The ERP has no product with this SKU, or (generic_sql) never had it in that warehouse. {FROM_CONNECTOR}",
        f"{HELD} With generic_sql it waits and is retried like a shortage.",
        f"Create the product. {RETRY}",
        other_owners=(WAREHOUSE,),
    ),
    Reason.PRODUCT_AMBIGUOUS: Explanation(
        IT,
        f"Several products in the ERP have this SKU. {FROM_CONNECTOR}",
        HELD,
        f"Leave the SKU on one of them. {RETRY}",
    ),
    Reason.PRODUCT_ARCHIVED: Explanation(
        IT, f"The product with this SKU is archived. {FROM_CONNECTOR}", HELD, f"Take it out of the archive. {RETRY}"
    ),
    Reason.UNIT_UNCLEAR: Explanation(
        IT,
        "A quantity cannot be turned into the ERP's unit without rounding, or its factor is not known.",
        HELD,
        f"Set the unit of the product, or its factor, in the ERP. {RETRY}",
        (WAREHOUSE,),
    ),
    Reason.KIT_INCOMPLETE: Explanation(
        WAREHOUSE,
        f"A component of a kit is missing, so that the kit cannot be reserved. {FROM_CONNECTOR}",
        HELD,
        f"Bring the component in. {RETRY}",
    ),
    Reason.BUNDLE_UNCLEAR: Explanation(
        IT,
        "The order lists a bundle and what is in it, and no setting decides which of them the ERP keeps in stock. Or "
        "both have prices that differ, or a bundle is listed without the rows that have its price: a price would be "
        "missing on the invoice.",
        "It is held before anything is reserved or built.",
        '`bundles = "children"` reserves what is in a bundle, `bundles = "parents"` the bundle itself; invoiced is the '
        "side on which the price stands. Prices on both sides that differ are the shop's to correct. "
        "Then run `shipperone-erp order retry --reason bundle_unclear --yes`.",
        (ACCOUNTANT,),
    ),
    Reason.WAREHOUSE_UNKNOWN: Explanation(
        IT,
        "The ERP has no warehouse with ShipperOne's code. Or goods lie in another warehouse than the order's, and the "
        "connector declares no transfers.",
        HELD,
        "Map the code in the connector's settings, or create the warehouse. Without transfers, have ShipperOne ship "
        f"the order from where its goods lie. {RETRY}",
    ),
}
