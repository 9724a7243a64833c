"""What a serving process asks of the C library, so that its memory stays as large as its objects."""

import platform
import subprocess
import sys

import pytest

EIGHT_THREADS = """
import ctypes, sys, threading
from shipperone_erp.engine.process_settings import keep_memory_together

if sys.argv[1] == "together":
    keep_memory_together()
gate = threading.Barrier(8)

def work():
    gate.wait()
    for _ in range(50):
        bytes(60_000)
    gate.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc gives each thread an arena: run it on such a Linux"
)
def test_all_threads_share_two_arenas(tmp_path):
    arenas = {}
    for way in ("apart", "together"):
        written = tmp_path / way
        subprocess.run([sys.executable, "-c", EIGHT_THREADS, way, str(written)], check=True, timeout=60)
        arenas[way] = written.read_text().count("<heap nr")
    assert arenas["apart"] > 2
    assert arenas["together"] <= 2
