"""Making and upgrading the fleet's tables, and those of Procrastinate beside them."""

from importlib import resources
from importlib.metadata import version

from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.fleet_tables import OWN_FILES

WHOLE = "schema.sql"
"""Procrastinate's tables as its installed version has them: what a new database gets, in place of every migration."""


def engine_version() -> str:
    """The installed version of Procrastinate."""
    return version("procrastinate")


def engine_files() -> list[str]:
    """The names of Procrastinate's migrations, in their order."""
    folder = resources.files("procrastinate.sql") / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def is_after(name: str) -> bool:
    """A `post` file removes what an earlier version still uses."""
    return "_post_" in name


def prepare(store: FleetStore) -> list[str]:
    """Bring the tables to the installed version; the files that were run. LedgerError if older workers forbid it."""
    sql = resources.files("procrastinate.sql")
    installed = engine_version()
    names = engine_files()
    if not store.exists():
        whole = (WHOLE, (sql / WHOLE).read_text(encoding="utf-8"))
        return store.apply([whole, *OWN_FILES], version=installed, covers=names)
    files = [(name, (sql / "migrations" / name).read_text(encoding="utf-8")) for name in names]
    return store.apply(
        [*OWN_FILES, *files], version=installed, held_back=[name for name in names if is_after(name)]
    )  # fmt: skip
