"""Commands by which operators decide about single documents: order adopt, approve, credited, release."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp.cli.job_commands import Ids, NoteText, OneKey, for_each, raise_refused, steer
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text
from shipperone_erp.cli.orders import OnlyStage, OnlyTenant
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import approving, document_adoption, job_actions, job_selection, recorded_credits
from shipperone_erp.operations import release as releasing
from shipperone_erp.operations.approving import approve_sum
from shipperone_erp.operations.document_adoption import Made, amount, parsed
from shipperone_erp.operations.job_selection import Pick


def adopt(
    order_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The order's id, or the job's key.")] = None,
    config: ConfigFile = DEFAULT_FILE,
    reference: Annotated[str | None, typer.Option(help="The document's reference in the ERP.")] = None,
    number: Annotated[str | None, typer.Option(help="The invoice's number.")] = None,
    total: Annotated[
        str | None, typer.Option(help="The invoice's total, tax included. It is compared with the order.")
    ] = None,
    dated: Annotated[str | None, typer.Option("--date", help="The invoice's date, as 2026-03-01.")] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help=f"A CSV file with many documents; columns {', '.join(document_adoption.COLUMNS)}. All rows "
            "are adopted, or none.",
        ),
    ] = None,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Confirm to ShipperOne a document that was created elsewhere. It is compared first, and never changed."""
    if csv_file is not None:
        if order_id or reference or number or total or dated or stage or key:
            raise UsageError("give either ID and --reference, or --csv FILE")
        made = document_adoption.from_csv(csv_file, tenant)
    elif order_id and reference:
        when = parsed(date.fromisoformat, dated, "--date", "a date such as 2026-03-01")
        money = parsed(amount, total, "--total", "an amount such as 24.99")
        made = [Made(Pick(order_id, tenant, stage, key), reference, number, money, when)]
    else:
        raise UsageError("give the order's ID and --reference, the document's reference in the ERP; or --csv FILE")
    with Ledger.open(configuration(config, tenants_may_fail=True).runtime.ledger) as ledger:
        for job in document_adoption.adopt(ledger, made, utc_now(), note):
            print_text(
                f"{job.tenant} {job.stage} {job.order_id}: {job.reference} is adopted; the service compares it with "
                "the order and confirms it to ShipperOne"
            )


def approve(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    key: OneKey = None,
    total: Annotated[
        str | None,
        typer.Option(
            help="Accept the listed amounts, although they do not add up, if the invoice comes to exactly this total."
        ),
    ] = None,
    without_vat: Annotated[
        bool,
        typer.Option(
            "--without-vat",
            help="Process the order without its VAT id, for an order that is held because the id is invalid.",
        ),
    ] = False,
    note: NoteText = None,
) -> None:
    """Approve the draft that awaits approval. Only that one: a draft that is built again needs a new approval.

    With --total: accept one order whose amounts are not explained, as it is listed now and at this sum alone.

    With --without-vat: reserve and invoice an order as if its buyer had no VAT id, as long as it lists this one.
    """
    if without_vat:
        if total is not None:
            raise UsageError("give either --total or --without-vat")
        _approve_without_vat(order_ids, config, tenant, key, note)
        return
    if total is not None:
        _approve_total(order_ids, config, tenant, key, total, note)
        return
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        picks = [Pick(order_id, tenant, None, key) for order_id in order_ids]
        jobs = [job_selection.pick(ledger, wanted, job_actions.can_be_approved, "approved") for wanted in picks]

        def approved(job: Job) -> None:
            what = approving.approved_document(job)
            done = job_actions.approve(ledger, job, utc_now(), note, persons=approving.persons(loaded, job))
            follows = "a running service processes it at once" if done else "a second person must approve it, too"
            print_text(f"{job.tenant} {job.stage} {job.order_id}: {what} is approved; {follows}")

        raise_refused(for_each(jobs, approved))


def _approve_total(
    order_ids: list[str], config: Path, tenant: str | None, key: str | None, total: str, note: str | None
) -> None:
    if len(order_ids) != 1:
        raise UsageError("--total applies to one order's invoice: give one order")
    if not (note or "").strip():
        raise UsageError("give the reason why this total is right by --note; it is recorded with your name")
    wanted = parsed(amount, total, "--total", "an amount such as 24.99")
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        chosen = Pick(order_ids[0], tenant, None, key)
        job = job_selection.pick(ledger, chosen, job_actions.total_can_be_approved, "approved by its total")
        wanted = approve_sum(ledger, loaded, job, utc_now(), note, total=wanted)
    print_text(
        f"{job.tenant} {job.stage} {job.order_id}: accepted at {wanted:f} as it is listed now; a running service "
        "processes "
        "it at once"
    )


def _approve_without_vat(
    order_ids: list[str], config: Path, tenant: str | None, key: str | None, note: str | None
) -> None:
    if not (note or "").strip():
        raise UsageError(
            "give the reason for invoicing the order without its VAT id by --note; it is recorded with your name"
        )
    picks = [Pick(order_id, tenant, None, key) for order_id in order_ids]
    fits, act = job_actions.vat_can_be_left_out, job_actions.approve_without_vat
    done, said = "approved without its VAT id", "it is processed without its VAT id"
    steer(config, picks, fits, done, act, note, said=said)


def credited(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The order's id, or the invoice's key.")],
    number: Annotated[str, typer.Option(help="The credit note's number in the ERP.")],
    credit_amount: Annotated[str, typer.Option("--amount", help="The credited amount, tax included, such as 30.00.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Record a credit note, made in the ERP, against an invoice. It increases the amount that may still be invoiced."""
    off = parsed(amount, credit_amount, "--amount", "an amount such as 30.00")
    if off is None or not number.strip():
        raise UsageError("give the credit note's number by --number, and the credited amount by --amount")
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        job = job_selection.pick(
            ledger, Pick(order_id, tenant, None, key), recorded_credits.can_be_credited, "credited"
        )
        known = loaded.tenants.get(job.tenant)
        resumed = recorded_credits.credited(
            ledger, job, utc_now(), note, credit=CreditNote(number.strip(), off),
            currency=known.currency if known else None,
        )  # fmt: skip
    print_text(
        f"{job.tenant} {job.order_id}: credit note {number.strip()} of {off:f} against invoice "
        f"{job.number or job.reference or job.key} is recorded"
    )
    for one in resumed:
        print_text(f"{one.tenant} {one.stage} {one.order_id}: retried; it is checked again, with the credit note")


def release(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The order's id, or the job's key.")],
    note: Annotated[str, typer.Option("--note", help="The reason; recorded with the action.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    key: OneKey = None,
) -> None:
    """Release the reservation of an order that will not ship. Refused while a queue lists it."""
    if not note.strip():
        raise UsageError("give the reason for releasing the reservation by --note")
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        wanted = Pick(order_id, tenant, None, key)
        job = job_selection.pick(ledger, wanted, job_actions.can_be_released, "released")
        asyncio.run(releasing.release_unlisted(ledger, loaded, job, note))
    print_text(
        f"{job.tenant} {job.order_id}: {job.reference} will be released by the service after it has read both queues "
        "again"
    )
