"""The closed lists of reasons why a job is not done, and of owners who must act.

A reason outside the list is a bug of the connector that gave it (`connector_bug`). The sentence of a reason is written
where the reason arises, about that case; this module holds only the general texts.
"""

import difflib
from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Who must act. `nobody`: it is retried automatically."""

    WAREHOUSE = "warehouse"
    ACCOUNTANT = "accountant"
    IT = "it"
    SHIPPERONE = "shipperone"
    NOBODY = "nobody"


class Reason(StrEnum):
    """Why a job waits or is held."""

    NOT_ENOUGH_STOCK = "not_enough_stock"
    WAITING_FOR_TRANSFER = "waiting_for_transfer"
    ERP_PENDING = "erp_pending"
    PRODUCT_UNKNOWN = "product_unknown"
    PRODUCT_AMBIGUOUS = "product_ambiguous"
    PRODUCT_ARCHIVED = "product_archived"
    UNIT_UNCLEAR = "unit_unclear"
    KIT_INCOMPLETE = "kit_incomplete"
    BUNDLE_UNCLEAR = "bundle_unclear"
    WAREHOUSE_UNKNOWN = "warehouse_unknown"
    CUSTOMER_AMBIGUOUS = "customer_ambiguous"
    TAX_NOT_MAPPED = "tax_not_mapped"
    PAYMENT_NOT_MAPPED = "payment_not_mapped"
    PRICE_MISSING = "price_missing"
    SHIPPING_MISSING = "shipping_missing"
    CURRENCY_MISSING = "currency_missing"
    CURRENCY_DIFFERS = "currency_differs"
    TOTAL_DIFFERS = "total_differs"
    AMOUNT_UNEXPLAINED = "amount_unexplained"
    SHIPPING_DIFFERS = "shipping_differs"
    SHIPPING_REPEATED = "shipping_repeated"
    TAX_DIFFERS = "tax_differs"
    VAT_ID_INVALID = "vat_id_invalid"
    DATE_IMPLAUSIBLE = "date_implausible"
    ITEMS_CHANGED = "items_changed"
    MORE_THAN_ORDERED = "more_than_ordered"
    LISTED_AGAIN = "listed_again"
    PLATFORM_REFUSED = "platform_refused"
    PLATFORM_UNAVAILABLE = "platform_unavailable"
    PLATFORM_RATE_LIMITED = "platform_rate_limited"
    PLATFORM_AUTH = "platform_auth"
    ERP_UNAVAILABLE = "erp_unavailable"
    ERP_AUTH = "erp_auth"
    ERP_ACCESS_DENIED = "erp_access_denied"
    ERP_BUSY = "erp_busy"
    ERP_PERIOD_LOCKED = "erp_period_locked"
    ERP_STOCK_INCONSISTENT = "erp_stock_inconsistent"
    ERP_REFUSED = "erp_refused"
    ERP_CHANGED = "erp_changed"
    ALREADY_IN_ERP = "already_in_erp"
    NUMBER_REUSED = "number_reused"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CONFIRMED_NOT_ISSUED = "confirmed_not_issued"
    ISSUED_NOT_CONFIRMED = "issued_not_confirmed"
    ISSUED_NOT_DELIVERED = "issued_not_delivered"
    RESERVED_NOT_SHIPPED = "reserved_not_shipped"
    ORDER_GONE = "order_gone"
    ORDER_UNREADABLE = "order_unreadable"
    BEFORE_GO_LIVE = "before_go_live"
    AWAITING_APPROVAL = "awaiting_approval"
    CONFIG_INCOMPLETE = "config_incomplete"
    CONNECTOR_BUG = "connector_bug"


class NotListed(ValueError):
    """A reason or an owner outside its list: a bug of the connector, which the sentence names."""


def known_reason(value: str) -> Reason:
    """The reason of that name. NotListed names the nearest one: a reason outside the list is a bug of the connector."""
    try:
        return Reason(value)
    except ValueError:
        near = difflib.get_close_matches(str(value), list(Reason), 1)
        hint = f"did you mean {near[0]}?" if near else "`shipperone-erp explain` lists them"
        raise NotListed(f"{value!r} is not one of the reasons; {hint}") from None


def known_owner(value: str) -> Owner:
    """The owner of that name; NotListed lists the five."""
    try:
        return Owner(value)
    except ValueError:
        raise NotListed(f"{value!r} is not an owner; one of {', '.join(Owner)}") from None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The page of `explain` for a reason: its meaning, the runtime's work meanwhile, the operator's cure.

    `owner` is the usual one; `other_owners` are those that the code gives to some orders with this reason.
    """

    owner: Owner
    means: str
    meanwhile: str
    cure: str
    other_owners: tuple[Owner, ...] = ()
