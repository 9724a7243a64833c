"""The harness: how the kit looks into an author's ERP, behind the connector's back.

The author subclasses `ConnectorHarness` once and overrides the probes; `ConnectorSuite` and `connectors test` do the
rest. A probe looks and touches directly (SQL, the ERP's own API), never through the connector under test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, Self

from shipperone_erp.connector import capabilities
from shipperone_erp.connector.api import Connector
from shipperone_erp.connector.capabilities import Capability


@dataclass(frozen=True, slots=True)
class ErpLine:
    """A line of a document, read from the ERP. Goods name `item_id` or `sku` (the id is the better one).

    A line that names neither is shipping, a fee, a discount or a rounding line: the document's total includes it, and
    it is not compared by itself. What is None is not compared; the report says so.
    """

    item_id: int | str | None = None
    sku: str | None = None
    qty: Decimal | None = None
    total_incl_tax: Decimal | None = None
    tax_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ErpDocument:
    """A document, read from the ERP. A reservation is `live` or `voided`; an invoice `draft`, `issued`, `voided`.

    A mark that a key was released or discarded before anything was made counts as `voided`. The kit compares amounts,
    currency, buyer and goods with the order and with the connector's answer. What is None is not compared; the report
    says so in its first lines. `party` is the buyer's name as the document shows it.
    """

    kind: Literal["reservation", "invoice"]
    state: Literal["live", "draft", "issued", "voided"]
    reference: str | None = None
    number: str | None = None
    total_incl_tax: Decimal | None = None
    currency: str | None = None
    party: str | None = None
    lines: tuple[ErpLine, ...] | None = None


class ConnectorHarness:
    """One ERP for one case: made, set up, torn down by the kit. `folder` is an empty one that is thrown away.

    Cases never meet: each uses SKUs, orders and keys of its own, so that all of them may share one ERP.
    """

    connector: ClassVar[type[Connector[Any]] | str]
    """The connector's entry-point name (best: its package is then tested as it is installed), or the class."""

    live: ClassVar[bool] = False
    """True: it talks to a real ERP. Without `--live` only the cases run that look at the class alone."""

    warehouse: str = "main"
    other_warehouse: str = "outlet"
    """Where goods lie that need a transfer."""

    currency: str = "EUR"
    other_currency: str = "CZK"
    tax_percent: Decimal = Decimal(21)

    threads: int = 20
    """How many calls are made at once."""

    deadline: float = 30.0
    """Seconds that one hook may take, whatever the ERP does; a tenant's `hook_timeout` is 120 by default."""

    capture: ClassVar[Path | None] = None
    """Queues in a file, as `capture` writes it (`connectors test --capture FILE`): E1 runs the orders of it as well."""

    suite: ClassVar[str] = "1.0"
    """The version of the kit that this harness was written for: what later ones find is a warning, not a failure."""

    other_tax_percent: Decimal = Decimal(12)
    """A second tax rate, for an order with two."""

    run: str | None = None
    """What the names of a case's products and orders hold, so that no two cases meet; None: something new each time.

    For an ERP that is played back from a recording of this very case.
    """

    recorded: ClassVar[str | None] = None
    """The version of the kit with which a recording was made that is played back: what later ones ask is left out."""

    kills: int | None = None
    """At how many of the outward calls of a hook a process is killed, spread evenly; None: at every one."""

    capabilities: ClassVar[frozenset[Capability] | None] = None
    """What this ERP can do, where that is another set than the connector's; None: what the connector declares."""

    departures: ClassVar[Mapping[str, str]] = {}
    """Case id → why it cannot be looked at with this harness. It does not run, or runs as the suite overrides it.

    What the ERP cannot do is declared in `capabilities`; a departure that says the same is deprecated.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set_up(self) -> None:
        """Make the ERP, or reach it; NotApplicable skips the case, and says what a real one needs to be told first."""

    def tear_down(self) -> None:
        """Undo `set_up`. Called in any case."""

    def settings(self) -> Mapping[str, Any]:
        """The connector's settings, as the tenant's TOML table would hold them, secrets as plain text."""
        self._cannot("settings")

    def neighbour(self, folder: Path) -> Self:
        """Another ERP of the same kind, for another tenant; set up and torn down as this one."""
        return type(self)(folder)

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        """A product, so many of it on hand there; called again, that many are on hand now."""
        self._cannot("add_product")

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        """How many lie there, reserved ones included."""
        self._cannot("on_hand")

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        """How many of those are reserved."""
        self._cannot("reserved")

    def documents(self, key: str) -> Sequence[ErpDocument]:
        """Every document that the ERP has under this key, voided ones included."""
        self._cannot("documents")

    def advance(self) -> None:
        """Let the ERP's own jobs run once; called while a hook answers `Pending`. Nothing, where there are none."""

    def arrive(self, key: str) -> None:
        """The transfer of the reservation of this key arrives."""
        self._cannot("arrive")

    def change_draft(self, key: str) -> None:
        """A person changes the total of the draft of this key by a cent."""
        self._cannot("change_draft")

    def cancel(self, key: str) -> None:
        """An operator cancels or deletes the reservation or draft of this key, by the ERP's own means."""
        self._cannot("cancel")

    def add_indivisible(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        """As `add_product`, of a product that the ERP sells in whole pieces only."""
        self._cannot("add_indivisible")

    def fail_commit(self) -> None:
        """The ERP fails to commit the next change, and others until it is mended: nothing of it is kept."""
        self._cannot("fail_commit")

    def revoke_rights(self) -> None:
        """The connector can still log in, and may no longer do its work (no right, no company), until it is mended."""
        self._cannot("revoke_rights")

    def break_connection(self) -> None:
        """From now on the ERP cannot be reached, until `mend_connection`; what is open breaks."""
        self._cannot("break_connection")

    def mend_connection(self) -> None:
        """The ERP can be reached again, and answers; the connector has its rights."""
        self._cannot("mend_connection")

    def stall_connection(self) -> None:
        """From now on the ERP takes calls and does not answer (or lets them wait for a lock), until it is mended."""
        self._cannot("stall_connection")

    def lose_answer(self) -> None:
        """The next change is made, and the connection ends before the ERP's answer to that arrives."""
        self._cannot("lose_answer")

    def _cannot(self, probe: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{probe} is not written")


def able(harness: type[ConnectorHarness], probe: str) -> bool:
    """The author has written that probe."""
    return getattr(harness, probe) is not getattr(ConnectorHarness, probe)


def declared(harness: type[ConnectorHarness], found: type[Connector[Any]]) -> frozenset[Capability]:
    """What the ERP can do: the harness's word, else the connector's."""
    return capabilities.read(found.capabilities if harness.capabilities is None else harness.capabilities)
