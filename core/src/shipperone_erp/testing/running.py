"""Running cases: each with a harness of its own, and each answer one of passed, failed, skipped with the reason."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shipperone_erp import capabilities, discovery
from shipperone_erp.deprecations import ConnectorDeprecation, Deprecation
from shipperone_erp.errors import PluginRefused
from shipperone_erp.hooks import Connector
from shipperone_erp.model.answers import ConnectorError
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.calls import where
from shipperone_erp.testing.case import Case, Finding, NotApplicable
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.harness import ConnectorHarness, able, declared

Check = Callable[[Bench], None]
Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended. `said`: what was found wrong, or why it was not run."""

    case: Case
    outcome: Outcome
    said: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.outcome == "failed":
            found = f"{self.case.id} {self.case.line}\n  found: {self.said}"
            return f"{found}\n  what it costs a merchant: {self.case.suffers}"
        return f"{self.case.id} {self.case.line}" + (f"\n  skipped: {self.said}" if self.said else "")


def run_case(
    case: Case,
    harness: type[ConnectorHarness],
    folder: Path,
    *,
    live: bool = False,
    instead: Check | None = None,
) -> Result:
    """Run it. `live`: a real ERP may be used; `instead`: what the suite overrides it with, for a stated reason."""
    began = time.monotonic()

    def ended(outcome: Outcome, said: str = "") -> Result:
        return Result(case, outcome, said, time.monotonic() - began)

    if case.id in harness.departures:
        reason = harness.departures[case.id].strip()
        if not reason:
            return ended("failed", f"{harness.__name__} departs from {case.id} without saying why")
        if instead is None:
            return ended("skipped", f"the connector departs from it: {reason}")
    if harness.live and not live and not case.static:
        return ended("skipped", "it talks to a real ERP: run it with --live")
    try:
        found = connector_of(harness)
    except PluginRefused as refused:
        if case.id == "L1":
            return ended("failed", str(refused))
        return ended("skipped", "the connector cannot be loaded; see L1")
    if said := case.lacking(discovery.overridden(found), declared(harness, found)):
        return ended("skipped", said)
    if missing := [probe for probe in case.probes if not able(harness, probe)]:
        said = f"{harness.__name__} does not override {', '.join(missing)}: write it, or say why not in `departures`"
        return ended("failed", said)
    try:
        with _bench(case, harness, found, folder) as bench:
            (instead or case.check)(bench)
    except NotApplicable as why:
        return ended("skipped", str(why))
    except Finding as finding:
        return ended("failed", str(finding))
    except ConnectorError as told:
        return ended("failed", f"the connector raised {type(told).__name__}: {told.sentence}\n{where(told)}")
    except Exception as error:  # the harness, the case or the connector outside of a hook
        return ended("failed", f"outside of a hook, {type(error).__name__}: {error}\n{where(error)}")
    return ended("passed")


def run_all(
    harness: type[ConnectorHarness], folder: Path, *, live: bool = False, only: Iterable[str] = ()
) -> Iterator[Result]:
    """Every case (or those of these ids), one after the other, each in a folder of its own."""
    wanted = frozenset(only)
    tell_departures(harness)
    for found in CASES.values():
        if not wanted or found.id in wanted:
            place = folder / found.id
            place.mkdir(parents=True)
            yield run_case(found, harness, place, live=live)


def tell_departures(harness: type[ConnectorHarness]) -> None:
    """Warn of departures that say what `capabilities` declares."""
    for departed in (CASES[name] for name in harness.departures if name in CASES and CASES[name].can):
        nouns = ", ".join(sorted(map(capabilities.noun, departed.can)))
        going = Deprecation(f"`capabilities` without {nouns}, on the connector or its harness", "2.0")
        told = going.sentence(harness.__name__, f"departures for {departed.id}")
        warnings.warn(told, ConnectorDeprecation, stacklevel=3)


def connector_of(harness: type[ConnectorHarness]) -> type[Connector[Any]]:
    """The class that the harness names. PluginRefused if its entry point cannot be used."""
    named = getattr(harness, "connector", None)
    if isinstance(named, str):
        return discovery.load_connector(named)
    if not (isinstance(named, type) and issubclass(named, Connector)):
        said = f"{harness.__name__}.connector is {named!r}; it names the connector's entry point, or its class"
        raise PluginRefused(said)
    return named


@contextlib.contextmanager
def _bench(case: Case, harness: type[ConnectorHarness], found: type[Connector[Any]], folder: Path) -> Iterator[Bench]:
    erp = harness(folder)
    bench = Bench(erp, found, folder)

    def end() -> None:
        with contextlib.suppress(Exception):  # L4 looks at close
            bench.close()
        if not case.static:
            erp.tear_down()

    try:
        if not case.static:
            erp.set_up()
        yield bench
    except BaseException:
        with contextlib.suppress(Exception):  # what goes wrong now must not hide what was found
            end()
        raise
    end()
