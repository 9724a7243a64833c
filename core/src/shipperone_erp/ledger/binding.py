"""What a tenant's rows in a ledger are about. A copy of the ledger must not talk to another shop or another ERP."""

from collections.abc import Collection
from dataclasses import fields

from shipperone_erp.domain.records import Binding
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import FirstBinding


def check_binding(ledger: Ledger, tenant: str, binding: Binding, stages: Collection[Stage] = ()) -> None:
    """Compare what the tenant's rows are about with what it serves now; before its first effect.

    LedgerError (exit code 78) says what differs, or that another tenant of this ledger has served these `stages` of the
    same store: the tenant was renamed, and what it did under its old name would not be known.

    A tenant that this ledger has never served is bound now, unless the ledger is only read; then the writer must have
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
        f"{tenant}: this ledger is about something else: {differences}. Nothing was done. If it is right that "
        f"the same orders go on there, say `shipperone-erp ledger adopt {tenant}`",
        exit_code=78,
    )


def _refuse_a_second_name(ledger: Ledger, tenant: str, binding: Binding, stages: Collection[Stage]) -> None:
    for other in ledger.tenants_of(binding.base_url, binding.store_code):
        served = [record.stage for record in ledger.queues() if record.tenant == other and record.stage in stages]
        if served:
            raise LedgerError(
                f"{tenant}: this ledger has served {' and '.join(served)} of this very store as tenant {other}, and "
                f"what was done there is known under that name. Nothing was done. Call it [tenants.{other}] again",
                exit_code=78,
            )
