"""Finds settings of a tenant that need a capability its connector does not declare."""

from collections.abc import Collection, Iterator

from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.capabilities import Capability, noun

Place = tuple[str | int, ...]


def unmet(settings: TenantSettings, declared: Collection[Capability]) -> Iterator[tuple[Place, str]]:
    """Each such setting, by its path below the tenant, and the problem; defaults count as if they were written."""

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
