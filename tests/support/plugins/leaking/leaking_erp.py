"""A connector that says its password and its customers' names wherever a connector can say anything.

The name of an order says how its first hook leaks: FO-REFUSED, FO-BUG, …; every hook logs before it does anything.
"""

import logging
import threading
import warnings
from typing import Any

from counting_erp import CountingConnector

from shipperone_erp import (
    AuthFailed,
    Check,
    FulfillmentOrder,
    Mismatch,
    Party,
    Pending,
    Refused,
    Resolution,
    Transient,
    Unknown,
    hookimpl,
)


class LeakingConnector(CountingConnector):
    """As `CountingConnector`, but for what it says."""

    @property
    def password(self) -> str:
        assert self.settings.password is not None
        return self.settings.password.get_secret_value()

    def _do(self, hook: str, key: str, order: FulfillmentOrder, act: Any, *more: Any, **named: Any) -> Any:
        self._log_everywhere()
        who = order.customer or Party()
        sentence = f"{hook} as erp:{self.password} for {who.name}, {who.email}, {who.phone}, {who.street}, {who.vat_id}"
        leaks: dict[str, Any] = {
            "FO-REFUSED": Refused("customer_ambiguous", sentence, "accountant"),
            "FO-BUG": RuntimeError(sentence),
            "FO-UNKNOWN": Unknown(sentence),
            "FO-TRANSIENT": Transient(sentence),
            "FO-AUTH": AuthFailed(sentence),
        }
        if order.order_id in leaks and hook == "reserve_stock":
            raise leaks[order.order_id] from ValueError(self.password)
        if order.order_id == "FO-PENDING":
            return Pending(sentence, 0.2)
        return super()._do(hook, key, order, act, *more, **named)

    def _log_everywhere(self) -> None:
        # as somebody does who looks for a fault: everything of every library, on stderr
        logging.basicConfig(level=logging.DEBUG)
        for name in ("sqlalchemy", "sqlalchemy.engine", "httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).debug("Authorization: Basic %s", self.password)
        self.log.error("login with %s", self.password)
        self.log.error("login with %s as %s", self.password)
        self.log.error(f"login with {self.password} %s")
        logging.error("login with %(password)s", {"password": self.password})
        try:
            raise RuntimeError(f"login with {self.password}")
        except RuntimeError:
            self.log.exception("no login", stack_info=True)
        warnings.warn(f"login with {self.password} is deprecated", stacklevel=1)
        dying = threading.Thread(target=self._die, name="a thread of the connector's own")
        dying.start()
        dying.join()

    def _die(self) -> None:
        raise RuntimeError(f"login with {self.password}")

    @hookimpl
    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        who = mismatch.sent.customer or Party()
        if mismatch.action != "compare":
            return Resolution.abstain()
        return Resolution.hold("total_differs", f"{who.name} ({who.email}) pays otherwise, {self.password}", "it")

    def check(self) -> list[Check]:
        self._log_everywhere()
        return [Check(f"login {self.password}", None, f"login with {self.password}", f"change {self.password}")]

    def identity(self) -> str:
        if self.settings.name == "raises":
            raise RuntimeError(f"login with {self.password}")
        return f"leaking://erp:{self.password}@host"
