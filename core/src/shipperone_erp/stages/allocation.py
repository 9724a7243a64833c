"""The allocation stage: new → reserving → reserved → confirming → done.

ShipperOne has an order accepted by a warehouse and asks for stock. The ERP reserves all of it or nothing; a shortage
waits on its own slow schedule. Once it is reserved, ShipperOne is told, and the order goes to shipping.
"""

from shipperone_erp.model.answers import Reserved, Shortage, ShortLine, Voided
from shipperone_erp.model.keys import plain
from shipperone_erp.model.requests import ReserveStock
from shipperone_erp.model.work import EffectKind, State, Step
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.stages.case import Case, Wait
from shipperone_erp.stages.confirming import confirm


async def allocate(case: Case) -> None:
    """Take the job as far as it goes."""
    while case.job.step not in (Step.ACCEPTED, Step.DONE):
        match case.job.step:
            case Step.NEW | Step.RESERVING:
                await reserve(case)
            case _:
                await confirm(case)
    case.change(state=State.DONE, step=Step.DONE, reason=None, sentence=None, owner=None, next_attempt_at=None)


async def reserve(case: Case) -> None:
    """All of the order's items under the job's key, or a `Wait` that says which are short."""
    request = ReserveStock(
        key=case.job.key, order=case.order, generation=case.job.generation, transfer=case.desk.settings.transfer
    )
    answer: Reserved | Shortage | Voided = await case.effect(
        EffectKind.RESERVE, lambda: case.desk.hooks.reserve_stock(request), step=Step.RESERVING
    )
    if isinstance(answer, Voided):
        case.next_generation()
    elif isinstance(answer, Shortage):
        case.change(step=Step.NEW)
        raise Wait(
            Reason.NOT_ENOUGH_STOCK,
            shortage_sentence(answer, case.order.warehouse_code),
            until=case.later(case.desk.settings.stock_retry.total_seconds()),
            owner=Owner.WAREHOUSE,
        )
    else:
        case.change(step=Step.RESERVED, reference=answer.reference, url=answer.url)
        case.owns_reference()


def shortage_sentence(shortage: Shortage, warehouse: str) -> str:
    """'SKU-7: 3 wanted, 1 available in WH; …'"""

    def words(line: ShortLine) -> str:
        return f"{line.sku}: {plain(line.wanted)} wanted, {plain(line.available)} available in {warehouse}"

    return "; ".join(words(line) for line in shortage.lines)
