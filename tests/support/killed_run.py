"""`run --once` with a ledger that kills or stops its own process before or after its n-th commit. For tests of these.

python killed_run.py CONFIG (before|after) N (SIGKILL|SIGSTOP)
"""

import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from counting_erp import TRANSACTION

from shipperone_erp.cli.run import run_once
from shipperone_erp.config import load
from shipperone_erp.engine.selection import Selection
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import Entry


class KillingLedger(Ledger):
    """Counts commits; the n-th is the last thing that this process does, or the first that it does not."""

    when = ""
    left = 0
    signal = signal.SIGKILL

    def commit(self, batch: Sequence[Entry]) -> None:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            self.strike()
        super().commit(batch)
        if self.left == 0 and self.when == "after":
            print(" ".join(type(write).__name__ for entry in batch for write in entry.writes), flush=True)
            self.strike()

    def strike(self) -> None:
        # between two transactions, of the ledger and of the ERP: a process that is frozen inside one keeps a SQLite file
        # locked; to this very thread, which would else run on into its own until the main thread has got the signal
        with self._turn, TRANSACTION:
            signal.pthread_kill(threading.get_ident(), self.signal)


def opened(url: str) -> Ledger:
    ledger = KillingLedger.open(url, migrate=True)
    ledger.when, ledger.left = sys.argv[2], int(sys.argv[3])
    ledger.signal = signal.Signals[sys.argv[4]]
    return ledger


if __name__ == "__main__":
    configuration = load(Path(sys.argv[1]))
    sys.exit(run_once(configuration, [], Selection(), timedelta(seconds=6), open_ledger=opened))
