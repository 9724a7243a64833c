"""What can be done wrong while the ERP is unavailable, silent or unclear. One fault a class; `caught_by` is the case that must find it."""

from functools import cached_property
from typing import Any, ClassVar

from honest_erp import HonestConnector, HonestSettings

from shipperone_erp import (
    AuthFailed,
    Transient,
    Unknown,
    hookimpl,
)


class CallsAnOutageABug(HonestConnector):
    """The driver's exception comes through."""

    caught_by: ClassVar[str] = "U1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        try:
            return super().build_invoice(request)
        except Transient as away:
            raise ConnectionError(away.sentence) from None


class NeverTriesAgain(HonestConnector):
    """Once the ERP was away, it stays away for this object."""

    caught_by: ClassVar[str] = "U2"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        if self.__dict__.get("broken"):
            raise Transient("the connection is closed")
        try:
            return super().reserve_stock(request)
        except Transient:
            self.__dict__["broken"] = True
            raise


class CallsARefusedLoginAnOutage(HonestConnector):
    """It may get better by itself."""

    caught_by: ClassVar[str] = "U3"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        try:
            return super().reserve_stock(request)
        except AuthFailed as refused:
            raise Transient(refused.sentence) from None


class WaitsForASilentErp(HonestConnector):
    """Without a time-out."""

    caught_by: ClassVar[str] = "U4"

    @cached_property
    def _patient(self) -> HonestSettings:
        return self.settings.model_copy(update={"patience": 3600.0})

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        return HonestConnector(self._patient, tenant=self.tenant).reserve_stock(request)


class CallsALostAnswerAnOutage(HonestConnector):
    """The connection broke: nothing can have happened."""

    caught_by: ClassVar[str] = "U5"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        try:
            return super().reserve_stock(request)
        except Unknown as lost:
            raise Transient(lost.sentence) from None
