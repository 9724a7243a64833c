"""The output of `sql setup`: the recipe's tables or procedures, and a login with the fewest rights. It runs nothing."""

from dataclasses import replace

from shipperone_erp.tools import UsageError
from shipperone_erp_generic_sql.dialects import DIALECTS
from shipperone_erp_generic_sql.recipe import Recipe, recipe

HEAD = """\
-- {title}, way: {way}. Read it, change it to your tables, and run it as the owner of the ERP's database.
-- shipperone-erp does not run any of this.
"""

INDEXES = """\

-- The key must be unique wherever a statement stores it; this makes a second call harmless.
--   CREATE UNIQUE INDEX one_reservation ON your_reservations (the_column_that_holds_key);
--   CREATE UNIQUE INDEX one_line ON your_reservation_lines (the_column_that_holds_item_key);
--   CREATE UNIQUE INDEX one_invoice ON your_invoices (the_column_that_holds_key);
"""


def found(dialect: str, way: str) -> Recipe:
    """The recipe; MySQL uses MariaDB's. UsageError lists the recipes."""
    if dialect not in DIALECTS:
        raise UsageError(f"--dialect {dialect} is not one of {', '.join(DIALECTS)}")
    try:
        made = recipe(way, "mariadb" if dialect == "mysql" else dialect)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return replace(made, toml=made.toml.replace("mariadb://", "mysql://")) if dialect == "mysql" else made


def script(dialect: str, way: str) -> str:
    """The script."""
    made = found(dialect, way)
    head = HEAD.format(title=DIALECTS[dialect].title, way=way)
    if not DIALECTS[dialect].proven:
        head += "-- Not tested against such a server by this project: try it on a test database first.\n"
    tables = (
        f"\n-- Example tables for the statements of this way:\n\n{made.ddl}" if way in ("guarded", "documents") else ""
    )
    return "".join([head, tables, f"\n{made.setup}" if made.setup else "", INDEXES if way != "inbox" else "",
                    f"\n{made.grants}"])  # fmt: skip
