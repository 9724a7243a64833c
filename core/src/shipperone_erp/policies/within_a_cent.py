"""Amounts that differ by up to a cent are accepted: `policies = ["within_a_cent"]`.

For an ERP that rounds differently from the shop and cannot be changed. Differences in items, quantities, the currency
and tax rates are never accepted: core does not permit it, and this policy does not try.
"""

from decimal import Decimal, InvalidOperation

from pydantic import Field

from shipperone_erp import ConnectorSettings, Difference, Mismatch, Policy, Resolution, hookimpl


class CentSettings(ConnectorSettings):
    """The bound."""

    at_most: Decimal = Field(Decimal("0.01"), ge=0, le=1, description="the accepted difference of a single amount")


class WithinACent(Policy[CentSettings]):
    """Accepts if every difference is an amount within the bound; abstains otherwise."""

    @hookimpl
    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        if mismatch.action != "compare" or not mismatch.differences:
            return Resolution.abstain()
        within = all(self._within(difference) for difference in mismatch.differences)
        return Resolution.accept() if within else Resolution.abstain()

    def _within(self, difference: Difference) -> bool:
        if not difference.field.endswith("_incl_tax") and not difference.field.startswith("tax["):
            return False
        if difference.ours is None or difference.theirs is None:
            return False  # a missing amount is not zero
        try:
            return abs(Decimal(difference.ours) - Decimal(difference.theirs)) <= self.settings.at_most
        except InvalidOperation:  # if two roundings are valid, ShipperOne's tax is given in words
            return False
