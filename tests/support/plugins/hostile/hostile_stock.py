"""What can be done wrong with stock. One fault a class; `caught_by` is the case that must find it."""

import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import HonestConnector
from honest_stock import THOUSAND

from shipperone_erp import (
    Reserved,
    ReserveStock,
    Shortage,
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


class RemembersInTheObject(HonestConnector):
    """A counter in memory makes the references."""

    caught_by: ClassVar[str] = "A3"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        answer = super().reserve_stock(request)
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault(request.key, Reserved(f"{id(self)}")) if isinstance(answer, Reserved) else answer
