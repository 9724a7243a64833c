"""Real processes without the second in which an interpreter imports everything: each is forked off one that has done so.

    done = run("status", "--json", env=environment)            the command, as `subprocess.run` would answer
    done = run_script(script, "before", "3", env=environment)  a script of the tests
    process = Process(script, env=environment, stdout=file, stderr=file)  one that runs beside the test
    folder = command_for_shells()                              to be put before a shell's PATH

The first call of a test process starts a server (this file as a script) that imports core and waits. A process that it
forks has a process id of its own, the caller's environment, folder and pipes, and can be killed like any other.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import warm_client

COMMAND = "-c"
"""In place of a script: the command `shipperone-erp`."""


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, timeout: float = 60
) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own. TimeoutExpired as from `subprocess.run`; the process is then killed."""
    return run_script(COMMAND, *arguments, env=env, cwd=cwd, timeout=timeout)


def run_script(
    script: str, *arguments: str, env: Mapping[str, str], cwd: Path | None = None, timeout: float = 60
) -> "subprocess.CompletedProcess[str]":
    """A Python script in a process of its own; `returncode` is negative where a signal ended it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Process(script, *arguments, env=env, cwd=cwd, stdout=out, stderr=err)
        try:
            returncode = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess([script, *arguments], returncode, *texts)


class Process:
    """A Python script, or the command, that runs beside the test. Its methods are those of `subprocess.Popen`."""

    def __init__(
        self,
        script: str,
        *arguments: str,
        env: Mapping[str, str],
        stdout: IO,
        stderr: IO,
        stdin: IO | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.args = [script, *arguments]
        self.returncode: int | None = None
        self._received = b""
        with open(os.devnull) as nothing:
            files = [(stdin or nothing).fileno(), stdout.fileno(), stderr.fileno()]
            self._connection = warm_client.call(_server(), self.args, env, str(cwd or Path.cwd()), files)
        self.pid = int(self._answer(None))

    def _answer(self, timeout: float | None) -> str:
        """A line of the server; TimeoutError if it does not come in time."""
        self._connection.settimeout(timeout)
        while b"\n" not in self._received:
            received = self._connection.recv(64)
            if not received:
                raise ConnectionError("the server of warm processes has ended")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line.decode()

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            try:
                self.returncode = int(self._answer(timeout))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0.001)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the server has yet to report it
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def command_for_shells() -> Path:
    """A folder with the command `shipperone-erp`, each call of which is forked off the server."""
    folder = Path(_server()).parent
    command = folder / "shipperone-erp"
    lines = [
        f"#!{sys.executable} -SE", "import sys", f"sys.path.insert(0, {str(Path(__file__).parent)!r})",
        "import warm_client", f"warm_client.main({_server()!r}, [{COMMAND!r}, *sys.argv[1:]])",
    ]  # fmt: skip
    command.write_text("\n".join(lines) + "\n")
    command.chmod(0o755)
    return folder


@cache
def _server() -> str:
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    address = str(Path(folder.name) / "socket")
    server = subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def stop() -> None:
        server.kill()
        server.wait()
        folder.cleanup()

    atexit.register(stop)
    while not Path(address).exists():
        assert server.poll() is None, "the server of warm processes has ended"
        time.sleep(0.01)
    return address


def serve(address: str) -> list[str]:
    """Fork a process for each call; returns only in such a process, with what it is to run."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(16)
    os.rename(f"{address}.new", address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    test_process = os.getppid()
    listener.settimeout(5)
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            if os.getppid() != test_process:
                os._exit(0)  # the tests were killed
            continue
        if os.fork():
            connection.close()
            continue
        listener.close()
        connection.settimeout(None)
        return _called(connection)


def _called(connection: socket.socket) -> list[str]:
    """In the child, which waits for its own child and reports how that ended: returns in the latter."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, files, _, _ = socket.recv_fds(connection, 4, 3)
    message = b""
    while len(message) < int.from_bytes(length, "big"):
        message += connection.recv(65536)
    called = json.loads(message)
    process = os.fork()
    if process:
        connection.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    connection.close()
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell that starts the tests in the background ignores it
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.umask(called["umask"])
    os.chdir(called["cwd"])
    os.environ.clear()
    os.environ.update(called["env"])
    time.tzset()
    sys.path[1:1] = [place for place in called["env"].get("PYTHONPATH", "").split(os.pathsep) if place]
    return list(called["argv"])


def _end_at_once() -> None:
    """The last step of a process whose exit code is known, after its threads and what it has registered with `atexit`.

    Python would then take apart all that was imported, and so copy the memory that it shares with the server: half of
    the CPU of a short command.
    """
    if exit_code is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)


if __name__ == "__main__":
    exit_code: int | None = None
    atexit.register(_end_at_once)  # before anything else is registered: what is registered first is called last

    # what the command imports when it runs, and nothing else: connectors and policies are found by each process
    import alembic.command  # noqa: F401 (of a run that makes its ledger)
    import typer.main

    import shipperone_erp.cli.failures
    import shipperone_erp.cli.process_exit
    import shipperone_erp.engine.runtime  # noqa: F401
    from shipperone_erp.cli.app import app

    for library in ("psycopg", "procrastinate"):  # of a ledger on PostgreSQL, and of a worker
        with suppress(ImportError):
            importlib.import_module(library)
    for group in typer.main.get_command(app).commands.values():  # every command, imported
        getattr(group, "commands", None)

    # a collection in a forked process would look through all of that, and copy each page that it touches: a command
    # costs a sixth of the CPU without it
    gc.collect()
    gc.freeze()
    sys.argv = serve(sys.argv[1])
    try:
        if sys.argv[0] == COMMAND:
            from shipperone_erp.cli import main

            main()
        else:
            sys.path[0] = str(Path(sys.argv[0]).parent)
            runpy.run_path(sys.argv[0], run_name="__main__")
        exit_code = 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):  # else Python prints it
            exit_code = end.code or 0
        raise
