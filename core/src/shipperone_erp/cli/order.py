"""`order`: the commands about one order, each in the module of its kind."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "show": Place(
        "orders",
        "show",
        "The timeline of an order in both stages, one line per event with amounts and numbers, and the differences.",
    ),
    "retry": Place("job_commands", "retry", "Resume a held, waiting or ignored job, with fresh reads of both sides."),
    "resolve": Place(
        "job_commands",
        "resolve",
        "Record the outcome of a held or waiting job that was done by hand, or whose outcome is unknown. It reopens "
        "if still listed.",
    ),
    "ignore": Place(
        "job_commands",
        "ignore",
        "Ignore a held or waiting job and keep its documents in the ERP; `order retry` resumes it.",
    ),
    "note": Place(
        "job_commands",
        "note",
        "Add a note to an order; nothing else changes. The operations page and `order show` show it.",
    ),
    "repeat": Place(
        "job_commands",
        "repeat",
        "Mark a repeated listing as a true second shipment of the same items in the same quantity.",
    ),
    "adopt": Place(
        "document_commands",
        "adopt",
        "Confirm to ShipperOne a document that was created elsewhere. It is compared first, and never changed.",
    ),
    "approve": Place(
        "document_commands",
        "approve",
        "Approve the draft that awaits approval, and only that one: a draft that is built again needs a new approval.",
    ),
    "credited": Place(
        "document_commands",
        "credited",
        "Record a credit note, made in the ERP, against an invoice: it increases the amount that may still be invoiced.",  # noqa: E501
    ),
    "release": Place(
        "document_commands",
        "release",
        "Release the reservation of a confirmed order that will not ship; refused while a queue lists the order.",
    ),
    "supply-date": Place(
        "invoice_dating",
        "supply_date",
        "Set the day of supply of an invoice that is held because the listed one is implausible (date_implausible).",
    ),
}

app = typer.Typer(
    cls=group_of(COMMANDS),
    help="One order: show, retry, resolve, ignore, note, repeat, adopt, approve, credited, release, supply-date.",
    no_args_is_help=True,
)


@app.callback()
def _() -> None:
    """Runs before any command."""
