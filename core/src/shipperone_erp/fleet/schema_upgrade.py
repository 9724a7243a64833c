"""Creates and upgrades the fleet's tables, together with those of Procrastinate."""

from importlib import resources
from importlib.metadata import version

from shipperone_erp.ledger.fleet_store import FleetStore
from shipperone_erp.ledger.fleet_tables import OWN_FILES

WHOLE = "schema.sql"
"""The complete schema of the installed version of Procrastinate, for a new database instead of all migrations."""


def engine_version() -> str:
    """The installed version of Procrastinate."""
    return version("procrastinate")


def engine_files() -> list[str]:
    """The names of Procrastinate's migrations, in their sequence."""
    folder = resources.files("procrastinate.sql") / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def is_after(name: str) -> bool:
    """Whether it is a `post` file, which removes objects that an earlier version still uses."""
    return "_post_" in name


def prepare(store: FleetStore) -> list[str]:
    """Upgrade the tables to the installed version; returns the files run. LedgerError if older workers forbid it."""
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
