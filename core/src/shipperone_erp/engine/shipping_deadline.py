"""Selects the confirmed reservations that are due for a check, since they should have shipped."""

from datetime import datetime, timedelta

LOOK_EVERY = timedelta(minutes=15)


class ShippingDeadline:
    """One for a stage of a tenant while a process serves it: it checks each reservation once, when it is due."""

    def __init__(self, ship_within: timedelta) -> None:
        self._ship_within = ship_within
        self._looked_until: datetime | None = None

    def window(self, now: datetime) -> tuple[datetime | None, datetime] | None:
        """The period of confirmations whose allocations are due for the check; None if no check is due yet.

        The first period has no beginning: when the process begins, it checks all of them.
        """
        until = now - self._ship_within
        after = self._looked_until
        if after is not None and until - after < LOOK_EVERY:
            return None
        self._looked_until = until
        return after, until
