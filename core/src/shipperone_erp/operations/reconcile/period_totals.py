"""The totals of a period by currency and by tax rate; the parts add up to the whole."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from shipperone_erp.domain.invoice_checks.listed_taxes import RateTotal, rate_totals
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.money import rounded
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.operations.reconcile.finding_kinds import DIFFERING, Compared, Shipped
from shipperone_erp.operations.reports import money_text, tax_not_compared


@dataclass(slots=True)
class Totals:
    """Invoices of one currency. Accepted ones are issued and equal, or overdue, or different: a complete partition."""

    accepted: Decimal = Decimal(0)
    agreeing: Decimal = Decimal(0)
    late: Decimal = Decimal(0)
    differing: Decimal = Decimal(0)
    inferred: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    tax_not_compared: Decimal = Decimal(0)
    not_compared: int = 0
    """Invoices whose total the ERP does not provide."""


@dataclass(frozen=True, slots=True)
class NotInvoiced:
    """Shipped and not invoiced orders of one currency. `unpriced`: orders whose amount is unknown."""

    currency: str
    orders: int
    amount: Decimal
    unpriced: int
    oldest: str
    since: datetime


def totals(found: Sequence[Compared]) -> dict[str, Totals]:
    """The totals by currency. A document counts once, whatever its findings."""
    sums: dict[str, Totals] = defaultdict(Totals)
    differing = {one.job.key for one in found if one.job and one.finding in DIFFERING}
    for one in found:
        if one.credit is not None and one.job is not None:
            sums[_currency(one.job)].credited += one.credit.amount
    for job in accepted_invoices(found):
        amount = job.invoice.total_incl_tax if job.invoice else None
        of = sums[_currency(job)]
        if not job.compared:
            of.not_compared += 1
        if amount is None:
            continue
        of.accepted += amount
        of.inferred += amount if job.inferred else 0
        of.tax_not_compared += amount if tax_not_compared(job) else 0
        if job.invoice is None or not job.invoice.issued:
            of.late += amount
        elif job.key in differing:
            of.differing += amount
        else:
            of.agreeing += amount
    return dict(sums)


def accepted_invoices(found: Iterable[Compared], own: Iterable[Job] = ()) -> list[Job]:
    """Each accepted invoice once. `own`: jobs of the ledger that were compared with no list."""
    jobs = [*own, *(one.job for one in found if one.job is not None)]
    known = {job.key: job for job in jobs if job.stage is Stage.INVOICE and job.accepted and job.invoice}
    return list(known.values())


def by_rate(found: Iterable[Compared], own: Iterable[Job] = ()) -> list[RateTotal]:
    """The invoiced goods by currency and rate, the tax rounded as its currency is."""
    sums = rate_totals(job.invoice for job in accepted_invoices(found, own) if job.invoice)
    return [replace(one, tax=None if one.tax is None else rounded(one.tax, one.currency)) for one in sums]


def not_invoiced(orders: Iterable[Shipped]) -> list[NotInvoiced]:
    """By currency: the number, the amount, and the order that has waited longest."""
    found = []
    for currency, those in grouped(orders, key=lambda one: one.currency or "").items():
        oldest = min(those, key=lambda one: one.since)
        amounts = [one.amount for one in those if one.amount is not None]
        found.append(
            NotInvoiced(
                currency, len(those), sum(amounts, Decimal(0)), len(those) - len(amounts), oldest.order_id, oldest.since
            )
        )
    return found


def sentences(found: Sequence[Compared], orders: Iterable[Shipped], own: Sequence[Job] = ()) -> Iterator[str]:
    """The same totals as lines for a terminal. Without the ERP's list, totals by rate are those of `own`."""
    for currency, of in totals(found).items():
        parts = {"issued and equal": of.agreeing, "not issued": of.late, "differing": of.differing}
        sentence = ", ".join(f"{money_text(amount, currency)} {name}" for name, amount in parts.items())
        apart = {"inferred": of.inferred, "credited": of.credited}
        beside = "".join(f"; {money_text(amount, currency)} {name}" for name, amount in apart.items() if amount)
        yield f"accepted {money_text(of.accepted, currency)} {currency}: {sentence}{beside}".rstrip()
    for total in by_rate(found, own):
        gross, currency_of = money_text(total.gross, total.currency), total.currency
        rate = "no stated rate" if total.percent is None else f"{total.percent:f} %"
        tax = "" if total.tax is None else f", {money_text(total.tax, currency_of)} of it tax"
        yield f"invoiced at {rate}: {gross} {currency_of or ''}{tax}"
    blind = [job for job in accepted_invoices(found, own) if tax_not_compared(job)]
    if blind:
        yield f"tax not compared of {len(blind)} invoice(s): no rate, tax or net row is listed for them"
    unstated = sum(of.not_compared for of in totals(found).values())
    if unstated:
        yield f"total not compared of {unstated} invoice(s): the ERP stated none"
    for shipped in not_invoiced(orders):
        amount = f"{money_text(shipped.amount, shipped.currency or None)} {shipped.currency}".rstrip()
        unknown = f", {shipped.unpriced} of unknown amount" if shipped.unpriced else ""
        yield (
            f"shipped and not invoiced: {shipped.orders} order(s), {amount}{unknown}; the oldest is {shipped.oldest}, "
            f"shipped {shipped.since:%Y-%m-%d}"
        )


def _currency(job: Job) -> str:
    return (job.invoice.currency if job.invoice else None) or job.order.currency or ""
