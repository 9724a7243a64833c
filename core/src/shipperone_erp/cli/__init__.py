"""The command `shipperone-erp`. What it prints for people goes to stdout; messages and logs to stderr."""

import gc
import sys

__all__ = ["main"]

INTERRUPTED = 130
"""The exit code of Ctrl-C (128 and the number of SIGINT), where a command does not end by it in an orderly way."""


def main() -> None:
    """The entry point: runs the command and ends with its exit code. Ctrl-C shows no traceback, however early."""
    try:
        gc.disable()  # a fifth of the time of the imports goes there, and nothing of theirs is garbage
        from shipperone_erp.cli.app import main as command

        gc.freeze()  # nor looked through again, at the end of the process least of all
        gc.enable()
        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
