"""Pauses are read once for all tenants, and again after each operator action."""

import asyncio
from datetime import UTC, datetime

from shipperone_erp.domain.records import Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.operator_signals import OperatorSignals
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import pauses
from skipped_time import SkippedTime

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Counted(Ledger):
    """Counts the questions; `meanwhile` happens after the ledger was read and before the answer is there."""

    asked = 0

    def meanwhile(self) -> None:
        pass

    def pauses(self) -> list[Pause]:
        found = super().pauses()
        self.asked += 1
        self.meanwhile()
        return found


def test_a_thousand_stages_poll_the_ledger_once(sqlite_url):

    async def ask() -> None:
        with Counted.open(sqlite_url, migrate=True) as ledger:
            pauses.pause(ledger, "t7", [I], NOW, None)
            known = OperatorSignals(ledger, SkippedTime(seconds=1.0))
            answers = await asyncio.gather(*(known.paused(f"t{number}") for number in range(1000)))
            assert [set(answer) for answer in answers] == [{I} if number == 7 else set() for number in range(1000)]
            assert ledger.asked == 1
            pauses.resume(ledger, "t7", [I], NOW, None)
            known.acted()
            assert set(await known.paused("t7")) == set()
            assert ledger.asked == 2

    asyncio.run(ask())


def test_an_answer_from_before_an_operators_action_is_not_used(sqlite_url, monkeypatch):

    async def ask() -> None:
        with Counted.open(sqlite_url, migrate=True) as ledger:
            known = OperatorSignals(ledger, SkippedTime(seconds=1.0))

            def somebody_acts() -> None:
                if ledger.asked == 1:
                    pauses.pause(ledger, "acme", [A], NOW, None)
                    known.acted()

            monkeypatch.setattr(ledger, "meanwhile", somebody_acts)
            assert set(await known.paused("acme")) == {A}
            assert ledger.asked == 2

    asyncio.run(ask())
