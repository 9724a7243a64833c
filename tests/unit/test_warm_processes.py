"""What warm_processes forks behaves as a process of an interpreter of its own."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

import warm_processes

SCRIPT = """\
import atexit, sys, threading, time

def late():
    time.sleep(0.1)
    print("the thread has ended")

threading.Thread(target=late).start()
atexit.register(print, "at exit")
print("on stderr", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "end", ["", "sys.exit()", "sys.exit(3)", "sys.exit(300)", "sys.exit(True)", "sys.exit('a sentence')", "1 / 0"]
)
def test_it_ends_as_it_would_alone(end, tmp_path):
    """With its exit code, after its threads and its callbacks, and with all that it has printed."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + end)
    warm = warm_processes.run_script(str(script), env=os.environ)
    alone = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (warm.returncode, warm.stdout) == (alone.returncode, alone.stdout)
    assert warm.stderr.splitlines()[0] == alone.stderr.splitlines()[0]
    assert warm.stderr.splitlines()[-1] == alone.stderr.splitlines()[-1]


def test_a_signal_to_a_process_that_has_just_ended_is_none(tmp_path, monkeypatch):
    """Its end is known only once the server has reported it."""
    script = tmp_path / "script.py"
    script.write_text("")
    with tempfile.TemporaryFile() as printed:
        process = warm_processes.Process(str(script), env=os.environ, stdout=printed, stderr=printed)
        assert process.wait(60) == 0
        monkeypatch.setattr(process, "poll", lambda: None)
        process.send_signal(signal.SIGCONT)
