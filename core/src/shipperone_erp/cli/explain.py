"""`explain`: what a reason means, what happens meanwhile, what to do."""

from typing import Annotated

import typer

from shipperone_erp.cli.options import AsJson, print_json, print_text
from shipperone_erp.cli.tables import print_table
from shipperone_erp.domain import explanations
from shipperone_erp.domain.reasons import Reason


def explain(
    reason: Annotated[str | None, typer.Argument(metavar="REASON", help="One of the reasons; none lists them.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a reason means, whose move it is, what the runtime does meanwhile, and what cures it."""
    if reason is None:
        rows = [(entry.value, explanations.EXPLANATIONS[entry].owner.value) for entry in Reason]
        if as_json:
            print_json([{"reason": name, "owner": owner} for name, owner in rows])
        else:
            print_table(["reason", "usually the move of"], rows)
    elif as_json:
        print_json(explanations.as_json(reason))
    else:
        print_text(*explanations.explain(reason).split("\n"))
