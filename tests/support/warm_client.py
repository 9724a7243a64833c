"""The command `shipperone-erp` as a shell calls it, in a process that warm_processes forks: no second of imports a call.

Run without `site` (python -SE), so that the start of this one costs next to nothing. The process has this one's
arguments, environment, folder, umask and files; signals are passed on to it, and this one ends as it does.
"""

import json
import os
import signal
import socket
from collections.abc import Mapping, Sequence


def call(address: str, argv: Sequence[str], env: Mapping[str, str], cwd: str, files: Sequence[int]) -> socket.socket:
    """Have a process forked. `files`: its stdin, stdout and stderr. Its id is the first line that can be received."""
    umask = os.umask(0o077)
    os.umask(umask)
    message = json.dumps({"argv": list(argv), "env": dict(env), "cwd": cwd, "umask": umask}).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    socket.send_fds(connection, [len(message).to_bytes(4, "big")], list(files))
    connection.sendall(message)
    return connection


def main(address: str, argv: Sequence[str]) -> None:
    """Run it to its end, and end as it did."""
    lines = call(address, argv, os.environ, os.getcwd(), (0, 1, 2)).makefile()
    process = int(lines.readline())

    def pass_on(number: int, _: object) -> None:
        try:  # noqa: SIM105 - to import contextlib takes longer than all of this
            os.kill(process, number)
        except ProcessLookupError:
            pass  # it has ended, and the server has yet to report it

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    ended = int(lines.readline())
    if ended < 0:
        signal.signal(-ended, signal.SIG_DFL)
        os.kill(os.getpid(), -ended)
    os._exit(ended)
