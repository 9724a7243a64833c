"""Checks a listing's amounts against the ledger's jobs of its order and of its sales order. Pure.

Gathers the values on which `split_lines` and `order_sums` decide.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

from shipperone_erp.domain.amounts.approved_totals import approved_total
from shipperone_erp.domain.amounts.charges import items_charges
from shipperone_erp.domain.amounts.discount_readings import settled
from shipperone_erp.domain.amounts.expected_totals import Discount, figures
from shipperone_erp.domain.amounts.listed_amounts import cleaned, row_of
from shipperone_erp.domain.invoice_checks.order_sums import Beside, Charged, Sums, Terms, charged, sum_problem
from shipperone_erp.domain.invoice_checks.split_lines import (
    Invoiced,
    Limits,
    Money,
    agrees,
    excess,
    is_split,
    limits,
    part_problem,
    spread,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.money import NOTHING
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.recorded_jobs import Recorded, name_of
from shipperone_erp.domain.reservations import rows_in
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import grouped


class Bounds:
    """The bounds of one listing, in its currency, by one reading of its discounts. `order` has the invoiced rows."""

    def __init__(
        self,
        order: FulfillmentOrder,
        currency: str | None,
        settings: TenantRules,
        recorded: Recorded,
        discount: Discount,
        invoice: Job | None = None,
    ) -> None:
        """`invoice`: the job under which the listing is invoiced already, if any."""
        self._order, self._currency, self._settings, self._recorded = order, currency, settings, recorded
        self._discount, self._invoice = discount, invoice
        self._known = rows_in(recorded.allocations)

    def parts(self) -> Iterator[str]:
        """The problems of single items: a row or a discount that is not the one of this part."""
        for item in self._order.items:
            item_id = str(item.item_id)
            found = part_problem(item, self._limits.get(item_id), self._before.get(item_id, ()), self._money)
            if found is not None:
                yield found

    def sums(self) -> str | None:
        """The problem of the invoices' sum including this one; None if there is none, or if no total is known."""
        recorded = self._recorded
        sales = self.of_sales_order
        if self._this.own_total and not recorded.invoices and not sales:
            return None  # most orders: a whole one, explained by its own total
        invoices = [*recorded.invoices, *(recorded.invoiced_elsewhere if sales else ())]
        allocations = [*recorded.allocations, *(recorded.allocated_elsewhere if sales else ())]
        beside = Beside(
            allocated=[self._sums("the allocation", job.order) for job in allocations],
            invoices=[self._of_job(job) for job in sorted(invoices, key=lambda job: job.id)],
            complete=self._complete(allocations, invoices) and (not sales or self._seen_as_sales_order),
            times=self._times(allocations),
            sales=sales,
        )
        of = f"sales order {self._order.order_number}" if sales else "the whole order"
        return sum_problem(self._this, beside, self._terms(of))

    def _terms(self, of: str = "the whole order") -> Terms:
        return Terms(
            half=self._money.half,
            tolerance=self._settings.tolerance,
            as_listed=self._settings.shipping_on_parts == "as_listed",
            of_items=self._of_items,
            of=of,
        )

    @cached_property
    def of_sales_order(self) -> bool:
        """It is bounded by the total of the sales order with all its fulfillment orders, as configured or as detected.

        A listing that comes to its own total is bounded like this only beside an invoice that does not.
        """
        if self._order.order_number is None:
            return False
        if self._settings.order_total != "sales_order" and not self._recorded.allocated_elsewhere:
            return False  # most orders: no other fulfillment order could change the result
        if self._this.own_total and all(self._of_job(job).own_total for job in self._recorded.invoiced_elsewhere):
            return False
        return self._settings.order_total == "sales_order" or self._seen_as_sales_order

    @property
    def charged_in_shares(self) -> bool:
        """The sales order's total includes the shipping and the charges of all its fulfillment orders together."""
        return self.of_sales_order and self._sales_order_by_its_total == "every"

    @property
    def _seen_as_sales_order(self) -> bool:
        return self._sales_order_by_its_total is not None

    @cached_property
    def _sales_order_by_its_total(self) -> Charged | None:
        """How the allocations of all known fulfillment orders come to the total that this one alone does not reach."""
        if not self._recorded.allocated_elsewhere or not self._recorded.allocations:
            return None
        jobs = [*self._recorded.allocations, *self._recorded.allocated_elsewhere]
        orders = [self._counted(job.order) for job in jobs]
        goods = [figures(order, self._currency, self._discount).goods for order in orders]
        listings = orders if self._this.own_total else [self._order, *orders]
        known = [order.total_incl_tax for order in listings if order.total_incl_tax is not None]
        if not known or None in goods:
            return None
        return charged(orders, [each or NOTHING for each in goods], known[0], self._terms())

    @cached_property
    def _this(self) -> Sums:
        return self._of_job(self._invoice) if self._invoice else self._sums("this part", self._order)

    @cached_property
    def _money(self) -> Money:
        return Money(self._currency, self._settings.tolerance)

    @cached_property
    def _limits(self) -> dict[str, Limits | None]:
        items = (item for job in self._recorded.allocations for item in self._counted(job.order).items)
        rows = grouped(items, key=lambda item: str(item.item_id))
        return {item_id: limits(listed, self._currency) for item_id, listed in rows.items()}

    @cached_property
    def _before(self) -> dict[str, list[Invoiced]]:
        found: dict[str, list[Invoiced]] = defaultdict(list)
        for job in self._recorded.invoices:
            items = self._counted(job.order).items
            over = [excess(item, self._limits.get(str(item.item_id)), self._money) for item in items]
            off = spread((credit.amount for credit in job.credits), over)
            for item, credited in zip(items, off, strict=True):
                found[str(item.item_id)].append(Invoiced(name_of(job), item, credited))
        return found

    def _counted(self, order: FulfillmentOrder) -> FulfillmentOrder:
        if order is self._order:
            return order
        known = self._known if order.order_id == self._order.order_id else ()  # ids are distinct within one order
        rows = sort_out(order, self._settings, known).invoiced
        return cleaned(rows, self._currency, tolerance=self._settings.tolerance)

    @cached_property
    def _of_items(self) -> frozenset[str]:
        return items_charges(self._settings.charges, self._settings.fields_of(Stage.INVOICE))

    def _of_job(self, job: Job) -> Sums:
        elsewhere = job.order_id != self._order.order_id
        name = f"{name_of(job)} of {job.order_id}" if elsewhere else name_of(job)
        stated = job.invoice.total_incl_tax if job.invoice is not None else None
        return replace(self._sums(name, job.order, stated), credited=job.credited, issued=True)

    def _sums(self, name: str, order: FulfillmentOrder, invoice: Decimal | None = None) -> Sums:
        counted = self._counted(order)
        sums = figures(counted, self._currency, self._discount)
        split = [item for item in counted.items if is_split(item, self._limits.get(str(item.item_id)), ())]
        return Sums(
            name=name,
            order=counted,
            invoice=invoice if invoice is not None else sums.invoice_total or NOTHING,
            own_total=self._reaches(counted) and all(self._agrees(item) for item in split),
            split=len(split),
        )

    def _reaches(self, counted: FulfillmentOrder) -> bool:
        """Its listed amounts come to its listed total."""
        total, expected = counted.total_incl_tax, figures(counted, self._currency, self._discount).order_total
        return total is not None and expected is not None and abs(total - expected) <= self._settings.tolerance

    def _times(self, allocations: Iterable[Job]) -> int:
        """The number of times the whole order was allocated, by `order repeat`.

        A repeated piece of a split line is not a second order: only an allocation that comes to its own total counts.
        """
        if all(job.occurrence == 1 for job in allocations):
            return 1
        return max(1, sum(self._reaches(self._counted(job.order)) for job in allocations))

    def _agrees(self, item: OrderItem) -> bool:
        row, known = row_of(item, self._currency), self._limits.get(str(item.item_id))
        price = item.price_incl_tax if item.price_incl_tax is not None else known.price if known else None
        if row is None or price is None:
            return False
        return agrees(row, item.qty, price, abs(item.discount or NOTHING), item.tax_percent, self._money.half)

    def _complete(self, allocations: Iterable[Job], invoices: Iterable[Job]) -> bool:
        """With this listing, everything that was allocated is invoiced."""
        remaining: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for sign, orders in (
            (1, [job.order for job in allocations]),
            (-1, [*(job.order for job in invoices), self._order]),
        ):
            for order in orders:
                for item in self._counted(order).items:
                    remaining[order.order_id, str(item.item_id)] += sign * item.qty
        return any(True for _ in allocations) and all(qty <= 0 for qty in remaining.values())


def invoiced_otherwise(job: Job, recorded: Recorded, settings: TenantRules) -> str | None:
    """A sentence if an order's invoices do not come to its total; `job` is its newest accepted one. None if they do.

    Checks only several invoices, or one that a credit note was recorded against: a single invoice was compared when it
    was made. An invoice that an operator has accepted at its sum, or handled by hand, is not questioned again.
    """
    earlier = tuple(one for one in recorded.invoices if one.id < job.id)
    if not earlier and not job.credits:
        return None
    if any(one.invoice is None or approved_total(one) is not None for one in (*earlier, job)):
        return None
    currency = job.order.currency or settings.currency
    order = sort_out(job.order, settings, rows_in(recorded.allocations, always=True)).invoiced
    known = [sort_out(one.order, settings).invoiced for one in recorded.allocations]
    discount = settled(order, currency, settings.discount, tolerance=settings.tolerance, part=True, allocated=known)
    bounds = Bounds(order, currency, settings, replace(recorded, invoices=earlier), discount, invoice=job)
    return bounds.sums() if settings.order_total != "ignore" else None
