"""One Tryton database: every hook is a function that runs in one transaction, and may run again.

Tryton's transactions are designed to be replayed: it locks without waiting, and a conflict of two transactions is an
error of the database. A hook's work is therefore a function of `Books`. After such an error it is called again from the
start, and finds by the key what an earlier or a concurrent call has committed.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from shipperone_erp import AuthFailed, ConnectorError, Reason, Refused, Transient, Unknown
from shipperone_erp_tryton import process
from shipperone_erp_tryton.database_locations import Location
from shipperone_erp_tryton.faults import meaning, tidy
from shipperone_erp_tryton.lock_queue import Kept, Turns
from shipperone_erp_tryton.settings import TrytonSettings

ResultT = TypeVar("ResultT")

PAUSE = 0.02
"""Seconds before the first replay; it doubles, with jitter."""

LONGEST_PAUSE = 0.5

MET = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's codes of a transaction in conflict with another: a stale snapshot, a deadlock, an unavailable lock."""

LOCKS = 20
"""The number of locks that Tryton may request for one call, one after the other."""

RACES = 3
"""How often a call may fail at a constraint because another was faster, before the constraint itself is the reason."""


class Books:
    """Tryton within one transaction, as the settings' user and company."""

    def __init__(self, pool: Any, settings: TrytonSettings, company: Any) -> None:
        self._pool = pool
        self.settings = settings
        self.company = company

    def model(self, name: str) -> Any:
        """A model of Tryton."""
        return self._pool.get(name)

    def search(self, name: str, domain: list[Any], **options: Any) -> list[Any]:
        """The records of a model that match."""
        found: list[Any] = self._pool.get(name).search(domain, **options)
        return found


class Erp:
    """The tenant's database. Nothing is opened before the first call."""

    def __init__(self, settings: TrytonSettings) -> None:
        self.settings = settings
        secret = settings.password
        self.location = Location(settings.url, None if secret is None else secret.get_secret_value(), settings.timeout)
        self._joined = False
        self._locks: dict[str, _Locks] = defaultdict(_Locks)
        """By the operation, the locks that Tryton has requested from the start of the transaction: mostly sequences."""
        self._writer = Turns()

    def do(self, work: Callable[[Books], ResultT], doing: str, *, readonly: bool = False) -> ResultT:
        """The function's result, committed. `doing` begins the sentence of an error.

        The function may run several times; only its last run has an effect.
        """
        ends = time.monotonic() + self.settings.timeout
        pause = PAUSE
        unsure = False
        lost = locks = 0
        while True:
            asked = time.monotonic()
            try:
                with self._turn(doing, readonly):
                    ends += time.monotonic() - asked  # other calls ran during this time, so it does not count
                    return self._once(work, doing, readonly)
            except Kept as kept:
                raise _given_up(unsure, f"{doing}: {kept}") from None
            except _LockWanted as wanted:
                locks += 1
                if locks > LOCKS:
                    raise Transient(f"{doing}: {wanted}") from None
                continue  # no other call conflicts: no pause is needed
            except _Again as again:
                unsure = unsure or again.unsure
                lost += again.refusal is not None
                if again.refusal is not None and lost > RACES:
                    raise again.refusal from None
                if time.monotonic() + pause > ends:
                    raise _given_up(unsure, f"{doing}: {again}") from None
            except Transient as away:
                raise _given_up(unsure, away.sentence) from None
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    def close(self) -> None:
        """Release the database; the last connector of a process closes its connections."""
        if self._joined:
            self._joined = False
            process.leave(self.location.url)

    def _once(self, work: Callable[[Books], ResultT], doing: str, readonly: bool) -> ResultT:
        pool = self._open()
        from trytond import backend
        from trytond.exceptions import TrytonException
        from trytond.transaction import Transaction, TransactionError

        working = committing = False
        locks = self._locks[doing]
        try:
            with Transaction().start(self.location.url, 0, readonly=readonly, **locks.extras()) as transaction:
                if self.location.backend == "sqlite" and not readonly:
                    # Python begins the transaction at the first write: earlier reads would not belong to it
                    transaction.connection.execute("BEGIN IMMEDIATE")
                    # a single writer holds the whole database: no further lock is needed
                    transaction.lock_table = transaction.lock_records = lambda *_: None
                working = True
                result = work(self._as_user(pool, transaction))
                committing = not readonly
            _run_tasks(pool, transaction)
            return result
        except TransactionError as error:
            self._remember(error, doing)
            raise _LockWanted("Tryton requests an unexpected number of locks") from None
        except backend.DatabaseIntegrityError as error:
            raise _Again(f"another call was faster ({tidy(str(error))})") from None
        except (backend.DatabaseTimeoutError, backend.DatabaseOperationalError) as error:
            # Tryton takes locks before the work begins; one of them is held, so the database is reachable
            if not working and getattr(error, "sqlstate", None) not in MET:
                raise self._away(error) from None
            raise _Again(self._plain(error), unsure=committing) from None
        except TrytonException as error:
            if type(error).__name__ == "SQLConstraintError":
                # Tryton's error for a unique constraint: another call was faster, or the record is invalid
                raise _Again(tidy(str(error)), refusal=meaning(error, doing)) from None
            raise meaning(error, doing) from None

    def _turn(self, doing: str, readonly: bool) -> AbstractContextManager[None]:
        """Serialises the calls of this process that need the same locks. Raises Kept if one of them does not end.

        Tryton requests its locks without waiting, and SQLite polls for its one writer: of many concurrent calls, one
        could lose every time until its time limit.
        """
        if self.location.backend == "sqlite":
            return nullcontext() if readonly else self._writer.turn()
        locks = self._locks[doing]
        return locks.calls.turn() if locks.tables or locks.records else nullcontext()

    def _remember(self, error: Any, doing: str) -> None:
        """Record a lock that Tryton requires before the transaction reads anything, for this run and all later ones."""
        wanted: dict[str, Any] = {}
        error.fix(wanted)
        locks = self._locks[doing]
        locks.tables.update(wanted.get("_lock_tables", ()))
        for table, ids in wanted.get("_lock_records", {}).items():
            locks.records[table].update(ids)

    def _open(self) -> Any:
        if not self._joined:
            self._joined = True
            process.join(self.location.url)
        try:
            pool = process.open_database(self.location, self.settings.config)
        except ConnectorError:
            raise
        except Exception as error:
            from trytond import backend

            if isinstance(error, backend.DatabaseOperationalError):
                raise self._away(error) from None
            raise
        try:
            pool.get(f"{process.MODULE}.key")
        except KeyError:
            process.forget_models(self.location.url)
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"the module {process.MODULE} is not activated in this Tryton: "
                f"trytond-admin -d DATABASE -u {process.MODULE} --activate-dependencies",
            ) from None
        return pool

    def _as_user(self, pool: Any, transaction: Any) -> Books:
        """The settings' user with its access rights, the company, and the context that a Tryton client sends."""
        settings = self.settings
        User, Company = pool.get("res.user"), pool.get("company.company")
        users = User.search([("login", "=", settings.user)])
        if not users:
            raise AuthFailed(f"Tryton has no active user {settings.user}")
        transaction.set_user(users[0].id)
        transaction.set_context(User.get_preferences(context_only=True))
        companies = {company.rec_name: company.id for company in users[0].companies}
        wanted = settings.company
        company = transaction.context.get("company") if wanted is None else companies.get(wanted)
        if company is None:
            known = ", ".join(companies) or "none"
            sentence = f"the user {settings.user} has no company {wanted or 'of its own'} (it has: {known})"
            raise Refused(Reason.CONFIG_INCOMPLETE, sentence)
        transaction.set_context(company=company, _check_access=True, _skip_warnings=True)
        return Books(pool, settings, Company(company))

    def _away(self, error: Exception) -> ConnectorError:
        words = self._plain(error)
        if "password authentication failed" in words or "no password supplied" in words:
            return AuthFailed(f"the database refuses the login: {words}")
        return Transient(f"Tryton's database cannot be reached: {words}")

    def _plain(self, error: Exception) -> str:
        """The database's message without the password."""
        words = tidy(str(error))
        return words.replace(self.location.password, "********") if self.location.password else words


@dataclass(slots=True)
class _Locks:
    tables: set[str] = field(default_factory=set)
    records: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    calls: Turns = field(default_factory=Turns)

    def extras(self) -> dict[str, Any]:
        """The locks as Tryton's transactions take them, in a fixed sequence, so that no two calls deadlock."""
        records = {table: sorted(ids) for table, ids in sorted(self.records.items())}
        return {"_lock_tables": sorted(self.tables), "_lock_records": records}


class _LockWanted(Exception):
    """Tryton requires a lock before the transaction reads anything; the next run takes it first."""


class _Again(Exception):
    """The transaction was rolled back and may be run again. `unsure`: it failed during its commit.

    `refusal`: the answer if it fails in this way repeatedly.
    """

    def __init__(self, words: str, *, unsure: bool = False, refusal: Refused | None = None) -> None:
        super().__init__(words)
        self.unsure = unsure
        self.refusal = refusal


def _run_tasks(pool: Any, transaction: Any) -> None:
    """Run the tasks that Tryton defers until after the commit (the invoice's report), if it has no worker."""
    from trytond.worker import run_task

    while transaction.tasks:
        run_task(pool, transaction.tasks.pop())


def _given_up(unsure: bool, words: str) -> ConnectorError:
    return Unknown(words) if unsure else Transient(words)


def exact(number: float | None) -> Decimal:
    """The exact decimal of a Tryton quantity, which is kept as a float."""
    value = Decimal(str(number or 0))
    return value.to_integral_value() if value == value.to_integral_value() else value
