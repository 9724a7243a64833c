"""What `doctor` shows of a database: it opens, and every configured statement fits it. Nothing is run."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shipperone_erp import Check, ConnectorError
from shipperone_erp_generic_sql.database import Conflict, Database
from shipperone_erp_generic_sql.settings import QUERIES, STEPS, GenericSqlSettings

_OPEN_IT = "check `url`, and that this process may write to the file"
_LET_IT_FAIL = (
    "without OR IGNORE, OR REPLACE and DO NOTHING the duplicate undoes the whole step; with them the statements around "
    "it run a second time for the same key"
)


def checks(database: Database, settings: GenericSqlSettings) -> list[Check]:
    """A line for the connection, and one for each statement that SQLite cannot prepare or that hides a duplicate key.

    Never raises.
    """
    try:
        with database.transaction("BEGIN") as connection:
            unreadable = _refused(connection, "SELECT 1 FROM sqlite_master", frozenset())
            if unreadable is not None:
                return [Check("database", False, f"{database.path} cannot be read: {unreadable}", _OPEN_IT)]
            wrong = [
                Check("statement", False, f"{step}, statement {number}: {why}", "compare it with the ERP's tables")
                for step in (*STEPS, *QUERIES)
                for number, statement in enumerate(getattr(settings, step), start=1)
                if (why := _refused(connection, statement.sql, statement.names)) is not None
            ]
    except (ConnectorError, Conflict) as failure:
        return [Check("database", False, str(failure), _OPEN_IT)]
    risky = [
        Check("statement", None, f"{step}, statement {number}: it hides a duplicate key", _LET_IT_FAIL)
        for step in STEPS
        for number, statement in enumerate(settings.statements(step), start=1)
        if statement.swallows_duplicates
    ]
    return [Check("database", True, f"{database.path} opens"), *wrong, *risky]


def _refused(connection: Connection, sql: str, names: frozenset[str]) -> str | None:
    """What SQLite says against the statement when it is only to explain it."""
    try:
        connection.execute(text(f"EXPLAIN {sql}"), dict.fromkeys(names))
    except DBAPIError as error:
        return str(error.orig)
    return None
