"""One hook, called as by core, for its author: the answer, core's reaction to it, the documents in the ERP.

It uses the ERP that a harness sets up, never a merchant's. Prerequisites of a hook (a draft to issue, a reservation to
release) are created first, by the connector's own hooks, and shown as well.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.amounts.expected_totals import priced
from shipperone_erp.domain.hook_answers import (
    AlreadyIssued,
    AuthFailed,
    ConnectorError,
    Document,
    Done,
    Invoice,
    Pending,
    Refused,
    Reserved,
    Shortage,
    Transient,
    Unknown,
    Voided,
)
from shipperone_erp.domain.invoice_checks.comparison import invoice_differences, side_by_side
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.findings import Finding
from shipperone_erp.testing.harness import able
from shipperone_erp.testing.hook_calls import in_time

BEFORE: Mapping[str, tuple[str, ...]] = {
    "reserve_stock": (),
    "release_stock": ("reserve_stock",),
    "build_invoice": (),
    "issue_invoice": ("build_invoice",),
    "discard_invoice": ("build_invoice",),
    "deliver": ("reserve_stock", "build_invoice", "issue_invoice"),
    "list_documents": ("reserve_stock", "build_invoice", "issue_invoice"),
}
"""The hooks that can be tried, each with the hooks called before it, if the connector offers them."""


EARLIER = timedelta(minutes=10)
"""Documents are requested from this much earlier, since the ERP's clock may be slow."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call. `wrong`: core would hold the order or the job. `away`: the ERP is unreachable, or refuses the login."""

    hook: str
    key: str
    answer: str
    core: tuple[str, ...]
    erp: tuple[str, ...]
    seconds: float
    wrong: bool
    away: bool = False


class Trial:
    """Calls the hooks for one order."""

    def __init__(self, bench: Bench, order: FulfillmentOrder) -> None:
        self._bench = bench
        self._order = priced(order, order.currency, None)
        self._answers: dict[str, Any] = {}
        self._keys: dict[str, None] = {}
        self._day = date.today()  # noqa: DTZ011

    def of(self, hook: str) -> Iterator[Step]:
        """The steps up to that hook; they end early if one does not permit the next. UsageError lists the hooks."""
        if hook not in BEFORE:
            raise UsageError(f"{hook} cannot be tried; these can: {', '.join(BEFORE)}")
        if hook not in self._bench.offers:
            raise UsageError(f"the connector does not override {hook}")
        if hook == "issue_invoice" and "build_invoice" not in self._bench.offers:
            raise UsageError("the connector does not override build_invoice, which makes what issue_invoice issues")
        for one in (*(one for one in BEFORE[hook] if one in self._bench.offers), hook):
            step = self._step(one)
            yield step
            if one not in self._answers:
                return

    def _step(self, hook: str) -> Step:
        lists = hook == "list_documents"
        request: Any = datetime.now(UTC) - EARLIER if lists else self._request(hook)
        key = ", ".join(self._keys) if lists else request.key
        call: Callable[[Any], Any] = getattr(self._bench.desk.plugins, hook)
        began = time.monotonic()
        core: tuple[str, ...]
        away = False
        try:
            answer = in_time(lambda: call(request), hook, self._bench.harness.deadline)
        except ConnectorError as error:
            shown, core, wrong = _raised(error), (_meaning(error),), False
            away = isinstance(error, Transient | AuthFailed)
        except Finding as finding:
            shown, wrong = str(finding), True
            core = ("the job is held with connector_bug, and the traceback is in the ledger; other jobs continue",)
        else:
            if lists:
                answer = [document for document in answer if document.key in self._keys]
            shown = "\n".join(map(written, answer)) or "none of this order" if lists else written(answer)
            core, wrong = self._listed(answer) if lists else self._checked(hook, answer)
            if isinstance(answer, Reserved | Invoice | Done):
                self._answers[hook] = answer
                self._keys.setdefault(key)
        took = time.monotonic() - began
        return Step(hook, key, shown, core, tuple(self._looked(self._keys if lists else [key])), took, wrong, away)

    def _listed(self, documents: list[Document]) -> tuple[tuple[str, ...], bool]:
        """The check of `reconcile`: whether the order's document is listed, by its key."""
        missing = [key for key in self._keys if key not in {document.key for document in documents}]
        if missing:
            return tuple(f"reconcile would report {key} as missing_in_erp" for key in missing), True
        return ("reconcile finds this order's documents",), False

    def _looked(self, keys: Iterable[str]) -> Iterator[str]:
        """The documents in the ERP; a probe that fails reports its error."""
        printed = set[str]()
        try:
            for line in (line for key in keys for line in self._seen(key)):
                if line not in printed:
                    printed.add(line)
                    yield line
        except Exception as error:  # the author's own code
            yield f"{type(self._bench.harness).__name__} raised {type(error).__name__}: {error}"

    def _request(self, hook: str) -> Any:
        desk, order = self._bench.desk, self._order
        match hook:
            case "reserve_stock":
                return desk.to_reserve(order)
            case "release_stock":
                return replace(desk.to_release(order), reference=self._reference("reserve_stock"))
            case "build_invoice":
                return replace(desk.to_build(order), order=order, tax_date=self._day)
            case "issue_invoice":
                issue = desk.to_issue(self._answers["build_invoice"], order)
                return replace(issue, order=order, tax_date=self._day)
            case "discard_invoice":
                return replace(desk.to_discard(order), invoice=self._answers.get("build_invoice"))
        reserved = self._answers.get("reserve_stock")
        return desk.to_deliver(order, reserved if isinstance(reserved, Reserved) else None, order)

    def _reference(self, hook: str) -> str | None:
        made = self._answers.get(hook)
        return made.reference if isinstance(made, Reserved) else None

    def _checked(self, hook: str, answer: Any) -> tuple[tuple[str, ...], bool]:
        if not isinstance(answer, Invoice):
            return (_meaning(answer),), False
        wrong: list[str] = []
        differences = invoice_differences(
            self._order, answer, currency=self._order.currency, discount=None, tolerance=Decimal(0), part=False
        )
        if differences:
            wrong.append(f"the order would be held: {side_by_side(differences, 'ERP', 'ShipperOne')}")
        if hook == "build_invoice" and answer.issued and "issue_invoice" in self._bench.offers:
            wrong.append("issued=True from build_invoice: held as connector_bug, unless the tenant has fiscal_first")
        if hook == "issue_invoice":
            if not answer.issued:
                wrong.append(
                    "issued=False: ShipperOne has accepted the invoice, and it is not fiscal; the call is repeated"
                )
            if not answer.number:
                wrong.append("the fiscal document has no number")
            if answer.date != self._day:
                wrong.append(f"its date is {answer.date}, but {self._day} was requested")
        if wrong:
            return tuple(wrong), True
        sentence = "lines, shipping, currency, tax and total match ShipperOne's listing"
        if answer.total_incl_tax is None:
            sentence = "the answer has no total: nothing was compared (`not_compared`)"
        then = "it is sent to ShipperOne next" if hook == "build_invoice" else "it is recorded as issued"
        return (f"{sentence}; {then}",), False

    def _seen(self, key: str) -> Iterator[str]:
        """The ERP's state, as far as the harness can read it."""
        harness, kind = self._bench.harness, type(self._bench.harness)
        if able(kind, "documents"):
            found = harness.documents(key)
            yield from map(written, found)
            if not found:
                yield "no document of this key"
        else:
            yield f"{kind.__name__} does not override documents: not checked"
        if not (able(kind, "on_hand") and able(kind, "reserved")):
            yield f"{kind.__name__} does not override on_hand and reserved: not checked"
            return
        for sku, place in dict.fromkeys((item.sku, self._order.source_warehouse(item)) for item in self._order.items):
            on_hand, reserved = self._bench.stock(sku, place)
            yield f"{sku} in {place}: {plain(on_hand)} on hand, {plain(reserved)} reserved"


def written(value: Any) -> str:
    """A value with the fields that are set; nested values on lines of their own."""
    inner: list[str] = []
    stated_fields: list[str] = []
    for field in fields(value) if is_dataclass(value) else ():
        stated = getattr(value, field.name)
        if isinstance(stated, tuple) and stated and is_dataclass(stated[0]):
            inner += [f"  {written(one)}" for one in stated]
        elif stated is not None and stated != ():
            stated_fields.append(f"{field.name}={stated}")
    return "\n".join([f"{type(value).__name__}({', '.join(stated_fields)})", *inner])


def stocked(bench: Bench, order: FulfillmentOrder) -> None:
    """Put the order's goods into an ERP that a harness has created for this trial."""
    wanted: dict[tuple[str, str], Decimal] = {}
    for item in order.items:
        place = (item.sku, order.source_warehouse(item))
        wanted[place] = wanted.get(place, Decimal(0)) + item.qty
    for (sku, warehouse), qty in wanted.items():
        bench.harness.add_product(sku, qty, warehouse)


def _raised(error: ConnectorError) -> str:
    if isinstance(error, Refused):
        return f"raised Refused({error.reason}, owner {error.owner}): {error.sentence}"
    return f"raised {type(error).__name__}: {error.sentence}"


_MEANINGS: Mapping[type[Any], str] = {
    Reserved: "it is confirmed at ShipperOne next",
    Shortage: "the order waits with not_enough_stock, and is retried after stock_retry; nothing may be reserved now",
    Pending: "the order waits, and the same call is repeated",
    Voided: "the next generation's key is tried",
    Done: "it is recorded as done",
    Transient: "nothing was done: the same call is repeated, and the circuit breaker of this ERP opens",
    AuthFailed: "the tenant's work with the ERP pauses until its secret changes; no order fails",
    Unknown: "it may have been done: the same call is repeated with the same key",
    AlreadyIssued: "the order is held with issued_not_confirmed; nothing is credited automatically",
    Refused: "the order is held until an operator acts",
}


def _meaning(answer: Any) -> str:
    return _MEANINGS[type(answer)]
