"""The allocation stage: new → reserving → reserved → confirming → done.

ShipperOne has assigned the order to a warehouse and requests its stock. The ERP reserves all of it or nothing; a
shortage is retried on its own slow schedule. The reservation is then confirmed to ShipperOne, and the order goes to
shipping.
"""

from datetime import timedelta

from shipperone_erp.domain.hook_answers import Reserved, Shortage, ShortLine, Voided
from shipperone_erp.domain.hook_requests import ReserveStock
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import EffectKind, Step
from shipperone_erp.kernel.printable import label
from shipperone_erp.workflow.compensation import rebuild
from shipperone_erp.workflow.confirmation import confirm
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob, RetryLater
from shipperone_erp.workflow.retry_schedule import after_shortage


async def allocate(execution: JobExecution) -> None:
    """Take the job as far as possible."""
    while execution.job.step not in (Step.ACCEPTED, Step.DONE):
        match execution.job.step:
            case Step.NEW | Step.RESERVING:
                await reserve(execution)
            case Step.RESERVED if execution.job.accepted:
                break  # its reservation was made again in another ERP
            case _:
                await confirm(execution)
    note = None if execution.order.items else "none of its items is kept in stock: allocated without the ERP"
    execution.job = execution.job.done(note)


async def reserve(execution: JobExecution) -> None:
    """Reserve all of the order's goods under the job's key, or raise `RetryLater` that names the short ones.

    An order of services only is reserved without a call to the ERP: its job then has no reservation.
    """
    if execution.goods.unclear:
        raise HoldJob(Reason.BUNDLE_UNCLEAR, execution.goods.unclear, Owner.IT)
    if execution.job.step is Step.RESERVING and not execution.job.accepted and _otherwise(execution):
        await rebuild(execution, "the current settings reserve other rows of it")
        execution.order = execution.goods.stocked
    if not execution.order.items:
        execution.job = execution.job.nothing_to_reserve()
        return
    if any(item.parent_item_id is not None or item.item_type for item in execution.listed.items):
        execution.job = execution.job.items_requested(tuple(item.item_id for item in execution.order.items))
    request = ReserveStock(
        key=execution.job.key,
        order=execution.order,
        generation=execution.job.generation,
        transfer=execution.ports.settings.transfer,
    )
    asked_since = execution.job.since if execution.job.reason is Reason.WAITING_FOR_TRANSFER else None
    try:
        answer: Reserved | Shortage | Voided = await execution.effect(
            EffectKind.RESERVE, lambda: execution.ports.hooks.reserve_stock(request), step=Step.RESERVING
        )
    except RetryLater as wait:
        if wait.reason is Reason.WAITING_FOR_TRANSFER and asked_since is not None:
            wait.sentence = f"{wait.sentence} (since {age(execution.ports.now() - asked_since)})"
        raise
    if isinstance(answer, Voided):
        execution.void()
    elif isinstance(answer, Shortage):
        execution.job = execution.job.stock_short()
        raise RetryLater(
            Reason.NOT_ENOUGH_STOCK,
            shortage_sentence(answer, execution.order),
            until=after_shortage(execution.ports.now(), execution.ports.settings),
            owner=Owner.WAREHOUSE,
        )
    else:
        execution.job = execution.job.stock_reserved(answer.reference, answer.url).in_erp(execution.ports.erp)


def _otherwise(execution: JobExecution) -> bool:
    """The recorded request, which the ERP may have refused, differs from the tenant's current rules."""
    asked, now = ({str(item.item_id) for item in order.items} for order in (execution.order, execution.goods.stocked))
    return execution.job.reference is None and asked != now


def age(span: timedelta) -> str:
    """'25 min', '3 h', '2 d' for operators: in the largest unit that fits."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def shortage_sentence(shortage: Shortage, order: FulfillmentOrder) -> str:
    """'SKU-7: 3 wanted, 1 available in WH; …', each with the warehouse of its goods."""
    places = {str(item.item_id): order.source_warehouse(item) for item in order.items}

    def words(line: ShortLine) -> str:
        warehouse = places.get(str(line.item_id), order.warehouse_code)
        return f"{label(line.sku)}: {plain(line.wanted)} wanted, {plain(line.available)} available in {warehouse}"

    return "; ".join(words(line) for line in shortage.lines)
