"""A connector whose module works, and then fails, when it is imported."""

import sqlite3
import tempfile
from typing import ClassVar

from honest_erp import HonestConnector

sqlite3.connect(f"{tempfile.gettempdir()}/hostile-at-import.db").close()


class WorksAtImport(HonestConnector):
    """Looks at its database while it is imported."""

    caught_by: ClassVar[str] = "L2"
