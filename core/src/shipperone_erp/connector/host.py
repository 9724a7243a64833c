"""The plugins of one tenant: the typed facade through which hooks are called.

Every answer is checked against the hook's contract (`connector.answer_contract`). Texts of plugins are free of secrets
and personal data from here on (`connector.sanitizer`). Thread-safe.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

from shipperone_erp.connector import capabilities, discovery, plugin_checks
from shipperone_erp.connector.answer_contract import AnswerContract, named
from shipperone_erp.connector.api import PROJECT, Connector, ConnectorSettings, InvoiceAnswer, Policy, ReserveAnswer
from shipperone_erp.connector.hook_caller import HookCaller, Plugin
from shipperone_erp.connector.sanitizer import AnswerSanitizer
from shipperone_erp.domain import order
from shipperone_erp.domain.hook_answers import (
    Check,
    ConnectorError,
    Document,
    Done,
    FreeStock,
    Pending,
    Unknown,
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
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.kernel.errors import ContractViolation
from shipperone_erp.kernel.redaction import secrets_in

AnswerT = TypeVar("AnswerT")
RequestT = TypeVar("RequestT", ReserveStock, BuildInvoice, IssueInvoice, Deliver)

MOST_CAREFUL_FIRST = (Verdict.HOLD, Verdict.REBUILD, Verdict.RETRY, Verdict.ACCEPT, Verdict.ABSTAIN)


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
        self.offers = plugin_checks.overridden(type(connector))
        self._declared = capabilities.read(connector.capabilities)
        self._connector = connector
        self._policies = dict(policies or {})
        everybody: list[Plugin] = [connector, *self._policies.values()]
        self._sanitizer = AnswerSanitizer(secrets_in([plugin.settings for plugin in everybody]))
        registered: dict[str, Plugin] = {f"connector {name}": connector}
        registered |= {f"policy {policy_name}": policy for policy_name, policy in self._policies.items()}
        self._caller = HookCaller(tenant, name, registered, self._sanitizer)
        self._contract = AnswerContract(tenant, name)

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
        return any("before_build" in plugin_checks.overridden(type(policy)) for policy in self._policies.values())

    @property
    def batch_size(self) -> int:
        """The most requests in one call of a batch form: the setting of that name, else the class's."""
        return int(getattr(self._connector.settings, "batch_size", self._connector.batch_size))

    def reserve_stock(self, request: ReserveStock) -> ReserveAnswer:
        self._within(request)
        return self._contract.reserved("reserve_stock", request, self._ask("reserve_stock", request=request))

    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        return self._contract.done("release_stock", self._ask("release_stock", request=request))

    def build_invoice(self, request: BuildInvoice) -> InvoiceAnswer:
        self._within(request)
        return self._contract.invoice("build_invoice", self._ask("build_invoice", request=request))

    def issue_invoice(self, request: IssueInvoice) -> InvoiceAnswer:
        return self._contract.invoice("issue_invoice", self._ask("issue_invoice", request=request))

    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        return self._contract.done("discard_invoice", self._ask("discard_invoice", request=request))

    def deliver(self, request: Deliver) -> Done | Pending:
        return self._contract.done("deliver", self._ask("deliver", request=request))

    def list_documents(self, since: datetime) -> list[Document]:
        return self._contract.documents(self._ask("list_documents", since=since))

    def reserve_stock_batch(self, requests: Sequence[ReserveStock]) -> dict[str, ReserveAnswer | Exception]:
        return self._many("reserve_stock_batch", requests, self._contract.reserved)

    def build_invoice_batch(self, requests: Sequence[BuildInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        return self._many("build_invoice_batch", requests, lambda hook, _, a: self._contract.invoice(hook, a))

    def issue_invoice_batch(self, requests: Sequence[IssueInvoice]) -> dict[str, InvoiceAnswer | Exception]:
        return self._many("issue_invoice_batch", requests, lambda hook, _, a: self._contract.invoice(hook, a))

    def deliver_batch(self, requests: Sequence[Deliver]) -> dict[str, Done | Pending | Exception]:
        return self._many("deliver_batch", requests, lambda hook, _, a: self._contract.done(hook, a))

    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        """The policies' most careful answer; if all abstain the connector's; if it has none, abstain."""
        found = [
            self._opinion(policy, f"policy {name}", mismatch)
            for name, policy in self._policies.items()
            if "handle_mismatch" in plugin_checks.overridden(type(policy))
        ]
        decided = min(found, key=lambda one: MOST_CAREFUL_FIRST.index(one.verdict), default=Resolution.abstain())
        if decided.verdict is Verdict.ABSTAIN and "handle_mismatch" in self.offers:
            return self._opinion(self._connector, f"connector {self.name}", mismatch)
        return decided

    def before_build(self, request: BuildInvoice) -> BuildInvoice:
        """The request after all policies, in order; only `order.extra` may have changed."""
        for name, policy in self._policies.items():
            if "before_build" not in plugin_checks.overridden(type(policy)):
                continue
            answer = self._caller.call(policy, "before_build", request=request)
            same = isinstance(answer, BuildInvoice) and replace(
                answer, order=replace(answer.order, extra=request.order.extra)
            )
            if same != request:
                raise ContractViolation(
                    f"{self.tenant}: before_build of policy {name} changed more than order.extra, or answered with "
                    f"{type(answer).__name__}: a policy must not change items, quantities or amounts"
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
        cure = "report it to the connector's author"
        try:
            found = ask()
        except Exception as error:  # doctor shows any failure
            return [Check(self.name, False, f"{method} raised {type(error).__name__}", cure)]
        if not isinstance(found, list) or not all(isinstance(entry, Check) for entry in found):
            return [Check(self.name, False, f"{method} did not answer with a list of Check", cure)]
        return [self._sanitizer.check(line) for line in found]

    def free_stock(self, goods: Sequence[Goods]) -> dict[Goods, FreeStock] | None:
        """The ERP's stock of these goods, by each that it answered for; None if the connector does not support it."""
        found = self._asked("free_stock", lambda: self._connector.free_stock(goods))
        if found is None:
            return None
        answer = [
            replace(entry, sentence=self._sanitizer.text(entry.sentence)) for entry in self._contract.free_stock(found)
        ]
        return {Goods(entry.sku, entry.warehouse_code): entry for entry in answer}

    def identity(self) -> str:
        """The connector's identity of the ERP's database, else the connector's name."""
        return self._asked("identity", lambda: self._sanitizer.text(self._connector.identity())) or self.name

    def _asked(self, method: str, ask: Callable[[], AnswerT]) -> AnswerT:
        """The answer of an ordinary method. It raises a `ConnectorError` or ContractViolation, and nothing else."""
        try:
            return ask()
        except ConnectorError as error:
            self._sanitizer.answer(error, None)
            raise
        except Exception as error:  # its message may hold a password, and it is no bug of core
            words = self._sanitizer.text(f"{type(error).__name__}: {error}")
            raise ContractViolation(f"{self.tenant}: {method} of connector {self.name} raised {words}") from None

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
        return self._caller.call(self._connector, hook, **argument)

    def _opinion(self, plugin: Plugin, who: str, mismatch: Mismatch) -> Resolution:
        try:
            answer = self._caller.call(plugin, "handle_mismatch", mismatch=mismatch)
        except BaseException as error:
            # a failing plugin must not hide the others, nor let an order through; what it raises may be a SystemExit
            return Resolution.hold(Reason.CONNECTOR_BUG, f"handle_mismatch of {who} raised {type(error).__name__}")
        if not isinstance(answer, Resolution):
            sentence = f"handle_mismatch of {who} answered with {named(answer)}, not a Resolution"
            return Resolution.hold(Reason.CONNECTOR_BUG, sentence, Owner.IT)
        if answer.verdict is Verdict.ACCEPT and mismatch.action != "compare":
            sentence = f"handle_mismatch of {who} accepted a refusal of ShipperOne; only `compare` allows accept"
            return Resolution.hold(Reason.CONNECTOR_BUG, sentence, Owner.IT)
        return answer

    def _within(self, request: ReserveStock | BuildInvoice) -> None:
        """Raise Refused if the order needs an undeclared capability."""
        refused = capabilities.refusal(self._declared, self.name, request.order)
        if refused is not None:
            raise refused

    def _many(
        self, hook: str, requests: Sequence[RequestT], verified: Callable[[str, RequestT, Any], AnswerT]
    ) -> dict[str, AnswerT | Exception]:
        """The answer to each request by its key; a wrong answer affects its own request only."""
        answered: dict[str, AnswerT | Exception] = {}
        for request in requests:
            if isinstance(request, ReserveStock | BuildInvoice):
                refused = capabilities.refusal(self._declared, self.name, request.order)
                if refused is not None:
                    answered[request.key] = refused
        asked = tuple(request for request in requests if request.key not in answered)
        answers = self._contract.answers(hook, self._ask(hook, requests=asked) if asked else {})
        lost = Unknown(f"{hook} returned no answer for this key")
        for request in asked:
            answer = answers.get(request.key, lost)
            try:
                answered[request.key] = answer if isinstance(answer, Exception) else verified(hook, request, answer)
            except ContractViolation as violation:
                answered[request.key] = violation
        return {request.key: answered[request.key] for request in requests}
