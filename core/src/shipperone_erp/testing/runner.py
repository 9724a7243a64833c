"""Runs cases, each with a harness of its own, with the result passed, failed or skipped with the reason."""

import contextlib
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shipperone_erp.connector import capabilities, discovery, plugin_checks
from shipperone_erp.connector.api import Connector
from shipperone_erp.connector.capabilities import Capability
from shipperone_erp.connector.deprecations import ConnectorDeprecation, Deprecation
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.order import Party
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.findings import SUITE, VERSIONS, Finding, NotApplicable, binding
from shipperone_erp.testing.harness import ConnectorHarness, able, declared
from shipperone_erp.testing.hook_calls import where
from shipperone_erp.testing.invoice_comparison import left_out
from shipperone_erp.testing.source_location import place_of

Check = Callable[[Bench], None]
Outcome = Literal["passed", "warned", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a case. `said`: the finding, or the reason why it was not run.

    `warned`: findings of a later version of the suite than the author has named. `place`: the connector's line, if it
    is known. `not_compared`: the parts of the ERP's invoices that the harness does not return.
    """

    case: Case
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    place: str | None = None
    not_compared: tuple[str, ...] = ()

    @property
    def hints(self) -> list[tuple[str, str]]:
        """The lines below a finding: the place, the cost, the usual cure."""
        lines = [("in the connector", self.place)] if self.place else []
        return [*lines, ("what it costs a merchant", self.case.suffers), ("the usual cure", self.case.cure)]

    def __str__(self) -> str:
        if self.outcome in ("failed", "warned"):
            found = f"{self.case.id} {self.case.line}\n  found: {self.message}"
            return "\n".join([found, *(f"  {name}: {text}" for name, text in self.hints)])
        return f"{self.case.id} {self.case.line}" + (f"\n  skipped: {self.message}" if self.message else "")


def run_case(
    case: Case,
    harness: type[ConnectorHarness],
    folder: Path,
    *,
    live: bool = False,
    instead: Check | None = None,
    suite: str | None = None,
) -> Result:
    """Run it. `live`: a real ERP may be used; `instead`: the suite's override, for a stated reason.

    `suite`: the version of the kit that the author has named, else the harness's own. Findings of later versions are
    warnings.
    """
    began = time.monotonic()
    named = suite or harness.suite

    def ended(outcome: Outcome, sentence: str = "", place: str | None = None, bench: Bench | None = None) -> Result:
        if outcome == "failed" and not binding(case.since, named):
            outcome, sentence = "warned", f"{sentence} (a failure from suite {case.since} on)"
        if outcome == "passed" and bench is not None and bench.warnings:
            outcome, sentence = (
                "warned",
                "; ".join(f"{found} (a failure from suite 1.1 on)" for found in bench.warnings),
            )
        left_out = tuple(sorted(bench.not_compared)) if bench is not None else ()
        return Result(case, outcome, sentence, time.monotonic() - began, place, left_out)

    if named not in VERSIONS:
        return _of_no_version(case, named)
    if (known := _left_out(case, harness, live, instead)) is not None:
        return ended(*known)
    try:
        found = connector_of(harness)
    except PluginRefused as refused:
        if case.id == "L1":
            return ended("failed", str(refused))
        return ended("skipped", "the connector cannot be loaded; see L1")
    if lacking := case.lacking(plugin_checks.overridden(found), declared(harness, found)):
        return ended("skipped", lacking)
    if missing := [probe for probe in case.probes if not able(harness, probe)]:
        text = (
            f"{harness.__name__} does not override {', '.join(missing)}: write it, or give the reason in `departures`"
        )
        return ended("failed", text)
    bench = None
    try:
        with _bench(case, harness, found, folder, named) as bench:
            (instead or case.check)(bench)
    except NotApplicable as why:
        return ended("skipped", str(why), bench=bench)
    except Finding as finding:
        return ended("failed", str(finding), place_of(finding, found, bench.asked if bench else None), bench)
    except ConnectorError as failure:
        sentence = f"the connector raised {type(failure).__name__}: {failure.sentence}\n{where(failure)}"
        return ended("failed", sentence, place_of(failure, found, bench.asked if bench else None), bench)
    except Exception as error:  # the harness, the case or the connector outside of a hook
        sentence = f"outside a hook, {type(error).__name__}: {error}\n{where(error)}"
        return ended("failed", sentence, place_of(error, found, None), bench)
    return ended("passed", bench=bench)


def _of_no_version(case: Case, named: str) -> Result:
    """The result if the harness names a version of the kit that does not exist here."""
    return Result(case, "failed", f"there is no suite {named}; this kit has {', '.join(VERSIONS)}")


def _left_out(
    case: Case, harness: type[ConnectorHarness], live: bool, instead: Check | None
) -> tuple[Outcome, str] | None:
    """The reason why the case does not run, determined before the connector is used."""
    if case.id in harness.departures:
        reason = harness.departures[case.id].strip()
        if not reason:
            return "failed", f"{harness.__name__} departs from {case.id} without a reason"
        if instead is None:
            return "skipped", f"the connector departs from it: {reason}"
    if harness.live and not live and not case.static:
        return "skipped", "it uses a real ERP: run it with --live"
    if harness.recorded is not None and not binding(case.since, harness.recorded):
        return "skipped", f"the recording was made with suite {harness.recorded}, but the case came in {case.since}"
    return None


def chosen(only: Iterable[str] = (), without: Iterable[str] = (), first: Collection[str] = ()) -> list[Case]:
    """The cases of the ids in `only` (all, if it is empty) except those in `without`; those in `first` lead."""
    wanted, left_out = frozenset(only), frozenset(without)
    found = [case for case in CASES.values() if (not wanted or case.id in wanted) and case.id not in left_out]
    return sorted(found, key=lambda case: case.id not in first)


def run_all(
    harness: type[ConnectorHarness],
    folder: Path,
    *,
    live: bool = False,
    only: Iterable[str] = (),
    cases: Sequence[Case] | None = None,
) -> Iterator[Result]:
    """Every case (or those of these ids, or these), one after the other, each in a folder of its own."""
    report_departures(harness)
    for found in chosen(only) if cases is None else cases:
        place = folder / found.id
        place.mkdir(parents=True)
        yield run_case(found, harness, place, live=live)


def report_departures(harness: type[ConnectorHarness]) -> None:
    """Warn of departures that repeat a declaration of `capabilities`."""
    for departed in (CASES[name] for name in harness.departures if name in CASES and CASES[name].can):
        nouns = ", ".join(sorted(map(capabilities.noun, departed.can)))
        going = Deprecation(f"`capabilities` without {nouns}, on the connector or its harness", "2.0")
        text = going.sentence(harness.__name__, f"departures for {departed.id}")
        warnings.warn(text, ConnectorDeprecation, stacklevel=3)


def not_compared(harness: type[ConnectorHarness], folder: Path, *, live: bool = False) -> tuple[str, ...]:
    """The parts that cannot be compared in the ERP, a sentence each, for the first lines of a report.

    Builds and issues one invoice, and reads it back through the harness.
    """
    if harness.live and not live:
        return ("nothing is compared in the ERP: it uses a real ERP, and runs with --live",)
    try:
        found = connector_of(harness)
        if not {"build_invoice"} <= plugin_checks.overridden(found) or not able(harness, "documents"):
            return ()
        erp = harness(folder)
        bench = Bench(erp, found, folder, SUITE)
        try:
            erp.set_up()
            order = bench.order(billing=Party(name="Kit Buyer", company="Kit Buyer"))
            built = bench.desk.built(order)
            if built.reference is None and "issue_invoice" in bench.offers:
                built = bench.desk.issue(built, order)
            invoices = [one for one in bench.documents(bench.desk.to_build(order).key) if one.kind == "invoice"]
        finally:
            bench.close()
            erp.tear_down()
    except Exception as error:  # the cases themselves report its errors
        return (f"the harness's invoice could not be read: {type(error).__name__}: {error}",)
    if not invoices:
        return (f"no invoice is compared in the ERP: {harness.__name__}.documents returns none for an invoice's key",)
    names = sorted({name for one in invoices for name in left_out(one, order)})
    return tuple(
        f"`{name}` of invoices is not compared in the ERP: {harness.__name__}.documents leaves it out" for name in names
    )


def connector_of(harness: type[ConnectorHarness]) -> type[Connector[Any]]:
    """The class that the harness names. PluginRefused if its entry point cannot be used."""
    named = getattr(harness, "connector", None)
    if isinstance(named, str):
        return discovery.load_connector(named)
    if not (isinstance(named, type) and issubclass(named, Connector)):
        sentence = f"{harness.__name__}.connector is {named!r}; it names the connector's entry point, or its class"
        raise PluginRefused(sentence)
    return named


def ability(harness: type[ConnectorHarness]) -> frozenset[Capability]:
    """The capabilities that the connector of this harness declares; none if it cannot be loaded."""
    try:
        return declared(harness, connector_of(harness))
    except PluginRefused:
        return frozenset()


@contextlib.contextmanager
def _bench(
    case: Case, harness: type[ConnectorHarness], found: type[Connector[Any]], folder: Path, suite: str
) -> Iterator[Bench]:
    erp = harness(folder)
    bench = Bench(erp, found, folder, suite)

    def end() -> None:
        with contextlib.suppress(Exception):  # L4 tests close
            bench.close()
        if not case.static:
            erp.tear_down()

    try:
        if not case.static:
            erp.set_up()
        yield bench
    except BaseException:
        with contextlib.suppress(Exception):  # errors now must not hide the findings
            end()
        raise
    end()
