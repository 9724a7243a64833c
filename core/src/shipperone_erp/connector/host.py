"""One plugin manager per tenant, and the typed facade through which hooks are called.

Every answer is checked against the hook's contract (`ContractViolation`): None, a coroutine or another type is never
accepted. Texts of plugins are free of secrets and personal data from here on (`connector.sanitizer`). Thread-safe.
"""

import logging
import sysconfig
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import Any, Self, TypeVar

import pluggy
from pydantic import ValidationError

from shipperone_erp.connector import capabilities, discovery
from shipperone_erp.connector.api import PROJECT, Connector, ConnectorSettings, Policy
from shipperone_erp.connector.sanitizer import AnswerSanitizer
from shipperone_erp.domain import hook_answers, order
from shipperone_erp.domain.hook_answers import (
    Check,
    ConnectorError,
    Document,
    Done,
    FreeStock,
    Invoice,
    Pending,
    Reserved,
    Shortage,
    Unknown,
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
    Verdict,
)
from shipperone_erp.domain.reasons import NotListed, Owner, Reason
from shipperone_erp.kernel.errors import ContractViolation
from shipperone_erp.kernel.redaction import secrets_in

ReserveAnswer = Reserved | Shortage | Pending | Voided
InvoiceAnswer = Invoice | Pending | Voided
RequestT = TypeVar("RequestT", ReserveStock, BuildInvoice, IssueInvoice, Deliver)

MOST_CAREFUL_FIRST = (Verdict.HOLD, Verdict.REBUILD, Verdict.RETRY, Verdict.ACCEPT, Verdict.ABSTAIN)

STANDARD_LIBRARY = PurePath(sysconfig.get_path("stdlib"))


class TenantPlugins:
    """A tenant's connector and policies. Belongs to one tenant; nothing is shared with another."""

    def __init__(
        self,
        tenant: str,
        connector: Connector[Any],
        *,
        name: str,
        policies: Mapping[str, Policy[Any]] | None = None,
    ) -> None:
        self.tenant = tenant
        self.name = name
        self.offers = discovery.overridden(type(connector))
        self._declared = capabilities.read(connector.capabilities)
        self._connector = connector
        self._policies = dict(policies or {})
        everybody = [connector, *self._policies.values()]
        self._sanitizer = AnswerSanitizer(secrets_in([plugin.settings for plugin in everybody]))
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Connector)
        self._manager.add_hookspecs(Policy)
        self._manager.register(connector, name=f"connector {name}")
        for policy_name, policy in self._policies.items():
            self._manager.register(policy, name=f"policy {policy_name}")
        self._manager.check_pending()
        self._callers = {
            (id(plugin), hook): self._manager.subset_hook_caller(
                hook, remove_plugins=[other for other in everybody if other is not plugin]
            )
            for plugin in everybody
            for hook in discovery.overridden(type(plugin))
        }

    @classmethod
    def create(
        cls,
        tenant: str,
        connector_name: str,
        settings: ConnectorSettings,
        policies: Mapping[str, ConnectorSettings],
    ) -> Self:
        """Import and create the tenant's plugins. PluginRefused names one that cannot be used, and the reason."""
        log = logging.getLogger(f"{PROJECT}.connector.{connector_name}")
        connector = discovery.load_connector(connector_name)(settings, tenant=tenant, log=log)
        made = {
            name: discovery.load_policy(name)(own, tenant=tenant, log=logging.getLogger(f"{PROJECT}.policy.{name}"))
            for name, own in policies.items()
        }
        return cls(tenant, connector, name=connector_name, policies=made)

    @property
    def rewrites(self) -> bool:
        """A policy implements `before_build`."""
        return any("before_build" in discovery.overridden(type(policy)) for policy in self._policies.values())

    @property
    def batch_size(self) -> int:
        """The most requests in one call of a batch form: the setting of that name, else the class's."""
        return int(getattr(self._connector.settings, "batch_size", self._connector.batch_size))

    def reserve_stock(self, request: ReserveStock) -> ReserveAnswer:
        self._within(request)
        return self._reserved("reserve_stock", request, self._ask("reserve_stock", request=request))

    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        return self._done("release_stock", self._ask("release_stock", request=request))

    def build_invoice(self, request: BuildInvoice) -> InvoiceAnswer:
        self._within(request)
        return self._invoice("build_invoice", self._ask("build_invoice", request=request))

    def issue_invoice(self, request: IssueInvoice) -> InvoiceAnswer:
        return self._invoice("issue_invoice", self._ask("issue_invoice", request=request))

    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        return self._done("discard_invoice", self._ask("discard_invoice", request=request))

    def deliver(self, request: Deliver) -> Done | Pending:
        return self._done("deliver", self._ask("deliver", request=request))

    def list_documents(self, since: datetime) -> list[Document]:
        answer = self._ask("list_documents", since=since)
        if not isinstance(answer, list) or not all(isinstance(entry, Document) for entry in answer):
            raise self._wrong("list_documents", answer, "a list of Document")
        return answer

    def reserve_stock_batch(self, requests: Sequence[ReserveStock]) -> dict[str, ReserveAnswer | Exception]:
        answers = self._many("reserve_stock_batch", requests)
        return {r.key: self._entry(lambda a, r=r: self._reserved("reserve_stock_batch", r, a), answers[r.key])
                for r in requests}  # fmt: skip

    def build_invoice_batch(self, requests: Sequence[BuildInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        answers = self._many("build_invoice_batch", requests)
        return {r.key: self._entry(lambda a: self._invoice("build_invoice_batch", a), answers[r.key]) for r in requests}

    def issue_invoice_batch(self, requests: Sequence[IssueInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        answers = self._many("issue_invoice_batch", requests)
        return {r.key: self._entry(lambda a: self._invoice("issue_invoice_batch", a), answers[r.key]) for r in requests}

    def deliver_batch(self, requests: Sequence[Deliver]) -> dict[str, Done | Pending | Exception]:
        answers = self._many("deliver_batch", requests)
        return {r.key: self._entry(lambda a: self._done("deliver_batch", a), answers[r.key]) for r in requests}

    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        """The policies' most careful answer; if all abstain the connector's; if it has none, abstain."""
        found = [
            self._opinion(policy, f"policy {name}", mismatch)
            for name, policy in self._policies.items()
            if "handle_mismatch" in discovery.overridden(type(policy))
        ]
        decided = min(found, key=lambda one: MOST_CAREFUL_FIRST.index(one.verdict), default=Resolution.abstain())
        if decided.verdict is Verdict.ABSTAIN and "handle_mismatch" in self.offers:
            return self._opinion(self._connector, f"connector {self.name}", mismatch)
        return decided

    def before_build(self, request: BuildInvoice) -> BuildInvoice:
        """The request after all policies, in order; only `order.extra` may have changed."""
        for name, policy in self._policies.items():
            if "before_build" not in discovery.overridden(type(policy)):
                continue
            answer = self._call(policy, "before_build", request=request)
            same = isinstance(answer, BuildInvoice) and replace(
                answer, order=replace(answer.order, extra=request.order.extra)
            )
            if same != request:
                raise ContractViolation(
                    f"{self.tenant}: before_build of policy {name} changed more than order.extra, or answered with "
                    f"{type(answer).__name__}: items, quantities and amounts are ShipperOne's"
                )
            request = answer
        return request

    def check(self) -> list[Check]:
        """The connector's own checks; never raises."""
        return self._checks("check", self._connector.check)

    def rehearse(self, orders: Sequence[order.FulfillmentOrder]) -> list[Check]:
        """The checks of the ERP's invoices for these orders; never raises."""
        return self._checks("rehearse", partial(self._connector.rehearse, orders))

    def _checks(self, method: str, ask: Callable[[], object]) -> list[Check]:
        cure = "ask the connector's author"
        try:
            found = ask()
        except Exception as error:  # doctor shows any failure
            return [Check(self.name, False, f"{method} raised {type(error).__name__}", cure)]
        if not isinstance(found, list) or not all(isinstance(entry, Check) for entry in found):
            return [Check(self.name, False, f"{method} did not answer with a list of Check", cure)]
        return [self._sanitizer.check(line) for line in found]

    def free_stock(self, goods: Sequence[Goods]) -> dict[Goods, FreeStock] | None:
        """The ERP's stock of these goods, by each that it answered for; None if the connector does not support it."""
        try:
            found = self._connector.free_stock(goods)
        except ConnectorError as error:
            self._sanitizer.answer(error, None)
            raise
        except Exception as error:  # no exception may block the other findings
            words = self._sanitizer.text(f"{type(error).__name__}: {error}")
            raise ContractViolation(f"{self.tenant}: free_stock of connector {self.name} raised {words}") from None
        if found is None:
            return None
        if not isinstance(found, list | tuple) or not all(isinstance(entry, FreeStock) for entry in found):
            raise self._wrong("free_stock", found, "a list of FreeStock, or None")
        answers = [replace(entry, sentence=self._sanitizer.text(entry.sentence)) for entry in found]
        return {Goods(entry.sku, entry.warehouse_code): entry for entry in answers}

    def identity(self) -> str:
        """The connector's identity of the ERP's database, else the connector's name."""
        try:
            return self._sanitizer.text(self._connector.identity()) or self.name
        except ConnectorError as error:
            self._sanitizer.answer(error, None)
            raise
        except Exception as error:  # its message may hold a password, and it is no bug of core
            words = self._sanitizer.text(f"{type(error).__name__}: {error}")
            raise ContractViolation(f"{self.tenant}: identity of connector {self.name} raised {words}") from None

    def exclusive(self) -> str | None:
        """See `Connector.exclusive`."""
        return self._connector.exclusive()

    def close(self) -> None:
        """Close the connector's connections; an exception is logged and ignored."""
        try:
            self._connector.close()
        except Exception as error:  # it has ended in any case
            self._connector.log.warning("%s: close raised %s", self.tenant, type(error).__name__)

    def _ask(self, hook: str, **argument: Any) -> Any:
        return self._call(self._connector, hook, **argument)

    def _call(self, plugin: Connector[Any] | Policy[Any], hook: str, **argument: Any) -> Any:
        caller = self._callers.get((id(plugin), hook))
        if caller is None:
            raise ContractViolation(f"{self.tenant}: {type(plugin).__name__} does not implement {hook}")
        (about,) = argument.values()
        try:
            return self._sanitizer.answer(caller(**argument), about)
        except ConnectorError as error:
            self._sanitizer.answer(error, about)
            raise
        except NotListed as error:
            wrong = f"{hook} of {self.name}: {self._sanitizer.text(str(error), about)}{_line(error)}"
            raise ContractViolation(f"{self.tenant}: {wrong}") from error
        except ValidationError as error:
            faults = error.errors(include_input=False)
            places = "; ".join(f"{_place(error.title, fault['loc'])}: {fault['msg']}" for fault in faults)
            words = f"{self._sanitizer.text(places, about)}{_line(error)}"
            wrong = f"{hook} of {self.name} made a wrong {error.title}: {words}"
            raise ContractViolation(f"{self.tenant}: {wrong}") from None

    def _opinion(self, plugin: Connector[Any] | Policy[Any], who: str, mismatch: Mismatch) -> Resolution:
        try:
            answer = self._call(plugin, "handle_mismatch", mismatch=mismatch)
        except Exception as error:  # a failing plugin must not hide the others, nor let an order through
            return Resolution.hold(Reason.CONNECTOR_BUG, f"handle_mismatch of {who} raised {type(error).__name__}")
        if not isinstance(answer, Resolution):
            sentence = f"handle_mismatch of {who} answered with {_named(answer)}, not a Resolution"
            return Resolution.hold(Reason.CONNECTOR_BUG, sentence, Owner.IT)
        if answer.verdict is Verdict.ACCEPT and mismatch.action != "compare":
            sentence = f"handle_mismatch of {who} accepted what ShipperOne refused; accept is for `compare` only"
            return Resolution.hold(Reason.CONNECTOR_BUG, sentence, Owner.IT)
        return answer

    def _within(self, request: ReserveStock | BuildInvoice) -> None:
        """Raise Refused if the order needs an undeclared capability."""
        refused = capabilities.refusal(self._declared, self.name, request.order)
        if refused is not None:
            raise refused

    def _many(self, hook: str, requests: Sequence[RequestT]) -> dict[str, Any]:
        refused = {
            request.key: refusal
            for request in requests
            if not isinstance(request, IssueInvoice | Deliver)
            and (refusal := capabilities.refusal(self._declared, self.name, request.order)) is not None
        }
        asked = tuple(request for request in requests if request.key not in refused)
        answer = self._ask(hook, requests=asked) if asked else {}
        if not isinstance(answer, dict):
            raise self._wrong(hook, answer, "a dict of answers by key")
        lost = Unknown(f"{hook} gave no answer for this key")
        return {request.key: refused.get(request.key) or answer.get(request.key, lost) for request in requests}

    def _entry(self, verify: Any, answer: Any) -> Any:
        if isinstance(answer, Exception):
            return answer
        try:
            return verify(answer)
        except ContractViolation as violation:
            return violation

    def _reserved(self, hook: str, request: ReserveStock, answer: Any) -> ReserveAnswer:
        if not isinstance(answer, Reserved | Shortage | Pending | Voided):
            raise self._wrong(hook, answer, "Reserved, Shortage, Pending or Voided")
        if isinstance(answer, Reserved) and not answer.reference:
            raise self._wrong(hook, answer, "a Reserved with a reference")
        if isinstance(answer, Shortage):
            ids = {str(item.item_id) for item in request.order.items}
            if not answer.lines or any(str(line.item_id) not in ids for line in answer.lines):
                raise self._wrong(hook, answer, "a Shortage that names lines of the order")
        return answer

    def _invoice(self, hook: str, answer: Any) -> InvoiceAnswer:
        if not isinstance(answer, Invoice | Pending | Voided):
            raise self._wrong(hook, answer, "Invoice, Pending or Voided")
        return answer

    def _done(self, hook: str, answer: Any) -> Done | Pending:
        if not isinstance(answer, Done | Pending):
            raise self._wrong(hook, answer, "Done or Pending")
        return answer

    def _wrong(self, hook: str, answer: Any, allowed: str) -> ContractViolation:
        if hasattr(answer, "close") and hasattr(answer, "send"):
            answer.close()  # an unawaited coroutine would warn later, elsewhere
        return ContractViolation(
            f"{self.tenant}: {hook} of connector {self.name} answered with {_named(answer)}; allowed is {allowed}"
        )


def _place(title: str, place: tuple[int | str, ...]) -> str:
    """The place of the error in a value of that class: a positional argument is named by its field."""
    made = getattr(hook_answers, title, None) or getattr(order, title, None)
    if place and isinstance(place[0], int) and is_dataclass(made):
        names = [field.name for field in fields(made) if field.init and not field.kw_only]
        if place[0] < len(names):
            place = (names[place[0]], *place[1:])
    return ".".join(map(str, place))


def _line(error: Exception) -> str:
    """The connector's own line that created the wrong value, for its author."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if not {"shipperone_erp", "pydantic", "pluggy"} & {*PurePath(frame.filename).parts}
        and PurePath(frame.filename).parent != STANDARD_LIBRARY  # dataclasses.replace creates values as well
    ]
    return f" ({PurePath(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _named(answer: Any) -> str:
    if answer is None:
        return "None"
    if isinstance(answer, type):
        return f"the class {answer.__name__}"
    return f"a {type(answer).__name__}"
