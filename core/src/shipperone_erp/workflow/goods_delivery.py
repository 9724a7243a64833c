"""Delivers the goods of an issued invoice from the ERP's stock."""

from dataclasses import replace

from shipperone_erp.domain.allocated_parties import with_parties_of
from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.hook_requests import Deliver
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.reservations import leaving, unreserved
from shipperone_erp.domain.states import EffectKind, Step
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob, RetryLater


async def deliver(execution: JobExecution) -> None:
    """Deliver the goods from the ERP's stock. Never delays the invoice; retried automatically until it is done."""
    sentence = None
    if "deliver" in execution.ports.hooks.offers:
        goods, sentence = _to_deliver(execution)
        if goods.items:
            await _deliver(execution, goods)
    execution.job = execution.job.done(sentence)


async def _deliver(execution: JobExecution, goods: FulfillmentOrder) -> None:
    request = Deliver(key=execution.job.key, order=goods, reservations=execution.reservations)
    try:
        await execution.effect(EffectKind.DELIVER, lambda: execution.ports.hooks.deliver(request), step=Step.DELIVERING)
    except HoldJob as hold:
        sentence = f"invoice {execution.job.number} is issued, the goods are not delivered in the ERP: {hold.sentence}"
        raise HoldJob(Reason.ISSUED_NOT_DELIVERED, sentence, Owner.WAREHOUSE, until=execution.later()) from hold


def _to_deliver(execution: JobExecution) -> tuple[FulfillmentOrder, str | None]:
    """The goods to deliver, and a sentence about the others, by `without_reservation`."""
    goods = with_parties_of(leaving(execution.goods, execution.known), execution.order)
    rule = execution.ports.settings.without_reservation
    if not goods.items:
        return goods, "none of its items is kept in stock: nothing to deliver"
    missing = unreserved(goods, execution.reservations)
    if missing and execution.known.asked:
        raise RetryLater(
            Reason.ISSUED_NOT_DELIVERED,
            f"invoice {execution.job.number} is issued; it is not known yet whether {names(missing)} is reserved: the "
            "goods are delivered in the ERP once it is known",
            until=execution.later(),
        )
    if not missing or rule == "deliver":
        return goods, None
    why = f"no live reservation of {names(missing)} is known"
    if rule == "hold":
        raise HoldJob(
            Reason.ISSUED_NOT_DELIVERED,
            f"invoice {execution.job.number} is issued, the goods are not delivered in the ERP: {why}, and "
            '`without_reservation = "hold"` requires an operator: book the goods out by hand and run '
            "`order resolve --outcome confirmed`, or set another rule and run `order retry`",
            Owner.WAREHOUSE,
        )
    covered = tuple(item for item in goods.items if item not in missing)
    return replace(goods, items=covered), f'not delivered: {why}, and `without_reservation = "invoice_only"`'
