"""The binding of a tenant's rows in a ledger. A copied ledger must not be used with another shop or another ERP."""

from collections.abc import Collection
from dataclasses import fields

from shipperone_erp.domain.records import Binding
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import FirstBinding


def check_binding(ledger: Ledger, tenant: str, binding: Binding, stages: Collection[Stage] = ()) -> None:
    """Compare the binding of the tenant's rows with its current one; before its first effect.

    LedgerError (exit code 78) names the differences, or another tenant of this ledger that has served these `stages` of
    the same store: the tenant was renamed, and its history under the old name would be lost.

    A tenant that this ledger has never served is bound now, unless the ledger is read-only; then the writer must have
    been started.
    """
    found = ledger.binding(tenant)
    if found is None:
        _refuse_a_second_name(ledger, tenant, binding, stages)
    if found is None and not ledger.read_only:
        ledger.write(FirstBinding(tenant, binding), lease=None).result()
        found = ledger.binding(tenant)
    if found is None or found == binding:
        return
    differences = ", ".join(
        f"{field.name} was {getattr(found, field.name)!r} and is now {getattr(binding, field.name)!r}"
        for field in fields(Binding)
        if getattr(found, field.name) != getattr(binding, field.name)
    )
    raise LedgerError(
        f"{tenant}: this ledger belongs to another ERP or shop: {differences}. Nothing was done. If the same orders "
        f"are to continue there, run `shipperone-erp ledger adopt {tenant}`",
        exit_code=78,
    )


def _refuse_a_second_name(ledger: Ledger, tenant: str, binding: Binding, stages: Collection[Stage]) -> None:
    for other in ledger.tenants_of(binding.base_url, binding.store_code):
        served = [record.stage for record in ledger.queues() if record.tenant == other and record.stage in stages]
        if served:
            raise LedgerError(
                f"{tenant}: this ledger has served {' and '.join(served)} of the same store as tenant {other}, and "
                f"its jobs are recorded under that name. Nothing was done. Name the table [tenants.{other}] again",
                exit_code=78,
            )
