"""What Odoo's own errors mean. A fault keeps Odoo's name of it and Odoo's sentence; its traceback stays there.

AccessDenied, no such database     AuthFailed: the tenant pauses
AccessError                        Refused, erp_access_denied: Odoo's sentence names the group that may
serialization, deadlock, lock      Transient: Odoo has rolled back
MissingError                       Gone: somebody deleted it
UserError, ValidationError         Refused, erp_refused, in Odoo's words
everything else                    Refused, erp_refused: this version, or one of its modules, and we do not fit
"""

from shipperone_erp import AuthFailed, ConnectorError, Owner, Reason, Refused, Transient


class OdooRefused(Refused):
    """Odoo said no, and rolled the call back. `name` is Odoo's name of the error."""

    def __init__(self, reason: Reason, sentence: str, owner: Owner = Owner.IT, *, name: str) -> None:
        super().__init__(reason, sentence, owner)
        self.name = name


class Gone(OdooRefused):
    """A record that was asked for is not there: somebody deleted it."""


PASSING = ("SerializationFailure", "DeadlockDetected", "LockNotAvailable", "OperationalError", "PoolError")
"""PostgreSQL's, as Odoo names them (`psycopg2.errors.SerializationFailure`)."""

PASSING_WORDS = ("could not serialize access", "deadlock detected", "could not obtain lock")
"""The same inside the messages of `load`, which names no errors."""

SAID_NO = ("UserError", "ValidationError", "RedirectWarning", "Warning", "LockedError")

LONGEST = 500


def passing(words: str) -> bool:
    """A message of `load` says that another transaction was in the way; nothing was written."""
    return any(known in words for known in PASSING_WORDS)


def meaning(name: str, words: str, doing: str) -> ConnectorError:
    """The exception that a hook raises for Odoo's error of that name. `doing` begins the sentence."""
    kind = name.rsplit(".", 1)[-1]
    said = f"{doing}: {tidy(words)}"
    if "does not exist" in words and "database" in words:
        return AuthFailed(f"{said}; check `database`")
    if kind in ("AccessDenied", "SessionExpiredException"):
        return AuthFailed(f"{doing}: Odoo refuses the login; check `user` and its password or API key")
    if kind in PASSING:
        return Transient(f"{said}; Odoo has rolled it back")
    if kind == "AccessError":
        return OdooRefused(Reason.ERP_ACCESS_DENIED, said, name=name)
    if kind == "MissingError":
        return Gone(Reason.ERP_CHANGED, f"{said} (somebody has deleted it)", name=name)
    if kind in SAID_NO:
        return OdooRefused(Reason.ERP_REFUSED, said, name=name)
    return OdooRefused(Reason.ERP_REFUSED, f"{said} ({name}): Odoo, or a module in it, could not do it", name=name)


def tidy(words: str) -> str:
    """Odoo's words in one line of bearable length."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
