"""The observers of one runtime: log, progress, metrics, tracing, alerts. All receive the same events.

A back end is imported where it is added (`observers/tracing.py`, `web/metrics.py`); this module imports none.
"""

import logging

from shipperone_erp.domain.events import Event, Observer

LOG = logging.getLogger("shipperone_erp")


class Observers:
    """Empty at first. An observer that raises is logged once, and affects neither the work nor the others."""

    def __init__(self) -> None:
        self._all: list[Observer] = []
        self._faulty: set[int] = set()

    def add(self, observer: Observer) -> None:
        """Send events to this observer from now on."""
        self._all.append(observer)

    def remove(self, observer: Observer) -> None:
        """Send it no more events."""
        self._all.remove(observer)

    def publish(self, event: Event) -> None:
        """Send the event to every observer, in the order in which they were added."""
        for observer in self._all:
            try:
                observer(event)
            except Exception:
                if id(observer) not in self._faulty:
                    self._faulty.add(id(observer))
                    LOG.exception("an observer failed; orders are not affected: %r", type(event).__name__)
