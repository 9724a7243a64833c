"""Every case of the kit, in the sequence in which they run and are printed. One module and one letter for each
subject."""

from types import MappingProxyType

from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import (
    answers,
    capabilities,
    crash,
    delivery,
    end_to_end,
    invoices,
    keys,
    loading,
    money,
    operators,
    optional_hooks,
    outage,
    parcels,
    reservations,
    secrets,
    settings,
    tenants,
    voiding,
    warehouses,
)

SUBJECTS = (
    ("L", "Loading and life cycle", loading),
    ("C", "Settings", settings),
    ("S", "Secrets", secrets),
    ("A", "Answers", answers),
    ("F", "Declared capabilities", capabilities),
    ("R", "Reserving", reservations),
    ("W", "Warehouses and quantities", warehouses),
    ("I", "Invoicing", invoices),
    ("M", "Charges, taxes, buyers, dates", money),
    ("P", "Parts of an order", parcels),
    ("N", "Keys", keys),
    ("V", "Releasing and discarding", voiding),
    ("O", "Changes by operators in the ERP", operators),
    ("D", "Delivering", delivery),
    ("U", "Outages, silence and unknown outcomes", outage),
    ("T", "Tenants", tenants),
    ("K", "Crashes", crash),
    ("Q", "Batches, lists and mismatch decisions", optional_hooks),
    ("E", "End to end", end_to_end),
)

CASES = MappingProxyType(
    {found.id: found for _, _, module in SUBJECTS for found in vars(module).values() if isinstance(found, Case)}
)
