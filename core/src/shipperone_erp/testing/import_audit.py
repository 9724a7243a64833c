"""Records the side effects of a connector's import and creation, in a fresh interpreter. Run as a module, settings on
stdin.

Python's audit events report every file opened for writing, every connection, every process, regardless of the library.
Actions of a third-party library during its own import are ignored.
"""

import importlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from shipperone_erp.connector.api import settings_type

WORK = {
    "socket.connect": "connects to {1}",
    "socket.getaddrinfo": "looks up {0}",
    "socket.bind": "listens at {1}",
    "sqlite3.connect": "opens the database {0}",
    "subprocess.Popen": "starts {0}",
    "os.system": "runs {0}",
    "os.fork": "forks the process",
    "os.posix_spawn": "starts {0}",
    "os.mkdir": "makes the folder {0}",
    "os.remove": "removes {0}",
    "os.rename": "renames {0}",
}

LIMIT = 60.0
"""Seconds for an import and an `__init__`, on a slow machine."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The events in one of the two phases."""

    at_import: tuple[str, ...]
    in_init: tuple[str, ...]
    failed: str | None
    """The exception that ended it, or None."""


def watch(found: type[Any], settings: Mapping[str, Any] | None) -> Seen:
    """Import the class's module in a fresh interpreter, and create an instance, unless the settings are None."""
    order = (found.__module__, found.__qualname__, None if settings is None else dict(settings))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", __name__],
        input=pickle.dumps(order),
        capture_output=True,
        timeout=LIMIT,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return Seen((), (), lines[-1] if lines else f"the interpreter ended with {done.returncode}")
    seen: Seen = pickle.loads(done.stdout.rpartition(b"\0seen\0")[2])  # noqa: S301
    return seen


class _Watch:
    """The audit hook: records actions that the connector is responsible for."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.notes: list[str] | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.notes is None:
            return
        template = WORK.get(event)
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            template = "writes the file {0}"
        if template is not None and self._responsible(sys._getframe(1)):
            self.notes.append(template.format(*arguments))

    def _responsible(self, frame: FrameType | None) -> bool:
        """Whether the innermost module that is being imported, if any, is the connector's own."""
        while frame is not None:
            if frame.f_code.co_name == "<module>":
                name = str(frame.f_globals.get("__name__"))
                return name == "__main__" or name.partition(".")[0] == self._package
            frame = frame.f_back
        return True


def main() -> None:
    """The part that runs in the fresh interpreter."""
    module, name, settings = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    watch = _Watch(module.partition(".")[0])
    sys.addaudithook(watch)
    at_import: list[str] = []
    in_init: list[str] = []
    failed = None
    before = threading.active_count()
    try:
        watch.notes = at_import
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        if threading.active_count() > before:
            at_import.append("starts a thread")
        if settings is not None:
            before = threading.active_count()
            validated = settings_type(found).model_validate(settings)
            watch.notes = in_init
            found(validated, tenant="kit", log=None)
            if threading.active_count() > before:
                in_init.append("starts a thread")
    except BaseException as error:  # reported to the parent process
        failed = f"{type(error).__name__}: {error}"
    watch.notes = None
    sys.stdout.buffer.write(b"\0seen\0" + pickle.dumps(Seen(tuple(at_import), tuple(in_init), failed)))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    # under its own name, so that both sides use one class Seen
    importlib.import_module("shipperone_erp.testing.import_audit").main()
