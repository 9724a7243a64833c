"""Processes of `run` or `worker` that are killed, frozen past their lease, stopped, and replaced by others."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import warm_processes
from ledger_databases import OwnPostgresql
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.repository import Ledger


class Service:
    """One process and what it says."""

    def __init__(self, process: warm_processes.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self._waking: threading.Timer | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def asleep(self) -> bool:
        """It is frozen."""
        return self._waking is not None and self._waking.is_alive()

    def freeze(self, seconds: float) -> None:
        """Let it stand still for so long. It may hold a lock that the caller waits for, so that another thread wakes it."""
        self.process.send_signal(signal.SIGSTOP)
        self._waking = threading.Timer(seconds, self.process.send_signal, [signal.SIGCONT])
        self._waking.start()

    def wait_until_awake(self) -> None:
        """Returns at once if it is not frozen."""
        if self._waking is not None:
            self._waking.join()

    def kill(self) -> None:
        """At once, frozen or not."""
        self.process.kill()
        self.process.wait()


class Fleet:
    """One or two services at a time: the second stands by. `strike` hits one that holds a lease."""

    def __init__(self, folder: Path, file: Path, environment: Mapping[str, str], chance: random.Random, lease: float):
        self._folder = folder
        self._file = file
        self._environment = environment
        self._chance = chance
        self._lease = lease
        self._services: list[Service] = []
        self._logs: list[Path] = []
        self._two = False
        self._longest_freeze = 3.0
        self.struck: Counter[str] = Counter()
        self.odd_ends: list[str] = []

    def tend(self) -> None:
        """Start anew whatever has ended; frozen ones wake up by themselves."""
        for service in list(self._services):
            if (code := service.process.poll()) is not None:
                self._services.remove(service)
                self._ended(service, code, asked=False)
        for _ in range(self._missing()):
            self._start()

    def strike(self, how: str, ledger: Ledger) -> bool:
        """`kill`, `freeze` or `stop` a process that holds a lease just now; False if none does."""
        holders = self._holders(ledger)
        if not holders:
            return False
        service = self._chance.choice(holders)
        self._two = how == "freeze" or self._chance.random() < 0.7
        self.struck[how] += 1
        if how == "freeze":
            service.freeze(self._lease + self._chance.uniform(0.5, self._longest_freeze))
            return True
        self._services.remove(service)
        if how == "kill":
            service.kill()
        else:
            service.process.terminate()
            self._ended(service, service.process.wait(timeout=40), asked=True)
        return True

    def serving(self, ledger: Ledger) -> bool:
        """One of them holds a lease."""
        return bool(self._holders(ledger))

    def one_is_left(self) -> None:
        """All are awake, and no second one is started any more."""
        self._two = False
        for service in self._services:
            service.wait_until_awake()
        self.tend()

    def end(self) -> None:
        """Ask all to stop."""
        for service in self._services:
            service.wait_until_awake()
            service.process.terminate()
        for service in self._services:
            try:
                self._ended(service, service.process.wait(timeout=40), asked=True)
            except subprocess.TimeoutExpired:
                self.odd_ends.append(f"the last service did not end: {service.log}")
                service.kill()
        self._services.clear()

    def kill_all(self) -> None:
        """Whatever happened: nothing is left running."""
        for service in self._services:
            service.kill()
        self._services.clear()

    def logged(self) -> str:
        """Everything that all of them have said."""
        return "\n".join(log.read_text(errors="replace") for log in self._logs)

    def unserved(self, ledger: Ledger) -> str | None:
        """What is wrong with who serves whom, once nobody is struck any more; None if nothing is."""

    def _missing(self) -> int:
        awake = [service for service in self._services if not service.asleep]
        return (2 if self._two else 1) - len(awake)

    def _ended(self, service: Service, code: int, *, asked: bool) -> None:
        if code == -signal.SIGKILL:
            self.struck["killed inside a hook"] += 1
        elif not asked or code != 0:
            self.odd_ends.append(f"a service ended with {code}, {'asked' if asked else 'not asked'} to: {service.log}")

    def _start(self) -> None:
        log = self._folder / f"service-{len(self._logs) + 1:03}.log"
        self._logs.append(log)
        with log.open("w") as out:
            self._services.append(Service(self._started(out), log))

    def _started(self, out: IO[str]) -> warm_processes.Process:
        return self._warm(out, "run", "-c", str(self._file))

    def _warm(self, out: IO[str], *arguments: str) -> warm_processes.Process:
        environment = {**os.environ, **self._environment}
        return warm_processes.Process(warm_processes.COMMAND, *arguments, env=environment, stdout=out, stderr=out)

    def _holders(self, ledger: Ledger) -> list[Service]:
        try:
            pids = {lease.pid for lease in ledger.leases() if lease.owner is not None}
        except LedgerError:
            return []
        return [service for service in self._services if service.pid in pids and not service.asleep]


class Workers(Fleet):
    """So many `worker` processes at every moment, frozen ones included; `restart` strikes their PostgreSQL."""

    def __init__(
        self,
        folder: Path,
        file: Path,
        environment: Mapping[str, str],
        chance: random.Random,
        lease: float,
        *,
        count: int,
        stalled: float,
        server: OwnPostgresql,
    ) -> None:
        super().__init__(folder, file, environment, chance, lease)
        self._count = count
        self._stalled = stalled
        self._longest_freeze = 2 * stalled  # so that some are taken for dead, and others are not
        self._server = server

    def strike(self, how: str, ledger: Ledger) -> bool:
        """See `Fleet`; `restart` stops the database as by a crash, and starts it a moment later."""
        if how != "restart":
            return super().strike(how, ledger)
        self.struck[how] += 1
        self._server.stop()
        time.sleep(self._chance.uniform(0.0, 2.0))
        self._server.start()
        return True

    def unserved(self, ledger: Ledger) -> str | None:
        """See `Fleet`: each tenant is served by one of the workers, and each of them is listed as alive."""
        store = ledger.fleet()
        assert store is not None
        workers = [row for row in store.workers(stalled=self._stalled) if row.lives]
        nobody = [row.tenant for row in store.tenants(stalled=self._stalled) if row.worker is None]
        if len(workers) == self._count and not nobody:
            return None
        return f"{len(workers)} workers are listed of {self._count}; nobody serves {', '.join(nobody) or 'no tenant'}"

    def _missing(self) -> int:
        return self._count - len(self._services)

    def _started(self, out: IO[str]) -> warm_processes.Process:
        name = f"worker{len(self._logs)}"
        return self._warm(out, "worker", "--name", name, "-c", str(self._file))

    def _ended(self, service: Service, code: int, *, asked: bool) -> None:
        log_text = service.log.read_text(errors="replace")
        if (
            code == 1
            and "is temporarily unavailable" in log_text
            and "served by this worker from now on" not in log_text
        ):
            self.struck["started while there was no database"] += 1  # systemd starts it again
        else:
            super()._ended(service, code, asked=asked)
