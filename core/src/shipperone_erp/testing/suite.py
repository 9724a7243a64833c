"""The suite that an author subclasses: every case is a test of the class, under its id.

    class TestAcme(ConnectorSuite):
        harness = AcmeHarness
        suite = "1.1"

A case that is removed, overridden, or marked to be skipped, without a reason in the harness's `departures`, fails.
"""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shipperone_erp.connector.deprecations import ConnectorDeprecation
from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.findings import ENDS, SUITE, VERSIONS, ConformanceWarning
from shipperone_erp.testing.harness import ConnectorHarness
from shipperone_erp.testing.runner import Result, report_departures, run_case

Test = Callable[[Any, Path, bool], None]

TESTS: Mapping[str, Case] = {f"test_{case.id}": case for case in CASES.values()}

LEAVING_OUT = frozenset({"skip", "skipif", "xfail"})
"""pytest's marks by which a test's failure would be hidden."""


class ConnectorSuite:
    """Set `harness`, and set `suite` to the version of the list that you have read: newer ones then only warn."""

    harness: ClassVar[type[ConnectorHarness]]
    suite: ClassVar[str] = SUITE
    _made: ClassVar[Mapping[str, Any]] = {}
    """The tests of the cases as they were when the class was created."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        harness = getattr(cls, "harness", None)
        if harness is None:
            return  # a base of further suites
        for name, case in TESTS.items():
            current = getattr(cls, name, None)
            if not _untouched(current, case):
                setattr(cls, name, _overridden(case, harness, current))
        cls._made = {name: getattr(cls, name) for name in TESTS}
        if unknown := sorted(set(harness.departures) - set(CASES)):
            raise TypeError(f"{harness.__name__} departs from {', '.join(unknown)}, and there is no such case")
        report_departures(harness)
        if cls.suite not in VERSIONS:
            raise TypeError(f"{cls.__name__}: there is no suite {cls.suite}; this kit has {', '.join(VERSIONS)}")
        if cls.suite in ENDS:
            text = ENDS[cls.suite].sentence(cls.__name__, f"suite {cls.suite}")
            warnings.warn(text, ConnectorDeprecation, stacklevel=2)


def look_again(suite: type[ConnectorSuite]) -> None:
    """Run when the class is collected: a case replaced or marked since the class was created is an override too."""
    for name, made in suite._made.items():
        current = getattr(suite, name, None)
        if current is not made or _marks(current):
            setattr(suite, name, _overridden(TESTS[name], suite.harness, current))


def _test(case: Case, instead: Callable[..., None] | None = None) -> Test:
    def test(self: ConnectorSuite, tmp_path: Path, conformance_live: bool) -> None:
        check = None if instead is None else lambda bench: instead(self, bench)
        result = run_case(case, self.harness, tmp_path, live=conformance_live, instead=check, suite=self.suite)
        _report(result, self.harness)

    test.__doc__ = f"{case.line}\n\n{case.page}"
    test.case = case  # type: ignore[attr-defined]
    test.instead = instead  # type: ignore[attr-defined]
    return test


def _marks(current: Any) -> list[str]:
    return [mark.name for mark in getattr(current, "pytestmark", ()) if mark.name in LEAVING_OUT]


def _untouched(current: Any, case: Case) -> bool:
    """Whether it is the kit's own test. An override of a base suite needs the reasons of this one's harness."""
    return getattr(current, "case", None) is case and current.instead is None and not _marks(current)


def _overridden(case: Case, harness: type[ConnectorHarness], current: Any) -> Test:
    """The test for a case that the class has changed: its own one, or a failure that names the missing reason."""
    if case.id in harness.departures:
        own = getattr(current, "instead", current)
        return _test(case, own if callable(own) else None)
    marked = f"marked {', '.join(_marks(current))}" if _marks(current) else "overridden"
    done = "removed" if current is None else marked

    def fails(self: ConnectorSuite) -> None:
        sentence = f"{case.id} ({case.line}) is {done} without a reason; say why in {harness.__name__}.departures"
        pytest.fail(sentence, pytrace=False)

    return fails  # type: ignore[return-value]


def _report(result: Result, harness: type[ConnectorHarness]) -> None:
    for name in result.not_compared:
        sentence = f"`{name}` of invoices is not compared in the ERP: {harness.__name__}.documents leaves it out"
        warnings.warn(ConformanceWarning(sentence), stacklevel=2)
    if result.outcome == "warned":
        warnings.warn(ConformanceWarning(str(result)), stacklevel=2)
        pytest.skip(f"a warning: {result.message}")
    if result.outcome == "skipped":
        pytest.skip(result.message)
    if result.outcome == "failed":
        pytest.fail(str(result), pytrace=False)


for _name, _case in TESTS.items():
    setattr(ConnectorSuite, _name, _test(_case))
