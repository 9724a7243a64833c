"""shipperone-erp: connects any ERP to ShipperOne. What is exported here is the public API of connector authors.

    from shipperone_erp import Connector, ConnectorSettings, hookimpl, ...

The version of this API is `API_VERSION`; everything that is not exported here may change without notice.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shipperone_erp.connector import deprecations

if TYPE_CHECKING:
    from shipperone_erp.connector.api import API_VERSION, Connector, ConnectorSettings, Policy, hookimpl
    from shipperone_erp.connector.capabilities import Capability
    from shipperone_erp.connector.secret import Secret
    from shipperone_erp.connector.setup import Option, Question, Setup, SetupDone
    from shipperone_erp.domain.hook_answers import (
        AlreadyIssued,
        AuthFailed,
        Check,
        ConnectorError,
        Document,
        Done,
        FreeStock,
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
    from shipperone_erp.domain.hook_requests import (
        BuildInvoice,
        Deliver,
        Difference,
        DiscardInvoice,
        Goods,
        IssueInvoice,
        Mismatch,
        ReleaseStock,
        ReserveStock,
        Resolution,
    )
    from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem, Party
    from shipperone_erp.domain.reasons import Owner, Reason

__all__ = [
    "API_VERSION",
    "AlreadyIssued",
    "AuthFailed",
    "BuildInvoice",
    "Capability",
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
    "FreeStock",
    "FulfillmentOrder",
    "Goods",
    "Invoice",
    "InvoiceLine",
    "IssueInvoice",
    "Mismatch",
    "Option",
    "OrderItem",
    "Owner",
    "Party",
    "Pending",
    "Policy",
    "Question",
    "Reason",
    "Refused",
    "ReleaseStock",
    "Reservation",
    "ReserveStock",
    "Reserved",
    "Resolution",
    "Secret",
    "Setup",
    "SetupDone",
    "ShortLine",
    "Shortage",
    "Transient",
    "Unknown",
    "Voided",
    "hookimpl",
]


_MODULES = (
    "connector.api",
    "connector.capabilities",
    "domain.hook_answers",
    "domain.order",
    "domain.hook_requests",
    "connector.setup",
    "domain.reasons",
    "connector.secret",
)
"""Where the exported names are, imported when the first of them is asked for: every import of a submodule runs this
file, the command's own included, and Ctrl-C must not fall into a second of imports."""


def __getattr__(name: str) -> Any:
    """An exported name. A deprecated one still works, with a warning that names its replacement."""
    if name in __all__:
        modules = (import_module(f"{__name__}.{module}") for module in _MODULES)
        globals()[name] = next(getattr(module, name) for module in modules if hasattr(module, name))
        return globals()[name]
    return deprecations.going(name, deprecations.GOING, _plugin_of)


def _plugin_of(module: str) -> str | None:
    # what finds plugins is imported by nobody who only imports names
    from shipperone_erp.connector.installed import plugin_of

    return plugin_of(module)
