"""`explain` names every owner that this project's code gives to a reason."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from places import ROOT
from shipperone_erp.domain.explanations import EXPLANATIONS, as_json, explain
from shipperone_erp.domain.reasons import Owner, Reason

SOURCES = [ROOT / "core/src", *(ROOT / "connectors").glob("*/src")]


def given() -> dict[Reason, dict[Owner, str]]:
    """The owners that stand beside a reason in one call, and where."""
    found: dict[Reason, dict[Owner, str]] = defaultdict(dict)
    for source in SOURCES:
        for file in source.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and file.name != "explanations.py":
                    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
                    reasons = [Reason[name] for one in arguments for name in members(one, "Reason")]
                    owners = [Owner[name] for one in arguments for name in members(one, "Owner")]
                    if len(reasons) == 1:
                        found[reasons[0]].update(dict.fromkeys(owners, f"{file.name}:{node.lineno}"))
    return found


def members(node: ast.expr, enum: str) -> Iterator[str]:
    """`Reason.A`, or either side of `Reason.A if … else Reason.B`."""
    if isinstance(node, ast.IfExp):
        yield from members(node.body, enum)
        yield from members(node.orelse, enum)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == enum:
        yield node.attr


def test_the_page_of_a_reason_names_every_owner_that_the_code_gives_it():
    found = given()
    assert found[Reason.PLATFORM_REFUSED].keys() >= {Owner.ACCOUNTANT, Owner.IT}, "the source was read"
    missing = [
        (reason, owner, place)
        for reason, owners in found.items()
        for owner, place in owners.items()
        if owner not in {EXPLANATIONS[reason].owner, *EXPLANATIONS[reason].other_owners}
    ]
    assert missing == []


def test_explain_names_every_possible_owner():
    assert "Owner:      ShipperOne, or IT or accountant or warehouse: `order show ID` names it" in explain(
        "platform_refused"
    )
    assert as_json("platform_refused")["other_owners"] == ["it", "accountant", "warehouse"]
    assert "Owner:      accountant\n" in explain("total_differs")
