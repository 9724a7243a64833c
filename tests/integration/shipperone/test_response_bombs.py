"""One tenant's server sends bombs: the process stays small, serves the other tenant, and stops on request."""

import gzip
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import psutil
import pytest

from places import SUPPORT
from scripted import Reply, Request, ScriptedServer, http
from world import World

SCRIPT = SUPPORT / "stopping_run.py"
MIB = 1024 * 1024
MOST_MEMORY = 400 * MIB
LONGEST_SILENCE = 25.0

TENANT = """
[tenants.bomb]
base_url = "{base_url}"
token = {{ env = "ACME_TOKEN" }}
connector = "counting"
poll_interval = "0.2s"
[tenants.bomb.counting]
database = "{database}"
"""

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(server: ScriptedServer, piece: bytes) -> Reply:
    server.drip([CHUNKED], every=0)
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    while True:
        server.drip([chunk], every=0)


BOMBS: dict[str, Callable[[ScriptedServer, Request], Reply]] = {
    "600 kB of <title": lambda server, request: http(500, b"<title" * 100_000, kind="text/html"),
    "gzip that holds a thousand times its size": lambda server, request: http(200, gzipped(), Content_Encoding="gzip"),
    "200 MB of rows": lambda server, request: endless(server, b"[" + b'{"order_id":1},' * 4000),
}


@cache
def gzipped() -> bytes:
    """Made once, before the first request: it takes seconds."""
    return gzip.compress(b"[" + b" " * (300 * MIB), 6)


@pytest.mark.case("H8")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_of_one_tenant_leaves_the_process_small_and_the_other_tenant_served(world: World, bomb: str) -> None:
    gzipped()
    calls: list[float] = []

    def healthy(request: Request) -> Reply:
        calls.append(time.monotonic())
        return http(200, "[]")

    bombed: list[float] = []

    def hostile(request: Request) -> Reply:
        bombed.append(time.monotonic())
        return BOMBS[bomb](server, request)

    server, other = ScriptedServer(hostile), ScriptedServer(healthy)
    world.settings |= {"base_url": f'"{other.base_url}"', "poll_interval": '"0.2s"'}
    world.more = TENANT.format(base_url=server.base_url, database=world.erp.file)
    world.write()
    log = world.folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), "3", "run", "-c", str(world.file)],
            stdout=out, stderr=out, env=world.process_environment(),
        )  # fmt: skip
    most = 0
    try:
        seen = psutil.Process(process.pid)
        ends = time.monotonic() + 120
        while len(bombed) < 2 or time.monotonic() < bombed[0] + 2:
            assert time.monotonic() < ends, log.read_text()[-2000:]
            most = max(most, seen.memory_info().rss)
            time.sleep(0.02)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            assert time.monotonic() < asked + 60, "SIGTERM is not obeyed"
            most = max(most, seen.memory_info().rss)
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
        server.close()
        other.close()
    during = [bombed[0], *(at for at in calls if at > bombed[0]), asked]
    silence = max(after - before for before, after in pairwise(during))
    assert most < MOST_MEMORY, f"{most / MIB:.0f} MiB"
    assert silence < LONGEST_SILENCE
