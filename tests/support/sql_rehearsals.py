"""The runs of a rehearsal of `sql check`, forked off a process that has imported everything already."""

import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

import warm_processes
from shipperone_erp_generic_sql.checking import rehearsal, rehearsed_run

SCRIPT = str(Path(rehearsed_run.__file__))


class Warm:
    """What a rehearsal needs of `subprocess.Popen`."""

    def __init__(self, arguments: list[str]) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as out:
            self._process = warm_processes.Process(SCRIPT, *arguments, env=os.environ, stdout=out, stderr=self._stderr)
        self.returncode: int | None = None

    def communicate(self, timeout: float | None = None) -> tuple[None, str]:
        self.returncode = self._process.wait(timeout)
        self._stderr.seek(0)
        with self._stderr as stderr:
            return None, stderr.read().decode()

    def kill(self) -> None:
        """From any thread, also while another one waits for it."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)


@pytest.fixture
def warm_rehearsals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "started", Warm)
