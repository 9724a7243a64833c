"""The invoice stage: draft in the ERP → compare → confirm at ShipperOne → issue in the ERP → deliver.

    new → building → built → confirming → accepted → issuing → issued → delivering → done

ShipperOne can answer 400 in normal operation (a part shipped, a stale snapshot); an invoice that is already fiscal
would then need a credit note. So the invoice becomes fiscal only after ShipperOne has accepted exactly this. An invoice
that is accepted and not yet issued is late, not wrong: it is retried without limit, and comes first in every list.
"""

from shipperone_erp.domain.amounts.expected_totals import figures, priced
from shipperone_erp.domain.amounts.listed_amounts import replaced
from shipperone_erp.domain.hook_answers import AlreadyIssued, Invoice, Pending, Voided
from shipperone_erp.domain.hook_requests import (
    BuildInvoice,
    Difference,
    IssueInvoice,
    Mismatch,
    Resolution,
    Verdict,
)
from shipperone_erp.domain.invoice_checks.comparison import invoice_differences, only_amounts, reason_for, side_by_side
from shipperone_erp.domain.invoice_checks.listed_taxes import tax_compared
from shipperone_erp.domain.invoice_checks.tax_rounding import rounding_hint
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, State, Step
from shipperone_erp.workflow.approval import await_approval
from shipperone_erp.workflow.compensation import issued_already, rebuild
from shipperone_erp.workflow.confirmation import AT_MOST, confirm
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.goods_delivery import deliver
from shipperone_erp.workflow.interruptions import HoldJob, RetryLater
from shipperone_erp.workflow.invoice_dates import dates_set, recorded, settle_supply_day, supply_date
from shipperone_erp.workflow.invoice_numbers import check_number
from shipperone_erp.workflow.order_checks import check_amounts, check_bundles, check_parties, total_is_of_more


async def invoice(execution: JobExecution) -> None:
    """Take the job as far as possible."""
    if execution.job.ending is State.NEW:
        await rebuild(execution, "an operator has set the dates of the invoice")
    await settle_supply_day(execution)
    execution.order = priced(execution.order, execution.currency(), execution.discount)
    await _compare_again(execution)
    while execution.job.step is not Step.DONE:
        match execution.job.step:
            case Step.NEW | Step.BUILDING:
                await build(execution)
            case Step.BUILT:
                await compare(execution)
            case Step.CONFIRMING:
                await confirm(execution)
            case Step.ACCEPTED | Step.ISSUING:
                await issue(execution)
            case _:
                await deliver(execution)


async def build(execution: JobExecution) -> None:
    """Build a draft (or compute an invoice) of the shipped order, under the job's key."""
    if not execution.job.accepted:
        check_bundles(execution)
        check_parties(execution)
        check_amounts(execution)
    request, hooks = build_request(execution), execution.ports.hooks

    async def built() -> Invoice | Pending | Voided:
        return await hooks.build_invoice(await hooks.before_build(request))

    try:
        used = recorded(replaced(execution.listed, execution.order), dates_set(execution))
        answer: Invoice | Voided = await execution.effect(EffectKind.BUILD, built, step=Step.BUILDING, request=used)
    except AlreadyIssued as issued:
        if not execution.job.accepted:
            raise issued_already(execution, issued.invoice) from issued
        answer = issued.invoice
    except HoldJob as hold:
        raise _late(execution, hold) from hold
    if isinstance(answer, Voided):
        execution.void()
        return
    # An unexpected issued invoice is queried again: after a `retry` nothing continues from this answer.
    believed = not answer.issued or execution.ports.settings.fiscal_first or execution.job.accepted
    execution.job = execution.job.draft_built(answer, believed=believed).in_erp(execution.ports.erp)
    if not believed:
        raise HoldJob(
            Reason.CONNECTOR_BUG,
            f"build_invoice answered with an issued invoice ({answer.number or answer.reference}), which is allowed "
            "only with fiscal_first = true; nothing was sent to ShipperOne. If it was issued by hand, `order adopt` "
            "confirms it; if ShipperOne accepted it before (a restored ledger), use `order resolve --outcome "
            "confirmed`",
            Owner.IT,
        )
    if answer.issued:
        await check_number(execution)


async def compare(execution: JobExecution) -> None:
    """Compare the invoice with the shipped order; `handle_mismatch` decides about differences."""
    built = _invoice(execution)
    differences = _differences(execution, built)
    execution.job = execution.job.taxes_looked_at(compared=taxes_compared(execution, built))
    if execution.job.accepted:
        if differences and not built.issued:
            # the next attempt reads the document again, in case an operator has corrected it
            execution.job = execution.job.to_be_built_again()
            raise _not_what_was_accepted(execution, differences)
        execution.job = execution.job.ready_to_issue()
        return
    if built.total_incl_tax is None and not differences and execution.ports.settings.not_compared == "hold":
        raise _not_compared(execution)
    if not differences or await _accepted_by_policy(execution, built, differences):
        check_amounts(execution)  # do not request approval of an invoice that may not be sent
        await_approval(execution, built)
        execution.job = execution.job.ready_to_confirm()


async def _compare_again(execution: JobExecution) -> None:
    """Compare a draft that waited for its confirmation once more: the tenant's settings may have changed meanwhile.

    It is not sent with amounts that they no longer expect, nor without an approval that they now require.
    """
    built = execution.job.invoice
    if execution.job.step is not Step.CONFIRMING or built is None:
        return
    differences = _differences(execution, built)
    accepted = execution.job.accepts and only_amounts(differences)
    if differences and not (
        accepted and (await _resolution(execution, built, differences, "")).verdict is Verdict.ACCEPT
    ):
        execution.job = execution.job.to_be_compared_again()
    else:
        await_approval(execution, built)


async def _accepted_by_policy(execution: JobExecution, built: Invoice, differences: tuple[Difference, ...]) -> bool:
    hint = ""
    if built.total_incl_tax is not None:
        sums = figures(execution.order, execution.currency(), execution.discount)
        hint = rounding_hint(execution.order, sums, built.total_incl_tax)
    message = f"the invoice is not what shipped: {side_by_side(differences, 'ERP', 'ShipperOne')}{hint}"
    held = HoldJob(reason_for(differences, Reason.TOTAL_DIFFERS), message, Owner.ACCOUNTANT, differences)
    if built.issued:
        raise held
    resolution = await _resolution(execution, built, differences, message)
    match resolution.verdict:
        case Verdict.HOLD:
            reason = Reason(resolution.reason or Reason.TOTAL_DIFFERS)
            raise HoldJob(
                reason, resolution.sentence or message, Owner(resolution.owner or Owner.ACCOUNTANT), differences
            )
        case Verdict.ACCEPT if only_amounts(differences) and execution.job.accepts < AT_MOST:
            execution.job = execution.job.accept_counted()
            return True
        case Verdict.RETRY if execution.job.retries < AT_MOST:
            execution.job = execution.job.retry_counted().to_be_built_again()
        case Verdict.REBUILD | Verdict.ABSTAIN if execution.job.rebuilds < AT_MOST:
            execution.job = execution.job.rebuild_counted()
            await rebuild(execution, message)
        case _:
            raise held
    return False


async def _resolution(
    execution: JobExecution, built: Invoice, differences: tuple[Difference, ...], message: str
) -> Resolution:
    listed = execution.ports.newest(execution.job.order_id)
    return await execution.ports.hooks.handle_mismatch(
        Mismatch(
            action="compare",
            sent=execution.listed,
            now=listed.order if listed else None,
            invoice=built,
            message=message,
            differences=differences,
        )
    )


async def issue(execution: JobExecution) -> None:
    """Make the invoice fiscal. If its document is void, the next one is built, compared, issued: no second POST.

    A draft that differs from what the tenant's settings expect by now is not issued: the ERP is queried for it again.
    """
    accepted = _invoice(execution)
    if accepted.issued and execution.ports.settings.fiscal_first:
        execution.job = execution.job.invoice_issued()
        return
    if accepted.issued:
        await _issued(execution, accepted, accepted)
        return
    if execution.job.step is Step.ACCEPTED and not execution.job.accepts and _differences(execution, accepted):
        execution.job = execution.job.to_be_built_again()
        return
    if execution.job.dated_by_operator:
        await_approval(execution, accepted)
    tax_date, hooks = supply_date(execution, issuing=True), execution.ports.hooks

    async def issued() -> Invoice | Pending | Voided:
        order = (await hooks.before_build(build_request(execution))).order
        return await hooks.issue_invoice(
            IssueInvoice(execution.job.key, accepted, order, tax_date, execution.job.issue_date)
        )

    try:
        answer: Invoice | Voided = await execution.effect(
            EffectKind.ISSUE, issued, step=Step.ISSUING, request=dates_set(execution)
        )
    except AlreadyIssued as found:
        answer = found.invoice
    except HoldJob as hold:
        raise _late(execution, hold) from hold
    if isinstance(answer, Voided):
        execution.void(Step.BUILDING)
        return
    execution.job = execution.job.document_stated(answer).in_erp(execution.ports.erp)
    if not answer.issued:
        sentence = "issue_invoice returned an invoice that is not issued; the call is repeated"
        raise HoldJob(Reason.CONNECTOR_BUG, sentence, Owner.IT, until=execution.later())
    await _issued(execution, answer, accepted)


async def _issued(execution: JobExecution, answer: Invoice, accepted: Invoice) -> None:
    """Record the fiscal invoice, and hold the job if it differs from the accepted one."""
    differences = _differences(execution, answer)
    if execution.job.accepts and differences == _differences(execution, accepted):
        differences = ()  # a policy has accepted exactly these
    execution.job = execution.job.invoice_issued(total_stated=answer.total_incl_tax is not None)
    execution.job = execution.job.taxes_looked_at(compared=taxes_compared(execution, answer))
    if differences:
        raise HoldJob(
            reason_for(differences, Reason.TOTAL_DIFFERS),
            f"invoice {answer.number} was issued with other values than ShipperOne accepted: "
            f"{side_by_side(differences, 'issued', 'accepted')}; an operator must correct it",
            Owner.ACCOUNTANT,
            differences,
        )
    await check_number(execution)


def build_request(execution: JobExecution) -> BuildInvoice:
    """The request for a policy's `before_build`; made again before issuing, where an ERP without drafts writes."""
    tax_date, job = supply_date(execution), execution.job
    return BuildInvoice(job.key, execution.order, job.generation, tax_date, execution.reservations, job.issue_date)


def _invoice(execution: JobExecution) -> Invoice:
    built = execution.job.invoice
    if built is None:
        raise RetryLater(Reason.ERP_PENDING, "the invoice is built again", until=execution.later())
    return built


def _late(execution: JobExecution, hold: HoldJob) -> HoldJob:
    """An invoice that ShipperOne has accepted is retried automatically, whatever holds it."""
    if not execution.job.accepted:
        return hold
    sentence = f"ShipperOne has accepted it, the invoice is not issued yet: {hold.sentence}"
    return HoldJob(hold.reason, sentence, hold.owner, until=execution.later())


def _differences(execution: JobExecution, stated: Invoice) -> tuple[Difference, ...]:
    settings = execution.ports.settings
    return invoice_differences(
        execution.order,
        stated,
        currency=execution.currency(),
        discount=execution.discount,
        tolerance=settings.tolerance,
        part=execution.job.part or total_is_of_more(execution),
    )


def taxes_compared(execution: JobExecution, stated: Invoice) -> bool:
    """The tax of every line was compared with a listed one."""
    sums = figures(execution.order, execution.currency(), execution.discount)
    return tax_compared(execution.order, stated, sums, part=execution.job.part or total_is_of_more(execution))


def _not_compared(execution: JobExecution) -> HoldJob:
    expected = figures(execution.order, execution.currency(), execution.discount).invoice_total
    return HoldJob(
        Reason.TOTAL_DIFFERS,
        f"the ERP reports no total of the invoice, which should come to {expected}: nothing was compared, and "
        f'`not_compared = "hold"` in [tenants.{execution.job.tenant}] requires an operator',
        Owner.ACCOUNTANT,
        (Difference("total_incl_tax", None, str(expected)),),
    )


def _not_what_was_accepted(execution: JobExecution, differences: tuple[Difference, ...]) -> HoldJob:
    return HoldJob(
        Reason.CONFIRMED_NOT_ISSUED,
        "ShipperOne has accepted the invoice, and its document in the ERP differs, so it is not issued: "
        f"{side_by_side(differences, 'ERP', 'accepted')}. Void or correct the document in the ERP, or undo the change "
        "of a setting since: the ERP is queried for it again and again",
        Owner.ACCOUNTANT,
        differences,
        until=execution.later(),
    )
