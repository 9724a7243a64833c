"""A new SQLite ledger, migrated once for a test process and copied from then on."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from shipperone_erp.ledger.repository import Ledger


def place(file: Path) -> None:
    """Put an empty ledger of this version there, as a first `run` leaves it; nothing where a file of one exists.

    What a first run does on a database without tables is the subject of tests/integration/ledger/test_opening.py.
    """
    if not any(file.parent.glob(f"{file.name}*")):
        shutil.copy(_migrated(), file)


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "ledger.db"
    Ledger.open(f"sqlite:///{file}", migrate=True).close()
    assert [found.name for found in folder.iterdir()] == [file.name], "a part of it is beside it"
    return file
