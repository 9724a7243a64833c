"""Selects the confirmed reservations that are due for a check, since they should have shipped."""

from datetime import datetime, timedelta

LOOK_EVERY = timedelta(minutes=15)


class ShippingDeadline:
    """One for a stage of a tenant while a process serves it: it checks each reservation once, when it is due."""

    def __init__(self, ship_within: timedelta) -> None:
        self._ship_within = ship_within
        self._looked_until: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """`window` would return a period."""
        until = now - self._ship_within
        return self._looked_until is None or until - self._looked_until >= LOOK_EVERY

    def window(self, now: datetime) -> tuple[datetime | None, datetime] | None:
        """The period of confirmations whose allocations are due for the check; None if no check is due yet.

        The first period has no beginning: when the process begins, it checks all of them.
        """
        if not self.is_due(now):
            return None
        after, self._looked_until = self._looked_until, now - self._ship_within
        return after, self._looked_until
