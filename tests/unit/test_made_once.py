"""What is made once for a test run is made by one of its processes, and found whole by the others."""

import os
import subprocess
import sys

import pytest

from made_once import VARIABLE, copied, made_once
from places import SUPPORT

MAKER = """
import os, sys, time
from made_once import made_once

def make(folder):
    folder.mkdir()
    time.sleep(0.2)  # another process that did not wait would find it without its file, or make it again
    (folder / str(os.getpid())).touch()

print(*[file.name for file in made_once("slow", make).iterdir()])
"""


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))


def test_of_several_processes_one_makes_it_and_all_find_it_whole():
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    started = [
        subprocess.Popen([sys.executable, "-S", "-c", MAKER], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    found = [process.communicate(timeout=60)[0] for process in started]
    assert len(set(found)) == 1
    assert found[0].strip() in {str(process.pid) for process in started}


def test_after_a_failure_it_is_made_again_from_nothing(tmp_path):
    def fails(folder):
        folder.mkdir()
        (folder / "half").touch()
        raise RuntimeError("no space")

    with pytest.raises(RuntimeError, match="no space"):
        made_once("thing", fails)
    assert list(made_once("thing", lambda folder: folder.mkdir()).iterdir()) == []


def test_a_copy_has_the_modes_of_the_files(tmp_path):
    def make(folder):
        folder.mkdir()
        (folder / "private").touch(0o600)

    copied(made_once("modes", make), tmp_path)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
