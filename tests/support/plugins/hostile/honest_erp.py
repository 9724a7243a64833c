"""A connector that does everything right, against an ERP in a SQLite file: what the hostile one spoils, fault by fault.

The ERP stands behind a gate that wants a password, and that can be down, silent, lose an answer, fail a commit or leave
the login without rights: a file beside it says which. Quantities are whole thousandths: SQLite has no exact decimals.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from honest_gate import CommitFailed, commit, gate_state, pass_gate
from honest_stock import HonestStock

from shipperone_erp import (
    AlreadyIssued,
    AuthFailed,
    BuildInvoice,
    Check,
    Connector,
    ConnectorError,
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
    Mismatch,
    Pending,
    Refused,
    ReleaseStock,
    Reserved,
    ReserveStock,
    Resolution,
    Secret,
    Shortage,
    Transient,
    Unknown,
    Voided,
    hookimpl,
)

SCHEMA = """
CREATE TABLE stock (warehouse TEXT, sku TEXT, on_hand INTEGER, reserved INTEGER DEFAULT 0,
    PRIMARY KEY (warehouse, sku));
CREATE TABLE whole_pieces (sku TEXT PRIMARY KEY);
CREATE TABLE reservations (key TEXT PRIMARY KEY, order_id TEXT, state TEXT, made TEXT);
CREATE TABLE reserved_lines (key TEXT, item_id TEXT, warehouse TEXT, sku TEXT, qty INTEGER, shipped INTEGER DEFAULT 0);
CREATE TABLE transfers (key TEXT, item_id TEXT, destination TEXT, arrived INTEGER DEFAULT 0);
CREATE TABLE invoices (key TEXT PRIMARY KEY, order_id TEXT, state TEXT, number INTEGER UNIQUE, shipping TEXT,
    total TEXT, currency TEXT, tax_date TEXT, made TEXT, party TEXT);
CREATE TABLE invoice_lines (key TEXT, item_id TEXT, sku TEXT, qty TEXT, total TEXT, tax TEXT);
CREATE TABLE deliveries (key TEXT PRIMARY KEY, order_id TEXT);
"""

Answer = Any


class HonestSettings(ConnectorSettings):
    """Where the ERP's file is, and the password that its gate wants."""

    database: str
    password: Secret
    patience: float = 5.0


class HonestConnector(HonestStock, Connector[HonestSettings]):
    """Every hook is one transaction that looks for its key first."""

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending | Voided:
        with self._erp() as erp:
            return self._reserve(erp, request)

    @hookimpl
    def release_stock(self, request: ReleaseStock) -> Done | Pending:
        with self._erp() as erp:
            row = erp.execute("SELECT state FROM reservations WHERE key = ?", (request.key,)).fetchone()
            if row is None:
                self._insert_reservation(erp, request.key, request.order, "voided")
            elif row[0] == "live":
                self._free(erp, request.key)
                erp.execute("UPDATE reservations SET state = 'voided' WHERE key = ?", (request.key,))
        return Done()

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending | Voided:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
            if found is None:
                self._insert_invoice(erp, request.key, request.order, request.tax_date)
                found = self._invoice(erp, request.key, request.order)
        return found

    @hookimpl
    def issue_invoice(self, request: IssueInvoice) -> Invoice | Pending | Voided:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
            if found is None:
                return Voided(request.invoice.reference)
            if isinstance(found, Invoice) and not found.issued:
                if replace(found, url=None) != replace(request.invoice, url=None):
                    raise Refused("total_differs", f"draft {found.reference} was changed", "accountant")
                self._number(erp, request.key, request.tax_date)
                found = self._invoice(erp, request.key, request.order)
        return found

    @hookimpl
    def discard_invoice(self, request: DiscardInvoice) -> Done | Pending:
        with self._erp() as erp:
            found = self._invoice(erp, request.key, request.order)
            if isinstance(found, Invoice) and found.issued:
                raise AlreadyIssued(found)
            if found is None:
                self._insert_invoice(erp, request.key, request.order, None)
            erp.execute("UPDATE invoices SET state = 'voided' WHERE key = ?", (request.key,))
        return Done()

    @hookimpl
    def deliver(self, request: Deliver) -> Done | Pending:
        with self._erp() as erp:
            if erp.execute("SELECT 1 FROM deliveries WHERE key = ?", (request.key,)).fetchone() is None:
                erp.execute("INSERT INTO deliveries VALUES (?, ?)", (request.key, request.order.order_id))
                for item in request.order.items:
                    keys = [one.key for one in request.reservations]
                    self._ship(erp, item, keys, request.order.source_warehouse(item))
        return Done()

    def free_stock(self, goods: Sequence[Goods]) -> Sequence[FreeStock]:
        with self._erp() as erp:
            return [self._counted(erp, one) for one in goods]

    @hookimpl
    def list_documents(self, since: datetime) -> list[Document]:
        with self._erp() as erp:
            held = erp.execute(
                "SELECT key, order_id, state FROM reservations WHERE made >= ?", (since.isoformat(),)
            ).fetchall()
            invoices = erp.execute(
                "SELECT key, order_id, state, number, total FROM invoices WHERE made >= ?", (since.isoformat(),)
            ).fetchall()
        return [
            *(Document("reservation", key, f"R-{key}", order_id, state=state) for key, order_id, state in held),
            *(
                Document("invoice", key, f"I-{key}", order_id, (), Decimal(total), state=state, number=_text(number))
                for key, order_id, state, number, total in invoices
            ),
        ]

    @hookimpl
    def handle_mismatch(self, mismatch: Mismatch) -> Resolution:
        return Resolution.abstain()

    @hookimpl
    def reserve_stock_batch(self, requests: Sequence[ReserveStock]) -> dict[str, Answer]:
        return each_alone(self.reserve_stock, requests)

    @hookimpl
    def build_invoice_batch(self, requests: Sequence[BuildInvoice]) -> dict[str, Answer]:
        return each_alone(self.build_invoice, requests)

    @hookimpl
    def issue_invoice_batch(self, requests: Sequence[IssueInvoice]) -> dict[str, Answer]:
        return each_alone(self.issue_invoice, requests)

    @hookimpl
    def deliver_batch(self, requests: Sequence[Deliver]) -> dict[str, Answer]:
        return each_alone(self.deliver, requests)

    def check(self) -> list[Check]:
        try:
            with self._erp():
                return [Check("login", True, "the ERP answers")]
        except ConnectorError as error:
            return [Check("login", False, error.sentence, "see that the ERP is running")]

    def identity(self) -> str:
        return f"honest:{self.settings.database}"

    @contextmanager
    def _erp(self) -> Iterator[sqlite3.Connection]:
        """One transaction. What cannot be reached is Transient; what breaks off while it ends is Unknown."""
        gate = Path(f"{self.settings.database}.gate")
        try:
            pass_gate(gate, self.settings.password.get_secret_value(), self.settings.patience)
        except PermissionError:
            raise AuthFailed("the ERP refuses the login") from None
        except OSError as away:
            raise Transient(f"the ERP cannot be reached: {away}") from None
        if gate_state(gate) == "powerless":
            raise Refused("erp_access_denied", "the login may not write documents", "it")
        with closing(self._connected()) as erp:
            try:
                erp.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as busy:
                raise Transient(f"the ERP is busy: {busy}") from None
            yield erp
            try:
                commit(erp, gate)
            except CommitFailed as failed:
                raise Transient(f"the ERP could not commit, and did nothing: {failed}") from None
            except OSError as lost:
                raise Unknown(f"the ERP's answer was lost: {lost}") from None

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.settings.database, timeout=self.settings.patience, isolation_level=None)

    def _insert_invoice(
        self, erp: sqlite3.Connection, key: str, order: FulfillmentOrder, tax_date: date | None
    ) -> None:
        shipping = order.shipping_amount_incl_tax or Decimal(0)
        total = shipping + order.line_charges
        for item in order.items:
            row = item.line_total_incl_tax if item.line_total_incl_tax is not None else item.row_total_incl_tax
            total += row or 0
            line = (key, str(item.item_id), item.sku, str(item.qty), str(row), str(item.tax_percent))
            erp.execute("INSERT INTO invoice_lines VALUES (?, ?, ?, ?, ?, ?)", line)
        row = (key, order.order_id, "draft", str(shipping), str(total), order.currency, _text(tax_date), _buyer(order))
        erp.execute(
            "INSERT INTO invoices (key, order_id, state, shipping, total, currency, tax_date, party, made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, datetime.now(UTC).isoformat()),
        )

    def _number(self, erp: sqlite3.Connection, key: str, tax_date: date | None) -> None:
        erp.execute(
            "UPDATE invoices SET state = 'issued', tax_date = ?,"
            " number = (SELECT COALESCE(MAX(number), 0) + 1 FROM invoices) WHERE key = ?",
            (_text(tax_date or datetime.now(UTC).date()), key),
        )

    def _invoice(self, erp: sqlite3.Connection, key: str, order: FulfillmentOrder) -> Invoice | Voided | None:
        row = erp.execute(
            "SELECT state, number, shipping, total, currency, tax_date FROM invoices WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        state, number, shipping, total, currency, tax_date = row
        if state == "voided":
            return Voided(f"I-{key}")
        ids = {str(item.item_id): item.item_id for item in order.items}
        lines = tuple(
            InvoiceLine(ids.get(item_id, item_id), Decimal(qty), Decimal(row_total), Decimal(tax))
            for item_id, qty, row_total, tax in erp.execute(
                "SELECT item_id, qty, total, tax FROM invoice_lines WHERE key = ? ORDER BY rowid", (key,)
            )
        )
        made = Invoice(f"I-{key}", lines, Decimal(shipping), Decimal(total), currency)
        if state == "draft":
            return made
        return replace(made, issued=True, number=_text(number), date=date.fromisoformat(tax_date))


def each_alone(hook: Callable[[Any], Answer], requests: Sequence[Any]) -> dict[str, Answer]:
    """The single form for each request; what it raises is that request's answer."""
    answers: dict[str, Answer] = {}
    for request in requests:
        try:
            answers[request.key] = hook(request)
        except ConnectorError as raised:
            answers[request.key] = raised
    return answers


def _buyer(order: FulfillmentOrder) -> str | None:
    party = order.billing or order.customer
    return (party.company or party.name) if party else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
