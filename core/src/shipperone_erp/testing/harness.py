"""The harness: the kit's access to an author's ERP, independent of the connector.

The author subclasses `ConnectorHarness` once and overrides the probes; `ConnectorSuite` and `connectors test` do the
rest. A probe accesses the ERP directly (SQL, the ERP's own API), never through the connector under test.
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
    """A line of a document, read from the ERP. Goods name `item_id` or `sku` (preferably the id).

    A line that names neither is shipping, a fee, a discount or a rounding line: the document's total includes it, and
    it is not compared by itself. A field that is None is not compared; the report mentions it.
    """

    item_id: int | str | None = None
    sku: str | None = None
    qty: Decimal | None = None
    total_incl_tax: Decimal | None = None
    tax_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ErpDocument:
    """A document, read from the ERP. A reservation is `live` or `voided`; an invoice `draft`, `issued`, `voided`.

    A mark that a key was released or discarded before any document was created counts as `voided`. The kit compares
    amounts, currency, buyer and goods with the order and with the connector's answer. A field that is None is not
    compared; the first lines of the report mention it. `party` is the buyer's name as the document shows it.
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
    """One ERP for one case: created, set up and torn down by the kit. `folder` is empty, and deleted afterwards.

    Cases are independent: each uses SKUs, orders and keys of its own, so that all of them may share one ERP.
    """

    connector: ClassVar[type[Connector[Any]] | str]
    """The connector's entry-point name (preferred: its package is then tested as installed), or the class."""

    live: ClassVar[bool] = False
    """Whether it connects to a real ERP. Without `--live` only cases that inspect the class then run."""

    warehouse: str = "main"
    other_warehouse: str = "outlet"
    """The warehouse of goods that need a transfer."""

    currency: str = "EUR"
    other_currency: str = "CZK"
    tax_percent: Decimal = Decimal(21)

    threads: int = 20
    """The number of concurrent calls."""

    deadline: float = 30.0
    """Seconds that one hook may take, whatever the state of the ERP; a tenant's `hook_timeout` is 120 by default."""

    capture: ClassVar[Path | None] = None
    """Queues in a file, written by `capture` (`connectors test --capture FILE`): E1 processes its orders as well."""

    suite: ClassVar[str] = "1.0"
    """The version of the kit for which this harness was written: findings of later ones are warnings, not failures."""

    other_tax_percent: Decimal = Decimal(12)
    """A second tax rate, for an order with two."""

    run: str | None = None
    """Part of the names of a case's products and orders, so that cases are independent; None: a new text each time.

    For an ERP that is played back from a recording of this very case.
    """

    recorded: ClassVar[str | None] = None
    """The kit version of a recording that is played back: calls that later versions make are left out."""

    kills: int | None = None
    """The number of a hook's outward calls at which a process is killed, spread evenly; None: all of them."""

    capabilities: ClassVar[frozenset[Capability] | None] = None
    """The capabilities of this ERP, if they differ from the connector's; None: those that the connector declares."""

    departures: ClassVar[Mapping[str, str]] = {}
    """Case id → the reason why this harness cannot test it. It does not run, or runs as the suite overrides it.

    Missing capabilities of the ERP are declared in `capabilities`; a departure for the same reason is deprecated.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set_up(self) -> None:
        """Create the ERP, or connect to it. NotApplicable skips the case, and names the settings of a real ERP."""

    def tear_down(self) -> None:
        """Undo `set_up`. Always called."""

    def settings(self) -> Mapping[str, Any]:
        """The connector's settings in the form of the tenant's TOML table, with secrets as plain text."""
        self._cannot("settings")

    def neighbour(self, folder: Path) -> Self:
        """Another ERP of the same kind, for another tenant; set up and torn down like this one."""
        return type(self)(folder)

    def add_product(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        """Create a product with that quantity on hand; called again, it sets the quantity."""
        self._cannot("add_product")

    def on_hand(self, sku: str, warehouse: str) -> Decimal:
        """The quantity on hand, including reserved goods."""
        self._cannot("on_hand")

    def reserved(self, sku: str, warehouse: str) -> Decimal:
        """The reserved part of that quantity."""
        self._cannot("reserved")

    def documents(self, key: str) -> Sequence[ErpDocument]:
        """Every document in the ERP under this key, voided ones included."""
        self._cannot("documents")

    def advance(self) -> None:
        """Run the ERP's own jobs once; called while a hook answers `Pending`. Does nothing if there are none."""

    def arrive(self, key: str) -> None:
        """The transfer of the reservation of this key arrives."""
        self._cannot("arrive")

    def change_draft(self, key: str) -> None:
        """An operator changes the total of the draft of this key by a cent."""
        self._cannot("change_draft")

    def cancel(self, key: str) -> None:
        """An operator cancels or deletes the reservation or draft of this key, by the ERP's own means."""
        self._cannot("cancel")

    def add_indivisible(self, sku: str, on_hand: Decimal, warehouse: str) -> None:
        """As `add_product`, for a product that the ERP sells in whole pieces only."""
        self._cannot("add_indivisible")

    def fail_commit(self) -> None:
        """The ERP fails to commit the next changes until `mend_connection`: none of them is kept."""
        self._cannot("fail_commit")

    def revoke_rights(self) -> None:
        """The connector can still log in, but lacks its rights (no right, no company), until `mend_connection`."""
        self._cannot("revoke_rights")

    def break_connection(self) -> None:
        """From now on the ERP is unreachable, until `mend_connection`; open connections break."""
        self._cannot("break_connection")

    def mend_connection(self) -> None:
        """The ERP is reachable and responds again; the connector has its rights."""
        self._cannot("mend_connection")

    def stall_connection(self) -> None:
        """From now on the ERP accepts calls without a response (or with a blocking lock), until `mend_connection`."""
        self._cannot("stall_connection")

    def lose_answer(self) -> None:
        """The next change is committed, and the connection ends before the ERP's response arrives."""
        self._cannot("lose_answer")

    def _cannot(self, probe: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{probe} is not written")


def able(harness: type[ConnectorHarness], probe: str) -> bool:
    """Whether the author has implemented that probe."""
    return getattr(harness, probe) is not getattr(ConnectorHarness, probe)


def declared(harness: type[ConnectorHarness], found: type[Connector[Any]]) -> frozenset[Capability]:
    """The capabilities of the ERP: those of the harness, else those of the connector."""
    return capabilities.read(found.capabilities if harness.capabilities is None else harness.capabilities)
