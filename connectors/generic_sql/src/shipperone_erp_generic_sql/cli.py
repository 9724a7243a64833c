"""`shipperone-erp sql`: check a tenant's database and statements before going live; print what it needs and binds."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from shipperone_erp import Check
from shipperone_erp.tools import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    ConfigurationError,
    UsageError,
    listed_order,
    load_tenant,
    print_json,
    print_text,
    say,
)
from shipperone_erp_generic_sql.checking.levels import LINT, Level, Subject, levels
from shipperone_erp_generic_sql.checking.sample import Goods, sample, takes_charges
from shipperone_erp_generic_sql.checking.statement_preview import shown
from shipperone_erp_generic_sql.checking.toml_draft import started
from shipperone_erp_generic_sql.checks import opens
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.setup_script import found, script

app = typer.Typer(
    help="Databases of generic_sql: check, show, setup, init.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

VERDICTS = {True: "OK", None: "WARN", False: "FAIL"}


@app.command()
def check(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    config: ConfigFile = DEFAULT_FILE,
    order: Annotated[str | None, typer.Option(help="The id of a listed order for the dry run.")] = None,
    sku: Annotated[
        list[str] | None,
        typer.Option(help="A SKU in stock for the sample order; preferably given twice, for two products."),
    ] = None,
    warehouse: Annotated[str, typer.Option(help="The warehouse of the sample order.")] = "main",
    elsewhere: Annotated[
        str | None, typer.Option(help="Another warehouse that has the first --sku, for one line.")
    ] = None,
    test_database: Annotated[
        bool,
        typer.Option("--test-database", help="The database is a test database: also issue invoices, and rehearse."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the statements and the database, level by level. The levels are lint, connect, explain, dry run and, on a
    test database, rehearse.
    """
    report = _Report(as_json)
    try:
        subject = _subject(config, tenant, order, (tuple(sku or ["SAMPLE"]), warehouse, elsewhere), test_database)
    except ConfigurationError as error:
        wrong = [Check("configuration", False, str(problem), "correct it in the file") for problem in error.problems]
        exit_code = report.level(Level("lint", LINT, lambda: iter(wrong), error.exit_code))
    else:
        try:
            exit_code = next((code for level in levels(subject) if (code := report.level(level))), 0)
        finally:
            subject.database.close()
    report.close()
    raise typer.Exit(exit_code)


@app.command()
def setup(
    dialect: Annotated[str, typer.Option(help="sqlite, postgresql, mariadb, mysql, mssql or oracle.")],
    recipe: Annotated[str, typer.Option(help="inbox, procedures, guarded or documents.")] = "inbox",
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the statements as TOML for the configuration instead.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="With --toml: the tenant's name.")] = "acme",
    answer: Annotated[
        bool, typer.Option("--answer", help="Print a complete program that answers the inbox on the ERP's side.")
    ] = False,
) -> None:
    """Print the tables, unique indexes and grants of a recipe. It never runs them."""
    made = found(dialect, recipe)
    if answer and not made.answer:
        raise UsageError("the program is available for --recipe inbox on sqlite, postgresql and mariadb")
    sys.stdout.write(made.answer if answer else made.for_tenant(tenant) if toml else script(dialect, recipe))


@app.command()
def show(
    tenant: Annotated[str, typer.Argument(metavar="TENANT")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="reserve, build_invoice, find_reservation, …")],
    config: ConfigFile = DEFAULT_FILE,
    order: Annotated[str | None, typer.Option(help="The id of a listed order; default: a sample order.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="The SKU of the sample order.")] = None,
    warehouse: Annotated[str, typer.Option(help="The warehouse of the sample order.")] = "main",
) -> None:
    """Print a step's statements with the values of an order. The database is not opened."""
    subject = _subject(config, tenant, order, (tuple(sku or ["SAMPLE"]), warehouse, None), False)
    for line in shown(subject.settings, tenant, subject.order, step):
        print_text(line)


@app.command()
def init(
    from_database: Annotated[
        str, typer.Option("--from-database", metavar="URL", help="The address, as in `url`, without a password.")
    ],
    password_env: Annotated[str | None, typer.Option(help="The environment variable that holds the password.")] = None,
    tenant: Annotated[str, typer.Option(help="The tenant's name.")] = "acme",
) -> None:
    """Print a commented TOML to start from. It names the tables that look like products, stock, orders, invoices."""
    password = os.environ.get(password_env) if password_env else None
    if password_env and password is None:
        raise UsageError(f"the environment variable {password_env} is not set")
    try:
        settings = GenericSqlSettings.model_validate(
            {"url": from_database, **({"password": password} if password else {})}, context={"base": Path.cwd()}
        )
    except ValidationError as error:
        raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    if settings.password_in_url:
        raise UsageError("a password in the URL is stored in the shell's history: use --password-env")
    database = Database(settings)
    try:
        wrong = [line for line in opens(database) if not line.ok]
        if wrong:
            raise UsageError(f"{wrong[0].sentence}; {wrong[0].cure}")
        reference = f'{{ env = "{password_env}" }}' if password_env else None
        sys.stdout.write(started(database, tenant, reference))
    finally:
        database.close()


class _Report:
    """Prints each level and its lines as they come, or collects them for one JSON document."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._rows: list[dict[str, object]] = []

    def level(self, level: Level) -> int:
        """Run the level. Returns 0, or the level's exit code if a line failed."""
        failed = False
        if not self._as_json:
            print_text(f"{level.name}: {level.does}")
        for line in level.checks():
            failed |= line.ok is False
            verdict = VERDICTS[line.ok]
            self._rows.append(
                {"level": level.name, "check": line.name, "verdict": verdict, "sentence": line.sentence,
                 "cure": line.cure}
            )  # fmt: skip
            if not self._as_json:
                print_text(*_shown(line))
        if failed and not self._as_json:
            say(f"stopped at {level.name}: fix the failure, then run the command again")
        return level.exit_code if failed else 0

    def close(self) -> None:
        """Print the JSON document, if one was requested."""
        if self._as_json:
            print_json(self._rows)


def _shown(line: Check) -> list[str]:
    """One check as printed for operators: further lines of its sentence are indented under its first."""
    first, *more = line.sentence.splitlines() or [""]
    cure = [f"→ {line.cure}"] if line.cure and line.ok is not True else []
    return [f"  {VERDICTS[line.ok]:4}   {line.name}: {first}", *(f"         {text}" for text in [*more, *cure])]


def _subject(
    config: Path,
    tenant: str,
    order: str | None,
    goods: tuple[tuple[str, ...], str, str | None],
    test_database: bool,
) -> Subject:
    loaded = load_tenant(config, tenant, GenericSqlSettings, connector="generic_sql")
    own = loaded.settings
    skus, warehouse, elsewhere = goods
    if len(skus) > 2:
        raise UsageError("give --sku once or twice: the first SKU is in two lines of the sample, the second in one")
    named = Goods(skus, warehouse, loaded.currency or "EUR", elsewhere)
    tried = listed_order(loaded, order) if order else sample(named, charge=takes_charges(own))
    return Subject(config, tenant, own, Database(own), tried, test_database)
