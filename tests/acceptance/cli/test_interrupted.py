"""Ctrl-C shows no traceback, whenever it comes; the actor of an action is the process's effective user."""

import os
import pwd
import signal
import subprocess
import sys
import time

import pytest

from shipperone_erp.operations.actors import actor
from world import World

COMMAND = [sys.executable, "-c", "from shipperone_erp.cli import main; main()"]


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.0])
def test_ctrl_c_while_a_command_is_starting_shows_no_traceback(seconds):
    # the interpreter itself has started once this is written
    started = [sys.executable, "-c", "print(1, flush=True); from shipperone_erp.cli import main; main()", "explain"]
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "1\n"
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        _, printed = running.communicate(timeout=60)
    assert "Traceback" not in printed
    assert running.returncode in (0, 130)


def test_ctrl_c_while_the_erp_does_not_answer_ends_the_command_without_a_traceback(world: World):
    world.settings["connector"] = '"counting_lists"'
    world.erp.script("list_documents", "hang", times=9)
    world.write()
    line = [*COMMAND, "reconcile", "acme", "-c", str(world.file)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=world.process_environment()) as running:
        time.sleep(4)
        running.send_signal(signal.SIGINT)
        _, printed = running.communicate(timeout=30)
    assert "Traceback" not in printed
    assert running.returncode in (1, 130)


def test_the_actor_is_the_user_of_the_process_not_of_the_environment(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "the-chief")
    assert actor() == pwd.getpwuid(os.geteuid()).pw_name


def test_an_actor_without_a_name_is_its_number(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 424242)
    assert actor() == "uid 424242"
