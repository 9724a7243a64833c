"""What a runtime reports of its work to those who count it: cycles, steps, requests. Nothing is imported for a back end
that is not there."""

from typing import Protocol

from shipperone_erp.domain.states import EffectKind, Outcome, Stage


class Instrument(Protocol):
    """Called in the event loop, after the fact. It returns at once and never raises."""

    def cycle(self, tenant: str, stage: Stage, seconds: float, *, good: bool, listed: int | None) -> None:
        """One read of a queue and what was decided from it, with the number of orders that the queue listed."""

    def step(self, tenant: str, stage: Stage, kind: EffectKind, outcome: Outcome, seconds: float) -> None:
        """One effect, from its intent to its outcome."""

    def request(self, tenant: str, method: str, status: int | None, seconds: float) -> None:
        """One HTTP request to ShipperOne; `status` is None where no answer came."""


class Instruments:
    """Those of one runtime, each told of everything; none at first."""

    def __init__(self) -> None:
        self._all: list[Instrument] = []

    def add(self, instrument: Instrument) -> None:
        """From now on it is told too."""
        self._all.append(instrument)

    def remove(self, instrument: Instrument) -> None:
        """From now on it is not."""
        self._all.remove(instrument)

    def cycle(self, tenant: str, stage: Stage, seconds: float, *, good: bool, listed: int | None) -> None:
        """See `Instrument`."""
        for one in self._all:
            one.cycle(tenant, stage, seconds, good=good, listed=listed)

    def step(self, tenant: str, stage: Stage, kind: EffectKind, outcome: Outcome, seconds: float) -> None:
        """See `Instrument`."""
        for one in self._all:
            one.step(tenant, stage, kind, outcome, seconds)

    def request(self, tenant: str, method: str, status: int | None, seconds: float) -> None:
        """See `Instrument`."""
        for one in self._all:
            one.request(tenant, method, status, seconds)
