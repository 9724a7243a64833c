"""The finding of a check before an invoice is built."""

from dataclasses import dataclass

from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.reasons import Owner, Reason


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason for which no invoice of an order can be built now."""

    reason: Reason
    sentence: str
    owner: Owner
    differences: tuple[Difference, ...] = ()
