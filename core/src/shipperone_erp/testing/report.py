"""The report of `connectors test`: for operators, as JSON, as JUnit's XML."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from shipperone_erp.connector.capabilities import Capability, absent
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.findings import SUITE
from shipperone_erp.testing.runner import Result

MARKS = {"passed": "ok  ", "warned": "warn", "failed": "FAIL", "skipped": "skip"}


def line(result: Result) -> str:
    """A line for operators; under a failed case the finding and its cost, under a skipped one the reason."""
    head = f"{MARKS[result.outcome]}  {result.case.id:<3} {result.case.line}"
    if result.outcome == "passed":
        return head
    sentence = result.message.replace("\n", "\n          ")
    if result.outcome == "skipped":
        return f"{head}\n          because {sentence}"
    return "\n          ".join([head, f"found: {sentence}", *(f"{name}: {text}" for name, text in result.hints)])


def first_lines(not_compared: Sequence[str]) -> list[str]:
    """The first lines of the report: the parts that are not compared in the ERP; none if everything is."""
    return [f"NOT COMPARED  {sentence}" for sentence in not_compared]


def in_order(results: Iterable[Result]) -> list[Result]:
    """The results in the sequence of the list, regardless of the sequence in which they ended."""
    places = {case: number for number, case in enumerate(CASES)}
    return sorted(results, key=lambda result: places[result.case.id])


def slowest(results: Iterable[Result], at_most: int) -> list[str]:
    """A line for each of the slowest cases, and one with the total time."""
    if not at_most:
        return []
    ranked = sorted(results, key=lambda result: -result.seconds)
    lines = [f"{result.seconds:8.2f} s  {result.case.id:<3} {result.case.line}" for result in ranked[:at_most]]
    return [*lines, f"{sum(result.seconds for result in ranked):8.2f} s  all {len(ranked)} cases"]


def summary(connector: str, results: Sequence[Result]) -> str:
    """The last line. It never claims conformance if a part was not tested."""
    counts = Counter(result.outcome for result in results)
    sentence = (
        f"{connector}, suite {SUITE}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
    )
    if counts["warned"]:
        sentence += f", {counts['warned']} with warnings that are failures in a later suite"
    if counts["failed"]:
        return f"{sentence}; it does not conform yet"
    seen = counts["passed"] + counts["warned"]
    return f"{sentence}; it conforms, as far as it was tested" if seen else f"{sentence}; nothing was tested"


def published(
    results: Sequence[Result], declared: Collection[Capability], departures: Collection[str], blind: int = 0
) -> str | None:
    """The line that an author may publish; None unless every case was selected and none failed.

    `blind`: the number of parts that could not be compared in the ERP.
    """
    if len(results) < len(CASES) or any(result.outcome == "failed" for result in results):
        return None
    passed = sum(result.outcome == "passed" for result in results)
    parts = [f"suite {SUITE}", f"{passed} of {len(results)}"]
    if nouns := absent(declared):
        parts.append(f"declares no {nouns}")
    if departures:
        parts.append(f"departs from {', '.join(sorted(departures))}")
    if warned := [result.case.id for result in results if result.outcome == "warned"]:
        parts.append(f"warned of {', '.join(warned)}")
    if blind:
        parts.append(f"{blind} not compared in the ERP")
    return ", ".join(parts)


def document(
    connector: str, results: Sequence[Result], not_compared: Sequence[str] = (), line: str | None = None
) -> dict[str, Any]:
    """The document of `--json`; `line` is the result of `published`."""
    return {
        "connector": connector,
        "suite": SUITE,
        "published": line,
        "not_compared": list(not_compared),
        "conforms": not any(result.outcome == "failed" for result in results),
        "cases": [
            {
                "id": result.case.id,
                "line": result.case.line,
                "outcome": result.outcome,
                "said": result.message or None,
                "suffers": result.case.suffers if result.outcome in ("failed", "warned") else None,
                "cure": result.case.cure if result.outcome in ("failed", "warned") else None,
                "place": result.place,
                "seconds": f"{result.seconds:.3f}",
            }
            for result in results
        ],
    }


def junit(connector: str, results: Sequence[Result], not_compared: Sequence[str] = ()) -> str:
    """The report in the form of build servers."""
    counts = Counter(result.outcome for result in results)
    suite = ET.Element(
        "testsuite",
        name=f"{connector} conformance {SUITE}",
        tests=str(len(results)),
        failures=str(counts["failed"]),
        skipped=str(counts["skipped"]),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    if not_compared:
        properties = ET.SubElement(suite, "properties")
        for sentence in not_compared:
            ET.SubElement(properties, "property", name="not compared", value=_printable(sentence))
    for result in results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=connector,
            name=f"{result.case.id} {result.case.line}",
            time=f"{result.seconds:.3f}",
        )
        if result.outcome == "failed":
            ET.SubElement(case, "failure", message=_printable(result.message.partition("\n")[0])).text = _printable(
                str(result)
            )
        elif result.outcome == "warned":
            ET.SubElement(case, "system-out").text = _printable(str(result))
        elif result.outcome == "skipped":
            ET.SubElement(case, "skipped", message=_printable(result.message))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """The text without control characters, which XML does not permit."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)
