"""The command `shipperone-erp`. What it prints for people goes to stdout; messages and logs to stderr."""

from shipperone_erp.cli.app import main

__all__ = ["main"]
