"""`sql init --from-database`: a commented TOML to start from, with tables that resemble those the steps need.

Only names are read, no rows. It contains no active statements: each is a comment until the merchant has checked it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Inspector, inspect

from shipperone_erp_generic_sql.database import Database

LOOKS_LIKE = {
    "products": r"product|article|artikel|goods|\bitem(s|_master)?\b|sku|material|^parts?$",
    "stock": r"stock|inventory|on_?hand|quant|lager|warehouse",
    "orders": r"order|commande|auftrag|sale|allocation|reserv",
    "invoices": r"invoice|facture|rechnung|bill|^ar$|(^|_)(tax|vat|tva)",
    "number ranges": r"range|counter|sequence|series|number",
}
AT_MOST = 12
"""The largest number of tables listed of one kind; more matches mean that the names distinguish too little."""


SKELETON = """\
# --- statements to write; :key stands under a unique index of a column of your own --------------------------------

# [[tenants.TENANT.generic_sql.find_reservation]]
# sql = "SELECT id AS reference, 'live' AS state FROM ORDERS WHERE your_key_column = :key"

# [[tenants.TENANT.generic_sql.available]]
# sql = "SELECT on_hand - reserved FROM STOCK WHERE sku = :sku AND warehouse = :item_warehouse_code"

# [[tenants.TENANT.generic_sql.reserve]]
# sql = "INSERT INTO ORDERS (your_key_column) VALUES (:key)"

# [[tenants.TENANT.generic_sql.find_invoice]]
# sql = "SELECT id AS reference, state, number FROM INVOICES WHERE your_key_column = :key"

# [[tenants.TENANT.generic_sql.issue_invoice]]
# sql = "INSERT INTO INVOICES (your_key_column) VALUES (:key)"
"""


@dataclass(frozen=True)
class Table:
    """A table's name and its columns; `unique` are the columns with a unique index of their own."""

    name: str
    columns: Sequence[str]
    unique: frozenset[str]

    def __str__(self) -> str:
        named = (f"{name} (unique)" if name in self.unique else name for name in self.columns)
        return f"{_safe(self.name)}: {', '.join(_safe(name) for name in named)}"


Tables = Mapping[str, Sequence["Table"]]
"""The tables of a database, by the kind that their names suggest."""


def tables_of(database: Database) -> tuple[int, Tables]:
    """The number of tables, and those that resemble the tables the steps need."""
    tables = list(_tables(inspect(database.engine)))
    found = {
        kind: [table for table in tables if re.search(pattern, table.name, re.IGNORECASE)][:AT_MOST]
        for kind, pattern in LOOKS_LIKE.items()
    }
    return len(tables), found


def started(
    database: Database, tenant: str, password: str | None, chosen: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The TOML's text. `password`: the TOML expression for it; `chosen`: a table for each kind of `TO_WRITE`."""
    count, found = tables_of(database)
    lines = [
        f"# Started from {_safe(database.name)}: {count} tables. Tables that may belong to the steps are listed.",
        "# Compare them with your ERP's documentation, write the statements, then: shipperone-erp sql check " + tenant,
        "",
        f"[tenants.{tenant}.generic_sql]",
        f'url = "{database.settings.url}"',
        *([f"password = {password}"] if password else []),
    ]
    for kind, likely in found.items():
        lines += ["", f"# --- {kind}: " + ("candidates" if likely else "no table with a matching name")]
        lines += [f"# {table}" for table in likely]
    return "\n".join([*lines, "", _skeleton(tenant, found, chosen)])


TO_WRITE = ("stock", "orders", "invoices")
"""The kinds of tables that the statements to write are about."""


def _skeleton(tenant: str, found: Tables, chosen: Mapping[str, str]) -> str:
    text = SKELETON.replace("TENANT", tenant)
    for kind in TO_WRITE:
        text = text.replace(kind.upper(), _safe(chosen.get(kind) or likely(found[kind]) or f"your_{kind}"))
    return text


def likely(tables: Sequence[Table]) -> str | None:
    """The table with the shortest name: probably the document itself and not its lines."""
    return min((table.name for table in tables), key=len, default=None)


def _tables(inspector: Inspector) -> Iterator[Table]:
    for name in sorted(inspector.get_table_names()):
        keys: list[Sequence[str | None]] = [inspector.get_pk_constraint(name)["constrained_columns"]]
        keys += [one["column_names"] for one in inspector.get_unique_constraints(name)]
        keys += [one["column_names"] for one in inspector.get_indexes(name) if one.get("unique")]
        single = frozenset(str(columns[0]) for columns in keys if len(columns) == 1)
        yield Table(name, [str(column["name"]) for column in inspector.get_columns(name)], single)


def _safe(name: str) -> str:
    """A name that is safe inside a comment."""
    return re.sub(r"[^\w.$:/@() -]", "?", name)
