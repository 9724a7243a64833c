"""Kills a process at each of a hook's calls to the outside: the effect of a power cut, on demand.

A call is outward if the connector's own code calls another library, or the part of Python that accesses databases and
sockets, and data is sent or received during it. Each kill is of a real process: a fresh interpreter that forks before
each call of the hook.
"""

import atexit
import contextlib
import importlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, MappingProxyType
from typing import IO, Any, cast

from shipperone_erp.connector.api import Connector, settings_type

WIRE = frozenset({"sqlite3", "_sqlite3", "socket", "_socket", "ssl", "_ssl", "http", "xmlrpc", "urllib", "subprocess"})
"""The modules of Python itself whose calls leave the process."""

DRIVERS = frozenset({"psycopg", "oracledb", "pyodbc", "pymssql", "MySQLdb", "asyncpg", "grpc"})
"""Libraries that access a server in compiled code, whose calls a profile function cannot see."""

QUIET = (sys.stdlib_module_names - WIRE) | {"shipperone_erp", "pydantic", "pydantic_core", "pluggy", "__main__"}

LIMIT = 300.0
"""Seconds for all the kills of one hook."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A call of the hook with this request, in a process that is killed at its n-th outward call (0: on its return)."""

    request: Any
    at: int


def can_kill() -> bool:
    """Whether processes can be forked here, and killed so that no more of their code runs."""
    return hasattr(os, "fork") and hasattr(signal, "SIGKILL")


class Outward:
    """A profile function that numbers the outward calls of one thread; at the n-th it kills the process.

    `talking`: the numbers of the calls during which data was sent or received.
    """

    def __init__(self, packages: frozenset[str], at: int | None = None) -> None:
        self._packages = packages
        self._at = at
        self._count = 0
        self._talking: set[int] = set()

    @property
    def talking(self) -> list[int]:
        """All calls, if their effects could not be observed."""
        return sorted(self._talking) or list(range(1, self._count + 1))

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            top = _top(frame)
            caller = frame.f_back
            if caller is not None and _top(caller) in self._packages and top not in QUIET | self._packages:
                self._next()
            if top in DRIVERS:
                self._talking.add(self._count)
        elif event == "c_call" and _module(called) in WIRE | DRIVERS:
            if _top(frame) in self._packages:
                self._next()
            self._talking.add(self._count)

    def _next(self) -> None:
        self._count += 1
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def _top(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _module(called: Any) -> str:
    owner = getattr(called, "__self__", None)
    name = type(owner).__module__ if owner is not None and not isinstance(owner, type(sys)) else called.__module__
    return str(name).partition(".")[0]


def packages_of(found: type[Connector[Any]]) -> frozenset[str]:
    """The top-level packages of the connector's classes."""
    tops = {base.__module__.partition(".")[0] for base in found.__mro__}
    return frozenset(tops - {"shipperone_erp", "builtins", "typing", "abc"})


def calls_of(connector: Connector[Any], hook: str, request: object) -> list[int]:
    """The outward calls of the hook; it is really called, with its effects."""
    counted = Outward(packages_of(type(connector)))
    failed: list[BaseException] = []

    def run() -> None:
        sys.setprofile(counted)
        try:
            getattr(connector, hook)(request)
        except BaseException as error:  # raised below, in the calling thread
            failed.append(error)
        finally:
            sys.setprofile(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT)
    if failed:
        raise failed[0]
    return counted.talking


def spread(calls: Sequence[int], at_most: int | None) -> list[int]:
    """The calls at which to kill, including the first and the last, and 0 for the return of the hook."""
    if at_most is None or len(calls) <= at_most:
        return [*calls, 0]
    step = (len(calls) - 1) / max(at_most - 1, 1)
    return [*(calls[round(number * step)] for number in range(at_most)), 0]


def kill(found: type[Connector[Any]], settings: Mapping[str, Any], hook: str, kills: Sequence[Kill]) -> list[bool]:
    """Make each of these calls in a process of its own; returns whether it was killed (False: it ended before)."""
    return _forker(os.getpid(), found.__module__, found.__qualname__, tuple(filter(None, sys.path))).kill(
        dict(settings), hook, list(kills)
    )


class _Forker:
    """A fresh interpreter that has imported the connector, and forks a process for each call of a hook.

    It is reused for all cases, since the import takes longer than the kills.
    """

    def __init__(self, module: str, name: str, path: tuple[str, ...]) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__, module, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )
        self._orders, self._answers = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self.usable = True
        atexit.register(self.close)

    def kill(self, settings: Mapping[str, Any], hook: str, kills: list[Kill]) -> list[bool]:
        limit = threading.Timer(LIMIT, self._process.kill)
        limit.daemon = True
        limit.start()
        try:
            self._orders.write(_pickled((settings, hook, kills)))
            self._orders.flush()
            struck: list[bool] = pickle.load(self._answers)  # noqa: S301
        except (EOFError, OSError) as error:
            self.close()
            self._stderr.seek(0)
            text = self._stderr.read().decode(errors="replace")[-800:]
            raise RuntimeError(f"the process that forks those to be killed has ended: {text}") from error
        finally:
            limit.cancel()
        return struck

    def close(self) -> None:
        """The interpreter ends at the end of its input."""
        self.usable = False
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=5)


_forkers: dict[tuple[int, str, str, tuple[str, ...]], _Forker] = {}


def _forker(process: int, module: str, name: str, path: tuple[str, ...]) -> _Forker:
    """The interpreter of this process; one inherited by a fork belongs to the parent."""
    found = _forkers.get((process, module, name, path))
    if found is None or not found.usable:
        found = _forkers[process, module, name, path] = _Forker(module, name, path)
    return found


def read_only(mapping: dict[str, Any]) -> MappingProxyType[str, Any]:
    """Recreates a request's `extra` on the other side."""
    return MappingProxyType(mapping)


class _Pickler(pickle.Pickler):
    """Pickles the read-only mappings in requests, which pickle does not support."""

    def reducer_override(self, value: Any) -> Any:
        return (read_only, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


def _pickled(order: object) -> bytes:
    written = io.BytesIO()
    _Pickler(written).dump(order)
    return written.getvalue()


def main() -> None:
    """The part in the fresh interpreter: one fork for each kill; no object of the connector is created before.

    Output of the connector goes to stderr; stdout is reserved for the answers.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, name = sys.argv[1:]
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    packages = packages_of(found)
    while True:
        try:
            settings, hook, kills = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            os._exit(0)
        validated = settings_type(found).model_validate(settings)
        pickle.dump([_struck(found, packages, validated, hook, one) for one in kills], answers)
        answers.flush()


def _struck(found: Any, packages: frozenset[str], settings: Any, hook: str, one: Kill) -> bool:
    child = os.fork()
    if child == 0:
        sys.setprofile(Outward(packages, one.at))
        try:
            getattr(found(settings, tenant="kit", log=None), hook)(one.request)
        finally:
            if one.at == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    # under its own name, which the pickled data refers to
    importlib.import_module("shipperone_erp.testing.kill_points").main()
