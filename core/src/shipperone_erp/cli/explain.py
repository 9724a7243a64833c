"""`explain`: the meaning of a reason, the runtime's behaviour meanwhile, the cure."""

from typing import Annotated

import typer

from shipperone_erp.cli.options import AsJson, print_json, print_text
from shipperone_erp.cli.tables import print_table
from shipperone_erp.domain import explanations
from shipperone_erp.domain.reasons import Reason


def explain(
    reason: Annotated[
        str | None, typer.Argument(metavar="REASON", help="A reason; without one, all are listed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The meaning of a reason, its owner, and the cure. And what the runtime does meanwhile."""
    if reason is None:
        rows = [(entry.value, explanations.EXPLANATIONS[entry].owner.value) for entry in Reason]
        if as_json:
            print_json([{"reason": name, "owner": owner} for name, owner in rows])
        else:
            print_table(["reason", "usual owner"], rows)
    elif as_json:
        print_json(explanations.as_json(reason))
    else:
        print_text(*explanations.explain(reason).split("\n"))
