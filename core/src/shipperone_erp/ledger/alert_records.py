"""What alerts have seen and told. A process claims what it tells, so that two processes tell it once.

Rows are written in the order of their names, so that of two processes one waits for the other, and never both.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from shipperone_erp.domain.records import AlertRecord
from shipperone_erp.ledger.reader import LedgerReader
from shipperone_erp.ledger.schema import alerts

CLAIMED_FOR = timedelta(minutes=2)
"""A claim this old is of a process that died, or could not deliver: anybody may claim it again."""


class AlertRecords(LedgerReader):
    """The part of a ledger that alerts are kept in."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """One transaction that writes."""

    def alerts(self) -> dict[str, AlertRecord]:
        """Each condition that was seen and whose end was not told, by its name."""
        return {row["name"]: AlertRecord(**row) for row in self._rows(select(alerts))}

    def see_alerts(self, seen: Mapping[str, str], at: datetime) -> None:
        """These conditions (a sentence by name) are there at this time."""
        if not seen:
            return
        with self._writing() as connection:
            known = set(connection.scalars(select(alerts.c.name).where(alerts.c.name.in_(list(seen)))))
            for name, sentence in sorted(seen.items()):
                if name in known:
                    connection.execute(
                        update(alerts).where(alerts.c.name == name).values(seen_at=at, sentence=sentence)
                    )
                    continue
                new = insert(alerts).values(name=name, since=at, seen_at=at, sentence=sentence)
                try:
                    with connection.begin_nested():
                        connection.execute(new)
                except IntegrityError:  # another process has just seen it too
                    continue

    def claim_alerts(self, names: Collection[str], at: datetime, *, told: bool) -> set[str]:
        """Those of them that this caller is to tell: it alone, until the claim is old. `told`: as the row has it."""
        mine: set[str] = set()
        if not names:
            return mine
        free = or_(alerts.c.claimed_at.is_(None), alerts.c.claimed_at < at - CLAIMED_FOR)
        state = alerts.c.told_at.is_not(None) if told else alerts.c.told_at.is_(None)
        with self._writing() as connection:
            for name in sorted(names):
                claim = update(alerts).where(alerts.c.name == name, free, state).values(claimed_at=at)
                if connection.execute(claim).rowcount == 1:
                    mine.add(name)
        return mine

    def told_alerts(self, begun: Collection[str], over: Collection[str], at: datetime) -> None:
        """The beginning of these, and the end of those, was told."""
        with self._writing() as connection:
            for name in sorted(begun):
                told = update(alerts).where(alerts.c.name == name).values(told_at=at, claimed_at=None)
                connection.execute(told)
            for name in sorted(over):
                connection.execute(delete(alerts).where(alerts.c.name == name))

    def forget_alerts(self, names: Collection[str]) -> None:
        """These ended before anybody was told."""
        if not names:
            return
        with self._writing() as connection:
            for name in sorted(names):
                connection.execute(delete(alerts).where(alerts.c.name == name, alerts.c.told_at.is_(None)))
