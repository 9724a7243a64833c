"""Faults between the runtime and ShipperOne, which can be enabled for certain requests."""

import random
import threading
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "latency",  # answers after `seconds`
    "lost_answer",  # performs the action, then closes the connection without a response
    "dropped",  # closes the connection before performing the action
    "cut",  # performs the action, and sends half of the JSON
    "429",
    "503",  # with `retry_after`: seconds, "date" for an HTTP date, or nothing
    "500",  # does nothing; Magento's report id
    "html_502",
    "html_200",
    "denied",  # does nothing; a 200 with `false`, or with the text in `payload`
    "done_denied",  # performs the action, with the same response
    "echo",  # does nothing; a 400 whose message repeats the Authorization header, and `payload`
    "echo_html",  # does nothing; a 502 whose page repeats them
    "empty",  # performs the action; a 200 without a body
    "redirect",
    "insert",  # after this page another order is listed before all others
    "remove",  # after this page its first order is removed
    "call",  # calls `before` with the request, then handles it normally
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `action`: `allocate`, `invoice`, or a queue such as `pending_invoice`; "": any.

    `times`: for how many requests (None: all). `every`: only each n-th matching one. `chance`: with this probability.
    """

    kind: str
    action: str = ""
    method: str | None = None
    order_id: str | None = None
    page: int | None = None
    times: int | None = None
    every: int = 1
    chance: float = 1.0
    seconds: float = 0.0
    retry_after: str | None = None
    payload: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; one of {', '.join(KINDS)}")

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Parses the command line's form: `lost_answer:invoice:times=1`."""
        kind, *rest = text.split(":")
        values: dict[str, Any] = {}
        for part in rest:
            name, equals, value = part.partition("=")
            if not equals:
                values["action"] = part
            elif name in ("times", "every", "page"):
                values[name] = int(value)
            elif name in ("seconds", "chance"):
                values[name] = float(value)
            elif name in ("retry_after", "method", "order_id"):
                values[name] = value
            else:
                raise ValueError(f"{name!r} is no part of a fault; see docs/reference/sandbox.md")
        return cls(kind, **values)


@dataclass(slots=True)
class Switch:
    """An enabled fault, and the number of requests that it has affected."""

    fault: Fault
    seen: int = 0
    hits: int = 0


class Faults:
    """The faults of one sandbox; thread-safe."""

    def __init__(self, seed: int = 1) -> None:
        self._switches: list[Switch] = []
        self._chance = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Switch:
        """Enable the fault; the returned switch counts its hits."""
        switch = Switch(fault)
        with self._lock:
            self._switches.append(switch)
        return switch

    def clear(self) -> None:
        """Disable all faults."""
        with self._lock:
            self._switches.clear()

    def strike(self, method: str, path: str, page: int | None, order_id: str | None) -> list[Fault]:
        """The faults that affect this request; each is counted."""
        struck = []
        with self._lock:
            for switch in self._switches:
                fault = switch.fault
                fits = (
                    fault.action in ("", path.rsplit("/", 1)[-1])
                    and fault.method in (None, method)
                    and fault.page in (None, page)
                    and fault.order_id in (None, order_id)
                )
                if not fits or (fault.times is not None and switch.hits >= fault.times):
                    continue
                switch.seen += 1
                if switch.seen % fault.every == 0 and self._chance.random() < fault.chance:
                    switch.hits += 1
                    struck.append(fault)
        return struck
