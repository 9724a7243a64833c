"""Commands that change jobs: order retry, repeat, resolve, ignore; pause, resume; go-live."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from shipperone_erp.cli import invoice_dating
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, must_know, print_text
from shipperone_erp.cli.orders import OnlyStage, OnlyTenant
from shipperone_erp.config import Configuration
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError, UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import go_live as going_live
from shipperone_erp.operations import job_actions, job_selection, lost_documents, pauses
from shipperone_erp.operations.job_selection import Pick

Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Orders' ids, or jobs' keys.")]
SomeIds = Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="Orders' ids, or jobs' keys.")]
OneKey = Annotated[str | None, typer.Option("--key", help="The job with this key.")]
NoteText = Annotated[str | None, typer.Option("--note", help="The reason; recorded with the action.")]
Act = Callable[[Ledger, Job, datetime, str | None], None]


class Outcome(StrEnum):
    """The outcome of an order, as stated by an operator."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


def retry(
    order_ids: SomeIds = None,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Undo the documents and start the next revision; after acceptance only if the document is missing "
            "in the ERP.",
        ),
    ] = False,
    reason: Annotated[
        Reason | None,
        typer.Option(
            metavar="REASON", help="All jobs that are held or wait with this reason; without --yes they are only shown."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --reason: retry them.")] = False,
    issued: Annotated[
        str | None,
        typer.Option(
            "--issue-date",
            help="Issue the invoice with this date, as 2026-03-01, if the ERP refuses the day of supply "
            "(erp_period_locked). Needs --note.",
        ),
    ] = None,
    note: NoteText = None,
) -> None:
    """Resume a held, waiting or ignored job. Both sides are read again first."""
    if issued is not None:
        if not order_ids or len(order_ids) > 1 or rebuild or reason or stage is Stage.ALLOCATION:
            raise UsageError(
                "--issue-date applies to one order's invoice: give its ID, and neither --rebuild nor --reason"
            )
        invoice_dating.issue_date(config, Pick(order_ids[0], tenant, Stage.INVOICE, key), issued, note)
        return
    act = partial(job_actions.retry, rebuild=rebuild)
    if reason is None:
        picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids or ()]
        if not picks:
            raise UsageError("give the orders' ids, or --reason R for all jobs that are held or wait with that reason")
        if rebuild:
            _rebuild(config, picks, note)
        else:
            steer(config, picks, job_actions.can_be_retried, "retried", act, note)
        return
    if order_ids:
        raise UsageError("give either ids or --reason")
    with _ledger(config) as ledger:
        jobs = job_actions.held_for(ledger, reason, tenant, stage)
        if rebuild:
            jobs = [job for job in jobs if job_actions.can_be_rebuilt(job)]

        def retried(job: Job) -> None:
            if yes:
                act(ledger, job, utc_now(), note)
            print_text(f"{job.tenant} {job.stage} {job.order_id}: {job.sentence}")

        refused = for_each(jobs, retried)
    done = "retried; a running service processes them now" if yes else "would be retried: repeat the command with --yes"
    print_text(f"{len(jobs) - len(refused)} order(s) with {reason} {done}")
    raise_refused(refused)


def _rebuild(config: ConfigFile, picks: Sequence[Pick], note: str | None) -> None:
    """For accepted jobs the ERP is queried first; all of their documents are created again, or none."""
    loaded = configuration(config, tenants_may_fail=True)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        jobs = [lost_documents.pick_to_rebuild(ledger, wanted) for wanted in picks]
        lost_documents.make_anew(ledger, loaded, [job for job in jobs if job.accepted], utc_now(), note)

        def rebuilt(job: Job) -> None:
            if not job.accepted:
                job_actions.retry(ledger, job, utc_now(), note, rebuild=True)
            done = "will be rebuilt under its next key" if job.accepted else "rebuilt"
            follows = job_actions.what_follows(ledger.job(job.id) or job)
            print_text(f"{job.tenant} {job.stage} {job.order_id}: {done}; {follows}")

        raise_refused(for_each(jobs, rebuilt))


def repeat(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Mark a repeated listing as a true second shipment. It lists the same items in the same quantity."""
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    steer(config, picks, job_actions.can_be_repeated, "repeated", job_actions.repeat, note)


def resolve(
    order_ids: Ids,
    outcome: Annotated[Outcome, typer.Option(help="The outcome at ShipperOne, or of what was done by hand.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Record the outcome of a job that was done by hand. The job is held or waiting, or its outcome is unknown; it
    reopens if still listed.
    """
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    act = partial(job_actions.resolve, outcome=outcome.value)
    steer(config, picks, job_actions.can_be_resolved, f"resolved as {outcome.value}", act, note)


def note(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Add a note to an order; nothing else changes. The operations page and `order show` show it."""
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    with _ledger(config) as ledger:
        for job in [job_selection.pick(ledger, wanted, lambda job: True, "noted") for wanted in picks]:
            job_actions.note_down(ledger, job, utc_now(), note)
            print_text(f"{job.tenant} {job.stage} {job.order_id}: the note is recorded")


def ignore(
    order_ids: Ids,
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: OneKey = None,
    note: NoteText = None,
) -> None:
    """Ignore a held or waiting job; its documents stay in the ERP. `order retry` resumes it."""
    picks = [Pick(order_id, tenant, stage, key) for order_id in order_ids]
    steer(config, picks, job_actions.can_be_ended, "ignored", job_actions.ignore, note)


def steer(
    config: ConfigFile, picks: list[Pick], fits: Callable[[Job], bool], done: str, act: Act, note: str | None,
    *, said: str | None = None,
) -> None:  # fmt: skip
    """Act on the picked jobs, one after the other, and print for each that it is `done`, or what is `said` of it."""
    with _ledger(config) as ledger:
        jobs = [job_selection.pick(ledger, wanted, fits, done) for wanted in picks]

        def acted(job: Job) -> None:
            act(ledger, job, utc_now(), note)
            follows = job_actions.what_follows(ledger.job(job.id) or job)
            print_text(f"{job.tenant} {job.stage} {job.order_id}: {said or done}; {follows}")

        raise_refused(for_each(jobs, acted))


def for_each(jobs: Sequence[Job], act: Callable[[Job], None]) -> list[str]:
    """Act on each job. One that has changed meanwhile stops none of the others; returns the reasons of those."""
    refused = []
    for job in jobs:
        try:
            act(job)
        except UsageError as error:
            refused.append(str(error))
    return refused


def raise_refused(refused: Sequence[str]) -> None:
    """UsageError with these reasons, if there are any."""
    if refused:
        raise UsageError("\n".join(refused))


def _ledger(config: ConfigFile) -> Ledger:
    return Ledger.open(configuration(config, tenants_may_fail=True).runtime.ledger)


def pause(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    stage: OnlyStage = None,
    note: NoteText = None,
) -> None:
    """Pause a tenant, or one stage of it, until `resume`. No new work is started; it takes effect at once."""
    loaded = configuration(config, tenants_may_fail=True)
    stages = _stages(loaded, tenant, stage)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        pauses.pause(ledger, tenant, stages, utc_now(), note)
    print_text(f"{tenant}: {' and '.join(stages)} paused; `shipperone-erp resume {tenant}` ends the pause")


def resume(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    stage: OnlyStage = None,
    note: NoteText = None,
) -> None:
    """Resume a paused tenant or stage."""
    loaded = configuration(config, tenants_may_fail=True)
    stages = _stages(loaded, tenant, stage)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        resumed = pauses.resume(ledger, tenant, stages, utc_now(), note)
    print_text(f"{tenant}: {' and '.join(resumed) + ' resumed' if resumed else 'nothing was paused'}")


def _stages(loaded: Configuration, tenant: str, stage: Stage | None) -> list[Stage]:
    must_know(loaded, tenant)
    return [stage] if stage else list(Stage)


EITHER = "give either --all or --from-now"


def _preview(loaded: Configuration, tenant: str, stages: Sequence[Stage]) -> None:
    """The jobs held before the go-live, and the effect of either option; printed on stdout, nothing is changed."""
    try:
        with Ledger.open(loaded.runtime.ledger, read_only=True) as ledger:
            queues = going_live.before_go_live(ledger, tenant, stages)
    except LedgerError as error:
        print_text(f"{tenant}: its queues could not be read: {error}")
        return
    for queue in queues:
        print_text(f"{tenant} {queue.stage}: {queue.words()}")
    held = sum(queue.held for queue in queues)
    print_text(f"--all       {held} order(s) are processed as if they had just been listed")
    print_text(
        f"--from-now  {held} order(s) are ignored (`order retry` resumes one); orders listed later are processed"
    )


def go_live(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    everything: Annotated[
        bool, typer.Option("--all", help="Process the orders that were listed before as well.")
    ] = False,
    from_now: Annotated[bool, typer.Option("--from-now", help="Ignore the orders that are listed now.")] = False,
    note: NoteText = None,
) -> None:
    """Decide about the orders listed before this tenant's go-live. Without an option: show them."""
    if everything and from_now:
        raise UsageError(EITHER)
    loaded = configuration(config, tenants_may_fail=True)
    must_know(loaded, tenant)
    # a secret may be missing here and present for the service; the stages are valid either way
    stages = loaded.tenants[tenant].stages if tenant in loaded.tenants else tuple(Stage)
    if not everything and not from_now:
        _preview(loaded, tenant, stages)
        raise UsageError(EITHER)
    with Ledger.open(loaded.runtime.ledger) as ledger:
        jobs = going_live.go_live(ledger, tenant, stages, utc_now(), note, from_now=from_now)
    what = "ignored (undone by `order retry`)" if from_now else "released"
    print_text(f"{tenant} is live; {len(jobs)} order(s) that were listed before: {what}")
