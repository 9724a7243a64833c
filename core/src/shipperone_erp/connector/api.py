"""The interfaces that connectors and policies implement.

The hook methods carry pluggy's specifications on the base classes themselves: mypy checks their types, pluggy their
arguments, and `connector.host` everything else. A subclass marks each hook that it implements with `@hookimpl`; the
ordinary methods (`check`, `identity`, `exclusive`, `close`) are overridden without it.

Hooks are ordinary blocking functions. They run in threads, several at once, and each has a deadline (`hook_timeout`):
past it the outcome counts as unknown and the hook is called again with the same key. Every hook is get-or-create on the
key: a second call, after a crash or concurrently from another process, returns the same document.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeVar, get_args, get_origin

import pluggy
from pydantic import BaseModel, ConfigDict

from shipperone_erp.connector.capabilities import ALL, Capability
from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Option, Question, Setup, SetupDone
from shipperone_erp.domain.hook_answers import (
    Check,
    Document,
    Done,
    FreeStock,
    Invoice,
    Pending,
    Reserved,
    Shortage,
    Voided,
)
from shipperone_erp.domain.hook_requests import (
    BuildInvoice,
    Deliver,
    DiscardInvoice,
    Goods,
    IssueInvoice,
    Mismatch,
    ReleaseStock,
    ReserveStock,
    Resolution,
)
from shipperone_erp.domain.order import FulfillmentOrder

PROJECT = "shipperone_erp"
API_VERSION = "1.0"
"""The version of everything in this module and of its values; a connector's `api` is a range of it."""

_hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method of a connector or a policy as the implementation of a hook."""


class ConnectorSettings(BaseModel):
    """The base of a connector's or a policy's settings: frozen, unknown keys refused, no input in error messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class NoSettings(ConnectorSettings):
    """The settings of a connector or a policy that has none."""


SettingsT = TypeVar("SettingsT", bound=ConnectorSettings)


class Plugin(Generic[SettingsT]):
    """The common base of connectors and policies: settings, the tenant's name, a log. No work at import or in
    `__init__`.
    """

    api: ClassVar[str] = ">=1,<2"
    """The range of `API_VERSION` that this plugin supports."""

    def __init__(self, settings: SettingsT, *, tenant: str, log: logging.Logger | None = None) -> None:
        self.settings = settings
        self.tenant = tenant
        self.log = log or logging.getLogger(f"{PROJECT}.{type(self).__name__}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of tenant {self.tenant}>"

    def _not_offered(self, hook: str) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} does not implement {hook}; core calls only hooks that a connector overrides"
        )


ReserveAnswer = Reserved | Shortage | Pending | Voided
InvoiceAnswer = Invoice | Pending | Voided


class Connector(Plugin[SettingsT]):
    """The interface to one ERP for one tenant. It never calls ShipperOne, and need not manage threads.

    It answers with the values of `shipperone_erp`, or raises `Transient`, `AuthFailed`, `Refused`, `AlreadyIssued`,
    `Unknown`. Any other exception or answer, None included, holds that one job as `connector_bug`.
    """

    batch_size: int = 50
    """The most requests in one call of a batch form; a class attribute or a setting of that name."""

    capabilities: ClassVar[frozenset[Capability]] = ALL
    """The ERP's capabilities that the connector has proved.

    Core uses no others: a tenant's setting that needs more is refused, an order that needs more is held, and the
    conformance kit leaves out the cases about it.
    """

    @_hookspec(firstresult=True)
    def reserve_stock(self, request: ReserveStock) -> ReserveAnswer:
        """Reserve the whole order under `request.key`, or nothing of it.

        Available is on hand minus reserved. A `Shortage` leaves nothing reserved, names every short line, and is
        retried after the tenant's `stock_retry`. A transfer is part of the reservation: with `request.transfer` of
        `arrived` answer `Pending(reason="waiting_for_transfer")` until the goods have arrived.
        """
        self._not_offered("reserve_stock")

    @_hookspec(firstresult=True)
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        """Release the reservation of the key. Releasing twice, or an unknown key, is success.

        Leaves a mark where the ERP can, so that a late `reserve_stock` of this key answers `Voided`. Without this hook
        a reservation that should end is held for an operator, and never counts as released.
        """
        self._not_offered("release_stock")

    @_hookspec(firstresult=True)
    def build_invoice(self, request: BuildInvoice) -> InvoiceAnswer:
        """Make a draft of the invoice, or compute it and write nothing (`reference=None`) where the ERP has no drafts.

        Core compares the answer with the shipped order, confirms the order to ShipperOne, and only then calls
        `issue_invoice`. Dates that `issue_invoice` could not use are refused here, with `erp_period_locked`: a locked
        period, or numbers that follow the dates while a later one is issued. After ShipperOne's acceptance it is too
        late. `issued=True` is an answer only for a tenant with `fiscal_first = true`.
        """
        self._not_offered("build_invoice")

    @_hookspec(firstresult=True)
    def issue_invoice(self, request: IssueInvoice) -> InvoiceAnswer:
        """Make the invoice fiscal: ShipperOne has accepted exactly `request.invoice`.

        Refuses with `total_differs` if the draft no longer matches. Without drafts this creates the fiscal document by
        key. Answers with `issued=True`, number and date; issuing twice answers the same document, whatever dates are
        requested. The document's day of supply is `request.tax_date`, also if its draft was built with another one; its
        date of issue is `request.issue_date` where that is set. Dates that the ERP does not accept are refused with
        `erp_period_locked`, never shifted.
        """
        self._not_offered("issue_invoice")

    @_hookspec(firstresult=True)
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        """Discard the draft of the key; twice, or an unknown key, is success and leaves a mark as in `release_stock`.

        Leave an issued document unchanged: raise `AlreadyIssued(invoice)`.
        """
        self._not_offered("discard_invoice")

    @_hookspec(firstresult=True)
    def deliver(self, request: Deliver) -> Done | Pending:
        """The goods of exactly these items leave the ERP's stock; called after the invoice is issued.

        Without this hook a job is done once its invoice is issued.
        """
        self._not_offered("deliver")

    @_hookspec(firstresult=True)
    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        """Decide about a difference; called after the policies, and only if all of them abstain."""
        self._not_offered("handle_mismatch")

    @_hookspec(firstresult=True)
    def list_documents(self, since: datetime) -> list[Document]:
        """The documents that this connector made since then (aware UTC), for reconciliation.

        Other documents of the merchant may be included, without a key: invoices are searched for numbers of the ledger,
        credit notes by `refers_to`, the reference of an invoice. A reservation whose `state` is `live`, `reserved` or
        `assigned` holds goods.
        """
        self._not_offered("list_documents")

    @_hookspec(firstresult=True)
    def reserve_stock_batch(self, requests: Sequence[ReserveStock]) -> dict[str, ReserveAnswer | Exception]:
        """`reserve_stock` for many: an answer or an exception for each key; a missing key counts as unknown.

        `Transient` or `AuthFailed` raised by the call is for all of them; after anything else each is retried alone.
        """
        self._not_offered("reserve_stock_batch")

    @_hookspec(firstresult=True)
    def build_invoice_batch(self, requests: Sequence[BuildInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        """`build_invoice` for many, as in `reserve_stock_batch`."""
        self._not_offered("build_invoice_batch")

    @_hookspec(firstresult=True)
    def issue_invoice_batch(self, requests: Sequence[IssueInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        """`issue_invoice` for many, as in `reserve_stock_batch`."""
        self._not_offered("issue_invoice_batch")

    @_hookspec(firstresult=True)
    def deliver_batch(self, requests: Sequence[Deliver]) -> dict[str, Done | Pending | Exception]:
        """`deliver` for many, as in `reserve_stock_batch`. Several of them may be parts of one reservation."""
        self._not_offered("deliver_batch")

    @classmethod
    def setup(cls, setup: Setup) -> Question | SetupDone:
        """The next question of `init`, or the settings once all are answered. Called again after each answer.

        It may read from the ERP: offer the existing choices, and report findings in `Question.found`. It changes
        nothing. ValueError, or an exception of a hook, describes the problem with the newest answer, which is then
        requested again. The default asks for each setting without a default.
        """
        return required_settings(settings_type(cls), setup)

    def free_stock(self, goods: Sequence[Goods]) -> Sequence[FreeStock] | None:
        """The ERP's stock of these SKUs in these warehouses; one answer for each.

        Reads only: `inspect` and a supervised run show it before any work begins. It raises the exceptions of hooks.
        The default answers None: the connector does not support it.
        """
        return None

    def check(self) -> list[Check]:
        """The checks of the ERP for `doctor`. Never raises: a failure is a `Check` with `ok=False`."""
        return []

    def rehearse(self, orders: Sequence[FulfillmentOrder]) -> list[Check]:
        """The checks for `doctor` of the ERP's invoices for these orders, which are listed now: some of each kind.

        It computes each one in the ERP itself and keeps nothing there. Each item has its `line_total_incl_tax`. Empty
        where nothing is listed: the connector may then compute samples of its own. Never raises. The default computes
        nothing.
        """
        return []

    def identity(self) -> str:
        """The identity of the ERP's database: stable, without a secret. Work is bound to it; a change stops the tenant.

        By default, core uses the connector's entry-point name.
        """
        return ""

    def exclusive(self) -> str | None:
        """A name under which stock-changing hooks run one at a time, across all tenants and workers of one ledger.

        No I/O. None: they may run concurrently.
        """
        return None

    def close(self) -> None:
        """Close all connections. Called once, after the last hook."""


class Policy(Plugin[SettingsT]):
    """A tenant's own rule, between core and the connector; named in `policies = [...]`."""

    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        """The hook that `Connector` specifies; of several policies the most careful answer wins.

        From the most careful: hold, rebuild, retry, accept. The connector is called only if all abstain.
        """
        self._not_offered("handle_mismatch")

    @_hookspec(firstresult=True)
    def before_build(self, request: BuildInvoice) -> BuildInvoice:
        """Called before `build_invoice`: may set `order.extra`; not items, quantities or amounts."""
        self._not_offered("before_build")


def settings_type(plugin: type[Plugin[Any]]) -> type[ConnectorSettings]:
    """The settings model named in `Connector[Model]` or `Policy[Model]`; `NoSettings` where none is named."""
    for base in plugin.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            for argument in getattr(generic, "__args__", ()):
                if isinstance(argument, type) and issubclass(argument, ConnectorSettings):
                    return argument
    return NoSettings


def required_settings(model: type[ConnectorSettings], setup: Setup) -> Question | SetupDone:
    """The first setting without a default that has no answer yet, as a question; else the given settings."""
    for name, field in model.model_fields.items():
        if not field.is_required() or name in setup.answers:
            continue
        kind = field.annotation
        secret = isinstance(kind, type) and issubclass(kind, Secret)
        words = get_args(kind) if get_origin(kind) is Literal else ()
        return Question(
            name, name, field.description or "", options=tuple(Option(str(word)) for word in words), secret=secret
        )
    return SetupDone(settings=dict(setup.answers))


STOCK_HOOKS = frozenset({"reserve_stock", "release_stock", "deliver", "reserve_stock_batch", "deliver_batch"})
"""The hooks that change stock, and so run one at a time under `exclusive()`."""
