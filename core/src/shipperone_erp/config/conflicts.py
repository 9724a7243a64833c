"""Finds settings that conflict: with each other, with rounding, with a connector's capabilities, with another tenant's.

Each of one tenant is yielded with its path below the tenant.
"""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.capabilities import Capability, noun
from shipperone_erp.domain.money import decimals
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.store_addresses import same_store

Place = tuple[str | int, ...]


def without_effect(settings: TenantSettings, own: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Each setting that has no effect beside the others, and the problem.

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
    """A `tolerance` by which an invoice of a wrong amount would be issued."""
    currencies = {settings.currency, *settings.currencies}
    most = min(Decimal(ROUNDING_AT_MOST).scaleb(-decimals(one)) for one in currencies)
    if settings.tolerance > most:
        cause = f"{settings.tolerance:f} is more than rounding explains: an invoice that is off by as much is issued"
        cure = f"name a fee or a coupon in [[charges]] instead; {most:f} is the most for rounding"
        yield ("tolerance",), f"{cause}; {cure}"


def unmet(settings: TenantSettings, declared: Collection[Capability]) -> Iterator[tuple[Place, str]]:
    """Each setting that needs an undeclared capability, and the problem; defaults count as if they were written."""

    def lacks(capability: Capability) -> str:
        return f"connector {settings.connector} declares no {noun(capability)}"

    if settings.transfer == "reserved" and Capability.TRANSFERS not in declared:
        yield ("transfer",), f'{lacks(Capability.TRANSFERS)}, which transfer = "reserved" needs; leave the setting out'
    if Capability.CURRENCIES not in declared:
        others = [one for one in settings.currencies if one != settings.currency]
        if others:
            cause = f"{lacks(Capability.CURRENCIES)}: an order in {', '.join(others)} cannot be invoiced"
            yield ("currencies",), f"{cause}; leave it out, and such an order is held as currency_differs"
    if Capability.NEGATIVE_LINES not in declared:
        for index, charge in enumerate(settings.charges):
            if charge.kind == "line" and charge.sign == "-":
                cause = f"{lacks(Capability.NEGATIVE_LINES)}: {charge.name} cannot be invoiced"
                cure = 'have the shop deduct it from the rows, or write kind = "payment" if it is a means of payment'
                yield ("charges", index, "sign"), f"{cause}; {cure}"
    if settings.tax_date != "issued" and Capability.BACKDATING not in declared:
        cause = f'{lacks(Capability.BACKDATING)}: an invoice of an earlier day ("{settings.tax_date}") is not possible'
        yield ("tax_date",), f'{cause}; write tax_date = "issued", and ask the accountant whether that is right'


def shared_queues(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, list[Stage]]]:
    """Each tenant on a queue that an earlier one serves: its name, the name of the earlier one, the stages.

    Every order would be reserved and invoiced twice.

    `tables`: the settings of each tenant as written, with the defaults and the variables. Values of a wrong type are
    left out, since they are reported elsewhere.
    """
    served: dict[tuple[str, str, Stage], str] = {}
    for name, table in tables.items():
        base_url, store_code = table.get("base_url"), table.get("store_code", "default")
        if not isinstance(base_url, str) or not isinstance(store_code, str) or not base_url:
            continue
        stages = table.get("stages", list(Stage))
        store = same_store(base_url), store_code
        shared: dict[str, list[Stage]] = {}
        for stage in Stage:
            if isinstance(stages, list) and stage.value in stages:
                first = served.setdefault((*store, stage), name)
                if first != name:
                    shared.setdefault(first, []).append(stage)
        for other, both in shared.items():
            yield name, other, both
