"""The command `shipperone-erp`. Its output for operators goes to stdout; messages and logs go to stderr."""

import gc
import sys

__all__ = ["main"]

INTERRUPTED = 130
"""The exit code after Ctrl-C (128 and the number of SIGINT), for commands that do not handle it themselves."""


def main() -> None:
    """The entry point: runs the command and ends with its exit code. Ctrl-C shows no traceback, however early."""
    try:
        gc.disable()  # it takes a fifth of the time of the imports, which leave no garbage
        from shipperone_erp.cli.app import main as command

        gc.freeze()  # nor looked through again, at the end of the process least of all
        gc.enable()
        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
