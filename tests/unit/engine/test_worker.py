"""What ends a worker's rest after a failure: an operator's action, the stop of the process, and nothing else."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

from shipperone_erp.domain.states import Stage
from shipperone_erp.engine import worker
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.time_source import MACHINE_TIME


class Unopened:
    """A tenant whose connector cannot be created."""

    name = "acme"
    epoch = 0

    def __init__(self) -> None:
        self.attempts = 0

    async def open(self) -> None:
        self.attempts += 1
        raise LedgerError("acme: the ledger is away")


def test_a_rest_after_a_failure_ends_by_an_operators_action_and_by_the_stop(monkeypatch):
    hour = timedelta(hours=1)
    monkeypatch.setattr(worker, "FAILURES", Backoff(hour, hour))

    async def go():
        tenant, callbacks = Unopened(), []
        signals = SimpleNamespace(add=lambda name, callback: callbacks.append(callback))
        shared = SimpleNamespace(keeper=None, signals=signals, time=MACHINE_TIME)
        stops = {"process_stopping": asyncio.Event(), "stopping": asyncio.Event()}
        serving = asyncio.create_task(worker.StageWorker(tenant, Stage.INVOICE, shared, **stops).serve())
        for number in (1, 2, 3):
            for _ in range(200):
                await asyncio.sleep(0.001)
            assert tenant.attempts == number, "it rests"
            callbacks[0]()
        for _ in range(200):
            await asyncio.sleep(0.001)
        stops["stopping"].set()
        await asyncio.wait_for(serving, 20)
        assert tenant.attempts == 4

    asyncio.run(go())
