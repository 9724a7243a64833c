"""Listed orders of each kind for the ERP to compute in `doctor`, as they would be invoiced. Pure functions."""

from collections.abc import Iterable

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import settled
from shipperone_erp.domain.amounts.expected_totals import priced
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.order import FulfillmentOrder

OF_A_KIND = 5
"""The number of orders of each kind: correct amounts depend on the cents as well."""

AT_MOST = 40

Kind = tuple[object, ...]


def samples(orders: Iterable[FulfillmentOrder], settings: TenantSettings) -> list[FulfillmentOrder]:
    """Some orders of each kind, with the total of each line; orders without prices are left out."""
    found: dict[Kind, list[FulfillmentOrder]] = {}
    for order in {order.order_id: order for order in orders}.values():  # in both queues: as it was listed last
        goods = sort_out(order, settings)
        if goods.unclear:
            continue
        currency = order.currency or settings.currency
        reading = settled(goods.invoiced, currency, settings.discount, tolerance=settings.tolerance)
        if reading is None:
            continue  # held before any document is built
        ready = priced(goods.invoiced, currency, reading)
        if ready.items and all(item.line_total_incl_tax is not None for item in ready.items):
            of_kind = found.setdefault(kind(ready), [])
            if len(of_kind) < OF_A_KIND:
                of_kind.append(ready)
    # first one of each kind, then a second of each: another kind is worth more than another order of one kind
    turns = [[of_kind[turn] for of_kind in found.values() if turn < len(of_kind)] for turn in range(OF_A_KIND)]
    return [order for turn in turns for order in turn][:AT_MOST]


def kind(order: FulfillmentOrder) -> Kind:
    """The properties that may affect how an ERP computes an invoice."""
    billing, customer = order.billing, order.customer
    return (
        frozenset(item.tax_percent for item in order.items),
        any(item.discount for item in order.items),
        any(item.qty != 1 for item in order.items),
        bool(order.shipping_amount_incl_tax),
        tuple(sorted(charge.name for charge in order.charges)),
        order.currency,
        order.payment_method,
        order.shipping.country if order.shipping else None,
        any(party is not None and party.vat_id for party in (billing, customer)),
    )
