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
    ("L", "Loading and living", loading),
    ("C", "Settings", settings),
    ("S", "Secrets", secrets),
    ("A", "Answers", answers),
    ("F", "What is declared of the ERP", capabilities),
    ("R", "Reserving", reservations),
    ("W", "Warehouses and quantities", warehouses),
    ("I", "Invoicing", invoices),
    ("M", "Charges, taxes, buyers, dates", money),
    ("P", "Parts of an order", parcels),
    ("N", "Keys", keys),
    ("V", "Releasing and discarding", voiding),
    ("O", "What operators do in the ERP", operators),
    ("D", "Delivering", delivery),
    ("U", "An ERP that is away, silent or unclear", outage),
    ("T", "Tenants", tenants),
    ("K", "A process that is killed", crash),
    ("Q", "Batches, lists, opinions", optional_hooks),
    ("E", "End to end", end_to_end),
)

CASES = MappingProxyType(
    {found.id: found for _, _, module in SUBJECTS for found in vars(module).values() if isinstance(found, Case)}
)
