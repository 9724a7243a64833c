"""What an order must say before an invoice of it is built. Absent is never zero."""

from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.stages.case import Case, Hold
from shipperone_erp.stages.compare import line_amounts, unexplained


def check_amounts(case: Case) -> None:
    """Hold the job if a price, the shipping amount or the currency is missing, or the total is not explained."""
    order, settings = case.order, case.desk.settings
    currency = case.currency()
    if currency is None:
        raise _missing(case, Reason.CURRENCY_MISSING, "currency", 'or the tenant\'s `currency = "…"`')
    allowed = {*settings.currencies, *([settings.currency] if settings.currency else [])}
    if allowed and currency not in allowed:
        raise Hold(
            Reason.CURRENCY_DIFFERS,
            f"the order is in {currency}, and this tenant allows {', '.join(sorted(allowed))}",
            Owner.ACCOUNTANT,
        )
    if order.shipping_amount_incl_tax is None:
        raise _missing(case, Reason.SHIPPING_MISSING, "shipping_amount_incl_tax")
    amounts = line_amounts(order, currency)
    for item in order.items:
        if amounts[item.item_id] is None:
            raise _missing(case, Reason.PRICE_MISSING, f"price_incl_tax of item {item.item_id} ({item.sku})")
    if not case.job.part:
        sentence = unexplained(order, currency, settings.tolerance)
        if sentence:
            raise Hold(Reason.AMOUNT_UNEXPLAINED, sentence, Owner.ACCOUNTANT)


def _missing(case: Case, reason: Reason, what: str, also: str = "") -> Hold:
    return Hold(
        reason,
        f"ShipperOne does not say the {what}, and absent is not zero: if it stands elsewhere in the order, name the "
        f"place in [tenants.{case.job.tenant}.fields]{' ' + also if also else ''}",
        Owner.IT,
    )
