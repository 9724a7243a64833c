"""Every case of the kit, in the order in which they are run and printed. One module a subject, one letter each."""

from types import MappingProxyType

from shipperone_erp.testing.case import Case
from shipperone_erp.testing.cases import (
    answering,
    configuring,
    declaring,
    delivering,
    dying,
    flowing,
    invoicing,
    keys,
    listing,
    loading,
    money,
    operators,
    parting,
    reserving,
    separating,
    suffering,
    voiding,
    warehouses,
    whispering,
)

SUBJECTS = (
    ("L", "Loading and living", loading),
    ("C", "Settings", configuring),
    ("S", "Secrets", whispering),
    ("A", "Answers", answering),
    ("F", "What is declared of the ERP", declaring),
    ("R", "Reserving", reserving),
    ("W", "Warehouses and quantities", warehouses),
    ("I", "Invoicing", invoicing),
    ("M", "Charges, taxes, buyers, dates", money),
    ("P", "Parts of an order", parting),
    ("N", "Keys", keys),
    ("V", "Releasing and discarding", voiding),
    ("O", "What operators do in the ERP", operators),
    ("D", "Delivering", delivering),
    ("U", "An ERP that is away, silent or unclear", suffering),
    ("T", "Tenants", separating),
    ("K", "A process that is killed", dying),
    ("Q", "Batches, lists, opinions", listing),
    ("E", "End to end", flowing),
)

CASES = MappingProxyType(
    {found.id: found for _, _, module in SUBJECTS for found in vars(module).values() if isinstance(found, Case)}
)
