"""What can be done wrong with warehouses, quantities, keys and transfers. One fault a class."""

from dataclasses import replace
from decimal import ROUND_UP, Decimal
from itertools import groupby
from typing import Any, ClassVar

from honest_erp import HonestConnector
from honest_stock import thousandths

from shipperone_erp import ConnectorError, Done, Refused, Reserved, ReserveStock, Shortage, Transient, hookimpl


class KnowsOneWarehouse(HonestConnector):
    """Everything comes from the first warehouse, whichever the order names."""

    caught_by: ClassVar[str] = "W1"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        return super().reserve_stock(replace(request, order=replace(request.order, warehouse_code="main")))


class GroupsWithoutSorting(HonestConnector):
    """Lines of one SKU are put together where they follow each other; of the others the last one counts."""

    caught_by: ClassVar[str] = "W2"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        groups = [list(group) for _, group in groupby(request.order.items, key=lambda item: item.sku)]
        sums = [replace(group[0], qty=sum((item.qty for item in group), Decimal(0))) for group in groups]
        items = tuple({item.sku: item for item in sums}.values())
        if len(sums) == len(items):
            return super().reserve_stock(request)
        return super().reserve_stock(replace(request, order=replace(request.order, items=items)))


class CountsInPieces(HonestConnector):
    """int(qty), when it is reserved."""

    caught_by: ClassVar[str] = "W3"

    def _hold(self, erp: Any, key: str, order: Any, item: Any) -> None:
        super()._hold(erp, key, order, replace(item, qty=Decimal(int(item.qty))))


class RoundsUpToAPiece(HonestConnector):
    """What is sold in whole pieces is rounded up, without a word."""

    caught_by: ClassVar[str] = "W4"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        try:
            return super().reserve_stock(request)
        except Refused as refused:
            if refused.reason != "unit_unclear":
                raise
            items = tuple(replace(item, qty=item.qty.to_integral_value(ROUND_UP)) for item in request.order.items)
            return super().reserve_stock(replace(request, order=replace(request.order, items=items)))


class DeliversInPieces(HonestConnector):
    """int(qty), when it leaves."""

    caught_by: ClassVar[str] = "W6"

    def _ship(self, erp: Any, item: Any, keys: Any, warehouse: str) -> None:
        super()._ship(erp, replace(item, qty=Decimal(int(item.qty))), keys, warehouse)


class FreesByTheOrder(HonestConnector):
    """A release of a key that it does not know frees what the order's lines say."""

    caught_by: ClassVar[str] = "V7"

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM reservations WHERE key = ?", (request.key,)).fetchone() is None:
                for item in request.order.items:
                    change = (thousandths(item.qty), item.sku)
                    erp.execute("UPDATE stock SET reserved = MAX(reserved - ?, 0) WHERE sku = ?", change)
        return super().release_stock(request)


class ReleasesWhatIsHere(HonestConnector):
    """What waits for its transfer in the other warehouse stays reserved there."""

    caught_by: ClassVar[str] = "V8"

    def _free(self, erp: Any, key: str) -> None:
        erp.execute(
            "DELETE FROM reserved_lines WHERE key = ? AND item_id IN"
            " (SELECT item_id FROM transfers WHERE key = ? AND NOT arrived)",
            (key, key),
        )
        super()._free(erp, key)


class DeliversOnlyWhatIsReserved(HonestConnector):
    """Without a reservation nothing leaves, and the answer is Done."""

    caught_by: ClassVar[str] = "D5"

    def _ship(self, erp: Any, item: Any, keys: Any, warehouse: str) -> None:
        if keys:
            super()._ship(erp, item, keys, warehouse)


class CutsKeysAtForty(HonestConnector):
    """The ERP's field for a reference has forty characters."""

    caught_by: ClassVar[str] = "N1"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        return super().reserve_stock(replace(request, key=request.key[:40]))

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        return super().release_stock(replace(request, key=request.key[:40]))


class RemembersWhatItReserved(HonestConnector):
    """A table of its own says which keys are reserved; what operators do in the ERP is not in it."""

    caught_by: ClassVar[str] = "O1"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        with self._erp() as erp:
            erp.execute("CREATE TABLE IF NOT EXISTS ours (key TEXT PRIMARY KEY)")
            if erp.execute("SELECT 1 FROM ours WHERE key = ?", (request.key,)).fetchone():
                return Reserved(f"R-{request.key}")
            answer = self._reserve(erp, request)
            if isinstance(answer, Reserved):
                erp.execute("INSERT INTO ours VALUES (?)", (request.key,))
            return answer

    @hookimpl
    def release_stock(self, request: Any) -> Any:
        with self._erp() as erp:
            erp.execute("CREATE TABLE IF NOT EXISTS ours (key TEXT PRIMARY KEY)")
            erp.execute("DELETE FROM ours WHERE key = ?", (request.key,))
        return super().release_stock(request)


class TransfersLater(HonestConnector):
    """The reservation is committed, and then the transfer is asked for."""

    caught_by: ClassVar[str] = "K7"

    def _insert_reservation(self, erp: Any, key: str, order: Any, state: str) -> None:
        super()._insert_reservation(erp, key, order, state)
        self._moves = []

    def _hold(self, erp: Any, key: str, order: Any, item: Any) -> None:
        super()._hold(erp, key, order, item)
        row = (key, str(item.item_id))
        self._moves += erp.execute("SELECT * FROM transfers WHERE key = ? AND item_id = ?", row).fetchall()
        erp.execute("DELETE FROM transfers WHERE key = ? AND item_id = ?", row)

    def _reserve(self, erp: Any, request: Any) -> Any:
        self._moves = []
        answer = super()._reserve(erp, request)
        if not self._moves:
            return answer
        erp.execute("COMMIT")
        erp.execute("BEGIN IMMEDIATE")
        erp.executemany("INSERT INTO transfers VALUES (?, ?, ?, ?)", self._moves)
        return super()._reserve(erp, request)


class SwallowsAFailedCommit(HonestConnector):
    """What goes wrong at the end is logged, and the answer is given."""

    caught_by: ClassVar[str] = "U6"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Any:
        try:
            return super().reserve_stock(request)
        except Transient as failed:
            if "could not commit" not in failed.sentence:
                raise
            return Reserved(f"R-{request.key}")


class DeliversTheFirstOfABatch(HonestConnector):
    """The first order of a batch leaves the stock, and the answer is given for all."""

    caught_by: ClassVar[str] = "Q4"

    @hookimpl
    def deliver_batch(self, requests: Any) -> Any:
        return super().deliver_batch(requests[:1]) | {request.key: Done() for request in requests[1:]}


class SpoilsADeliveryBatch(HonestConnector):
    """One delivery without goods, and the whole batch raises."""

    caught_by: ClassVar[str] = "Q1"

    @hookimpl
    def deliver_batch(self, requests: Any) -> Any:
        return {request.key: self.deliver(request) for request in requests}


class ReservesTheFirstOfABatch(HonestConnector):
    """The first order of a batch is reserved, and the answer is given for all."""

    caught_by: ClassVar[str] = "Q4"

    @hookimpl
    def reserve_stock_batch(self, requests: Any) -> Any:
        answers: dict[str, Any] = {}
        for request in requests:
            try:
                with self._erp() as erp:
                    short = self._short(erp, request.order)
                first = not any(isinstance(answer, Reserved) for answer in answers.values())
                answers[request.key] = (
                    Shortage(tuple(short)) if short
                    else self.reserve_stock(request) if first else Reserved(f"R-{request.key}")
                )  # fmt: skip
            except ConnectorError as raised:
                answers[request.key] = raised
        return answers
