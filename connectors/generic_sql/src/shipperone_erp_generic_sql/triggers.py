"""Finds the trigger behind a refusal of rights: it writes a table that the refused statement does not name."""

import re

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from shipperone_erp import ConnectorError, Reason, Refused
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.errors import DatabaseFailed
from shipperone_erp_generic_sql.statement_lint import Parsed

_DENIED = re.compile(r"for (?:table|relation) [`\"']?(?:\w+[`\"']?\.[`\"']?)?(\w+)", re.IGNORECASE)

_POSTGRESQL = (
    "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND p.prosrc ILIKE :mentions"
)
_MYSQL = (
    "SELECT event_object_table, trigger_name FROM information_schema.triggers "
    "WHERE trigger_schema = DATABASE() AND action_statement LIKE :mentions"
)


def named(database: Database, failure: DatabaseFailed, statement: Parsed, place: str) -> DatabaseFailed:
    """The same refusal of rights, with the name of the trigger if one caused it."""
    answer = failure.answer
    table = behind(str(failure), statement)
    if table is None or not isinstance(answer, Refused) or answer.reason is not Reason.ERP_ACCESS_DENIED:
        return failure
    try:
        with database.rolled_back() as connection:  # the refused transaction accepts no further statement
            message = explained(connection, table, statement)
    except (ConnectorError, DatabaseFailed):
        return failure
    return DatabaseFailed(failure.kind, Refused(answer.reason, f"{place}: {message}", answer.owner))


def behind(words: str, statement: Parsed) -> str | None:
    """The refused table, if the statement does not name it; None if it does, or if the message names no table."""
    found = _DENIED.search(words)
    return found[1] if found and found[1].lower() not in statement.tables else None


def explained(connection: Connection, table: str, statement: Parsed) -> str:
    """The trigger of the statement's tables that writes that table, as far as this login may see it."""
    query = _POSTGRESQL if statement.dialect.url == "postgresql" else _MYSQL
    try:
        rows = list(connection.execute(text(query), {"mentions": f"%{table}%"}))
    except SQLAlchemyError:
        rows = []
    named = [f"{trigger} on {of}" for of, trigger in rows if str(of).lower() in statement.tables]
    who = f"trigger {named[0]}" if named else f"a trigger on {' or '.join(sorted(statement.tables))}"
    return (
        f"the statement does not name {table}: {who} writes it with this login's rights; grant INSERT on {table} and "
        f'name it in trigger_tables = ["{table}"], or let the trigger run with its owner\'s rights'
    )
