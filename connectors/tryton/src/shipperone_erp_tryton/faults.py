"""The meaning of Tryton's own errors. Each failed transaction was rolled back before.

a number or a period that the date forbids    Refused, erp_period_locked: the operator sets another date
AccessError                                   Refused, erp_access_denied: the user's groups, or a closed record
any other UserError, UserWarning              Refused, erp_refused, with Tryton's message
"""

from __future__ import annotations

from shipperone_erp import Owner, Reason, Refused

DATES = frozenset(
    {"PeriodNotFoundError", "FiscalYearNotFoundError", "InvoiceNumberError", "PeriodDatesError", "PostError"}
)
"""The names of Tryton's errors about a date."""

LONGEST = 500


def meaning(error: Exception, doing: str) -> Refused:
    """The refusal for an error that Tryton shows to its users."""
    words = tidy(getattr(error, "message", None) or str(error))
    name = type(error).__name__
    if name in DATES:
        return Refused(Reason.ERP_PERIOD_LOCKED, f"{doing}: {words}", Owner.ACCOUNTANT)
    if name == "AccessError":
        return Refused(Reason.ERP_ACCESS_DENIED, f"{doing}: {words}")
    return Refused(Reason.ERP_REFUSED, f"{doing}: {words}")


def tidy(words: str) -> str:
    """Tryton's message as a single line, shortened if necessary."""
    line = " ".join(str(words).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
