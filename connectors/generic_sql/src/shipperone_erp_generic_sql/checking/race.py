"""Level race: several sessions want the last pieces at once, and issue invoices at once, on a test database.

What one session has done meets the others before it commits, so that a guard which only looks is found in the first
rounds; one that locks lets the others wait.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TypeVar

from sqlalchemy import Connection

from shipperone_erp import Check, ConnectorError, FulfillmentOrder, Reason, Refused
from shipperone_erp_generic_sql.call import Call
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.errors import DatabaseFailed
from shipperone_erp_generic_sql.exact import digits
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.work import Work

ResultT = TypeVar("ResultT")

SESSIONS = 3
ROUNDS = 8
MEETING = 0.06
"""Seconds for which a session that has done its work waits for the others before it commits."""

TAKEN = ("live", "waiting_for_transfer")
LOCK_FIRST = "lock the stock row first, by SELECT … FOR UPDATE in an earlier statement of the step (the fourth habit)"


@dataclass
class Race:
    """Races on one order's goods. `order`: any that the statements can reserve and invoice."""

    database: Database
    order: FulfillmentOrder
    tenant: str

    def __post_init__(self) -> None:
        self._prepared = Prepared(self.database.settings)
        self._keys = (f"race-{datetime.now(UTC):%H%M%S%f}-{number}" for number in count(1))

    def run(self) -> Iterator[Check]:
        """The lines."""
        settings = self.database.settings
        try:
            if settings.reserve:
                yield self._last_pieces()
            if settings.build_invoice and settings.issue_invoice:
                yield self._numbers()
        except (ConnectorError, DatabaseFailed) as failure:
            yield Check("race", False, str(failure), "the sentence says which statement")

    def _last_pieces(self) -> Check:
        settings, sku = self.database.settings, self.order.items[0].sku
        if not settings.available:
            return Check("last piece", None, "nothing was raced: without `available` the last piece is not known",
                         "configure `available`: on hand minus reserved")  # fmt: skip
        left = self._left()
        if left <= 0:
            return Check("last piece", None, f"nothing was raced: there is no {sku}", "choose a --sku that is in stock")
        rounds = ROUNDS if settings.release else 1
        last = replace(self.order, items=(replace(self.order.items[0], qty=left, warehouse_code=None),), charges=())
        for number in range(1, rounds + 1):
            calls = [self._call(last, generation=1, transfer="reserved") for _ in range(SESSIONS)]
            states = self._at_once(calls, self._reserved)
            taken = sum(state in TAKEN for state in states)
            if "pending" in states:
                return Check("last piece", True, "reserve only asks; what the ERP's side does at once is not seen here")
            now = self._left()
            for call, state in zip(calls, states, strict=True):
                if state in TAKEN and settings.release:
                    self.database.in_transaction(partial(self._release, call))
            if taken > 1 or now < 0:
                said = (
                    f"{taken} sessions at once reserved the last {digits(left)} of {sku} (round {number} of {rounds})"
                )
                return Check("last piece", False, f"{said}: the same goods are sold {taken} times", LOCK_FIRST)
            if not taken:
                return Check("last piece", None, f"nothing was raced: no session could reserve {digits(left)} of {sku}")
        if settings.release and (now := self._left()) != left:
            said = f"{digits(left)} of {sku} were available before the race, {digits(now)} are after all was released"
            return Check("last piece", False, said, "compare release with reserve")
        return Check(
            "last piece", True, f"{SESSIONS} sessions at once, {rounds} rounds: one reserves it, the others wait"
        )

    def _numbers(self) -> Check:
        calls = [self._call(self.order, generation=1, tax_date=datetime.now(UTC).date()) for _ in range(SESSIONS)]
        numbers = [n for n in self._at_once(calls, self._issued) if n]
        if len(set(numbers)) < len(numbers):
            said = f"{SESSIONS} invoices issued at once were given the numbers {', '.join(numbers)}"
            return Check("numbers", False, said, "take the number from a locked row, and put a unique index on it")
        return Check("numbers", True, f"{SESSIONS} sessions at once: no two invoices with one number")

    def _at_once(self, calls: list[Call], session: Callable[[Call, threading.Barrier], ResultT]) -> list[ResultT]:
        met = threading.Barrier(len(calls))
        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(lambda call: session(call, met), calls))

    def _reserved(self, call: Call, met: threading.Barrier) -> str:
        """In which state the reservation is after its commit; "refused" without one."""

        def step(connection: Connection) -> str:
            work = self._work(connection, call)
            if work.reservation() is None:
                work.run("reserve")
            found = work.reservation()
            _meet(met)
            return found.state if found else "lost"

        try:
            return self.database.in_transaction(step)
        except ConnectorError as refusal:
            if isinstance(refusal, Refused) and refusal.reason is Reason.CONFIG_INCOMPLETE:
                raise
            return "refused"

    def _release(self, call: Call, connection: Connection) -> None:
        work = self._work(connection, call)
        found = work.reservation()
        work.run("release", reference=found.reference if found else None)

    def _issued(self, call: Call, met: threading.Barrier) -> str | None:
        """The number that an invoice was given while the others were open; all of it is rolled back."""
        try:
            with self.database.rolled_back() as connection:
                work = self._work(connection, call)
                work.run("build_invoice")
                draft = work.invoice()
                work.run("issue_invoice", reference=draft.reference if draft else None)
                found = work.invoice()
                return found.invoice.number if found and _meet(met) else None
        except (ConnectorError, DatabaseFailed):
            return None  # it had to wait for another, and was refused

    def _left(self) -> Decimal:
        call = self._call(self.order)
        with self.database.rolled_back() as connection:
            return self._work(connection, call).available(call.lines[0])

    def _work(self, connection: Connection, call: Call) -> Work:
        return Work(connection, self.database, self._prepared, call)

    def _call(self, order: FulfillmentOrder, **told: object) -> Call:
        return self.database.settings.call(self.tenant, next(self._keys), order, **told)


def _meet(met: threading.Barrier) -> bool:
    """Wait for the others for a moment; whether they came."""
    try:
        met.wait(MEETING)
    except threading.BrokenBarrierError:
        return False
    return True
