"""Finds a tenant's settings that protect its invoices less than they seem to: without effect, or too generous."""

from collections.abc import Collection, Iterator
from decimal import Decimal

from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.domain.money import decimals
from shipperone_erp.domain.states import Stage

Place = tuple[str | int, ...]


def without_effect(settings: TenantSettings, own: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Each such setting, by its path below the tenant, and the problem.

    `own`: the keys of the tenant's own table. A setting in `[defaults]` may be meant for other tenants.
    """
    if "approve" in own and settings.approve and Stage.INVOICE not in settings.stages:
        yield ("approve",), "this tenant does not serve the stage invoice, so that nothing here would be approved"
    if "approvals" in own and settings.approvals > 1 and Stage.INVOICE not in settings.approve:
        cause = "no approval is required of this tenant's invoices, so that nobody would be asked"
        yield ("approvals",), f'{cause}; write approve = ["invoice"] too, or leave it out'


ROUNDING_AT_MOST = 100
"""Smallest units of a currency. A greater difference is a fee or a discount, and never a matter of rounding."""


def too_generous(settings: TenantSettings) -> Iterator[tuple[Place, str]]:
    """A `tolerance` by which an invoice of a wrong amount would be issued; yielded as by `without_effect`."""
    currencies = {settings.currency, *settings.currencies}
    most = min(Decimal(ROUNDING_AT_MOST).scaleb(-decimals(one)) for one in currencies)
    if settings.tolerance > most:
        cause = f"{settings.tolerance:f} is more than rounding explains: an invoice that is off by as much is issued"
        cure = f"name a fee or a coupon in [[charges]] instead; {most:f} is the most for rounding"
        yield ("tolerance",), f"{cause}; {cure}"
