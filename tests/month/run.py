"""A month at two stores on one ERP, day by day, with everything that `kinds` knows and with faults on.

PYTHONPATH=tests:tests/support python -m month.run [--orders 3000] [--days 30] [--seed 1]

Twice a day the machine wakes and runs; in the evening the partner ships, the shop cancels and edits; at night transfers
arrive, and a person answers what only a person can. At the end stock, invoices and ShipperOne must agree to the piece
and the cent, every order that is open must be one that was planted to be, and for the reason that it was planted for.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from zoneinfo import ZoneInfo

from month.kinds import KINDS, PLENTY, SETTINGS, STOCK, deck, invoiced_rows
from shipperone_erp import Reason
from shipperone_erp.config import load
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.engine.selection import Selection
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault, Sandbox
from shipperone_erp_generic_sql import recipe
from skipped_time import TimeOf

STORES = ("alpha", "bravo")
MICRO = D(1_000_000)
ZONE = ZoneInfo("Europe/Bratislava")
FIRST_DAY = datetime(2026, 3, 10, 7, 30, tzinfo=ZONE)  # the clocks go forward on the 29th
FAULTS = [
    Fault(kind, action=action, chance=0.02, retry_after="0")
    for kind in ("lost_answer", "dropped", "cut", "500", "503", "html_502", "empty")
    for action in ("allocate", "invoice")
] + [Fault("503", action="pending_invoice", chance=0.02, retry_after="0")]
AFTERWARDS = 4
"""Days on which nothing new comes, so that what can end does."""


@dataclass
class Store:
    """One tenant: its ShipperOne, what kind each order was planted as, and when each part of it shipped."""

    name: str
    sandbox: Sandbox
    planted: dict[str, str] = field(default_factory=dict)
    shipped: list[tuple[str, str]] = field(default_factory=list)


class Month:
    """The two stores, the ERP in a SQLite file, the ledger, and a clock that is moved."""

    def __init__(self, folder: Path, stores: dict[str, Store]) -> None:
        self.folder, self.stores = folder, stores
        self.moment = FIRST_DAY
        self.runs = self.repeats = self.asked = 0
        shipped = recipe("guarded", "sqlite")
        self.erp = folder / "erp.db"
        with closing(sqlite3.connect(self.erp)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(shipped.ddl)
        for (warehouse, sku), pieces in STOCK.items():
            self.ask("INSERT INTO stock VALUES (?, ?, ?, 0)", warehouse, sku, int(pieces * MICRO))
        text = '[runtime]\nledger = "sqlite:///ledger.db"\n'
        for store in stores.values():
            settings = {
                "base_url": f'"{store.sandbox.base_url}"', "token": f'"{store.sandbox.token}"', "settle": '"0.1s"',
                "connector": '"generic_sql"', "go_live": '"now"', "timezone": f'"{ZONE.key}"', **SETTINGS,
            }  # fmt: skip
            statements = shipped.for_tenant(store.name).partition("[[")
            text += f"\n[tenants.{store.name}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
            text += f'[tenants.{store.name}.generic_sql]\nurl = "sqlite:///erp.db"\n' + "".join(statements[1:])
        (folder / "shipperone-erp.toml").write_text(text, encoding="utf-8")
        self.configuration = load(folder / "shipperone-erp.toml")

    def ask(self, sql: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(self.erp, timeout=20)) as db, db:
            return db.execute(sql, values).fetchall()

    def now(self) -> datetime:
        return self.moment.astimezone(UTC)

    def run(self) -> None:
        """`run --once` of both tenants, in a process that has slept until now."""

        async def go() -> None:
            began, at = time.monotonic(), self.now()
            clock = lambda: at + timedelta(seconds=time.monotonic() - began)  # noqa: E731
            async with Runtime(self.configuration, time=TimeOf(clock)) as runtime:
                await runtime.once(Selection(), settle_for=timedelta(seconds=1.5))

        asyncio.run(go())
        self.runs += 1

    def listed(self, day: int, cards: dict[str, list[tuple[int, str]]]) -> None:
        """What the shops sell that day."""
        for store in self.stores.values():
            for number, kind in cards[store.name]:
                order_id = f"FO-{number:05}"
                made = KINDS[kind].make(random.Random(f"{store.name}{number}"), order_id, number * 10)
                store.planted[order_id] = kind
                store.sandbox.add(made)

    def evening(self, today: dict[str, list[tuple[int, str]]]) -> None:
        """The shop cancels and edits what it sold today; the partner ships one parcel of each order."""
        for store in self.stores.values():
            for number, kind in today.get(store.name, ()):
                what, order_id = KINDS[kind].evening, f"FO-{number:05}"
                if what == "cancel":
                    store.sandbox.cancel(order_id)
                elif what == "edit":
                    store.sandbox.change(order_id, _dearer)
            day = self.moment.date().isoformat()
            for order_id in store.planted:
                state = store.sandbox.order(order_id)
                if state.unshipped and not state.to_invoice and not state.cancelled:
                    parts = state.order.parts
                    store.sandbox.ship(order_id, parts[state.parts_shipped] if parts else None)
                    store.shipped.append((order_id, day))

    def night(self) -> None:
        """Transfers arrive. A person repeats what was planted to be, and asks ShipperOne what nobody knows."""
        self.ask("UPDATE transfers SET arrived = 1 WHERE NOT arrived")
        with Ledger.open(f"sqlite:///{self.folder}/ledger.db") as ledger:
            for job in ledger.find_jobs(states=[State.HELD]):
                store = self.stores[job.tenant]
                if job.reason is Reason.LISTED_AGAIN and store.planted[job.order_id] == "equal parts, repeated":
                    job_actions.repeat(ledger, job, self.now(), "the second parcel")
                    self.repeats += 1
                elif job.reason is Reason.OUTCOME_UNKNOWN and job.lost_at is not None:
                    state = store.sandbox.order(job.order_id)
                    took = not (state.to_allocate if job.stage is Stage.ALLOCATION else state.to_invoice)
                    outcome = "confirmed" if took else "cancelled"
                    job_actions.resolve(ledger, job, self.now(), "asked", outcome=outcome)
                    self.asked += 1


def _dearer(raw: dict) -> dict:
    return {**raw, "shipping_amount_incl_tax": D("6.50"), "total_incl_tax": D("36.50")}


def live(month: Month, orders: int, days: int, seed: int) -> None:
    """The whole month."""
    each = -(-orders // len(STORES))
    plans = {name: list(enumerate(deck(each, seed + n), 1)) for n, name in enumerate(STORES)}
    for day in range(days + AFTERWARDS):
        month.moment = FIRST_DAY + timedelta(days=day)
        a_day = -(-each // days)
        today = {name: plan[day * a_day : (day + 1) * a_day] for name, plan in plans.items()}
        if day == days // 2:
            month.ask("UPDATE stock SET on_hand_micro = ? WHERE sku = 'LATE'", int(PLENTY * MICRO))
        month.listed(day, today)
        for store in month.stores.values():
            store.sandbox.faults.clear()
            for fault in FAULTS if day < days else ():
                store.sandbox.faults.add(fault)
        month.run()
        month.moment = FIRST_DAY + timedelta(days=day, hours=16)  # half past midnight is the next day's
        month.evening(today)
        month.run()
        month.night()


def expected_invoices(month: Month) -> Counter[tuple]:
    """What ShipperOne has accepted, as it must stand in the books: goods, quantities, shipping, total."""
    found: Counter[tuple] = Counter()
    for store in month.stores.values():
        for order_id in store.planted:
            state = store.sandbox.order(order_id)
            counted = invoiced_rows(state.order)
            rows = {item.id: item for item in state.order.items if item.id in counted}
            for quantities, shipping in state.invoices:
                goods = {item_id: qty for item_id, qty in quantities.items() if item_id in rows}
                worth = [rows[i].row_total_incl_tax * qty / rows[i].qty for i, qty in goods.items()]
                items = tuple(sorted(f"{item_id}:{plain(qty)}" for item_id, qty in goods.items()))
                found[order_id, items, shipping, sum(worth, shipping)] += 1
    return found


def booked_invoices(month: Month) -> Counter[tuple]:
    """What is issued in the ERP."""
    found: Counter[tuple] = Counter()
    lines: dict[str, list[str]] = {}
    for key, item_id, qty in month.ask("SELECT invoice_key, item_id, qty_micro FROM invoice_lines"):
        lines.setdefault(key, []).append(f"{item_id}:{plain(qty / MICRO)}")
    sql = "SELECT job_key, order_id, shipping_micro, total_micro FROM invoices WHERE state = 'issued'"
    for key, order_id, shipping, total in month.ask(sql):
        found[order_id, tuple(sorted(lines[key])), shipping / MICRO, total / MICRO] += 1
    return found


def expected_stock(month: Month) -> dict[str, tuple[D, D]]:
    """By SKU: on hand and reserved, from what came in, what ShipperOne has allocated, and what it has invoiced."""
    on_hand: Counter[str] = Counter()
    reserved: Counter[str] = Counter()
    for (_, sku), pieces in STOCK.items():
        on_hand[sku] += D(PLENTY if sku == "LATE" else pieces)
    for store in month.stores.values():
        for order_id in store.planted:
            state = store.sandbox.order(order_id)
            parents = {item.parent_item_id for item in state.order.items}
            left = {
                i: sum((quantities.get(i, D(0)) for quantities, _ in state.invoices), D(0)) for i in state.allocated
            }
            for item in state.order.items:
                if item.id in state.allocated and item.id not in parents and item.item_type is None:
                    on_hand[item.sku] -= left[item.id]
                    reserved[item.sku] += item.qty - left[item.id]
    return {sku: (D(on_hand[sku]), D(reserved[sku])) for _, sku in STOCK}


def books_stock(month: Month) -> dict[str, tuple[D, D]]:
    sql = "SELECT sku, SUM(on_hand_micro), SUM(reserved_micro) FROM stock GROUP BY sku"
    return {sku: (on_hand / MICRO, reserved / MICRO) for sku, on_hand, reserved in month.ask(sql)}


def open_orders(month: Month) -> dict[tuple[str, str], tuple[str, str]]:
    """What the ledger says is open, and why."""
    with Ledger.open(f"sqlite:///{month.folder}/ledger.db") as ledger:
        jobs = [job for job in ledger.find_jobs() if not job.ended]
    return {(job.tenant, job.order_id): (str(job.stage), str(job.reason)) for job in jobs}


def planted_to_be_open(month: Month) -> dict[tuple[str, str], tuple[str, str]]:
    found = {}
    for store in month.stores.values():
        for order_id, kind in store.planted.items():
            if fate := KINDS[kind].fate:
                found[store.name, order_id] = (str(fate[0]), str(fate[1]))
    return found


def differences(month: Month) -> list[str]:
    """Everything in which two sides disagree; empty: they agree to the piece and the cent."""
    found = []

    def compare(what: str, ours: Counter | dict, theirs: Counter | dict) -> None:
        for key in ours.keys() | theirs.keys():
            if ours.get(key) != theirs.get(key):
                found.append(f"{what} {key}: ERP or ledger {ours.get(key)}, expected {theirs.get(key)}")

    compare("invoice", booked_invoices(month), expected_invoices(month))
    compare("stock of", books_stock(month), expected_stock(month))
    compare("open order", open_orders(month), planted_to_be_open(month))
    dates = Counter(month.ask("SELECT order_id, tax_date FROM invoices WHERE state = 'issued'"))
    stuck = planted_to_be_open(month)
    days: Counter[tuple[str, str]] = Counter()
    for store in month.stores.values():
        last = {
            order_id: day for order_id, day in store.shipped if stuck.get((store.name, order_id), ("",))[0] == "invoice"
        }
        days += Counter(store.shipped) - Counter(last.items())
    compare("tax date", dates, days)
    drafts = month.ask("SELECT COUNT(*) FROM invoices WHERE state = 'draft'")[0][0]
    if drafts:
        found.append(f"{drafts} draft(s) are left")
    for store in month.stores.values():
        for stage in ("allocation", "invoice"):
            wanted = {o for (s, o), (where, _) in stuck.items() if s == store.name and where == stage}
            if set(store.sandbox.queue(stage)) != wanted:
                found.append(f"{store.name} {stage} lists {set(store.sandbox.queue(stage)) ^ wanted} otherwise")
    return found


def figures(month: Month, seconds: float) -> str:
    """What the month was, in a few lines."""
    kinds = Counter(kind for store in month.stores.values() for kind in store.planted.values())
    posts = Counter(post.status for store in month.stores.values() for post in store.sandbox.posts)
    lost = sum(not post.answered or post.status == 0 for store in month.stores.values() for post in store.sandbox.posts)
    total = sum((key[3] * times for key, times in booked_invoices(month).items()), D(0))
    invoices = sum(booked_invoices(month).values())
    reasons = Counter(open_orders(month).values())
    lines = [
        f"{sum(kinds.values())} orders of {len(kinds)} kinds in {len(month.stores)} stores, {month.runs} runs, {seconds:.0f} s",
        f"POSTs by status: {dict(sorted(posts.items()))}, {lost} without an answer",
        f"{invoices} invoices of {total} EUR; a person repeated {month.repeats} and was asked about {month.asked}",
        *(f"  {count:>5} {name}" for name, count in kinds.most_common()),
        "open at the end, as planted:",
        *(f"  {count:>5} {stage}: {reason}" for (stage, reason), count in reasons.most_common()),
    ]
    return "\n".join(lines)


def run_month(folder: Path, *, orders: int, days: int, seed: int) -> tuple[str, list[str]]:
    """Live a month; its figures, and every difference."""
    began = time.monotonic()
    with ExitStack() as stack:
        holder: list[Month] = []
        stores = {
            name: Store(name, stack.enter_context(Sandbox(token=f"{name}-token", now=lambda: holder[0].now())))
            for name in STORES
        }
        month = Month(folder, stores)
        holder.append(month)
        live(month, orders, days, seed)
        return figures(month, time.monotonic() - began), differences(month)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("--orders", 3000), ("--days", 30), ("--seed", 1)):
        parser.add_argument(name, type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        printed, wrong = run_month(Path(folder), orders=options.orders, days=options.days, seed=options.seed)
    print(printed)
    print(*(wrong or ["stock, invoices and ShipperOne agree to the piece and the cent"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
