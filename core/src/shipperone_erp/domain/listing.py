"""The result of one read of a queue: the listed orders, and whether it proves absence; or the reason why it failed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import ShipperOneErpError


@dataclass(frozen=True, slots=True)
class Listed:
    """An order as a read shows it; `fingerprint` is over all of its mapped fields (`domain.keys`).

    `dates`: the values of its dates by field, as ShipperOne lists them.
    """

    order: FulfillmentOrder
    fingerprint: str
    dates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UnreadableOrder:
    """An entry that cannot be read as an order. With an id it is still listed: it is not absent.

    `raw` is its JSON text; it may hold personal data and is for the ledger, never for a log.
    """

    order_id: str | None
    sentence: str
    raw: str = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """Of `raw`: identifies an entry without an id."""
        return hashlib.sha256(self.raw.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Listing:
    """The orders that a queue listed in a read that began at that moment.

    `complete`: every page was read, so that the listed orders can be worked on. `proves_absence`: an order that is not
    listed was not in the queue; else `doubt` is the reason why not. `alert` is a sentence for operators. `digest`: of
    the bytes of the pages; None if the orders do not follow from them alone.
    """

    stage: Stage
    began_at: datetime
    orders: Mapping[str, Listed]
    unreadable: tuple[UnreadableOrder, ...]
    complete: bool
    proves_absence: bool
    alert: str | None
    doubt: str | None = None
    digest: bytes | None = None

    def shows_the_same(self, other: "Listing") -> bool:
        """Both reads list exactly the same, and prove the same. False if that is uncertain."""
        return self.digest is not None and (
            self.stage,
            self.digest,
            self.complete,
            self.proves_absence,
            self.doubt,
        ) == (other.stage, other.digest, other.complete, other.proves_absence, other.doubt)


@dataclass(frozen=True, slots=True)
class ToShip:
    """What pending_shipment showed of the allocations that were looked up there.

    `jobs`: the ids of those of which it lists an item. `denied`: the token may not read it. `failed`: it could not be
    read this time.
    """

    jobs: frozenset[int] = frozenset()
    denied: bool = False
    failed: bool = False


class Trouble(StrEnum):
    """Why a read failed. `UNAVAILABLE` and `THROTTLED` pass by themselves; the others need an operator."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


class ReadFailed(ShipperOneErpError):
    """A GET returned no list. `sentence` describes the response instead; `retry_after` is in seconds.

    `is_json`: the refusal was JSON, as ShipperOne sends it; an HTML page may be a proxy's.
    """

    exit_code = 4

    def __init__(
        self,
        sentence: str,
        trouble: Trouble,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        is_json: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.trouble = trouble
        self.status = status
        self.retry_after = retry_after
        self.is_json = is_json
