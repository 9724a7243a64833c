"""The records of alerts. A process claims an alert before it sends it, so that two processes send it once.

Rows are written in the order of their names, so that two processes never deadlock.
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
"""A claim of this age belongs to a process that died, or could not deliver: any process may claim it again."""


class AlertRecords(LedgerReader):
    """The part of a ledger that stores alerts."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """One transaction that writes."""

    def alerts(self) -> dict[str, AlertRecord]:
        """By name, each condition that was seen and whose end was not sent yet."""
        return {row["name"]: AlertRecord(**row) for row in self._rows(select(alerts))}

    def see_alerts(self, seen: Mapping[str, str], at: datetime) -> None:
        """Record that these conditions (a sentence by name) hold at this time."""
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
                except IntegrityError:  # another process has just recorded it too
                    continue

    def claim_alerts(self, names: Collection[str], at: datetime, *, sent: bool) -> set[str]:
        """Claim alerts for this caller alone, until the claim expires; returns those claimed.

        `sent`: only alerts that were already sent; else only those that were not.
        """
        mine: set[str] = set()
        if not names:
            return mine
        free = or_(alerts.c.claimed_at.is_(None), alerts.c.claimed_at < at - CLAIMED_FOR)
        state = alerts.c.told_at.is_not(None) if sent else alerts.c.told_at.is_(None)
        with self._writing() as connection:
            for name in sorted(names):
                claim = update(alerts).where(alerts.c.name == name, free, state).values(claimed_at=at)
                if connection.execute(claim).rowcount == 1:
                    mine.add(name)
        return mine

    def record_alerts_sent(self, begun: Collection[str], over: Collection[str], at: datetime) -> None:
        """The alerts in `begun` were sent, and so were the ends of those in `over`."""
        with self._writing() as connection:
            for name in sorted(begun):
                sent = update(alerts).where(alerts.c.name == name).values(told_at=at, claimed_at=None)
                connection.execute(sent)
            for name in sorted(over):
                connection.execute(delete(alerts).where(alerts.c.name == name))

    def forget_alerts(self, names: Collection[str]) -> None:
        """These conditions ended before an alert was sent."""
        if not names:
            return
        with self._writing() as connection:
            for name in sorted(names):
                connection.execute(delete(alerts).where(alerts.c.name == name, alerts.c.told_at.is_(None)))
