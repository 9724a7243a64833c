"""Complete, tested sets of statements to start from: four ways, for each dialect in which they make sense."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

PLACEHOLDER = "tenants.acme"
WAYS = ("inbox", "procedures", "guarded", "documents")
"""Sorted from the way that grants this connector the fewest rights to the way that grants it the most."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A set of statements with its set-up.

    `toml`: the settings, for a tenant named acme. `ddl`: the ERP's tables, if they are an example. `setup`: the objects
    to create in the merchant's database. `grants`: the smallest set of rights for the login. `answer`: for an inbox, a
    program of the ERP's side that answers it, if one exists.
    """

    toml: str
    ddl: str
    setup: str
    grants: str
    answer: str = ""

    def for_tenant(self, name: str) -> str:
        """The settings with another tenant's name."""
        return self.toml.replace(f"[{PLACEHOLDER}.", f"[tenants.{name}.")


def recipe(way: str, dialect: str) -> Recipe:
    """The recipe of that way for that dialect. ValueError, with the list of recipes, if there is none."""
    folder = files(__package__) / "recipes" / way / dialect
    if not folder.is_dir():
        known = ", ".join(f"{way} on {dialect}" for way, dialect in available())
        raise ValueError(f"there is no recipe {way} on {dialect}; there are {known}")
    ddl = (
        folder / "erp.sql" if way != "procedures" else files(__package__) / "recipes" / "guarded" / dialect / "erp.sql"
    )
    return Recipe(
        (folder / "tenant.toml").read_text("utf-8"),
        _text(ddl),
        _text(folder / "setup.sql"),
        _text(folder / "grants.sql"),
        _text(folder / "answer.sql"),
    )


def available() -> list[tuple[str, str]]:
    """Every recipe as a pair of way and dialect."""
    top = files(__package__) / "recipes"
    return [(way, folder.name) for way in WAYS for folder in sorted((top / way).iterdir(), key=lambda f: f.name)]


def _text(file: Traversable) -> str:
    return file.read_text("utf-8") if file.is_file() else ""
