"""The meaning of Odoo's errors. An error keeps Odoo's name and message; its traceback is not kept.

AccessDenied, no such database     AuthFailed: the tenant is paused
AccessError                        Refused, erp_access_denied: Odoo's message names the group with the right
serialization, deadlock, lock      Transient: Odoo has rolled back
MissingError                       Gone: the record was deleted
UserError, ValidationError         Refused, erp_refused, with Odoo's message
everything else                    Refused, erp_refused: this version or a module of it is incompatible
"""

from shipperone_erp import AuthFailed, ConnectorError, Owner, Reason, Refused, Transient


class OdooRefused(Refused):
    """Odoo refused the call and rolled it back. `name` is Odoo's name of the error."""

    def __init__(self, reason: Reason, sentence: str, owner: Owner = Owner.IT, *, name: str) -> None:
        super().__init__(reason, sentence, owner)
        self.name = name


class Gone(OdooRefused):
    """A requested record does not exist any more."""


PASSING = ("SerializationFailure", "DeadlockDetected", "LockNotAvailable", "OperationalError", "PoolError")
"""PostgreSQL's errors, as Odoo names them (`psycopg2.errors.SerializationFailure`)."""

PASSING_WORDS = ("could not serialize access", "deadlock detected", "could not obtain lock")
"""The same errors inside messages of `load`, which does not name error types."""

SAID_NO = ("UserError", "ValidationError", "RedirectWarning", "Warning", "LockedError")

LONGEST = 500


def passing(words: str) -> bool:
    """Whether a message of `load` reports a conflict with another transaction; then nothing was written."""
    return any(known in words for known in PASSING_WORDS)


def meaning(name: str, words: str, doing: str) -> ConnectorError:
    """The exception of a hook for Odoo's error of that name. `doing` begins the sentence."""
    kind = name.rsplit(".", 1)[-1]
    sentence = f"{doing}: {tidy(words)}"
    if "does not exist" in words and "database" in words:
        return AuthFailed(f"{sentence}; check `database`")
    if kind in ("AccessDenied", "SessionExpiredException"):
        return AuthFailed(f"{doing}: Odoo refuses the login; check `user` and its password or API key")
    if kind in PASSING:
        return Transient(f"{sentence}; Odoo has rolled it back")
    if kind == "AccessError":
        return OdooRefused(Reason.ERP_ACCESS_DENIED, sentence, name=name)
    if kind == "MissingError":
        return Gone(Reason.ERP_CHANGED, f"{sentence} (it was deleted)", name=name)
    if kind in SAID_NO:
        return OdooRefused(Reason.ERP_REFUSED, sentence, name=name)
    return OdooRefused(Reason.ERP_REFUSED, f"{sentence} ({name}): Odoo, or one of its modules, failed", name=name)


def tidy(words: str) -> str:
    """Odoo's message as a single line, shortened if necessary."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
