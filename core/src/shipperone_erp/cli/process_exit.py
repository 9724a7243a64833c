"""Ends the process even if a thread of a connector is still running."""

import logging
import os
import signal
import sys
import threading
import time
from typing import NoReturn

GRACE = 2.0
"""Seconds for other threads to end. Python itself would wait for them without a limit."""


def leave(code: int) -> NoReturn:
    """End with that exit code, once other threads have ended or the time limit has passed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends soon; Ctrl-C would only print a traceback
    ends = time.monotonic() + GRACE
    for thread in _others():
        thread.join(max(0.0, ends - time.monotonic()))
    if remaining := _others():
        from shipperone_erp.cli.options import say

        names = ", ".join(sorted({thread.name for thread in remaining}))
        say(f"{len(remaining)} thread(s) started by a connector did not end: {names}")
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _others() -> list[threading.Thread]:
    """The threads for which the interpreter would wait."""
    return [
        thread
        for thread in threading.enumerate()
        if thread is not threading.current_thread() and not thread.daemon and thread.is_alive()
    ]
