"""A merchant whose days are bad: orders that change and are cancelled, a ShipperOne and an ERP that stumble.

What happens is drawn from a seeded chance. What is true is asked of ShipperOne's sandbox and of the ERP's own tables.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.sandbox import Fault, Sandbox, SandboxItem, SandboxOrder
from shipperone_erp.sandbox.faults import Faults, Switch
from world import Erp

SKUS = tuple(f"SKU-{number}" for number in range(1, 13))
WAREHOUSES = ("main", "outlet")
PARCELS = {3: (1, 2), 5: (2, 3), 7: (1, 2, 4)}
"""How a quantity is shipped in parcels: no two sums are equal, so that no parcel looks like one of before."""

STEADY = {
    "latency": 0.1, "lost_answer": 0.04, "dropped": 0.04, "cut": 0.02, "429": 0.003, "503": 0.005, "500": 0.015,
    "html_502": 0.015, "html_200": 0.015, "empty": 0.015, "redirect": 0.01,
}  # fmt: skip
"""The faults of ShipperOne that are on all the time, and for which share of the requests."""

HOOKS = ("reserve_stock", "build_invoice", "issue_invoice", "release_stock", "discard_invoice", "deliver")
STUMBLES = {
    "transient": 6, "unknown_after": 5, "raise": 2, "none": 1, "wrong_type": 1, "pending": 4, "refused": 2, "auth": 1,
    "hang_then": 3, "hang": 1, "kill": 1, "kill_after": 1,
}  # fmt: skip
OF_INVOICES = ("cent_off", "tax_zero", "issued_flag")
LASTS = {"hang_then": "0.4", "hang": "3"}
"""Seconds: longer than `hook_timeout`, or not."""

MORE_SCHEMA = """
CREATE TABLE arrivals (key TEXT, sku TEXT, qty INTEGER);
CREATE TRIGGER reserved_twice AFTER INSERT ON reserved_lines WHEN (
    SELECT COUNT(*) FROM reserved_lines JOIN reservations USING (key)
    WHERE state = 'live' AND item_id = NEW.item_id) > 1
BEGIN
    INSERT INTO effects (hook, key, order_id, what) VALUES ('reserved twice', NEW.key, NEW.item_id, 'double');
END;
"""
"""What has come from another warehouse; and the ERP itself notes at once that an item was reserved while a reservation of it was live."""


@dataclass(frozen=True)
class Kind:
    """What sort of merchant: the connector and its settings, the tenant's settings, who ships."""

    name: str
    connector: str
    erp: dict[str, str]
    tenant: dict[str, str]
    ships_by_hand: bool
    """Parcels go out at any time, also before the one of before is invoiced; orders are cancelled at any time."""


KINDS = (
    Kind("drafts", "counting", {"transfers_take_time": "true"}, {}, ships_by_hand=False),
    Kind(
        "batches",
        "counting_batch",
        {"drafts": "false", "transfers_take_time": "true", "exclusive": '"the one ERP"'},
        {"in_doubt": '"hold"'},
        ships_by_hand=True,
    ),
)


SHARE_AN_ERP = 20
"""So many merchants with the same `exclusive` name, where there are many."""


def merchants(folder: Path, chance: random.Random, count: int, orders: int) -> list["Merchant"]:
    """So many merchants, of every kind by turns, with so many orders to come in all."""
    made = []
    for number in range(count):
        kind, name = KINDS[number % len(KINDS)], ""
        if count > len(KINDS):
            name = f"{kind.name}_{number:03}"
            if "exclusive" in kind.erp:
                kind = replace(kind, erp={**kind.erp, "exclusive": f'"the ERP {number // SHARE_AN_ERP}"'})
        own = random.Random(chance.getrandbits(32))
        coming = orders_at_random(chance, orders * (number + 1) // count - orders * number // count, name or kind.name)
        made.append(Merchant(kind, folder, own, coming, name))
    return made


def orders_at_random(chance: random.Random, count: int, prefix: str) -> list[SandboxOrder]:
    """Of one to four lines; some are shipped in parcels, some need a transfer."""
    return [_order(chance, f"{prefix}-{number:05}", number * 10) for number in range(1, count + 1)]


def _order(chance: random.Random, order_id: str, first_id: int) -> SandboxOrder:
    skus = chance.sample(SKUS, chance.choice((1, 1, 2, 3, 4)))
    lines = [(sku, chance.choice((1, 2, 3, 5, 7)), f"{chance.randint(199, 9999) / 100:.2f}") for sku in skus]
    fee = chance.choice(("0.00", "2.99", "4.99"))
    order = SandboxOrder.simple(order_id, *lines, first_id=first_id, fee=fee)
    if chance.random() < 0.35:
        order = replace(order, parts=_parcels(chance, order))
    if chance.random() < 0.12:
        far = replace(order.items[0], warehouse_code="outlet")
        order = replace(order, items=(far, *order.items[1:]))
    return order


def _parcels(chance: random.Random, order: SandboxOrder) -> tuple[dict[int | str, Decimal], ...]:
    parcels: list[dict[int | str, Decimal]] = [{}, {}, {}]
    for item in order.items:
        pieces = PARCELS.get(int(item.qty), (int(item.qty),))
        for parcel, piece in zip(chance.sample(parcels, len(pieces)), pieces, strict=True):
            parcel[item.id] = Decimal(piece)
    return tuple(parcel for parcel in parcels if parcel)


@dataclass(frozen=True)
class Edits:
    """What the shop has changed of an order, besides its lines."""

    fee: Decimal | None = None
    street: str | None = None

    def __call__(self, raw: dict[str, Any]) -> dict[str, Any]:
        changed = dict(raw)
        if self.fee is not None:
            before = raw["shipping_amount_incl_tax"]
            changed |= {
                "shipping_amount_incl_tax": self.fee,
                "total_incl_tax": raw["total_incl_tax"] - before + self.fee,
            }
        if self.street is not None:
            changed["shipping"] = {"street": self.street, "city": "Bratislava"}
        return changed


@dataclass
class Merchant:
    """One tenant: its ShipperOne, its ERP, the orders that are still to come and those that came."""

    kind: Kind
    folder: Path
    chance: random.Random
    coming: list[SandboxOrder]
    name: str = ""
    came: list[str] = field(default_factory=list)
    edits: dict[str, Edits] = field(default_factory=dict)
    stocked: Counter[tuple[str, str]] = field(default_factory=Counter)
    switches: list[Switch] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.name = self.name or self.kind.name
        self.sandbox = Sandbox(token=f"the-token-of-{self.name}")
        self.sandbox.faults = Faults(self.chance.getrandbits(32))
        self.sandbox.auto_ship = not self.kind.ships_by_hand
        self.erp = Erp(self.folder / f"{self.name}.db")
        with closing(sqlite3.connect(self.erp.file)) as db:
            db.executescript(MORE_SCHEMA)
        self.demand = self._demand()
        for place, pieces in self.demand.items():
            self._stock(place, pieces // 3)

    def _demand(self) -> Counter[tuple[str, str]]:
        wanted: Counter[tuple[str, str]] = Counter()
        for order in self.coming:
            for item in order.items:
                wanted[item.warehouse_code or order.warehouse_code, item.sku] += int(item.qty)
        return wanted

    def _stock(self, place: tuple[str, str], pieces: int) -> None:
        self.stocked[place] += pieces
        self.erp.ask(
            "INSERT INTO stock (warehouse, sku, on_hand) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET on_hand = on_hand + excluded.on_hand",
            *place, pieces,
        )  # fmt: skip

    def table(self) -> str:
        """This merchant in the TOML file."""
        own = {
            "base_url": f'"{self.sandbox.base_url}"',
            "token": f'{{ env = "{self.variable}" }}',
            "connector": f'"{self.kind.connector}"',
            **self.kind.tenant,
        }
        erp = {"database": f'"{self.erp.file}"', "flushed": "false", **self.kind.erp}
        return "".join(
            f"[tenants.{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
            for name, table in ((self.name, own), (f"{self.name}.{self.kind.connector}", erp))
        )

    @property
    def variable(self) -> str:
        """The environment variable that holds the token."""
        return f"TOKEN_OF_{self.name.upper()}"

    # what the shop, its partner and its warehouse do

    def order_comes(self) -> None:
        order = self.coming.pop(0)
        self.came.append(order.order_id)
        if self.chance.random() < 0.03:
            # between two pages, while the queue is read
            self._switch(Fault("insert", action="pending_allocation", times=1, payload=order))
        else:
            self.sandbox.add(order)

    def all_have_come(self) -> None:
        """What was to be listed between two pages and was not."""
        for switch in self.switches:
            if switch.fault.kind == "insert" and not self.listed(switch.fault.payload.order_id):
                self.sandbox.add(switch.fault.payload)

    def shop_edits(self) -> None:
        order_id = self._recent()
        before = self.edits.get(order_id, Edits())
        if self.chance.random() < 0.7:
            edits = replace(before, fee=Decimal(self.chance.choice(("0.00", "3.50", "4.99", "6.50"))))
        else:
            edits = replace(before, street=f"Main street {self.chance.randint(1, 99)}")
        self.edits[order_id] = edits
        if self.chance.random() < 0.2:
            # in the very moment in which ShipperOne is asked to confirm it
            action = self.chance.choice(("allocate", "invoice"))
            change = self._while_asked(order_id, lambda: self.sandbox.change(order_id, edits))
            self._switch(Fault("call", action=action, order_id=order_id, times=1, payload=change))
        else:
            self._if_listed(order_id, lambda: self.sandbox.change(order_id, edits))

    def _while_asked(self, order_id: str, act: Callable[[], None]) -> Callable[[object], None]:
        return lambda post: self._if_listed(order_id, act)

    def _if_listed(self, order_id: str, act: Callable[[], None]) -> None:
        try:
            with self.sandbox.still():
                self.sandbox.order(order_id)
                act()
        except KeyError:
            return  # it waits to be listed between two pages

    def shop_edits_lines(self) -> None:
        """While nothing of the order is allocated a line goes away or, where parcels go out by hand, comes."""
        order_id = self._recent()

        def edit() -> None:
            state = self.sandbox.order(order_id)
            order = state.order
            if state.allocations or state.cancelled or order.parts or len(order.items) > 5:
                return
            if len(order.items) > 1 and (not self.kind.ships_by_hand or self.chance.random() < 0.5):
                items = order.items[1:]
            elif self.kind.ships_by_hand:
                items = (*order.items, _another_line(order))
                self._stock((order.warehouse_code, items[-1].sku), int(items[-1].qty))
            else:
                return
            before = sum(item.row_total_incl_tax for item in order.items)
            after = sum(item.row_total_incl_tax for item in items)
            self.sandbox.add(replace(order, items=items, total_incl_tax=order.total_incl_tax - before + after))
            if order_id in self.edits:
                self.sandbox.change(order_id, self.edits[order_id])
            self.did["lines edited"] += 1

        self._if_listed(order_id, edit)

    def shop_cancels(self) -> None:
        order_id = self._recent()

        def cancel() -> None:
            state = self.sandbox.order(order_id)
            if not state.cancelled and (self.kind.ships_by_hand or not state.allocations):
                self.sandbox.cancel(order_id)
                self.did["cancelled"] += 1

        self._if_listed(order_id, cancel)

    def order_vanishes(self) -> None:
        """Between two pages, while the queue is read."""
        queues = ("pending_allocation", "pending_invoice") if self.kind.ships_by_hand else ("pending_allocation",)
        self._switch(Fault("remove", action=self.chance.choice(queues), times=1))

    def erp_stumbles(self) -> None:
        hook = self.chance.choice(HOOKS)
        what = self.chance.choices(list(STUMBLES), list(STUMBLES.values()))[0]
        if hook == "build_invoice" and self.chance.random() < 0.3:
            what = self.chance.choice(OF_INVOICES)
        self.erp.script(hook, what, detail=LASTS.get(what, ""))
        self.did["ERP stumbles"] += 1

    def goods_come(self) -> None:
        place = self.chance.choice(sorted(self.demand))
        left = self.demand[place] - self.stocked[place]
        if left > 0:
            self._stock(place, min(left, max(left // 4, 3)))

    def all_goods_come(self) -> None:
        """Nothing is short any more."""
        for place, pieces in self.demand.items():
            self._stock(place, max(pieces - self.stocked[place], 0) + 100)

    def transfers_arrive(self, share: float = 1.0) -> None:
        """The goods of that share of the transfers on their way are in the order's own warehouse now."""
        with closing(sqlite3.connect(self.erp.file, timeout=20, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            rows = db.execute(
                "SELECT key FROM transfers JOIN reservations USING (key) WHERE NOT arrived AND state = 'live'"
            ).fetchall()
            for (key,) in rows:
                if self.chance.random() < share:
                    _arrive(db, key)
            db.execute("COMMIT")

    def parcels_go_out(self, share: float = 1.0) -> None:
        """Of that share of the orders, where the partner ships by hand."""
        if not self.kind.ships_by_hand:
            return
        for order_id in self.sandbox_ids("pending_shipment"):
            if self.chance.random() < share:
                with self.sandbox.still():
                    state = self.sandbox.order(order_id)
                    if state.cancelled or not state.unshipped:
                        continue
                    parts = state.order.parts
                    parcel = parts[state.parts_shipped] if state.parts_shipped < len(parts) else dict(state.unshipped)
                    # More of an item that is shipped and not yet invoiced would change its quantity unseen: an invoice
                    # names items, no quantities. Another item beside it does not match what was read, and is a 400.
                    if not parcel.keys() & state.to_invoice.keys():
                        self.sandbox.ship(order_id, parcel)

    def sandbox_ids(self, queue: str) -> list[str]:
        """The orders of a queue."""
        fits = {"pending_shipment": "unshipped", "pending_allocation": "to_allocate", "pending_invoice": "to_invoice"}
        with self.sandbox.still():
            return [
                order_id
                for order_id in self.came
                if self.listed(order_id)
                and not (state := self.sandbox.order(order_id)).cancelled
                and getattr(state, fits[queue])
            ]

    def listed(self, order_id: str) -> bool:
        """ShipperOne knows it."""
        try:
            self.sandbox.order(order_id)
        except KeyError:
            return False
        return True

    def _recent(self) -> str:
        return self.chance.choice(self.came[-40:])

    # faults on and off

    def faults_on(self) -> None:
        for kind, share in STEADY.items():
            retry_after = self.chance.choice(("1", "date1")) if kind in ("429", "503") else None
            self._switch(Fault(kind, chance=share, seconds=0.15, retry_after=retry_after))
        self._switch(Fault("503", chance=0.002))

    def faults_off(self) -> None:
        """ShipperOne and the ERP are well from now on."""
        self.sandbox.faults.clear()
        self.erp.ask("DELETE FROM script")

    def _switch(self, fault: Fault) -> None:
        self.switches.append(self.sandbox.faults.add(fault))

    # what is true

    def took(self, job: Job) -> bool:
        """ShipperOne has accepted this job, as it tells a person who asks."""
        state = self.sandbox.order(job.order_id)
        if job.stage is Stage.ALLOCATION:
            return {item.item_id for item in job.order.items} <= set(state.allocated)
        shipped = {item.item_id: item.qty for item in job.order.items}
        return any(quantities == shipped for quantities, _ in state.invoices)


def _another_line(order: SandboxOrder) -> SandboxItem:
    sku = next(sku for sku in SKUS if sku not in {item.sku for item in order.items})
    last = order.items[-1]
    price = Decimal("3.30")
    number = max(int(item.id) for item in order.items) + 1
    return replace(
        last,
        id=number,
        sku=sku,
        qty=Decimal(2),
        price_incl_tax=price,
        row_total_incl_tax=2 * price,
        warehouse_code=None,
    )


def _arrive(db: sqlite3.Connection, key: str) -> None:
    lines: Sequence[tuple[str, str, int]] = db.execute(
        "SELECT warehouse, sku, qty FROM reserved_lines WHERE key = ? AND warehouse != 'main'", (key,)
    ).fetchall()
    for warehouse, sku, qty in lines:
        db.execute("INSERT INTO arrivals VALUES (?, ?, ?)", (key, sku, qty))
        for place, change in ((warehouse, -qty), ("main", qty)):
            db.execute("INSERT OR IGNORE INTO stock (warehouse, sku, on_hand) VALUES (?, ?, 0)", (place, sku))
            db.execute(
                "UPDATE stock SET on_hand = on_hand + ?, reserved = reserved + ? WHERE warehouse = ? AND sku = ?",
                (change, change, place, sku),
            )
    db.execute("UPDATE reserved_lines SET warehouse = 'main' WHERE key = ?", (key,))
    db.execute("UPDATE transfers SET arrived = 1 WHERE key = ?", (key,))
