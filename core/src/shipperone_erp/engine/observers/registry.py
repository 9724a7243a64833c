"""The observers of one runtime: log, progress, metrics, tracing, alerts. All are told of the same events.

A back end is imported by whoever adds it (`observers/tracing.py`, `web/metrics.py`); nothing here knows one.
"""

import logging

from shipperone_erp.domain.events import Event, Observer

LOG = logging.getLogger("shipperone_erp")


class Observers:
    """None at first. One that raises is logged once, and hinders neither the work nor the others."""

    def __init__(self) -> None:
        self._all: list[Observer] = []
        self._faulty: set[int] = set()

    def add(self, observer: Observer) -> None:
        """From now on it is told too."""
        self._all.append(observer)

    def remove(self, observer: Observer) -> None:
        """From now on it is not."""
        self._all.remove(observer)

    def tell(self, event: Event) -> None:
        """Tell every observer, in the order in which they were added."""
        for observer in self._all:
            try:
                observer(event)
            except Exception:
                if id(observer) not in self._faulty:
                    self._faulty.add(id(observer))
                    LOG.exception("an observer has a fault; orders are not affected: %r", type(event).__name__)
