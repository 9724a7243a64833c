"""What can be done wrong in what is optional: batches, lists, opinions, what is free. One fault a class; `caught_by` is the case that must find it."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from honest_erp import HonestConnector
from honest_stock import THOUSAND

from shipperone_erp import FreeStock, Resolution, hookimpl


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


class ListsEverything(HonestConnector):
    """Whenever it was made."""

    caught_by: ClassVar[str] = "Q2"

    @hookimpl
    def list_documents(self, since: datetime) -> Any:
        return super().list_documents(since.replace(year=2000))


class ListsWithoutNumbers(HonestConnector):
    """Nobody can compare it with the books."""

    caught_by: ClassVar[str] = "Q2"

    @hookimpl
    def list_documents(self, since: datetime) -> Any:
        return [replace(document, number=None) for document in super().list_documents(since)]


class AcceptsWhatWasRefused(HonestConnector):
    """Everything is fine."""

    caught_by: ClassVar[str] = "Q3"

    @hookimpl
    def handle_mismatch(self, mismatch: Any) -> Any:
        return Resolution.accept()


class AcceptsOtherItems(HonestConnector):
    """Whatever differs, it is accepted when the two are compared."""

    caught_by: ClassVar[str] = "Q3"

    @hookimpl
    def handle_mismatch(self, mismatch: Any) -> Any:
        return Resolution.accept() if mismatch.action == "compare" else Resolution.abstain()


class CountsWhatIsReserved(HonestConnector):
    """What is on hand is free, also what an order has reserved."""

    caught_by: ClassVar[str] = "Q6"

    def free_stock(self, goods: Any) -> Any:
        counted = super().free_stock(goods)
        return [one if one.free is None else replace(one, free=self._on_hand(one)) for one in counted]

    def _on_hand(self, counted: Any) -> Any:
        with self._erp() as erp:
            place = (counted.warehouse_code, counted.sku)
            row = erp.execute("SELECT on_hand FROM stock WHERE warehouse = ? AND sku = ?", place).fetchone()
        return Decimal(row[0]) / THOUSAND


class CountsOneWarehouseForAll(HonestConnector):
    """The first warehouse's stock, whichever is asked for."""

    caught_by: ClassVar[str] = "Q6"

    def free_stock(self, goods: Any) -> Any:
        counted = super().free_stock([replace(one, warehouse_code="main") for one in goods])
        return [replace(one, warehouse_code=asked.warehouse_code) for one, asked in zip(counted, goods, strict=True)]


class CountsNoneOfWhatItLacks(HonestConnector):
    """None of it is free, it says of a SKU that the ERP does not know."""

    caught_by: ClassVar[str] = "Q6"

    def free_stock(self, goods: Any) -> Any:
        counted = super().free_stock(goods)
        return [FreeStock(one.sku, one.warehouse_code, one.free or Decimal(0)) for one in counted]


class LeavesGoodsOut(HonestConnector):
    """Unknown to the ERP is not in the answer."""

    caught_by: ClassVar[str] = "Q6"

    def free_stock(self, goods: Any) -> Any:
        return [one for one in super().free_stock(goods) if one.free is not None]
