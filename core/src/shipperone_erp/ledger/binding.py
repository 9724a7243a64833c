"""What a tenant's rows in a ledger are about. A copy of the ledger must not talk to another shop or another ERP."""

from dataclasses import fields

from shipperone_erp.errors import LedgerError
from shipperone_erp.ledger.records import Binding
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.ledger.writes import FirstBinding


def check_binding(ledger: Ledger, tenant: str, binding: Binding) -> None:
    """Compare what the tenant's rows are about with what it serves now; before its first effect.

    LedgerError (exit code 78) says what differs. A tenant that this ledger has never served is bound now, unless
    the ledger is only read; then the writer must have been started.
    """
    found = ledger.binding(tenant)
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
