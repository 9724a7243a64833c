"""The gate in front of the honest ERP: a login, and what can be wrong with it, by the words of a file beside the ERP's."""

import sqlite3
import time
from pathlib import Path

PASSWORD = "honest-erp-password"


class CommitFailed(Exception):
    """The ERP rolled the change back."""


def pass_gate(gate: Path, password: str, patience: float) -> None:
    """As a connection to a server: refused, silent until one gives up, or open to whoever knows the password."""
    state = gate_state(gate)
    if state == "down":
        raise ConnectionRefusedError("connection refused")
    if state == "silent":
        time.sleep(patience)
        raise TimeoutError(f"no answer within {patience:g} s")
    if password != PASSWORD:
        raise PermissionError("wrong password")


def gate_state(gate: Path) -> str:
    """What is wrong with the gate; nothing if it is open."""
    return gate.read_text() if gate.exists() else ""


def commit(erp: sqlite3.Connection, gate: Path) -> None:
    """The change is made; with a gate that loses an answer, the answer does not arrive."""
    if gate_state(gate) == "failing":
        erp.execute("ROLLBACK")
        gate.unlink()
        raise CommitFailed("no space left on device")
    erp.execute("COMMIT")
    if gate_state(gate) == "lossy":
        gate.unlink()
        raise ConnectionResetError("connection reset by peer")
