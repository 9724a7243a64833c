"""`run --once` killed by SIGKILL before its n-th change has reached Odoo, which gets it while the next process works."""

import subprocess
import sys
import threading
from collections.abc import Callable

import httpx

from shipperone_erp_odoo.fault_proxy import PATIENCE, Gate, changes
from world import World


class Holding(Gate):
    """Passes calls on. The one that it holds goes on once another change comes after it, so that the two race."""

    def __init__(self, target: str) -> None:
        self._turn = threading.Lock()
        self._left = 0
        self._then: Callable[[], object] = lambda: None
        self._held = ""
        self._go = threading.Event()
        super().__init__(target)

    def hold(self, number: int, then: Callable[[], object]) -> None:
        """Hold the change of that number, counted from now, and do `then`."""
        with self._turn:
            self._left, self._then, self._held, self._go = number, then, "", threading.Event()

    def let_go(self) -> None:
        """What is still held goes on."""
        self._go.set()

    @property
    def held(self) -> str:
        """The beginning of the call that was held."""
        return self._held

    def passed(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response | None:
        if changes(path, body):
            with self._turn:
                self._left -= 1
                if self._left == 0:
                    self._held = f"{path} {body.decode()[:300]}"
                    self._then()
                elif self._left < 0:
                    self._go.set()
                mine, go = self._left == 0, self._go
            if mine:
                go.wait(PATIENCE)
        return super().passed(method, path, headers, body)


def killed_with_a_call_on_its_way(world: World, gate: Holding, number: int, timeout: float) -> str | None:
    """The call that was on its way; None if the process made fewer changes, and ended well."""
    command = "from shipperone_erp.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "run", "--once", "--settle-for", "20s", "-c", str(world.write())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=world.process_environment(),
    ) as process:  # fmt: skip
        gate.hold(number, process.kill)
        try:
            _, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
    if gate.held:
        return gate.held
    assert process.returncode == 0, errors
    return None
