"""What can be done wrong in the optional hooks: batches, lists, opinions. One fault a class; `caught_by` is the case that must find it."""

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from honest_erp import HonestConnector

from shipperone_erp import (
    Resolution,
    hookimpl,
)


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
