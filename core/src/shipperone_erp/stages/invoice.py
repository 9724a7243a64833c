"""The invoice stage: draft in the ERP → compare → confirm at ShipperOne → issue in the ERP → deliver.

    new → building → built → confirming → accepted → issuing → issued → delivering → done

ShipperOne's answer can be a 400 on any ordinary day (a part shipped, a stale snapshot); an invoice that is already
fiscal would then need a credit note. So the invoice becomes fiscal only once ShipperOne has accepted exactly this.
What is accepted and not yet issued is late, not wrong: it is tried again without end, and stands first in every list.
"""

from datetime import date

from shipperone_erp.model.answers import Invoice, Pending, Voided
from shipperone_erp.model.requests import BuildInvoice, Deliver, Difference, IssueInvoice, Mismatch, Verdict
from shipperone_erp.model.text import invoice_text
from shipperone_erp.model.work import EffectKind, State, Step
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.stages.amounts import check_amounts
from shipperone_erp.stages.case import Case, Hold, Wait
from shipperone_erp.stages.clearing import rebuild
from shipperone_erp.stages.compare import (
    invoice_differences,
    only_amounts,
    reason_for,
    rounding_hint,
    side_by_side,
)
from shipperone_erp.stages.confirming import AT_MOST, confirm


async def invoice(case: Case) -> None:
    """Take the job as far as it goes."""
    while case.job.step is not Step.DONE:
        match case.job.step:
            case Step.NEW | Step.BUILDING:
                await build(case)
            case Step.BUILT:
                await compare(case)
            case Step.CONFIRMING:
                await confirm(case)
            case Step.ACCEPTED | Step.ISSUING:
                await issue(case)
            case _:
                await deliver(case)


async def build(case: Case) -> None:
    """A draft (or a computed invoice) of what shipped, under the job's key."""
    if not case.job.accepted:
        check_amounts(case)
    request, hooks = _build_request(case, _tax_date(case)), case.desk.hooks

    async def built() -> Invoice | Pending | Voided:
        return await hooks.build_invoice(await hooks.before_build(request))

    answer: Invoice | Voided = await case.effect(EffectKind.BUILD, built, step=Step.BUILDING)
    if isinstance(answer, Voided):
        case.next_generation()
        return
    # what is not believed is asked again: after a `retry` nothing goes on from this answer
    believed = not answer.issued or case.desk.settings.fiscal_first
    case.change(
        step=Step.BUILT if believed else Step.BUILDING,
        reference=answer.reference,
        url=answer.url,
        number=answer.number,
        invoice_json=invoice_text(answer),
        compared=answer.total_incl_tax is not None,
    )
    if not believed:
        raise Hold(
            Reason.CONNECTOR_BUG,
            f"build_invoice answered with an issued invoice ({answer.number or answer.reference}), which only a tenant "
            "with fiscal_first = true allows; nothing was sent to ShipperOne",
            Owner.IT,
        )


async def compare(case: Case) -> None:
    """The invoice states exactly what shipped, or `handle_mismatch` says what to do about it."""
    built = _invoice(case)
    settings = case.desk.settings
    differences = invoice_differences(
        case.order, built, currency=case.currency(), tolerance=settings.tolerance, part=case.job.part
    )
    if case.job.accepted:
        if differences:
            raise _not_what_was_accepted(case, differences)
        case.change(step=Step.ISSUING)
        return
    if not differences or await _accepted_by_policy(case, built, differences):
        case.change(step=Step.CONFIRMING)


async def _accepted_by_policy(case: Case, built: Invoice, differences: tuple[Difference, ...]) -> bool:
    hint = ""
    if built.total_incl_tax is not None:
        hint = rounding_hint(case.order, built.total_incl_tax, case.currency())
    message = f"the invoice is not what shipped: {side_by_side(differences, 'ERP', 'ShipperOne')}{hint}"
    held = Hold(reason_for(differences, Reason.TOTAL_DIFFERS), message, Owner.ACCOUNTANT, differences)
    if built.issued:
        raise held
    listed = case.desk.newest(case.job.order_id)
    resolution = await case.desk.hooks.handle_mismatch(
        Mismatch(
            action="compare",
            sent=case.order,
            now=listed.order if listed else None,
            invoice=built,
            message=message,
            differences=differences,
        )
    )
    match resolution.verdict:
        case Verdict.HOLD:
            reason = Reason(resolution.reason or Reason.TOTAL_DIFFERS)
            raise Hold(reason, resolution.sentence or message, Owner(resolution.owner or Owner.ACCOUNTANT), differences)
        case Verdict.ACCEPT if only_amounts(differences) and case.job.accepts < AT_MOST:
            case.change(accepts=case.job.accepts + 1)
            return True
        case Verdict.RETRY if case.job.retries < AT_MOST:
            case.change(retries=case.job.retries + 1, step=Step.BUILDING)
        case Verdict.REBUILD | Verdict.ABSTAIN if case.job.rebuilds < AT_MOST:
            case.change(rebuilds=case.job.rebuilds + 1)
            await rebuild(case, message)
        case _:
            raise held
    return False


async def issue(case: Case) -> None:
    """The invoice becomes fiscal. If its document is void, the next one is built, compared, issued: no second POST."""
    accepted = _invoice(case)
    if accepted.issued:
        case.change(step=Step.ISSUED)
        return
    tax_date, hooks = _tax_date(case, issuing=True), case.desk.hooks

    async def issued() -> Invoice | Pending | Voided:
        order = (await hooks.before_build(_build_request(case, tax_date))).order
        return await hooks.issue_invoice(IssueInvoice(case.job.key, accepted, order, tax_date))

    try:
        answer: Invoice | Voided = await case.effect(EffectKind.ISSUE, issued, step=Step.ISSUING)
    except Hold as hold:
        sentence = f"ShipperOne has accepted it, the invoice is not issued yet: {hold.sentence}"
        raise Hold(hold.reason, sentence, hold.owner, until=case.later()) from hold
    if isinstance(answer, Voided):
        case.next_generation(Step.BUILDING)
        return
    case.change(invoice_json=invoice_text(answer), reference=answer.reference, number=answer.number, url=answer.url)
    if not answer.issued:
        sentence = "issue_invoice answered with an invoice that is not issued; it is asked again"
        raise Hold(Reason.CONNECTOR_BUG, sentence, Owner.IT, until=case.later())
    differences = invoice_differences(
        case.order,
        answer,
        currency=case.currency(),
        tolerance=case.desk.settings.tolerance,
        part=case.job.part,
    )
    case.change(step=Step.ISSUED, attempts=0)
    if differences and not case.job.accepts:
        raise Hold(
            reason_for(differences, Reason.TOTAL_DIFFERS),
            f"invoice {answer.number} was issued otherwise than ShipperOne accepted it: "
            f"{side_by_side(differences, 'issued', 'accepted')}; a person must correct it",
            Owner.ACCOUNTANT,
            differences,
        )


async def deliver(case: Case) -> None:
    """The goods leave the ERP's stock. Never delays the invoice; tried again by itself until it is done."""
    if "deliver" in case.desk.hooks.offers:
        request = Deliver(key=case.job.key, order=case.order, reservations=case.reservations)
        try:
            await case.effect(EffectKind.DELIVER, lambda: case.desk.hooks.deliver(request), step=Step.DELIVERING)
        except Hold as hold:
            sentence = f"invoice {case.job.number} is issued, the goods are not delivered in the ERP: {hold.sentence}"
            raise Hold(Reason.ISSUED_NOT_DELIVERED, sentence, Owner.WAREHOUSE, until=case.later()) from hold
    case.change(state=State.DONE, step=Step.DONE, reason=None, sentence=None, owner=None, next_attempt_at=None)


def _build_request(case: Case, tax_date: date | None) -> BuildInvoice:
    """What a policy's `before_build` is shown; asked again before issuing, where an ERP without drafts writes."""
    job = case.job
    return BuildInvoice(job.key, case.order, job.generation, tax_date, case.reservations)


def _tax_date(case: Case, *, issuing: bool = False) -> date | None:
    """The tax date, fixed at the first attempt: the day of shipping, of the first listing, or of issue."""
    if case.job.tax_date is None:
        match case.desk.settings.tax_date:
            case "issued" if not issuing:
                return None
            case "issued":
                day = case.day(case.desk.now())
            case "shipped" if case.order.shipped_at is not None:
                day = case.day(case.order.shipped_at)
            case _:
                day = case.day(case.job.first_listed_at)
        case.change(tax_date=day)
    return case.job.tax_date


def _invoice(case: Case) -> Invoice:
    built = case.job.invoice
    if built is None:
        raise Wait(Reason.ERP_PENDING, "the invoice is built again", until=case.later())
    return built


def _not_what_was_accepted(case: Case, differences: tuple[Difference, ...]) -> Hold:
    return Hold(
        Reason.CONFIRMED_NOT_ISSUED,
        "ShipperOne has accepted the invoice, its document in the ERP was voided, and the one built anew is another: "
        + side_by_side(differences, "ERP", "accepted"),
        Owner.ACCOUNTANT,
        differences,
        until=case.later(),
    )
