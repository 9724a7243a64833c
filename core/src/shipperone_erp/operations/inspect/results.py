"""What an inspection reads and what it finds, as values: for the command line, for JSON, for a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shipperone_erp.config.settings import ChargeSettings
from shipperone_erp.domain.hook_requests import Goods
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Queues:
    """The orders of a tenant as ShipperOne lists them. `failed` and `warehouses` are None if they could not be read."""

    orders: Mapping[Stage, Sequence[Raw]]
    failed: Sequence[Any] | None = None
    warehouses: Sequence[Any] | None = None


def distinct(rows: Iterable[Any]) -> list[Raw]:
    """Each order once, compared by its text, since a queue repeats its last page."""
    return list({dumps(row): row for row in rows if isinstance(row, Mapping)}.values())


@dataclass(frozen=True, slots=True)
class UnknownGoods:
    """Goods for which the ERP accepts no order: the number of items, and the reason."""

    sku: str
    warehouse_code: str
    items: int
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpKnowledge:
    """Of `items` listed items, `known` exist in the ERP. `why_not`: why there is no answer; then the rest is empty."""

    items: int = 0
    known: int = 0
    unknown: tuple[UnknownGoods, ...] = ()
    warehouses: tuple[str, ...] = ()
    unknown_warehouses: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFound:
    """One field of the order model: its place, in `found` of `of` orders or items. `stage`: None if both queues agree.

    `proof`: the proof of its place, or a note that it was only found. `usual`: it needs no setting. `place` is None if
    it was not found.
    """

    name: str
    stage: Stage | None
    place: str | None
    found: int
    of: int
    example: str | None
    proven: bool
    proof: str
    usual: bool


@dataclass(frozen=True, slots=True)
class Unused:
    """A path that no field and no charge uses."""

    path: str
    orders: int
    example: str


@dataclass(frozen=True, slots=True)
class Held:
    """Orders that would be held now for one reason, with the first of them in full."""

    stage: Stage
    reason: str
    orders: int
    first: str | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A reading of amounts: it explains `explains` of the `of` orders that can decide it. `chosen`: it is proposed."""

    name: str
    explains: int
    of: int
    says: str
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Settings to be written. `fields` and `queue_fields` name places; an accountant's settings are separate."""

    fields: Mapping[str, str] = field(default_factory=dict)
    queue_fields: Mapping[Stage, Mapping[str, str]] = field(default_factory=dict)
    bundles: str | None = None
    order_total: str | None = None
    currency: str | None = None
    discount: str | None = None
    charges: tuple[ChargeSettings, ...] = ()
    timezone: str | None = None

    @property
    def needs_a_yes(self) -> tuple[str, ...]:
        """The settings that decide about taxes and dates, to which an accountant must agree."""
        names = ("discount", "charges", "timezone", "order_total")
        return tuple(name for name in names if getattr(self, name))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self == Proposal()

    def settings(self) -> dict[str, Any]:
        """The settings of a tenant's table."""
        plain: dict[str, Any] = {
            name: value
            for name in ("discount", "bundles", "order_total", "currency", "timezone")
            if (value := getattr(self, name)) is not None
        }
        fields: dict[str, Any] = dict(self.fields)
        fields.update({stage.value: dict(table) for stage, table in self.queue_fields.items() if table})
        if fields:
            plain["fields"] = fields
        if self.charges:
            plain["charges"] = [charge.model_dump() for charge in self.charges]
        return plain

    def settled(self) -> "Proposal":
        """The proposal without the settings that an accountant must agree to."""
        return Proposal(
            fields=self.fields, queue_fields=self.queue_fields, bundles=self.bundles, currency=self.currency
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The analysed queues of one tenant. Nothing was changed.

    `goods`: the listed goods, with the number of items of each; `erp`: the ERP's answer for them, None if it was not
    queried.
    """

    tenant: str
    orders: Mapping[Stage, int]
    failed: int | None
    warehouses: Mapping[str, int]
    unknown_warehouses: tuple[str, ...]
    fields: tuple[FieldFound, ...]
    rules: tuple[Rule, ...]
    unused: tuple[Unused, ...]
    held_now: tuple[Held, ...]
    held_then: tuple[Held, ...]
    explained: int
    totals: int
    questions: tuple[str, ...]
    proposal: Proposal
    goods: Mapping[Goods, int] = field(default_factory=dict)
    erp: ErpKnowledge | None = None

    @property
    def now(self) -> int:
        """The number of orders that would be held under the present settings."""
        return sum(held.orders for held in self.held_now)

    @property
    def then(self) -> int:
        """The number of orders that would be held under the proposal."""
        return sum(held.orders for held in self.held_then)

    def document(self) -> dict[str, Any]:
        """The document of `inspect --json`."""
        proposal = asdict(self.proposal)
        proposal["charges"] = [charge.model_dump() for charge in self.proposal.charges]
        proposal["queue_fields"] = {stage.value: dict(table) for stage, table in self.proposal.queue_fields.items()}
        return {
            "tenant": self.tenant,
            "orders": {stage.value: count for stage, count in self.orders.items()},
            "failed": self.failed,
            "warehouses": dict(self.warehouses),
            "unknown_warehouses": list(self.unknown_warehouses),
            "fields": [asdict(each) for each in self.fields],
            "rules": [asdict(each) for each in self.rules],
            "unused": [asdict(each) for each in self.unused],
            "held_now": [asdict(each) for each in self.held_now],
            "held_then": [asdict(each) for each in self.held_then],
            "totals": self.totals,
            "explained": self.explained,
            "questions": list(self.questions),
            "erp": None if self.erp is None else asdict(self.erp),
            "proposal": {**proposal, "needs_a_yes": list(self.proposal.needs_a_yes)},
        }
