"""A credit note that was made in the ERP against an issued invoice, as an operator records it."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CreditNote:
    """Its number in the ERP, and the amount that it takes off the invoice, tax included: above zero."""

    number: str
    amount: Decimal
