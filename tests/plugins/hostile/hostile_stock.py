"""What can be done wrong with stock. One fault a class; `caught_by` is the case that must find it."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import THOUSAND, HonestConnector, thousandths

from shipperone_erp import (
    Done,
    Reserved,
    ReserveStock,
    Shortage,
    Voided,
    hookimpl,
)


class EveryCallReserves(HonestConnector):
    """A new reservation with each call."""

    caught_by: ClassVar[str] = "R1"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            for item in request.order.items:
                self._hold(erp, request.key, request.order, item)
            erp.execute("INSERT OR IGNORE INTO reservations VALUES (?, '', 'live', '')", (request.key,))
        return Reserved(f"R-{request.key}")


class LooksFirstAndWritesLater(HonestConnector):
    """Two transactions: one that looks for the key, one that writes."""

    caught_by: ClassVar[str] = "R2"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM reservations WHERE key = ?", (request.key,)).fetchone():
                return self._reserve(erp, request)
        time.sleep(0.05)
        with self._erp() as erp:
            erp.execute("DELETE FROM reservations WHERE key = ?", (request.key,))
            return self._reserve(erp, request)


class NamesOneShortLine(HonestConnector):
    """Stops at the first line that is short."""

    caught_by: ClassVar[str] = "R3"

    def _short(self, erp: Any, order: Any) -> Any:
        return super()._short(erp, order)[:1]


class KeepsHalfOfAShortage(HonestConnector):
    """Reserves what is there, and answers that the rest is short."""

    caught_by: ClassVar[str] = "R3"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            answer = self._reserve(erp, request)
            if isinstance(answer, Shortage):
                short = {line.item_id for line in answer.lines}
                for item in request.order.items:
                    if item.item_id not in short:
                        self._hold(erp, request.key, request.order, item)
        return answer


class SellsWhatIsReserved(HonestConnector):
    """Available is what is on hand."""

    caught_by: ClassVar[str] = "R4"

    def _available(self, erp: sqlite3.Connection, warehouse: str, sku: str) -> Decimal | None:
        row = erp.execute("SELECT on_hand FROM stock WHERE warehouse = ? AND sku = ?", (warehouse, sku)).fetchone()
        return Decimal(row[0]) / THOUSAND if row else None


class SellsTheLastPieceTwice(HonestConnector):
    """Looks at the stock in one transaction and reserves in another."""

    caught_by: ClassVar[str] = "R5"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            short = self._short(erp, request.order)
        if short:
            return Shortage(tuple(short))
        time.sleep(0.05)
        with self._erp() as erp:
            if not erp.execute("SELECT 1 FROM reservations WHERE key = ?", (request.key,)).fetchone():
                self._insert_reservation(erp, request.key, request.order, "live")
                for item in request.order.items:
                    self._hold(erp, request.key, request.order, item)
        return Reserved(f"R-{request.key}")


class LooksAtEachLineAlone(HonestConnector):
    """Two lines of one SKU are each compared with the whole stock."""

    caught_by: ClassVar[str] = "R6"

    def _short(self, erp: Any, order: Any) -> Any:
        return [
            line for item in order.items for line in super(type(self), self)._short(erp, replace(order, items=(item,)))
        ]


class ReservesWhereItIsNot(HonestConnector):
    """Takes no notice of the warehouse of a line."""

    caught_by: ClassVar[str] = "R7"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        items = tuple(replace(item, warehouse_code=None) for item in request.order.items)
        with self._erp() as erp:
            return self._reserve(erp, replace(request, order=replace(request.order, items=items)))


class DoesNotWaitForTransfers(HonestConnector):
    """Says reserved while the goods are on the road."""

    caught_by: ClassVar[str] = "R7"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            return self._reserve(erp, replace(request, transfer="reserved"))


class ReservesWhatDoesNotExist(HonestConnector):
    """Leaves out what it does not know."""

    caught_by: ClassVar[str] = "R8"

    def _short(self, erp: Any, order: Any) -> Any:
        known = tuple(i for i in order.items if self._available(erp, order.source_warehouse(i), i.sku) is not None)
        return super()._short(erp, replace(order, items=known))


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


class CommitsInTheMiddle(HonestConnector):
    """The stock first, then the reservation: two transactions."""

    caught_by: ClassVar[str] = "K1"

    def _hold(self, erp: Any, key: str, order: Any, item: Any) -> None:
        super()._hold(erp, key, order, item)
        erp.execute("COMMIT")
        erp.execute("BEGIN IMMEDIATE")

    def _insert_reservation(self, erp: Any, key: str, order: Any, state: str) -> None:
        self._later = lambda: super(CommitsInTheMiddle, self)._insert_reservation(erp, key, order, state)
        if state != "live":
            self._later()

    def _reserve(self, erp: Any, request: Any) -> Any:
        self._later = None
        answer = super()._reserve(erp, request)
        if self._later is not None:
            self._later()
        return answer


class ReleasesInTwoSteps(HonestConnector):
    """The stock is freed and committed, then the reservation is marked."""

    caught_by: ClassVar[str] = "K2"

    def _free(self, erp: Any, key: str) -> None:
        super()._free(erp, key)
        erp.execute("COMMIT")
        erp.execute("BEGIN IMMEDIATE")


class DeliversInTwoSteps(HonestConnector):
    """The goods leave, and then the delivery is noted."""

    caught_by: ClassVar[str] = "K6"

    @hookimpl
    def deliver(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone():
                return Done()
        for item in request.order.items:
            with closing(self._connected()) as erp:
                change = (thousandths(item.qty), thousandths(item.qty), item.sku)
                erp.execute("UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE sku = ?", change)
        with self._erp() as erp:
            erp.execute("INSERT OR IGNORE INTO deliveries VALUES (?, '')", (request.key,))
        return Done()


class SharesItsMemory(HonestConnector):
    """What was reserved is kept in the class, for all tenants."""

    caught_by: ClassVar[str] = "T1"
    known: ClassVar[dict[str, Reserved]] = {}

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        if request.key not in self.known:
            answer = super().reserve_stock(request)
            if not isinstance(answer, Reserved):
                return answer
            self.known[request.key] = answer
        return self.known[request.key]


class SpoilsItsBatch(HonestConnector):
    """One bad request, and the whole batch raises."""

    caught_by: ClassVar[str] = "Q1"

    @hookimpl
    def reserve_stock_batch(self, requests: Any) -> Any:
        return {request.key: self.reserve_stock(request) for request in requests}


class ForgetsOneOfABatch(HonestConnector):
    """The last one of a batch is not answered."""

    caught_by: ClassVar[str] = "Q1"

    @hookimpl
    def reserve_stock_batch(self, requests: Any) -> Any:
        return super().reserve_stock_batch(requests[:-1])


class RemembersInTheObject(HonestConnector):
    """A counter in memory makes the references."""

    caught_by: ClassVar[str] = "A3"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        answer = super().reserve_stock(request)
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault(request.key, Reserved(f"{id(self)}")) if isinstance(answer, Reserved) else answer


class VoidedIsNothing(HonestConnector):
    """A released key is answered as if it were reserved."""

    caught_by: ClassVar[str] = "V2"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        answer = super().reserve_stock(request)
        return Reserved(f"R-{request.key}") if isinstance(answer, Voided) else answer
