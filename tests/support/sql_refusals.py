"""What a database refuses while a test runs."""

from typing import Any

from sql_erp import Erp


def refusals(erp: Erp) -> list[str]:
    """The codes of what the database refuses from now on."""
    seen: list[str] = []
    database = erp.connector._database
    meaning = database._meaning

    def noted(error: Any, *given: Any, **named: Any) -> Any:
        seen.append(str(error.sqlstate if erp.dialect == "postgresql" else error.args[0]))
        return meaning(error, *given, **named)

    database._meaning = noted
    return seen
