"""Locked periods. Odoo does not refuse an invoice in one, but silently moves its accounting date to another day.

Therefore the lock is checked first, and the job is held for the accountant (B7, O3).
"""

import datetime

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_odoo.lookups import sales_journals
from shipperone_erp_odoo.odoo import Odoo, Row
from shipperone_erp_odoo.optional_fields import EXCEPTIONS_SINCE
from shipperone_erp_odoo.warehouses import Company

LOCKS = ("fiscalyear_lock_date", "tax_lock_date", "sale_lock_date", "hard_lock_date")
"""The locks that affect sales; since 18 each is read from its twin `user_…` with the user's exceptions."""

BEFORE_EXCEPTIONS = ("period_lock_date", "fiscalyear_lock_date", "tax_lock_date")
"""The locks that affect sales up to 17."""

Lock = tuple[datetime.date, str]
"""A day, and the field that contains it."""


def locked_until(odoo: Odoo, at: Company) -> Lock | None:
    """The last day for which this user cannot create an invoice, and the field that sets it.

    Read through the company's sales journals, which invoices need anyway.
    """
    return lock_of(sales_journals(odoo, at, lock_fields(odoo)))


def lock_fields(odoo: Odoo) -> list[str]:
    """The fields of a company that contain its lock dates."""
    return [f"user_{name}" for name in LOCKS] if odoo.has(*EXCEPTIONS_SINCE) else list(BEFORE_EXCEPTIONS)


def lock_of(company: Row) -> Lock | None:
    """The latest of the lock dates of a company that was read with `lock_fields`."""
    fields = [name for name in company if name.endswith("_lock_date")]
    # no lock is False, or since 18 the first day of the calendar, written `1-01-01`
    dates = [(str(company[name]), name) for name in fields if company[name]]
    days = [(datetime.date.fromisoformat(text), name) for text, name in dates if len(text) == len("2026-01-31")]
    return max((day for day in days if day[0] > datetime.date.min), default=None)


def locks(lock: Lock | None, day: datetime.date | None) -> bool:
    """Whether an invoice of that day falls into the locked period."""
    return lock is not None and day is not None and day <= lock[0]


def refuse_locked(lock: Lock | None, day: datetime.date | None, at: Company) -> None:
    """`Refused`, erp_period_locked, if Odoo would move an invoice of that day."""
    if lock is not None and locks(lock, day):
        raise Refused(
            Reason.ERP_PERIOD_LOCKED,
            f"an invoice of {day} falls into a period that {at.name} has locked until {lock[0]} "
            f"({lock[1].removeprefix('user_')}); Odoo would change its accounting date: unlock the period for the "
            "user, or set the date of issue by `order retry ID --issue-date DAY`",
            Owner.ACCOUNTANT,
        )
