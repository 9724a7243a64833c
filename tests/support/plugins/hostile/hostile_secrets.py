"""What can be done wrong with settings and secrets. One fault a class; `caught_by` is the case that must find it."""

import logging
from typing import Any, ClassVar

from honest_erp import HonestConnector, HonestSettings
from pydantic import ConfigDict

from shipperone_erp import (
    AuthFailed,
    Connector,
    ConnectorSettings,
    Transient,
    hookimpl,
)


class LaxSettings(HonestSettings):
    """Takes every key."""

    model_config = ConfigDict(extra="ignore")


class TakesEveryKey(Connector[LaxSettings]):
    """A misspelt key is as good as none."""

    caught_by: ClassVar[str] = "C1"


class LoudSettings(ConnectorSettings):
    """Shows in its errors what it was given."""

    model_config = ConfigDict(hide_input_in_errors=False)
    password: int = 0


class ShowsItsInput(Connector[LoudSettings]):
    """pydantic's own errors, as they are."""

    caught_by: ClassVar[str] = "C2"


class OpenSettings(HonestSettings):
    """A token as plain text."""

    api_token: str = "t0ken"


class KeepsATokenInTheOpen(Connector[OpenSettings]):
    """`config show` prints it."""

    caught_by: ClassVar[str] = "C3"


class ShowsItsPassword(HonestConnector):
    """A repr that helps in debugging."""

    caught_by: ClassVar[str] = "C4"

    def __repr__(self) -> str:
        return f"<connector with {self.settings.password.get_secret_value()}>"


class LogsItsPassword(HonestConnector):
    """At debug, where nobody looks."""

    caught_by: ClassVar[str] = "S1"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        logging.getLogger("acme.http").debug("POST /login password=%s", self.settings.password.get_secret_value())
        return super().reserve_stock(request)


class TellsTheRefusedPassword(HonestConnector):
    """The driver's words, with the login in it."""

    caught_by: ClassVar[str] = "S2"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        try:
            return super().reserve_stock(request)
        except AuthFailed:
            raise AuthFailed(f"login with {self.settings.password.get_secret_value()} was refused") from None


class TellsThePasswordInACause(HonestConnector):
    """A clean sentence, with the driver's exception behind it."""

    caught_by: ClassVar[str] = "S3"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        try:
            return super().reserve_stock(request)
        except Transient as away:
            cause = ConnectionError(f"cannot reach erp://admin:{self.settings.password.get_secret_value()}@erp")
            raise Transient(away.sentence) from cause
