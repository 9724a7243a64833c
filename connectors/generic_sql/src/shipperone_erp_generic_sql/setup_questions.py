"""The questions of `init` about a database: its address, its password, and the statements to start from."""

import re
from collections.abc import Iterator
from typing import Any

from shipperone_erp import Option, Question, Setup, SetupDone
from shipperone_erp_generic_sql import address
from shipperone_erp_generic_sql.checking.toml_draft import TO_WRITE, likely, started, tables_of
from shipperone_erp_generic_sql.checks import opens
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.recipe import available, recipe
from shipperone_erp_generic_sql.settings import GenericSqlSettings

OWN = "own"
SAYS = {
    "inbox": "rows in a table that the ERP's side answers: fewest grants",
    "procedures": "stored procedures of the ERP are called",
    "guarded": "statements on stock, reservation and invoice tables; the ERP has no drafts",
    "documents": "the same with drafts of invoices",
    OWN: "your own tables: a file for your own statements",
}
PASSWORD = '"secret:password"'  # noqa: S105  # the name of where it is kept
"""A placeholder; core replaces it with the place where the password is kept."""


def ask(setup: Setup) -> Question | SetupDone:
    """The next question, or the settings."""
    return next(_questions(setup), None) or _done(setup)


def _questions(setup: Setup) -> Iterator[Question]:
    yield from _missing(
        setup, "url", "address of the ERP's database",
        "Without its password: sqlite:///erp.db (beside the TOML), postgresql://user@host/database, mariadb://…, "
        "mysql://…, mssql://…, oracle://…",
    )  # fmt: skip
    url, typed = address.take_password(setup.text("url") or "")
    if typed is not None:
        raise ValueError("leave the password out of the address; you are asked for it next, without echo")
    dialect = address.dialect_of(url)
    if dialect.url != "sqlite":
        yield from _missing(setup, "password", "password of that user", default="", secret=True)
    database = _opened(setup)
    try:
        count, found = tables_of(database)
        ways = [way for way, served in available() if served == dialect.url or (served, dialect.url) == MYSQL]
        kinds = [f"{kind}: {', '.join(table.name for table in tables)}" for kind, tables in found.items() if tables]
        yield from _missing(
            setup, "recipe", "statements to start from", "Each set is complete and tested, with its own tables.",
            "\n".join([f"{database.name} opens; it has {count} table(s)", *kinds]), default="inbox",
            options=tuple(Option(way, SAYS[way]) for way in (*ways, OWN)),
        )  # fmt: skip
        if setup.text("recipe") == OWN:
            for kind in TO_WRITE:
                options = tuple(Option(table.name, ", ".join(table.columns[:6])) for table in found[kind])
                yield from _missing(
                    setup, f"{kind}_table", f"table with the {kind}", options=options, free=True,
                    default=likely(found[kind]) or "",
                )  # fmt: skip
    finally:
        database.close()


MYSQL = ("mariadb", "mysql")
"""A recipe for MariaDB also serves MySQL."""


def _done(setup: Setup) -> SetupDone:
    way = setup.text("recipe") or OWN
    settings = _settings(setup)
    check = f"shipperone-erp sql check {setup.tenant}"
    if way == OWN:
        chosen = {kind: table for kind in TO_WRITE if (table := setup.text(f"{kind}_table"))}
        database = _opened(setup)
        try:
            text = started(database, setup.tenant, PASSWORD if setup.secret("password") else None, chosen)
        finally:
            database.close()
        return SetupDone(toml=_with_address(text, setup), then=("# write the statements into the TOML, then:", check))
    dialect = settings.dialect.url
    text = recipe(way, "mariadb" if dialect == "mysql" else dialect).for_tenant(setup.tenant)
    script = f"shipperone-erp sql setup --dialect {dialect} --recipe {way} > setup.sql"
    return SetupDone(
        toml=_with_address(text, setup), then=(f"{script}   # for the database's owner to read and run", check)
    )


def _with_address(text: str, setup: Setup) -> str:
    """The text with the address exactly as given, and with the place of the password."""
    lines = [f'url = "{setup.text("url")}"']
    if setup.secret("password"):
        lines.append(f"password = {PASSWORD}")
    text = re.sub(r"^password = .*\n", "", text, count=1, flags=re.MULTILINE)
    return re.sub(r'^url = ".*"$', lambda _: "\n".join(lines), text, count=1, flags=re.MULTILINE)


def _settings(setup: Setup) -> GenericSqlSettings:
    given: dict[str, Any] = {"url": setup.text("url")}
    if password := setup.secret("password"):
        given["password"] = password
    return GenericSqlSettings.model_validate(given, context={"base": setup.folder})


def _opened(setup: Setup) -> Database:
    """The open database. ValueError, with the remedy, if it cannot be opened."""
    database = Database(_settings(setup))
    wrong = [line for line in opens(database) if line.ok is False]
    if wrong:
        database.close()
        raise ValueError(f"{wrong[0].sentence}; {wrong[0].cure}")
    return database


def _missing(
    setup: Setup, name: str, asks: str, explains: str = "", found: str = "", **more: Any
) -> Iterator[Question]:
    if name not in setup.answers:
        yield Question(name, asks, explains, found, **more)
