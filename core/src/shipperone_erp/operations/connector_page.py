"""The page of one connector in Markdown: settings, capabilities of its ERP, hooks, results of the conformance kit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shipperone_erp.connector.api import Connector
from shipperone_erp.connector.capabilities import MEANS, WITHOUT, Capability
from shipperone_erp.connector.plugin_checks import hooks_of


def page(described: Mapping[str, Any], tested: Mapping[str, Any] | None = None) -> str:
    """`described` is the answer of `discovery.describe`; `tested` the JSON document of `connectors test`."""
    name = described["connector"]
    declared = set(described["capabilities"])
    abilities = [
        (f"`{one}`", "yes" if one in declared else "no", MEANS[one], "" if one in declared else WITHOUT.get(one, ""))
        for one in Capability
    ]
    offered = set(described["hooks"])
    hooks = [(f"`{hook}`", "yes" if hook in offered else "no") for hook in sorted(hooks_of(Connector))]
    settings = [
        (f"`{key}`", "required" if one["required"] else _code(one["default"]), one["says"] or "")
        for key, one in described["settings"].items()
    ]
    parts = [
        f"# {name}",
        f"The connector of {described['package']} {described['version']}, for the connector API `{described['api']}`.",
        "## Settings",
        f"Under `[tenants.NAME.{name}]`:",
        _table(("setting", "default", "what it is"), settings),
        "## What its ERP can do",
        _table(("capability", "declared", "the ERP can do it", "so core"), abilities),
        "## Hooks",
        _table(("hook", "implemented"), hooks),
        "## Conformance",
        *(
            _conformance(tested)
            if tested
            else [f"Not tested: `shipperone-erp connectors test {name} --json` proves it."]
        ),
    ]
    return "\n\n".join(parts)


def _conformance(tested: Mapping[str, Any]) -> Iterable[str]:
    cases: Sequence[Mapping[str, Any]] = tested["cases"]
    passed = sum(case["outcome"] == "passed" for case in cases)
    yield f"{tested.get('published') or 'suite {}, {} of {}'.format(tested['suite'], passed, len(cases))}."
    if blind := tested.get("not_compared"):
        yield "\n".join(f"- {sentence}" for sentence in blind)
    others = [case for case in cases if case["outcome"] != "passed"]
    if others:
        rows = [(case["id"], case["line"], case["outcome"], case["said"] or "") for case in others]
        yield _table(("case", "what it looks for", "outcome", "why"), rows)


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(str(cell)) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
