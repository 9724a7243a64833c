"""Checks of a tenant's database and statements that do not touch the merchant's rows. Never raises."""

from collections.abc import Iterator

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError

from shipperone_erp import Check, ConnectorError
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.errors import DatabaseFailed, read, without_values
from shipperone_erp_generic_sql.oversell_lint import unlocked
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from shipperone_erp_generic_sql.statement import numbered
from shipperone_erp_generic_sql.statement_lint import Parsed
from shipperone_erp_generic_sql.steps import STEPS
from shipperone_erp_generic_sql.taxes import SHIPPING, rule_of

_LET_IT_FAIL = (
    "let the duplicate fail: it then undoes the whole step. If it is hidden, the other statements run a second time "
    "for the same key"
)
_NOT_EXISTS = "write NOT EXISTS (SELECT 1 FROM … WHERE …), or leave the NULLs out: WHERE … IS NOT NULL"
_CARRY_IT = (
    "store :key (or :item_key) under a unique index, so that a second call of the step cannot have a second effect"
)


WHOLE_INVOICE = ("tax_document_", "document_tax_amount", "document_total_excl_tax")
"""The prefixes of the binds that need a tax rate for shipping and charges."""

_LOCK_IT = (
    "lock the stock row first: SELECT … FOR UPDATE in an earlier statement of this step, with read committed (the "
    "fourth habit of generic-sql.md)"
)


def checks(database: Database, settings: GenericSqlSettings) -> list[Check]:
    """The checks for `doctor`: the connection, each statement that the database cannot plan, likely later problems."""
    opened = opens(database)
    planned = explained(database, settings) if all(line.ok for line in opened) else []
    return [*opened, *planned, *warnings(settings)]


def warnings(settings: GenericSqlSettings) -> Iterator[Check]:
    """Likely later problems that show in the settings alone."""
    if settings.password_in_url:
        cure = 'write it as a separate setting: password = { env = "…" }'
        yield Check("password", None, "the password is part of `url`, where it is easily disclosed", cure)
    for step, number, statement in settings.every():
        parsed = Parsed(statement.sql, settings.dialect)
        found = [(finding, _NOT_EXISTS) for finding in parsed.not_in_a_query()]
        found += [(finding, _LET_IT_FAIL) for finding in parsed.warnings() if step in STEPS]
        for finding, how in found:
            yield Check("statement", None, f"{step}, statement {number}: {finding.drawn(statement.sql)}", how)
    yield from _without_a_rate(settings)
    for step in STEPS:
        statements = settings.statements(step)
        for number, finding in unlocked(statements, settings.dialect, settings.isolation):
            sql = next(one.sql for name, _, one in numbered(statements) if name == number)
            yield Check("statement", None, f"{step}, statement {number}: {finding.drawn(sql)}", _LOCK_IT)
        if statements and not settings.binds_named(step) & {"key", "item_key"}:
            yield Check("statement", None, f"{step}: none of its statements uses the key", _CARRY_IT)


def _without_a_rate(settings: GenericSqlSettings) -> Iterator[Check]:
    """A warning if the tax table of the whole invoice is written but no rule gives shipping a rate."""
    named = {name for step in STEPS for name in settings.binds_named(step) if name.startswith(WHOLE_INVOICE)}
    if named and rule_of(settings.taxes, SHIPPING) is None:
        sentence = f":{min(named)} covers the whole invoice, and shipping has no tax rate: its tax is NULL"
        cure = 'write [taxes] shipping = "highest", "proportional" or a rate; "*" applies to charges'
        yield Check("taxes", None, sentence, cure)


def opens(database: Database) -> list[Check]:
    """Whether the database can be connected to and a transaction begun."""
    try:
        with database.transaction("BEGIN" if database.dialect.url == "sqlite" else None) as connection:
            connection.exec_driver_sql(_trivial(database))
    except (ConnectorError, DatabaseFailed) as failure:
        return [Check("database", False, str(failure), cure(database))]
    except DBAPIError as error:
        message = database.failure(error, f"{database.name} cannot be read", {})
        return [Check("database", False, str(message), cure(database))]
    return [Check("database", True, f"{database.name} opens")]


def explained(database: Database, settings: GenericSqlSettings) -> list[Check]:
    """A line for each statement that the database refuses to plan."""
    if database.dialect.explain is None:
        sentence = f"{database.dialect.title}: this connector does not plan statements in advance"
        return [Check("statement", None, sentence, "try them with `sql check` on a test database")]
    try:
        return [
            Check(
                "statement", False, f"{step}, statement {number}: {why}", "compare the statement with the ERP's tables"
            )
            for step, number, statement in settings.every()
            if not Parsed(statement.sql, settings.dialect).is_call
            and (why := _refused(database, step, statement.sql, settings)) is not None
        ]
    except (ConnectorError, DatabaseFailed):
        return []  # the failure to open is already reported


def _refused(database: Database, step: str, sql: str, settings: GenericSqlSettings) -> str | None:
    """The database's error when it only plans the statement, with a NULL of its type for each bind.

    A sample value might not fit a cast in the statement. Each statement has its own transaction, since PostgreSQL
    rejects everything after an error in the same one.
    """
    with database.transaction("BEGIN" if database.dialect.url == "sqlite" else None) as connection:
        try:
            connection.execute(explanation(step, sql, settings), dict.fromkeys(Parsed(sql, settings.dialect).binds))
        except DBAPIError as error:
            connection.rollback()
            return without_values(read(error.orig, database.dialect.url).words, {})
        connection.rollback()
    return None


def explanation(step: str, sql: str, settings: GenericSqlSettings) -> TextClause:
    """The statement in the form in which this database plans it, with typed binds."""
    clause = text(f"{settings.dialect.explain}{sql.strip().rstrip(';')}")
    for name in Parsed(sql, settings.dialect).binds:
        clause = clause.bindparams(bindparam(name, type_=settings.bind_type(step, name)))
    return clause


def cure(database: Database) -> str:
    """The remedy if the database cannot be opened."""
    if database.dialect.url == "sqlite":
        return "check `url`, and that this process can write to the file"
    if not database.dialect.installed:
        return database.dialect.install
    return "check `url`, `password`, that the server runs, and that this machine can reach it"


def _trivial(database: Database) -> str:
    if database.dialect.url == "oracle":
        return "SELECT 1 FROM DUAL"
    return "SELECT 1 FROM sqlite_master" if database.dialect.url == "sqlite" else "SELECT 1"
