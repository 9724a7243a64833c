"""Complete, tested sets of statements, to start from."""

from dataclasses import dataclass
from importlib.resources import files

PLACEHOLDER = "tenants.acme"


@dataclass(frozen=True, slots=True)
class Recipe:
    """`ddl`: the tables that the statements are about. `toml`: the settings, for a tenant named acme."""

    ddl: str
    toml: str

    def for_tenant(self, name: str) -> str:
        """The settings for another tenant's name."""
        return self.toml.replace(f"[{PLACEHOLDER}.", f"[tenants.{name}.")


def recipe(name: str) -> Recipe:
    """The recipe of that name; `sqlite`: guarded statements on tables of one's own. ValueError if there is none."""
    folder = files(__package__) / "recipes" / name
    if not folder.is_dir():
        known = sorted(entry.name for entry in (files(__package__) / "recipes").iterdir())
        raise ValueError(f"there is no recipe {name}; there are {', '.join(known)}")
    return Recipe((folder / "erp.sql").read_text("utf-8"), (folder / "tenant.toml").read_text("utf-8"))
