"""`order`: the commands about one order, each in the module of its kind."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "show": Place(
        "orders",
        "show",
        "What happened to an order, in both stages: a line an event, with amounts and numbers; the differences.",
    ),
    "retry": Place(
        "job_commands", "retry", "Take a held, waiting or ignored job up again, with both sides read afresh."
    ),
    "resolve": Place(
        "job_commands",
        "resolve",
        "Say how a held or waiting job ended: handled by hand, or what the lost answer was. It reopens if still listed.",  # noqa: E501
    ),
    "ignore": Place(
        "job_commands",
        "ignore",
        "Leave a held or waiting job alone for good, with what it has made in the ERP; undone by `order retry`.",
    ),
    "note": Place(
        "job_commands",
        "note",
        "Keep a note with an order; nothing else of it changes. The operations page and `order show` show it.",
    ),
    "repeat": Place(
        "job_commands",
        "repeat",
        "Say that what is listed again is a true second shipment of the same items in the same quantity.",
    ),
    "adopt": Place(
        "adoption",
        "adopt",
        "Confirm to ShipperOne a document that was made elsewhere. It is compared first, and never touched from here.",
    ),
    "approve": Place(
        "adoption",
        "approve",
        "Approve the draft that waits for it, and no other: if it is made anew, you are asked again.",
    ),
    "credited": Place(
        "adoption",
        "credited",
        "Record a credit note that was made in the ERP against an invoice: it counts in what may still be invoiced.",
    ),
    "release": Place(
        "adoption",
        "release",
        "Give back what is reserved for a confirmed order that will not ship; refused while a queue lists the order.",
    ),
    "supply-date": Place(
        "invoice_dates",
        "supply_date",
        "Set the day of supply of an invoice that is held because the listed one cannot be true (date_implausible).",
    ),
}

app = typer.Typer(
    cls=group_of(COMMANDS),
    help="One order: show, retry, resolve, ignore, note, repeat, adopt, approve, credited, release, supply-date.",
    no_args_is_help=True,
)


@app.callback()
def _() -> None:
    """What stands before any command."""
