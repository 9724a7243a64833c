"""The meaning of a database's error, by SQLSTATE or vendor code, and its message without any bound value."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shipperone_erp import AuthFailed, ConnectorError, Owner, Reason, Refused, Transient


class Kind(StrEnum):
    """The kind of an error, which decides the reaction to it."""

    REPEAT = "repeat"  # deadlock, serialization failure: the whole transaction again
    LOCKED = "locked"  # lock time-out: the whole transaction again, but it has waited already
    DUPLICATE = "duplicate"  # a unique key: look again, the row may be this connector's own
    TAKEN = "taken"  # another transaction took the same number, one above the highest: the whole transaction again
    AWAY = "away"  # the server or the connection is gone
    BUSY = "busy"  # it exceeded its time limit
    AUTH = "auth"
    DENIED = "denied"
    CONSTRAINT = "constraint"
    VALUE = "value"  # a value that the column cannot store
    RAISED = "raised"  # an error raised by a trigger or a procedure of the ERP
    MISTAKE = "mistake"  # the statement does not match the database


POSTGRESQL: Mapping[str, Kind] = {
    "40001": Kind.REPEAT, "40P01": Kind.REPEAT, "55P03": Kind.LOCKED, "55006": Kind.LOCKED,
    "23505": Kind.DUPLICATE, "23P01": Kind.DUPLICATE,
    "57014": Kind.BUSY, "25P03": Kind.AWAY, "25P04": Kind.AWAY, "2200H": Kind.CONSTRAINT,
    "42501": Kind.DENIED, "25006": Kind.DENIED,
    "08": Kind.AWAY, "53": Kind.AWAY, "57": Kind.AWAY, "58": Kind.AWAY,
    "28": Kind.AUTH, "23": Kind.CONSTRAINT, "22": Kind.VALUE, "54": Kind.VALUE, "P0": Kind.RAISED,
}  # fmt: skip
"""By SQLSTATE, else by its first two characters, its class."""

MYSQL: Mapping[int, Kind] = {
    **dict.fromkeys((1213, 1020, 1412, 1614, 1615), Kind.REPEAT),
    **dict.fromkeys((1205, 1206, 1467, 3572), Kind.LOCKED),
    **dict.fromkeys((1062, 1586, 1022), Kind.DUPLICATE),
    **dict.fromkeys((0, 1021, 1030, 1037, 1038, 1040, 1041, 1053, 1114, 1158, 1159, 1160, 1161, 1180, 1203, 1226, 1461,
                     1637, 1927, 2002, 2003, 2006, 2013, 2055, 4031), Kind.AWAY),
    **dict.fromkeys((1317, 1969, 3024), Kind.BUSY),
    **dict.fromkeys((1045, 1251, 1698, 1820, 1862, 2059), Kind.AUTH),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1290, 1370, 1792, 1836), Kind.DENIED),
    **dict.fromkeys((1048, 1216, 1217, 1364, 1451, 1452, 1557, 3819, 4025), Kind.CONSTRAINT),
    **dict.fromkeys((1264, 1265, 1292, 1300, 1366, 1406, 1411, 1690, 3988), Kind.VALUE),
    1644: Kind.RAISED,
}  # fmt: skip
"""MariaDB and MySQL."""

MSSQL: Mapping[int | str, Kind] = {
    **dict.fromkeys((1205, 3960), Kind.REPEAT),
    1222: Kind.LOCKED,
    **dict.fromkeys((2601, 2627), Kind.DUPLICATE),
    **dict.fromkeys(("08001", "08003", "08004", "08007", "08S01", "HYT01", 64, 233, 10053, 10054, 10060, 40197, 40501,
                     40613, 17142), Kind.AWAY),
    "HYT00": Kind.BUSY,
    **dict.fromkeys((18456, 18452, "28000"), Kind.AUTH),
    **dict.fromkeys((229, 230, 262, 916, 3906), Kind.DENIED),
    **dict.fromkeys((515, 547), Kind.CONSTRAINT),
    **dict.fromkeys((241, 242, 245, 248, 2628, 8114, 8115, 8152), Kind.VALUE),
}  # fmt: skip
"""The native code first, else the driver's SQLSTATE. From 50,000 on: raised by the ERP."""

ORACLE: Mapping[int, Kind] = {
    **dict.fromkeys((60, 8177), Kind.REPEAT),
    **dict.fromkeys((54, 30006), Kind.LOCKED),
    1: Kind.DUPLICATE,
    **dict.fromkeys((28, 1012, 1033, 1034, 1089, 1090, 1092, 3113, 3114, 3135, 12170, 12514, 12528, 12537, 12541, 12543,
                     12545, 12547, 25408), Kind.AWAY),
    1013: Kind.BUSY,
    **dict.fromkeys((1005, 1017, 28000, 28001), Kind.AUTH),
    **dict.fromkeys((1031, 16000), Kind.DENIED),
    **dict.fromkeys((1400, 1407, 2290, 2291, 2292), Kind.CONSTRAINT),
    **dict.fromkeys((1401, 1438, 1461, 1722, 12899), Kind.VALUE),
}  # fmt: skip
"""ORA numbers. From 20,000 to 20,999: raised by the ERP."""

SQLITE: Mapping[int, Kind] = {
    **dict.fromkeys((sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
                     sqlite3.SQLITE_CONSTRAINT_ROWID), Kind.DUPLICATE),
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: Kind.RAISED,
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), Kind.LOCKED),
    **dict.fromkeys((sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM,
                     sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT), Kind.AWAY),
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH), Kind.DENIED),
    sqlite3.SQLITE_CONSTRAINT: Kind.CONSTRAINT,
    **dict.fromkeys((sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH), Kind.VALUE),
}  # fmt: skip
"""The extended code, else the primary one, its lowest byte."""


@dataclass(frozen=True, slots=True)
class Code:
    """An error's code as the database names it, its kind, and the driver's words. `code`: None without one."""

    code: str | None
    kind: Kind
    words: str


def read(error: BaseException | None, dialect: str) -> Code:
    """The code of a driver's error, on that dialect."""
    return _READERS[dialect](error)


class DatabaseFailed(Exception):
    """A statement failed; its transaction must be rolled back. `answer`: the exception for the hook to raise then."""

    def __init__(self, kind: Kind, answer: ConnectorError) -> None:
        super().__init__(answer.sentence)
        self.kind = kind
        self.answer = answer


def meaning(code: Code, doing: str, words: str) -> DatabaseFailed:
    """The error as a hook raises it. `words`: the driver's message without the bound values."""
    sentence = f"{doing}: {words}"
    undone = f"{sentence}; everything of this step was rolled back"
    match code.kind:
        case Kind.REPEAT | Kind.LOCKED:
            answer: ConnectorError = Transient(f"{sentence}; another program is writing")
        case Kind.TAKEN:
            answer = Transient(f"{sentence}; another document is taking this number at the same time")
        case Kind.AWAY:
            answer = Transient(sentence)
        case Kind.BUSY:
            answer = Transient(f"{sentence}; it exceeded statement_timeout, and was rolled back")
        case Kind.AUTH:
            answer = AuthFailed(sentence)
        case Kind.DENIED:
            answer = Refused(
                Reason.ERP_ACCESS_DENIED,
                f"{sentence}; grant the right: `shipperone-erp sql setup` prints the statement",
            )
        case Kind.VALUE:
            answer = Refused(
                Reason.ERP_REFUSED, f"{undone}; the database cannot store this value, and it is never truncated"
            )
        case Kind.DUPLICATE | Kind.CONSTRAINT | Kind.RAISED:
            answer = Refused(Reason.ERP_REFUSED, undone)
        case Kind.MISTAKE:
            answer = Refused(Reason.CONFIG_INCOMPLETE, f"{sentence}; the statement does not match the database")
    return DatabaseFailed(code.kind, answer)


def mapped(reason: Reason, sentence: str, owner: Owner, kind: Kind) -> DatabaseFailed:
    """A refusal that the merchant's `[errors]` names."""
    return DatabaseFailed(kind, Refused(reason, sentence, owner))


_QUOTES_VALUES = re.compile(
    r"(?<=Duplicate entry )'.*'(?= for key)"
    r"|(?<=value: )'.*?'(?= for column)"
    r"|(?<=value )'.*?'(?= (?:to|at|for))"
    r"|(?<=: )\"[^\"]*\"$"
    r"|(?<=duplicate key value is )\(.*\)",
    re.DOTALL,
)
"""Where drivers quote a bound value, whole or cut: `Duplicate entry 'x' for key`, `invalid input syntax: "x"`."""

_SHORTEST = 3


def without_values(words: str, bound: Mapping[str, Any]) -> str:
    """The driver's message without bound values: no message and no log may contain an order's texts."""
    sentence = _QUOTES_VALUES.sub("…", words)
    for name, value in sorted(bound.items(), key=lambda pair: len(str(pair[1])), reverse=True):
        text = str(value)
        if len(text) >= _SHORTEST and text in sentence:
            sentence = sentence.replace(text, f":{name}")
    return sentence if len(sentence) <= 500 else f"{sentence[:497]}…"


def _postgresql(error: BaseException | None) -> Code:
    state = getattr(error, "sqlstate", None)
    words = getattr(getattr(error, "diag", None), "message_primary", None) or _first_line(error)
    if state is None:
        # errors of the client itself carry no SQLSTATE: a text with a NUL, or no connection
        unsent = type(error).__name__ == "DataError"
        refused = "authentication failed" in words or "no password supplied" in words
        return Code(None, Kind.VALUE if unsent else Kind.AUTH if refused else Kind.AWAY, words)
    return Code(state, POSTGRESQL.get(state) or POSTGRESQL.get(state[:2]) or Kind.MISTAKE, words)


def _mysql(error: BaseException | None) -> Code:
    number, words = _arguments(error)
    if not isinstance(number, int):
        return Code(None, Kind.MISTAKE, _first_line(error))
    return Code(str(number), MYSQL.get(number, Kind.MISTAKE), words or "the connection is closed")


def _mssql(error: BaseException | None) -> Code:
    state, text = _arguments(error)
    native = re.findall(r"\((-?\d+)\)", text)
    number = int(native[0]) if native else 0
    words = re.sub(r"^(?:\[[^\]]*\]\s*)+", "", text).split(" (SQL")[0]
    if number >= 50_000:
        return Code(str(number), Kind.RAISED, words)
    return Code(str(number or state), MSSQL.get(number) or MSSQL.get(state) or Kind.MISTAKE, words)


def _oracle(error: BaseException | None) -> Code:
    detail = (getattr(error, "args", None) or (None,))[0]
    number = getattr(detail, "code", 0)
    full = getattr(detail, "full_code", "") or ""
    words = str(getattr(detail, "message", detail)).splitlines()[0] if detail is not None else _first_line(error)
    if full.startswith("DPY-"):
        kind = Kind.BUSY if full == "DPY-4024" else Kind.AWAY if full[4] in "46" else Kind.MISTAKE
        return Code(full, kind, words)
    if 20_000 <= number < 21_000:
        return Code(str(number), Kind.RAISED, words)
    return Code(str(number) if number else None, ORACLE.get(number, Kind.MISTAKE), words)


def _sqlite(error: BaseException | None) -> Code:
    number = getattr(error, "sqlite_errorcode", None)
    words = _first_line(error)
    if number is None:
        return Code(None, Kind.MISTAKE, words)
    name = str(getattr(error, "sqlite_errorname", number))
    return Code(name, SQLITE.get(number) or SQLITE.get(number & 0xFF) or Kind.MISTAKE, words)


def _arguments(error: BaseException | None) -> tuple[Any, str]:
    """The driver's code and its message, if it provides them as two arguments."""
    given: tuple[Any, ...] = getattr(error, "args", ()) or (0,)
    return given[0], str(given[1]) if len(given) > 1 else _first_line(error)


def _first_line(error: BaseException | None) -> str:
    return (str(error).splitlines() or [""])[0]


_READERS = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mariadb": _mysql,
    "mysql": _mysql,
    "mssql": _mssql,
    "oracle": _oracle,
}
