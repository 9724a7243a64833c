"""Level race: several sessions reserve the last pieces, and release, number and issue, at the same time.

It runs on a test database. A session holds its changes until the others have started, before it commits. A guard that
only looks is therefore found in the first rounds; a guard that locks makes the others wait.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TypeVar

from sqlalchemy import Connection

from shipperone_erp import Check, ConnectorError, FulfillmentOrder, Reason, Refused
from shipperone_erp_generic_sql.database import Database
from shipperone_erp_generic_sql.errors import DatabaseFailed
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.prepared import Prepared
from shipperone_erp_generic_sql.step_execution import Work

ResultT = TypeVar("ResultT")

SESSIONS = 3
ROUNDS = 8
MEETING = 0.06
"""Seconds for which a session that has made its changes waits for the others before it commits."""

LOOKING = 3.0
"""Seconds for which a session that has looked, and holds no lock, waits until the others have looked."""
HOLDING = 0.4
"""Seconds for which a session that has looked and made its changes waits for the others to start."""

TAKEN = ("live", "waiting_for_transfer")
STATE_FIRST = (
    "change the state by an UPDATE with the old state in its WHERE, as the first statement of the step (the third "
    "habit): a SELECT before it does not lock"
)
LOCK_FIRST = "lock the stock row first, by SELECT … FOR UPDATE in an earlier statement of the step (the fourth habit)"


@dataclass
class Race:
    """Races for one order's goods. `order`: any order that the statements can reserve and invoice."""

    database: Database
    order: FulfillmentOrder
    tenant: str

    def __post_init__(self) -> None:
        self._prepared = Prepared(self.database.settings)
        self._keys = (f"race-{datetime.now(UTC):%H%M%S%f}-{number}" for number in count(1))

    def run(self) -> Iterator[Check]:
        """Run the races and yield a line for each."""
        settings = self.database.settings
        try:
            if settings.reserve:
                yield self._last_pieces()
            looks_at_once = self.database.dialect.begin is None  # SQLite's steps exclude each other from their start
            if settings.reserve and settings.release and settings.available and looks_at_once:
                yield from self._given_back()
            if settings.build_invoice and settings.issue_invoice:
                yield self._numbers()
                if looks_at_once:
                    yield self._issued_once()
        except (ConnectorError, DatabaseFailed) as failure:
            yield Check("race", False, str(failure), "the message names the statement")

    def _last_pieces(self) -> Check:
        settings, sku = self.database.settings, self.order.items[0].sku
        if not settings.available:
            return Check("last piece", None, "not tested: without `available` the last piece is unknown",
                         "configure `available`: on hand minus reserved")  # fmt: skip
        left = self._left()
        if left <= 0:
            return Check("last piece", None, f"not tested: there is no {sku}", "choose a --sku that is in stock")
        rounds = ROUNDS if settings.release else 1
        last = replace(self.order, items=(replace(self.order.items[0], qty=left, warehouse_code=None),), charges=())
        for number in range(1, rounds + 1):
            calls = [self._call(last, generation=1, transfer="reserved") for _ in range(SESSIONS)]
            states = self._at_once(calls, self._reserved)
            taken = sum(state in TAKEN for state in states)
            if "pending" in states:
                return Check(
                    "last piece", True, "reserve only records a request; the ERP's concurrent work is not tested here"
                )
            now = self._left()
            for call, state in zip(calls, states, strict=True):
                if state in TAKEN and settings.release:
                    self.database.in_transaction(partial(self._release, call))
            if taken > 1 or now < 0:
                sentence = (
                    f"{taken} concurrent sessions reserved the last {digits(left)} of {sku} (round {number} of "
                    f"{rounds})"
                )
                return Check("last piece", False, f"{sentence}: the same goods would be sold {taken} times", LOCK_FIRST)
            if not taken:
                sentence = f"not tested: no session could reserve {digits(left)} of {sku}"
                return Check("last piece", None, sentence, "compare `available` with the condition in reserve")
        if settings.release and (now := self._left()) != left:
            sentence = (
                f"{digits(left)} of {sku} were available before the race, {digits(now)} are after all was released"
            )
            return Check("last piece", False, sentence, "compare release with reserve")
        return Check(
            "last piece", True, f"{SESSIONS} concurrent sessions, {rounds} rounds: one reserves it, the others wait"
        )

    def _numbers(self) -> Check:
        calls = [self._call(self.order, generation=1, tax_date=datetime.now(UTC).date()) for _ in range(SESSIONS)]
        numbers = [n for n in self._at_once(calls, self._issued) if n]
        if len(set(numbers)) < len(numbers):
            sentence = f"{SESSIONS} invoices issued concurrently got the numbers {', '.join(numbers)}"
            return Check(
                "numbers", False, sentence, "take the number from a locked row, and create a unique index on it"
            )
        return Check("numbers", True, f"{SESSIONS} concurrent sessions: no two invoices with the same number")

    def _given_back(self) -> Iterator[Check]:
        """All sessions release one reservation at once, while another of the same goods stays reserved."""
        left, one = self._left(), Decimal(1)
        if left < 2:
            return
        piece = replace(self.order, items=(replace(self.order.items[0], qty=one, warehouse_code=None),), charges=())
        calls = [self._call(piece, generation=1, transfer="reserved") for _ in range(2)]
        met = threading.Barrier(1)
        if any(self._reserved(call, met) not in TAKEN for call in calls):
            return
        self._at_once([calls[0]] * SESSIONS, self._released)
        now = self._left()
        if now == left - one:
            self.database.in_transaction(partial(self._release, calls[1]))
            yield Check("released once", True, f"{SESSIONS} concurrent sessions released one reservation: once")
            return
        with suppress(ConnectorError):  # a refusal is expected: the goods are already released
            self.database.in_transaction(partial(self._release, calls[1]))
        sentence = (
            f"{SESSIONS} concurrent sessions released a reservation of one piece: {digits(now - left + 2)} pieces were "
            "released"
        )
        yield Check("released once", False, sentence, STATE_FIRST)

    def _issued_once(self) -> Check:
        """All sessions issue one draft at once: it must have one number, or no visible number."""
        call = self._call(self.order, generation=1, tax_date=datetime.now(UTC).date(), reason="race")
        self.database.in_transaction(lambda connection: self._work(connection, call).run("build_invoice"))
        given = [number for number in self._at_once([call] * SESSIONS, self._issued_at_once) if number]
        if len(set(given)) > 1:
            sentence = f"{SESSIONS} concurrent sessions issued one draft, with the numbers {', '.join(given)}"
            return Check("issued once", False, sentence, STATE_FIRST)
        return Check("issued once", True, f"{SESSIONS} concurrent sessions issued one draft: it has one number")

    def _at_once(self, calls: list[Call], session: Callable[[Call, threading.Barrier], ResultT]) -> list[ResultT]:
        met = threading.Barrier(len(calls))
        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(lambda call: session(call, met), calls))

    def _reserved(self, call: Call, met: threading.Barrier) -> str:
        """The state of the reservation after the commit; "refused" if there is none."""

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

    def _released(self, call: Call, met: threading.Barrier) -> None:
        """Release the reservation if it is seen live; the others have looked by then."""

        looked = _Once(met)

        def step(connection: Connection) -> None:
            work = self._work(connection, call)
            found = work.reservation()
            looked.meet()
            if found is not None and found.state in TAKEN:
                work.run("release", reference=found.reference)
                _meet(met, HOLDING)

        with suppress(ConnectorError):  # refused: another session has released it
            self.database.in_transaction(step)

    def _issued_at_once(self, call: Call, met: threading.Barrier) -> str | None:
        """The number that this session assigned, after its commit; None if it was refused or too late."""

        looked = _Once(met)

        def step(connection: Connection) -> str | None:
            work = self._work(connection, call)
            found = work.invoice()
            looked.meet()
            if found is None or found.state != "draft":
                return None
            work.run("issue_invoice", reference=found.reference)
            issued = work.invoice()
            _meet(met, HOLDING)
            return issued.invoice.number if issued else None

        try:
            return self.database.in_transaction(step)
        except ConnectorError:
            return None

    def _release(self, call: Call, connection: Connection) -> None:
        work = self._work(connection, call)
        found = work.reservation()
        work.run("release", reference=found.reference if found else None)

    def _issued(self, call: Call, met: threading.Barrier) -> str | None:
        """The number assigned to an invoice while the other sessions were open; everything is rolled back."""
        try:
            with self.database.rolled_back() as connection:
                work = self._work(connection, call)
                work.run("build_invoice")
                draft = work.invoice()
                work.run("issue_invoice", reference=draft.reference if draft else None)
                found = work.invoice()
                return found.invoice.number if found and _meet(met) else None
        except (ConnectorError, DatabaseFailed):
            return None  # it waited for another session, and was refused

    def _left(self) -> Decimal:
        call = self._call(self.order)
        with self.database.rolled_back() as connection:
            return self._work(connection, call).available(call.lines[0])

    def _work(self, connection: Connection, call: Call) -> Work:
        return Work(connection, self.database, self._prepared, call)

    def _call(self, order: FulfillmentOrder, **values: object) -> Call:
        return self.database.settings.call(self.tenant, next(self._keys), order, **values)


class _Once:
    """Waits for the other sessions the first time only: a repeated step has already waited for them."""

    def __init__(self, met: threading.Barrier) -> None:
        self._met: threading.Barrier | None = met

    def meet(self) -> None:
        met, self._met = self._met, None
        if met is not None:
            _meet(met, LOOKING)


def _meet(met: threading.Barrier, patience: float = MEETING) -> bool:
    """Wait a moment for the other sessions; returns whether they arrived."""
    try:
        met.wait(patience)
    except threading.BrokenBarrierError:
        return False
    return True
