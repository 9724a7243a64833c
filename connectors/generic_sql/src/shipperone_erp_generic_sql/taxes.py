"""The tax table of an invoice: a row for each rate, for the items alone and for the whole document.

ShipperOne provides no tax rate for shipping and charges. The tenant's `[taxes]` sets it: the highest rate of the items,
the items' rates in proportion to their value, or a rate of its own. Otherwise they have no rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from shipperone_erp.tools import rounded

Rate = Decimal | None
"""A rate in percent; None where there is none."""

Totals = Mapping[Rate, Decimal | None]
"""By rate: the total charged at it, with tax. None if an amount in it is unknown."""

SHIPPING = "shipping"
OTHERS = "*"
"""The rule of every charge (and of shipping) without a rule of its own."""

HIGHEST, PROPORTIONAL = "highest", "proportional"
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class TaxLine:
    """One tax rate. The tax contained in an amount is rounded once, to the currency's smallest unit.

    `total_incl_tax`, `tax`: of the items. `document_incl_tax`, `document_tax`: of the whole invoice, with shipping and
    charges. None if a rate or an amount is unknown. `of_items`: whether an item has this rate.
    """

    tax_no: int
    tax_key: str
    percent: Rate
    total_incl_tax: Decimal | None
    tax: Decimal | None
    document_incl_tax: Decimal | None
    document_tax: Decimal | None
    of_items: bool

    @property
    def total_excl_tax(self) -> Decimal | None:
        return _less(self.total_incl_tax, self.tax)

    @property
    def document_excl_tax(self) -> Decimal | None:
        return _less(self.document_incl_tax, self.document_tax)

    def __str__(self) -> str:
        return f"tax rate {'unknown' if self.percent is None else format(self.percent, 'f')}"


@dataclass(frozen=True)
class Extra:
    """An amount beside the items: shipping or a charge, and the rule that sets its rate."""

    amount: Decimal | None
    rule: str | None


def rule_of(rules: Mapping[str, str], name: str) -> str | None:
    """The rule of shipping or of the charge of that name; None if there is none."""
    return rules.get(name, rules.get(OTHERS))


def valid_rule(rule: str) -> str:
    """The rule, if it is valid. ValueError otherwise."""
    if rule in (HIGHEST, PROPORTIONAL):
        return rule
    try:
        rate = Decimal(rule)
    except InvalidOperation:
        rate = Decimal(-1)
    if not (rate.is_finite() and 0 <= rate < 1000):
        raise ValueError(f'write "{HIGHEST}", "{PROPORTIONAL}" or a rate in percent, such as "21"')
    return rule


def table(
    key: str, items: Sequence[tuple[Rate, Decimal | None]], extras: Sequence[Extra], currency: str | None
) -> tuple[TaxLine, ...]:
    """The rows: first the items' rates in ascending order, with items without a rate last; then further rates.

    The further rates are those that only shipping or a charge has. The totals of all rows add up to the invoice's
    total.
    """
    of_items: dict[Rate, Decimal | None] = {}
    for rate in sorted({rate for rate, _ in items}, key=_in_order):
        of_items[rate] = _sum([total for at, total in items if at == rate])
    whole = dict(of_items)
    for extra in extras:
        for rate, amount in _spread(extra, of_items, currency).items():
            if amount != 0 or rate in of_items:
                whole[rate] = _sum([whole.get(rate, _NOTHING), amount])
    rates = [*of_items, *sorted(whole.keys() - of_items.keys(), key=_in_order)]
    return tuple(
        TaxLine(
            tax_no=number,
            tax_key=f"{key}:tax:{number}",
            percent=rate,
            total_incl_tax=of_items.get(rate, _NOTHING),
            tax=contained(of_items.get(rate, _NOTHING), rate, currency),
            document_incl_tax=whole[rate],
            document_tax=contained(whole[rate], rate, currency),
            of_items=rate in of_items,
        )
        for number, rate in enumerate(rates, start=1)
    )


def contained(total: Decimal | None, rate: Rate, currency: str | None) -> Decimal | None:
    """The tax of that rate in that total, rounded once."""
    return None if rate is None or total is None else rounded(total * rate / (100 + rate), currency)


def _spread(extra: Extra, items: Totals, currency: str | None) -> Totals:
    """The amount by rate."""
    if extra.rule is None:
        return {None: extra.amount}
    if extra.rule not in (HIGHEST, PROPORTIONAL):
        return {Decimal(extra.rule): extra.amount}
    known = {rate: total for rate, total in items.items() if total is not None}
    if extra.rule == HIGHEST or extra.amount is None or len(known) < len(items) or not sum(known.values()):
        return {max((rate for rate in items if rate is not None), default=None): extra.amount}
    return _shared(extra.amount, known, currency)


def _shared(amount: Decimal, weights: Mapping[Rate, Decimal], currency: str | None) -> Totals:
    """The amount divided by weight: each share in the currency's smallest unit, and the shares add up to the amount."""
    all_of_it, upto, given = sum(weights.values(), _NOTHING), _NOTHING, _NOTHING
    shares: dict[Rate, Decimal | None] = {}
    for rate, weight in weights.items():
        upto += weight
        reached = amount if len(shares) == len(weights) - 1 else rounded(amount * upto / all_of_it, currency)
        shares[rate] = reached - given
        given = reached
    return shares


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, _NOTHING) if len(known) == len(amounts) else None


def _less(total: Decimal | None, tax: Decimal | None) -> Decimal | None:
    return None if total is None or tax is None else total - tax


def _in_order(rate: Rate) -> tuple[bool, Decimal]:
    return rate is None, rate or _NOTHING
