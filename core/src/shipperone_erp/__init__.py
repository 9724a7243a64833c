"""shipperone-erp: connects any ERP to ShipperOne. What is exported here is the public API of connector authors.

    from shipperone_erp import Connector, ConnectorSettings, hookimpl, ...

The version of this API is `API_VERSION`; everything that is not exported here may change without notice.
"""

from typing import Any

from shipperone_erp import deprecations
from shipperone_erp.hooks import API_VERSION, Connector, ConnectorSettings, Policy, hookimpl
from shipperone_erp.model.answers import (
    AlreadyIssued,
    AuthFailed,
    Check,
    ConnectorError,
    Document,
    Done,
    Invoice,
    InvoiceLine,
    Pending,
    Refused,
    Reservation,
    Reserved,
    Shortage,
    ShortLine,
    Transient,
    Unknown,
    Voided,
)
from shipperone_erp.model.order import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp.model.requests import (
    BuildInvoice,
    Deliver,
    Difference,
    DiscardInvoice,
    IssueInvoice,
    Mismatch,
    ReleaseStock,
    ReserveStock,
    Resolution,
)
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.secrets import Secret

__all__ = [
    "API_VERSION",
    "AlreadyIssued",
    "AuthFailed",
    "BuildInvoice",
    "Charge",
    "Check",
    "Connector",
    "ConnectorError",
    "ConnectorSettings",
    "Deliver",
    "Difference",
    "DiscardInvoice",
    "Document",
    "Done",
    "FulfillmentOrder",
    "Invoice",
    "InvoiceLine",
    "IssueInvoice",
    "Mismatch",
    "OrderItem",
    "Owner",
    "Party",
    "Pending",
    "Policy",
    "Reason",
    "Refused",
    "ReleaseStock",
    "Reservation",
    "ReserveStock",
    "Reserved",
    "Resolution",
    "Secret",
    "ShortLine",
    "Shortage",
    "Transient",
    "Unknown",
    "Voided",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Exported names that are going away still work, with a warning that says what to use instead."""
    return deprecations.going(name, deprecations.GOING, _plugin_of)


def _plugin_of(module: str) -> str | None:
    # what finds plugins is imported by nobody who only imports names
    from shipperone_erp.origins import plugin_of

    return plugin_of(module)
