"""Which confirmed reservations are to be looked at, since nothing of them shipped in time."""

from datetime import datetime, timedelta

LOOK_EVERY = timedelta(minutes=15)


class ShippingDeadline:
    """Of one stage of a tenant while a process serves it: it looks at each reservation once, when it is due."""

    def __init__(self, ship_within: timedelta) -> None:
        self._ship_within = ship_within
        self._looked_until: datetime | None = None

    def window(self, now: datetime) -> tuple[datetime | None, datetime] | None:
        """Between which times an allocation was confirmed that is to be looked at; None if it is not time yet.

        The first time it has no beginning: all of them are looked at when the process begins.
        """
        until = now - self._ship_within
        after = self._looked_until
        if after is not None and until - after < LOOK_EVERY:
            return None
        self._looked_until = until
        return after, until
