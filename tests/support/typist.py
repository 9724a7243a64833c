"""Somebody at a terminal: the command on a pseudo-terminal, its questions waited for and answered."""

import os
import pty
import re
import termios
from pathlib import Path

import pexpect
from pexpect import fdpexpect

import warm_processes


def environment(**more: str) -> dict[str, str]:
    """That of a terminal of 200 columns."""
    return {**os.environ, "COLUMNS": "200", "TERM": "dumb", "TZ": "Europe/Bratislava", **more}


class Typist:
    """Somebody at a terminal: waits for a question, answers it. The command is forked off a warm process."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 200))
        with os.fdopen(theirs, "rb+", buffering=0) as terminal:
            self.process = warm_processes.Process(
                warm_processes.COMMAND, *arguments, env=env or environment(), cwd=folder,
                stdin=terminal, stdout=terminal, stderr=terminal,
            )  # fmt: skip
        self.child: pexpect.spawnbase.SpawnBase = fdpexpect.fdspawn(ours, encoding="utf-8", timeout=30)
        self.seen = ""

    def answers(self, question: str, answer: str) -> str:
        """What was shown since the last answer."""
        self.waits_for(question)
        shown = self.child.before
        self.child.sendline(answer)
        self.seen += shown
        return shown

    def waits_for(self, *questions: str) -> int:
        """Which of them is asked, by its place."""
        found: int = self.child.expect([rf"\n{re.escape(one)}( \[[^\]]*\])?: " for one in questions])
        return found

    def ends(self) -> str:
        """What was shown last; the exit code is in `code`."""
        self.child.expect(pexpect.EOF)
        self.code = self.process.wait(30)
        self.seen += self.child.before
        return self.child.before
