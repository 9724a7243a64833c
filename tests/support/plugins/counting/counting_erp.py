"""A connector with an ERP of its own in a SQLite file, which counts every effect and misbehaves by script.

Settings: `drafts` (False: build_invoice computes, issue_invoice creates), `fiscal` (build_invoice issues at once),
`transfers_take_time`, `numbers_by_date` (no invoice is dated before one that is issued already). Products without a row in `stock` are plentiful. A row in `script` says that a hook, for an
order, does something else for some times: see `_misbehave`.
"""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp import (
    AlreadyIssued,
    AuthFailed,
    BuildInvoice,
    Check,
    Connector,
    ConnectorSettings,
    Deliver,
    DiscardInvoice,
    Document,
    Done,
    FreeStock,
    FulfillmentOrder,
    Goods,
    Invoice,
    InvoiceLine,
    IssueInvoice,
    Pending,
    Reason,
    Refused,
    ReleaseStock,
    Reserved,
    ReserveStock,
    Secret,
    Shortage,
    ShortLine,
    Transient,
    Unknown,
    Voided,
    hookimpl,
)
from shipperone_erp.domain.explanations import EXPLANATIONS

TRANSACTION = threading.Lock()
"""Held during each: ShipperOne accepts it before this process is frozen, since a frozen transaction locks the ERP for all others."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (warehouse TEXT, sku TEXT, on_hand INTEGER, reserved INTEGER DEFAULT 0,
    PRIMARY KEY (warehouse, sku));
CREATE TABLE IF NOT EXISTS reservations (key TEXT PRIMARY KEY, order_id TEXT, state TEXT);
CREATE TABLE IF NOT EXISTS reserved_lines (key TEXT, item_id TEXT, warehouse TEXT, sku TEXT, qty INTEGER);
CREATE TABLE IF NOT EXISTS transfers (key TEXT PRIMARY KEY, arrived INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS invoices (key TEXT PRIMARY KEY, order_id TEXT, state TEXT, number INTEGER UNIQUE,
    items TEXT, total TEXT, shipping TEXT, tax_date TEXT, issue_date TEXT);
CREATE TABLE IF NOT EXISTS deliveries (key TEXT PRIMARY KEY, order_id TEXT, items TEXT);
CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, hook TEXT, key TEXT, order_id TEXT, what TEXT);
CREATE TABLE IF NOT EXISTS script (id INTEGER PRIMARY KEY, hook TEXT, order_id TEXT, what TEXT, times INTEGER,
    detail TEXT);
"""

Answer = Any
GO_ON = object()


class CountingSettings(ConnectorSettings):
    """Where the ERP's file is, and what kind of ERP it is.

    `flushed`: each transaction waits for the disk. A killed process loses none without it, either; only a machine would.
    """

    database: str
    password: Secret | None = None
    drafts: bool = True
    fiscal: bool = False
    transfers_take_time: bool = False
    numbers_by_date: bool = False
    exclusive: str | None = None
    name: str = ""
    flushed: bool = True


class BareConnector(Connector[CountingSettings]):
    """Reserves, builds and issues; nothing else."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Answer:
        return self._do("reserve_stock", request.key, request.order, lambda db: self._reserve(db, request))

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Answer:
        return self._do(
            "build_invoice", request.key, request.order, lambda db: self._build(db, request), dated(request)
        )

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Answer:
        return self._do(
            "issue_invoice", request.key, request.order, lambda db: self._issue(db, request), dated(request)
        )

    def identity(self) -> str:
        row = None
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(self.settings.database)) as db:
            row = db.execute("SELECT what, detail FROM script WHERE hook = 'identity' AND times > 0").fetchone()
        if row is not None:
            before, _ = _misbehaviour(*row, self)
            before()
        return self.settings.name or f"counting:{self.settings.database}"

    def exclusive(self) -> str | None:
        return self.settings.exclusive

    def check(self) -> list[Check]:
        with self._db() as db:
            down = db.execute("SELECT detail FROM script WHERE hook = 'check' AND times > 0").fetchone()
        return [Check("login", not down, down[0] if down else "the ERP answers", "start the ERP" if down else None)]

    def free_stock(self, goods: Sequence[Goods]) -> list[FreeStock]:
        with self._db() as db:
            rows = db.execute("SELECT warehouse, sku, on_hand - reserved FROM stock").fetchall()
        free = {(warehouse, sku): Decimal(pieces) for warehouse, sku, pieces in rows}
        return [FreeStock(one.sku, one.warehouse_code, free.get((one.warehouse_code, one.sku))) for one in goods]

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        with TRANSACTION, closing(sqlite3.connect(self.settings.database, timeout=20, isolation_level=None)) as db:
            if not self.settings.flushed:
                db.execute("PRAGMA synchronous=OFF")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    def _do(
        self,
        hook: str,
        key: str,
        order: FulfillmentOrder,
        act: Callable[[sqlite3.Connection], Answer],
        tax_date: date | None = None,
    ) -> Answer:
        what, detail = self._script(hook, order.order_id)
        if what == "locked":
            if tax_date is not None and str(tax_date) <= detail:
                raise Refused("erp_period_locked", f"the period of {tax_date} is closed", "accountant")
            what = ""
        if what == "vat":
            listed = [party.vat_id for party in (order.customer, order.billing) if party and party.vat_id]
            if listed:
                raise Refused("vat_id_invalid", f"{listed[0]} is not a valid VAT id", "accountant")
            what = ""
        before, after = _misbehaviour(what, detail, self)
        if before is not None and (instead := before()) is not GO_ON:
            return instead
        with self._db() as db:
            answer = act(db)
            if what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
        return after(answer) if after is not None else answer

    def _script(self, hook: str, order_id: str) -> tuple[str, str]:
        with self._db() as db:
            row = db.execute(
                "SELECT id, what, detail FROM script WHERE hook IN (?, '*') AND order_id IN (?, '*') AND times > 0"
                " ORDER BY id LIMIT 1",
                (hook, order_id),
            ).fetchone()
            if row is None:
                return "", ""
            db.execute("UPDATE script SET times = times - 1 WHERE id = ?", (row[0],))
            return str(row[1]), str(row[2] or "")

    def _count(self, db: sqlite3.Connection, hook: str, key: str, order_id: str, what: str) -> None:
        db.execute("INSERT INTO effects (hook, key, order_id, what) VALUES (?, ?, ?, ?)", (hook, key, order_id, what))

    def _reserve(self, db: sqlite3.Connection, request: ReserveStock) -> Answer:
        key, order = request.key, request.order
        row = db.execute("SELECT state FROM reservations WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == "voided":
            return Voided(f"R-{key}")
        if row is None:
            short = list(self._short(db, order))
            if short:
                return Shortage(tuple(short))
            db.execute("INSERT INTO reservations VALUES (?, ?, 'live')", (key, order.order_id))
            for item in order.items:
                where = order.source_warehouse(item)
                line = (key, str(item.item_id), where, item.sku, int(item.qty))
                db.execute("INSERT INTO reserved_lines VALUES (?, ?, ?, ?, ?)", line)
                db.execute(
                    "UPDATE stock SET reserved = reserved + ? WHERE warehouse = ? AND sku = ?",
                    (int(item.qty), where, item.sku),
                )
            if any(item.warehouse_code for item in order.items):
                db.execute("INSERT INTO transfers (key) VALUES (?)", (key,))
            self._count(db, "reserve_stock", key, order.order_id, "created")
        waits = db.execute("SELECT 1 FROM transfers WHERE key = ? AND NOT arrived", (key,)).fetchone()
        if waits and self.settings.transfers_take_time and request.transfer == "arrived":
            return Pending(f"transfer of {key} is on its way", 0.2, "waiting_for_transfer", "warehouse")
        return Reserved(f"R-{key}")

    def _short(self, db: sqlite3.Connection, order: FulfillmentOrder) -> Iterator[ShortLine]:
        wanted: dict[tuple[str, str], Decimal] = {}
        for item in order.items:
            place = (order.source_warehouse(item), item.sku)
            wanted[place] = wanted.get(place, Decimal(0)) + item.qty
        for item in order.items:
            place = (order.source_warehouse(item), item.sku)
            row = db.execute("SELECT on_hand - reserved FROM stock WHERE warehouse = ? AND sku = ?", place).fetchone()
            if row is not None and row[0] < wanted[place]:
                yield ShortLine(item.item_id, item.sku, wanted[place], Decimal(row[0]))

    def _computed(self, order: FulfillmentOrder, reference: str | None) -> Invoice:
        lines = []
        for item in order.items:
            total = item.line_total_incl_tax  # what core expects of it; None outside of the invoice's hooks
            if total is None:
                total = item.row_total_incl_tax
            if total is None and item.price_incl_tax is not None:
                total = item.price_incl_tax * item.qty
            lines.append(InvoiceLine(item.item_id, item.qty, total, item.tax_percent))
        shipping = order.shipping_amount_incl_tax or Decimal(0)
        total = sum((line.total_incl_tax or Decimal(0) for line in lines), shipping + order.line_charges)
        return Invoice(reference, tuple(lines), order.shipping_amount_incl_tax, total, order.currency)

    def _row(self, db: sqlite3.Connection, key: str) -> Any:
        return db.execute("SELECT state, number, total FROM invoices WHERE key = ?", (key,)).fetchone()

    def _as_invoice(self, db: sqlite3.Connection, key: str, order: FulfillmentOrder) -> Invoice:
        state, number, total = self._row(db, key)
        issued = state == "issued"
        found = replace(self._computed(order, f"I-{key}"), total_incl_tax=Decimal(total))
        return replace(found, issued=issued, number=str(number) if issued else None)

    def _in_sequence(self, db: sqlite3.Connection, request: BuildInvoice | IssueInvoice) -> None:
        """Numbers follow the dates, where they do."""
        day, sql = dated(request), "SELECT MAX(COALESCE(issue_date, tax_date)) FROM invoices WHERE state = 'issued'"
        (last,) = db.execute(sql).fetchone()
        if self.settings.numbers_by_date and day is not None and last is not None and str(day) < last:
            raise Refused("erp_period_locked", f"an invoice of {last} is issued: none can be of {day}", "accountant")

    def _insert(self, db: sqlite3.Connection, request: BuildInvoice | IssueInvoice, state: str) -> None:
        key, order = request.key, request.order
        made = self._computed(order, None)
        number = db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM invoices").fetchone()[0]
        items = ",".join(f"{item.item_id}:{item.qty:f}" for item in order.items)
        row = (key, order.order_id, state, number if state == "issued" else None, items, str(made.total_incl_tax))
        db.execute(
            "INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, str(made.shipping_amount_incl_tax), _text(request.tax_date), _text(request.issue_date)),
        )

    def _build(self, db: sqlite3.Connection, request: BuildInvoice) -> Answer:
        key, order = request.key, request.order
        row = self._row(db, key)
        if row is not None and row[0] == "voided":
            return Voided(f"I-{key}")
        if row is None or row[0] == "draft":
            self._in_sequence(db, request)
        if not self.settings.drafts and not self.settings.fiscal and row is None:
            return self._computed(order, None)
        if row is None:
            state = "issued" if self.settings.fiscal else "draft"
            self._insert(db, request, state)
            self._count(db, "build_invoice", key, order.order_id, state)
        return self._as_invoice(db, key, order)

    def _issue(self, db: sqlite3.Connection, request: IssueInvoice) -> Answer:
        key, order = request.key, request.order
        row = self._row(db, key)
        if row is not None and row[0] == "voided":
            return Voided(f"I-{key}")
        if row is None and self.settings.drafts:
            return Voided(f"I-{key}")
        if row is None:
            self._in_sequence(db, request)
            self._insert(db, request, "issued")
            self._count(db, "issue_invoice", key, order.order_id, "issued")
        elif row[0] == "draft":
            if Decimal(row[2]) != request.invoice.total_incl_tax:
                raise Refused("total_differs", f"draft I-{key} is no longer what was accepted", "accountant")
            self._in_sequence(db, request)
            db.execute(
                "UPDATE invoices SET state = 'issued', tax_date = ?, issue_date = ?, number ="
                " (SELECT COALESCE(MAX(number), 0) + 1 FROM invoices) WHERE key = ?",
                (str(request.tax_date), _text(request.issue_date), key),
            )
            self._count(db, "issue_invoice", key, order.order_id, "issued")
        return self._as_invoice(db, key, order)


def dated(request: BuildInvoice | IssueInvoice) -> date | None:
    """The date that the invoice bears: of issue where one is set, else of supply."""
    return request.issue_date or request.tax_date


def _text(day: date | None) -> str | None:
    return str(day) if day else None


class KeepingConnector(BareConnector):
    """As `BareConnector`, and delivers; it can undo nothing."""

    @hookimpl
    def deliver(self, request: Deliver) -> Answer:
        def act(db: sqlite3.Connection) -> Done:
            if db.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone() is None:
                items = ",".join(f"{item.item_id}:{item.qty:f}" for item in request.order.items)
                db.execute("INSERT INTO deliveries VALUES (?, ?, ?)", (request.key, request.order.order_id, items))
                self._count(db, "deliver", request.key, request.order.order_id, "delivered")
                held = {str(item_id): made.key for made in request.reservations for item_id in made.item_ids}
                for item in request.order.items:
                    key = held.get(str(item.item_id))
                    reserved = int(item.qty) if key else 0
                    # what was reserved elsewhere leaves from there, wherever the parcel was shipped
                    lies = "SELECT warehouse FROM reserved_lines WHERE key = ? AND item_id = ?"
                    row = db.execute(lies, (key, str(item.item_id))).fetchone()
                    where = row[0] if row else request.order.source_warehouse(item)
                    db.execute(
                        "UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE sku = ? AND warehouse = ?",
                        (int(item.qty), reserved, item.sku, where),
                    )
            return Done()

        return self._do("deliver", request.key, request.order, act)


class CountingConnector(KeepingConnector):
    """Everything but batches."""

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Answer:
        def act(db: sqlite3.Connection) -> Done:
            row = db.execute("SELECT state FROM reservations WHERE key = ?", (request.key,)).fetchone()
            if row is None:
                db.execute("INSERT INTO reservations VALUES (?, ?, 'voided')", (request.key, request.order.order_id))
            elif row[0] == "live":
                for warehouse, sku, qty in db.execute(
                    "SELECT warehouse, sku, qty FROM reserved_lines WHERE key = ?", (request.key,)
                ).fetchall():
                    db.execute(
                        "UPDATE stock SET reserved = reserved - ? WHERE warehouse = ? AND sku = ?",
                        (qty, warehouse, sku),
                    )
                db.execute("UPDATE reservations SET state = 'voided' WHERE key = ?", (request.key,))
                self._count(db, "release_stock", request.key, request.order.order_id, "released")
            return Done()

        return self._do("release_stock", request.key, request.order, act)

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Answer:
        def act(db: sqlite3.Connection) -> Done:
            row = self._row(db, request.key)
            if row is None:
                db.execute(
                    "INSERT INTO invoices (key, order_id, state) VALUES (?, ?, 'voided')",
                    (request.key, request.order.order_id),
                )
            elif row[0] == "issued":
                raise AlreadyIssued(self._as_invoice(db, request.key, request.order))
            elif row[0] == "draft":
                db.execute("UPDATE invoices SET state = 'voided' WHERE key = ?", (request.key,))
                self._count(db, "discard_invoice", request.key, request.order.order_id, "discarded")
            return Done()

        return self._do("discard_invoice", request.key, request.order, act)


class ListingConnector(CountingConnector):
    """Also lists its documents, those that were made by hand included."""

    @hookimpl
    def list_documents(self, since: datetime) -> list[Document]:
        before, _ = _misbehaviour(*self._script("list_documents", ""), self)
        if before is not None:
            before()
        with self._db() as db:
            self._count(db, "list_documents", since.isoformat(), "", "listed")
            held = db.execute("SELECT key, order_id, state FROM reservations").fetchall()
            lines = db.execute("SELECT key, item_id, qty FROM reserved_lines").fetchall()
            invoices = db.execute("SELECT key, order_id, state, number, items, total FROM invoices").fetchall()
        return [
            Document(
                "reservation", key, f"R-{key}", order_id, state=state,
                lines=tuple(InvoiceLine(item, Decimal(qty)) for of, item, qty in lines if of == key),
            )
            for key, order_id, state in held
        ] + [
            Document(
                "invoice", key, f"I-{key}", order_id, tuple(_line(text) for text in items.split(",")), Decimal(total),
                state=state, number=None if number is None else str(number),
            )
            for key, order_id, state, number, items, total in invoices
        ]  # fmt: skip


def _line(text: str) -> InvoiceLine:
    item, qty = text.split(":")
    return InvoiceLine(item, Decimal(qty))


class BatchConnector(CountingConnector):
    """Also in batches: each is counted as one call."""

    batch_size = 25

    @hookimpl
    def reserve_stock_batch(self, requests: Sequence[ReserveStock]) -> Answer:
        return self._batch("reserve_stock", requests, self.reserve_stock)

    @hookimpl
    def build_invoice_batch(self, requests: Sequence[BuildInvoice]) -> Answer:
        return self._batch("build_invoice", requests, self.build_invoice)

    @hookimpl
    def issue_invoice_batch(self, requests: Sequence[IssueInvoice]) -> Answer:
        return self._batch("issue_invoice", requests, self.issue_invoice)

    @hookimpl
    def deliver_batch(self, requests: Sequence[Deliver]) -> Answer:
        return self._batch("deliver", requests, self.deliver)

    def _batch(self, hook: str, requests: Sequence[Any], single: Callable[[Any], Answer]) -> Answer:
        what, _ = self._script(f"{hook}_batch", "*")
        if what == "raise":
            raise ZeroDivisionError("a batch that fails as a whole")
        with self._db() as db:
            self._count(db, f"{hook}_batch", str(len(requests)), "", "called")
        answers: dict[str, Any] = {}
        for request in requests:
            try:
                answers[request.key] = single(request)
            except Exception as raised:
                answers[request.key] = raised
        if what == "forget":
            answers.popitem()
        return answers


def _refusal(detail: str) -> Refused:
    """'reason: sentence', each with a default."""
    reason, _, sentence = detail.partition(": ")
    reason = reason or "erp_refused"
    return Refused(reason, sentence or "the ERP said no", EXPLANATIONS[Reason(reason)].owner)


def _misbehaviour(what: str, detail: str, connector: BareConnector) -> tuple[Any, Any]:
    """What happens instead of the hook's work, and what becomes of its answer."""

    def raises(error: BaseException) -> Callable[..., Answer]:
        def now(*_: Answer) -> Answer:
            raise error

        return now

    def hang() -> Answer:
        time.sleep(float(detail))
        # not an answer: a frozen or busy process may see it before its own time-out, and "done" would be a lie
        raise Unknown("the connection broke off after a long silence")

    def leak() -> Answer:
        password = connector.settings.password
        raise RuntimeError(f"login with {password.get_secret_value() if password else ''} failed")

    def leak_refused() -> Answer:
        password = connector.settings.password
        raise Refused("erp_refused", f"no login with {password.get_secret_value() if password else ''}")

    def leak_pending() -> Answer:
        password = connector.settings.password
        return Pending(f"waits for {password.get_secret_value() if password else ''}")

    def hang_then() -> Answer:
        time.sleep(float(detail))
        return GO_ON

    def auth_unless() -> Answer:
        password = connector.settings.password
        if password is None or password.get_secret_value() != detail:
            raise AuthFailed("the ERP refuses the login")
        return GO_ON

    def cent_off(answer: Invoice) -> Invoice:
        assert answer.total_incl_tax is not None
        return replace(answer, total_incl_tax=answer.total_incl_tax + Decimal("0.01"))

    def untaxed(answer: Invoice) -> Invoice:
        return replace(answer, lines=tuple(replace(line, tax_percent=Decimal(0)) for line in answer.lines))

    def numbered(answer: Invoice) -> Invoice:
        number, _, issuer = detail.partition(" by ")
        return replace(answer, number=number, issuer=issuer or None)

    def text_ids(answer: Invoice) -> Invoice:
        return replace(answer, lines=tuple(replace(line, item_id=str(line.item_id)) for line in answer.lines))

    def without_total(answer: Invoice) -> Invoice:
        return replace(answer, total_incl_tax=None)

    def kill(answer: Answer) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    instead = {
        "transient": raises(Transient("the ERP is restarting")),
        "auth_unless": auth_unless,
        "hang_then": hang_then,
        "auth": raises(AuthFailed("the ERP refuses the login")),
        "refused": raises(_refusal(detail if what == "refused" else "")),
        "raise": raises(ZeroDivisionError(detail or "a bug of the connector")),
        "none": lambda: None,
        "wrong_type": lambda: "reserved",
        "hang": hang,
        "leak": leak,
        "leak_refused": leak_refused,
        "leak_pending": leak_pending,
        "pending": lambda: Pending("the ERP has not answered yet", 0.1),
        "voided": lambda: Voided("somebody deletes it every time"),
        "already_issued": raises(AlreadyIssued(Invoice("I-7", (), None, None, issued=True, number="7"))),
    }
    afterwards = {
        "unknown_after": raises(Unknown("the connection broke off")),
        "cent_off": cent_off,
        "tax_zero": untaxed,
        "no_total": without_total,
        "kill_after": kill,
        "issued_flag": lambda answer: replace(answer, issued=True, number="99"),
        "text_ids": text_ids,
        "numbered": numbered,
    }
    return instead.get(what), afterwards.get(what)
