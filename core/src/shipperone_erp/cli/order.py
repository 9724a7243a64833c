"""`order`: the commands about one order, each in the module of its kind."""

import typer

from shipperone_erp.cli.lazy_group import Place, group_of

COMMANDS = {
    "show": Place(
        "orders",
        "show",
        "The timeline of an order in both stages, and the differences. One line per event, with amounts and numbers.",
    ),
    "retry": Place("job_commands", "retry", "Resume a held, waiting or ignored job. Both sides are read again first."),
    "resolve": Place(
        "job_commands",
        "resolve",
        "Record the outcome of a job that was done by hand. The job is held or waiting, or its outcome "
        "is unknown; it reopens if still listed.",
    ),
    "ignore": Place(
        "job_commands",
        "ignore",
        "Ignore a held or waiting job; its documents stay in the ERP. `order retry` resumes it.",
    ),
    "note": Place(
        "job_commands",
        "note",
        "Add a note to an order; nothing else changes. The operations page and `order show` show it.",
    ),
    "repeat": Place(
        "job_commands",
        "repeat",
        "Mark a repeated listing as a true second shipment. It lists the same items in the same quantity.",
    ),
    "adopt": Place(
        "document_commands",
        "adopt",
        "Confirm to ShipperOne a document that was created elsewhere. It is compared first, and never changed.",
    ),
    "approve": Place(
        "document_commands",
        "approve",
        "Approve the draft that awaits approval. Only that one: a draft that is built again needs a new approval.",
    ),
    "credited": Place(
        "document_commands",
        "credited",
        "Record a credit note, made in the ERP, against an invoice. It increases the amount that may "
        "still be invoiced.",
    ),
    "release": Place(
        "document_commands",
        "release",
        "Release the reservation of an order that will not ship. Refused while a queue lists it.",
    ),
    "supply-date": Place(
        "invoice_dating",
        "supply_date",
        "Set the day of supply of a held invoice. It is held because the listed day is implausible (date_implausible).",
    ),
}

app = typer.Typer(
    cls=group_of(COMMANDS),
    help="One order: show, retry, resolve, approve and seven more. The others are ignore, note, repeat, "
    "adopt, credited, release, supply-date.",
    no_args_is_help=True,
)


@app.callback()
def _() -> None:
    """Runs before any command."""
