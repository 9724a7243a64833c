"""`run` as a service in a process of its own, beside the test."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import warm_processes
from places import SUPPORT
from shipperone_erp.sandbox import SandboxOrder

SCRIPT = SUPPORT / "stopping_run.py"


def order(order_id="FO-1", sku="MUG"):
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"))


class Service:
    """A running service and its log. `cold`: with an interpreter and a command line of its own."""

    def __init__(self, world, stop_within: float = 25.0, *, cold: bool = False) -> None:
        world.write()
        self.log = world.folder / f"service-{time.monotonic_ns()}.log"
        with self.log.open("w") as out:
            arguments = (str(stop_within), "run", "-c", str(world.file))
            environment = world.process_environment()
            if cold:
                command = [sys.executable, str(SCRIPT), *arguments]
                self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
            else:
                self.process = warm_processes.Process(str(SCRIPT), *arguments, env=environment, stdout=out, stderr=out)

    @property
    def logged(self) -> str:
        return self.log.read_text()

    def stop(self, within: float = 60.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within)


@contextmanager
def service(world, stop_within: float = 25.0):
    running = Service(world, stop_within)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def until(true, seconds=60.0):
    """Return once it is true. A test that passes waits no longer than that takes, so a busy machine has time enough."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.05)


def at_rest(value, seconds=2.0, within=60.0):
    """What it is once it has not changed for so long."""
    ends = time.monotonic() + within
    seen, since = value(), time.monotonic()
    while time.monotonic() - since < seconds:
        assert time.monotonic() < ends, "it never came to rest"
        time.sleep(0.05)
        if (now := value()) != seen:
            seen, since = now, time.monotonic()
    return seen
