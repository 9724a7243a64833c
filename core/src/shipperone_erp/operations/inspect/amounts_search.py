"""Finds the places of an order's amounts and the rules for them: candidates by sums, proof by the real checks.

The candidates are a place for rows, one for a discount, one for shipping, one for the total, a rule for bundles, and a
reading of discounts. A sample is searched by comparing sums. The best candidates are then judged in every order by the
checks of an invoice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.config.settings import ChargeSettings
from shipperone_erp.domain.amounts.charges import ITEMS
from shipperone_erp.domain.amounts.expected_totals import READINGS, figures, readable
from shipperone_erp.domain.field_places import Places
from shipperone_erp.domain.invoice_checks.remainder import amounts_in
from shipperone_erp.domain.invoice_checks.split_lines import Money, agrees
from shipperone_erp.domain.line_selection import Rule, sort_out
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json_values import exact, is_scalar, walk
from shipperone_erp.operations.inspect.columns import Column, columns
from shipperone_erp.operations.inspect.field_search import items_of, places_in_item, places_in_order, without_items
from shipperone_erp.operations.inspect.results import Raw
from shipperone_erp.operations.inspect.trial_reading import Verdict, judge, with_fields
from shipperone_erp.operations.inspect.vocabulary import NO_MONEY, PAYMENTS, rank, speaks_of
from shipperone_erp.shipperone.order_parser import OrderWire, Unreadable

SAMPLE = 60
ROWS_AT_MOST, DISCOUNTS_AT_MOST, SHIPPING_AT_MOST, TOTALS_AT_MOST = 10, 4, 10, 8
JUDGED_AT_MOST = 12
CHARGES_AT_MOST = 4


@dataclass(frozen=True)
class Found:
    """Places to be named for one queue, a rule for bundles, charges; and the verdict on the orders under them."""

    fields: Mapping[str, str]
    bundles: str
    charges: tuple[ChargeSettings, ...]
    verdict: Verdict = field(repr=False)

    @property
    def score(self) -> tuple[int, int]:
        """More orders that match their total than miss it, then fewer that would be held."""
        missed = sum(
            not each.explained and each.order is not None and each.order.total_incl_tax is not None
            for each in self.verdict.orders
        )
        return self.verdict.explained - missed, -self.verdict.held


@dataclass(frozen=True)
class _Guess:
    fields: Mapping[str, str]
    bundles: str
    adds_up: int
    sounds: int


def amounts(settings: TenantSettings, stage: Stage, rows: Sequence[Raw], named: Mapping[str, str]) -> Found:
    """The best places and rules for the orders of one queue; `named` are the places that are already known."""
    base = {**settings.fields_of(stage), **named}
    start = _judged(settings, stage, rows, base, settings.bundles)
    best = start
    if start.verdict.explained < len(rows):
        sample = rows[:: max(1, -(-len(rows) // SAMPLE))]  # over all of them: the kinds of orders vary over time
        guesses = sorted(_guesses(settings, stage, sample, base), key=lambda g: (-g.adds_up, len(g.fields), -g.sounds))
        for guess in guesses[:JUDGED_AT_MOST]:
            if best.verdict.explained == len(rows):
                break
            one = _judged(settings, stage, rows, {**base, **guess.fields}, guess.bundles)
            best = max(best, one, key=lambda found: found.score)
    best = _with_rows(settings, stage, rows, best)
    return _with_charges(settings, stage, rows, best)


def _judged(
    settings: TenantSettings, stage: Stage, rows: Sequence[Raw], fields: Mapping[str, str], bundles: str,
    charges: tuple[ChargeSettings, ...] | None = None,
) -> Found:  # fmt: skip
    named = settings.charges if charges is None else charges
    tried = with_fields(settings, stage, fields, bundles=bundles, charges=named)
    return Found(fields, bundles, named, judge(tried, stage, rows))


def _guesses(settings: TenantSettings, stage: Stage, rows: Sequence[Raw], base: Mapping[str, str]) -> Iterator[_Guess]:
    places = Places(base)
    items = columns([item for raw in rows for item in items_of(raw, places)])
    in_use = {path for raw in rows for path in places_in_order(raw, places).values()}
    whole_orders = columns([without_items(raw, places) for raw in rows])
    orders = {path: one for path, one in whole_orders.items() if _is_money(one) and path not in base.values()}
    totals = _candidates("total_incl_tax", base, orders, TOTALS_AT_MOST, _all_above_zero)
    shippings = _candidates("shipping_amount_incl_tax", base, orders, SHIPPING_AT_MOST, lambda one: True)
    per_item = {path: one for path, one in items.items() if _is_money(one)}
    usual = {n: p for raw in rows[:5] for i in items_of(raw, places) for n, p in places_in_item(i, places).items()}
    row_places = _candidates("row_total_incl_tax", base, per_item, ROWS_AT_MOST, lambda one: one.filled > 0)
    prices = [{**p} for p in _candidates("price_incl_tax", base, per_item, ROWS_AT_MOST, lambda one: one.filled > 0)]
    lines = [*row_places, *(() if "row_total_incl_tax" in usual else [p for p in prices if p])]
    discounts = _candidates("discount", base, per_item, DISCOUNTS_AT_MOST, lambda one: rank("discount", one.path) > 0)
    values = {path: one.numbers or () for path, one in orders.items()}
    for line in lines:
        for discount in discounts:
            fields = {**base, **line, **discount}
            parsed = _parsed(with_fields(settings, stage, fields), stage, rows)
            if parsed is None:
                continue
            for bundles, goods in _goods(settings, parsed):
                for total in totals:
                    whole = _numbers(total, "total_incl_tax", values, [one.total_incl_tax for one in parsed])
                    for shipping in shippings:
                        if {*total.values()} & {*shipping.values()}:
                            continue
                        listed = [one.shipping_amount_incl_tax for one in parsed]
                        fee = _numbers(shipping, "shipping_amount_incl_tax", values, listed)
                        count = _add_up(goods, whole, fee)
                        if count:
                            new = {**line, **discount, **total, **shipping}
                            sounds = sum(rank(name, path) for name, path in new.items())
                            sounds += sum(bool(each) for each in fee) * 3  # a fee that is never charged proves nothing
                            sounds += 5 * sum(path in in_use for path in new.values())
                            yield _Guess(named_only(new, base), bundles, count, sounds)


def named_only(fields: Mapping[str, str], base: Mapping[str, str]) -> Mapping[str, str]:
    """The places that differ from the usual ones."""
    return {name: path for name, path in fields.items() if base.get(name) != path}


def _add_up(goods: Sequence[set[Decimal]], whole: Sequence[Decimal | None], fee: Sequence[Decimal | None]) -> int:
    return sum(
        total is not None and each is not None and total - each in sums
        for sums, total, each in zip(goods, whole, fee, strict=True)
    )


def _numbers(
    place: Mapping[str, str], name: str, values: Mapping[str, Sequence[Decimal | None]], listed: list[Decimal | None]
) -> Sequence[Decimal | None]:
    return values[place[name]] if place else listed


def _goods(settings: TenantSettings, orders: Sequence[FulfillmentOrder]) -> Iterator[tuple[str, list[set[Decimal]]]]:
    """For each rule for bundles, the possible sums of each order's rows under any reading of its discounts."""
    family = any(item.parent_item_id is not None for order in orders for item in order.items)
    rules = dict.fromkeys([settings.bundles, *(["children", "parents"] if family else [])])
    for bundles in rules:
        sums: list[set[Decimal]] = []
        for order in orders:
            goods = sort_out(order, Rule(bundles, settings.services))
            currency = order.currency or settings.currency
            readings = readable(goods.invoiced) if any(item.discount for item in order.items) else READINGS[:1]
            found = {figures(goods.invoiced, currency, reading).goods for reading in readings}
            sums.append({one for one in found if one is not None} if not goods.unclear else set())
        yield bundles, sums


def _parsed(settings: TenantSettings, stage: Stage, rows: Sequence[Raw]) -> list[FulfillmentOrder] | None:
    wire = OrderWire.of(settings, stage)
    try:
        return [wire.read(raw) for raw in rows]
    except Unreadable:
        return None


def _candidates(
    name: str, base: Mapping[str, str], among: Mapping[str, Column], at_most: int, fits: Any
) -> list[dict[str, str]]:
    """The present place, then others: those whose key resembles the field first."""
    others = sorted((one for one in among.values() if fits(one)), key=lambda one: (-rank(name, one.path), one.path))
    return [{}, *({name: one.path} for one in others[:at_most])]


def _is_money(column: Column) -> bool:
    return column.numbers is not None and not speaks_of(column.path.rsplit(".", 1)[-1], NO_MONEY)


def _all_above_zero(column: Column) -> bool:
    return column.everywhere and all((number or 0) > 0 for number in column.numbers or ())


def _with_rows(settings: TenantSettings, stage: Stage, rows: Sequence[Raw], best: Found) -> Found:
    """A unit price and a rate that prove the rows; if no total is listed, the rows themselves."""
    places = Places(best.fields)
    items = [item for raw in rows for item in items_of(raw, places)]
    held = [places_in_item(item, places) for item in items]
    per_item = {path: one for path, one in columns(items).items() if _is_money(one)}
    fields = dict(best.fields)
    if not any("tax_percent" in each for each in held):
        rates = [p for p, c in columns(items).items() if c.numbers and rank("tax_percent", p) > 1 and _is_rate(c)]
        if rates:
            fields["tax_percent"] = max(rates, key=lambda path: rank("tax_percent", path))
    priced = any("price_incl_tax" in each for each in held)
    rowed = any("row_total_incl_tax" in each for each in held) or "row_total_incl_tax" in fields
    if rowed and priced:
        return best if fields == best.fields else _judged(settings, stage, rows, fields, best.bundles)

    def listed(name: str) -> Column:
        """The amounts where they are found already: a column without a path, since it needs no setting."""
        return Column("", tuple(_number(item, each.get(name)) for item, each in zip(items, held, strict=True)))

    pieces = listed("qty")
    row_columns = [*(() if rowed else per_item.values()), listed("row_total_incl_tax")]
    price_columns = [*(() if priced else per_item.values()), listed("price_incl_tax")]
    votes = [
        (
            _agreeing(pieces, price, row),
            rank("row_total_incl_tax", row.path) + rank("price_incl_tax", price.path),
            {"row_total_incl_tax": row.path, "price_incl_tax": price.path},
        )
        for row in row_columns
        for price in price_columns
        if row is not price
    ]
    agree, _, found = max(votes, key=lambda vote: vote[:2])
    if agree:
        fields |= {name: path for name, path in found.items() if path}
    one = _judged(settings, stage, rows, fields, best.bundles)
    return one if one.score >= best.score else best


def _number(item: Raw, path: str | None) -> Decimal | None:
    value = walk(item, path.split(".")) if path else None
    return exact(value) if is_scalar(value) else None


def _agreeing(qty: Column, prices: Column, rows: Column) -> int:
    """The number of rows with more than one piece in which the row is quantity times price."""
    half = Money(None).half
    return sum(
        row is not None
        and price is not None
        and pieces is not None
        and pieces != 1
        and bool(price)
        and agrees(row, pieces, price, Decimal(0), None, half)
        for pieces, price, row in zip(qty.numbers or (), prices.numbers or (), rows.numbers or (), strict=False)
    )


def _is_rate(column: Column) -> bool:
    numbers = [number for number in column.numbers or () if number is not None]
    return bool(numbers) and all(0 <= number <= 35 for number in numbers) and len(set(numbers)) <= 6


def _with_charges(settings: TenantSettings, stage: Stage, rows: Sequence[Raw], best: Found) -> Found:
    """Add charges one by one, each of which explains the difference of several orders and contradicts none."""
    for _ in range(CHARGES_AT_MOST):
        votes: Counter[tuple[str, str]] = Counter()
        tried = with_fields(settings, stage, best.fields, bundles=best.bundles, charges=best.charges)
        for each in best.verdict.orders:
            if each.order is None or each.explained or each.order.total_incl_tax is None:
                continue
            votes.update(_explaining(each.order, tried))
        improved = None
        for (path, sign), _count in votes.most_common(JUDGED_AT_MOST):
            kind = "payment" if sign == "-" and speaks_of(path, PAYMENTS) else "line"  # an accountant decides
            charge = ChargeSettings.model_validate(
                {"name": path.rsplit(".", 1)[-1][:64], "path": path, "sign": sign, "kind": kind}
            )
            one = _judged(settings, stage, rows, best.fields, best.bundles, (*best.charges, charge))
            lost = any(
                before.explained and not after.explained
                for before, after in zip(best.verdict.orders, one.verdict.orders, strict=True)
            )
            if not lost and one.verdict.explained > max(best.verdict.explained, (improved or best).verdict.explained):
                improved = one
        if improved is None:
            return best
        best = improved
    return best


def _explaining(order: FulfillmentOrder, settings: TenantSettings) -> Iterator[tuple[str, str]]:
    """The places in this order that hold exactly the unexplained difference, under any reading of its discounts."""
    goods = sort_out(order, settings)
    currency = order.currency or settings.currency
    rests = set()
    for reading in readable(goods.invoiced):
        sums = figures(replace(goods.invoiced, total_incl_tax=None), currency, reading).order_total
        if sums is not None and order.total_incl_tax is not None:
            rests.add(order.total_incl_tax - sums)
    named = {charge.path for charge in settings.charges}
    on_items = amounts_in([item.extra for item in order.items], ITEMS)
    for path, amount in (*amounts_in(order.extra), *on_items):
        if amount and path not in named and ":" not in path:
            if amount in rests:
                yield path, "+"
            if -abs(amount) in rests:
                yield path, "-"
