"""Finds a tenant's own settings that have no effect beside its others, although they should protect its invoices."""

from collections.abc import Collection, Iterator

from shipperone_erp.config.settings import TenantSettings
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
