"""What can be done wrong when goods are released or delivered. One fault a class; `caught_by` is the case that must find it."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import HonestConnector
from honest_stock import THOUSAND, thousandths

from shipperone_erp import (
    Done,
    Reserved,
    ReserveStock,
    Voided,
    hookimpl,
)


class ReleasesTwice(HonestConnector):
    """Each release gives the stock back."""

    caught_by: ClassVar[str] = "V1"

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        with self._erp() as erp:
            self._free(erp, request.key)
            erp.execute("UPDATE reservations SET state = 'voided' WHERE key = ?", (request.key,))
        return Done()


class NeedsTheReference(HonestConnector):
    """Releases by the reference, which nobody knows after a crash."""

    caught_by: ClassVar[str] = "V1"

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        if request.reference is None:
            return Done()
        return super().release_stock(request)


class ReservesAgainWhatWasReleased(HonestConnector):
    """A release leaves no trace."""

    caught_by: ClassVar[str] = "V2"

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM reservations WHERE key = ?", (request.key,)).fetchone():
                self._free(erp, request.key)
                erp.execute("DELETE FROM reservations WHERE key = ?", (request.key,))
                erp.execute("DELETE FROM reserved_lines WHERE key = ?", (request.key,))
        return Done()


class ForgetsWhatItNeverSaw(HonestConnector):
    """An unknown key leaves no mark."""

    caught_by: ClassVar[str] = "V3"

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        with self._erp() as erp:
            row = erp.execute("SELECT state FROM reservations WHERE key = ?", (request.key,)).fetchone()
        return Done() if row is None else super().release_stock(request)


class DeliversTwice(HonestConnector):
    """Each call takes the goods out."""

    caught_by: ClassVar[str] = "D1"

    @hookimpl
    def deliver(self, request: Any) -> Any:
        with self._erp() as erp:
            for item in request.order.items:
                change = (thousandths(item.qty), thousandths(item.qty), item.sku)
                erp.execute("UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE sku = ?", change)
        return Done()


class DeliversTwiceAtOnce(HonestConnector):
    """Looks in one transaction, and takes the goods out in another."""

    caught_by: ClassVar[str] = "D2"

    @hookimpl
    def deliver(self, request: Any) -> Any:
        with self._erp() as erp:
            there = erp.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone()
        time.sleep(0.05)
        with self._erp() as erp:
            if not there:
                erp.execute("INSERT OR IGNORE INTO deliveries VALUES (?, '')", (request.key,))
                for item in request.order.items:
                    change = (thousandths(item.qty), thousandths(item.qty), item.sku)
                    erp.execute("UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE sku = ?", change)
        return Done()


class DeliversTheWholeReservation(HonestConnector):
    """A parcel takes out everything that is reserved for the order."""

    caught_by: ClassVar[str] = "D3"

    def _ship(self, erp: Any, item: Any, keys: Any, warehouse: str) -> None:
        left = erp.execute(
            "SELECT qty - shipped FROM reserved_lines WHERE key = ? AND item_id = ?", (keys[0], str(item.item_id))
        )
        super()._ship(erp, replace(item, qty=Decimal(left.fetchone()[0]) / THOUSAND), keys, warehouse)


class ReleasesWhatHasLeft(HonestConnector):
    """Gives the whole reservation back, the delivered pieces too."""

    caught_by: ClassVar[str] = "D4"

    def _free(self, erp: Any, key: str) -> None:
        for warehouse, sku, qty in erp.execute(
            "SELECT warehouse, sku, qty FROM reserved_lines WHERE key = ?", (key,)
        ).fetchall():
            change = (qty, warehouse, sku)
            erp.execute("UPDATE stock SET reserved = reserved - ? WHERE warehouse = ? AND sku = ?", change)


class VoidedIsNothing(HonestConnector):
    """A released key is answered as if it were reserved."""

    caught_by: ClassVar[str] = "V2"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        answer = super().reserve_stock(request)
        return Reserved(f"R-{request.key}") if isinstance(answer, Voided) else answer
