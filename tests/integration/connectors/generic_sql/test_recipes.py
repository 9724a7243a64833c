"""generic_sql: each way to connect an ERP, on each database where it makes sense, from reserving to the goods' leaving.

The statements are the shipped ones; the connector logs in with the shipped grants and no other right.
"""

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from shipperone_erp import (
    AlreadyIssued,
    Charge,
    Deliver,
    Done,
    Invoice,
    Owner,
    Pending,
    Reason,
    Refused,
    Reservation,
    Reserved,
    Shortage,
    ShortLine,
    Voided,
)
from shipperone_erp.domain.serialization import order_from_text
from shipperone_erp_generic_sql.connector import GenericSqlConnector
from shipperone_erp_generic_sql.dialects import DIALECTS
from shipperone_erp_generic_sql.prepared import Prepared, Ready
from shipperone_erp_generic_sql.recipe import available, recipe
from shipperone_erp_generic_sql.settings import GenericSqlSettings
from sql_erp import TODAY, Erp, item, make_erps, order, statements

BOOKING = [(way, dialect) for way, dialect in available() if way in ("guarded", "procedures")]
INBOXES = ["sqlite", "postgresql", "mariadb"]


@pytest.fixture(params=BOOKING, ids="-".join)
def booking_erp(request, tmp_path):
    """An ERP that does at once what it is asked."""
    for make in make_erps(request, tmp_path, *request.param):
        yield make()


def test_the_whole_life_of_an_order_that_ships_in_two_parts(booking_erp):
    erp = booking_erp
    whole = order(item(1, "MUG", "5", "50.00"), item(2, "TEA", "1", "4.50"))
    assert erp.reserve(whole) == erp.reserve(whole) == Reserved("R-1")
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((10, 5), (10, 1))
    left = {"i-1": (8, 3), "i-2": (5, 0)}
    for number, (key, what) in enumerate({"i-1": order(item(1, "MUG", "2", "20.00")),
                                          "i-2": order(item(1, "MUG", "3", "30.00"), shipping="0.00")}.items(), 1):  # fmt: skip
        draft = erp.build(what, key)
        assert erp.build(what, key) == draft
        assert (draft.issued, draft.total_incl_tax) == (False, what.total_incl_tax)
        issued = erp.issue(draft, what, key)
        assert erp.issue(draft, what, key) == issued
        assert (issued.issued, issued.number, issued.date) == (True, str(number), TODAY)
        assert [(line.item_id, line.total_incl_tax) for line in issued.lines] == [(1, what.items[0].row_total_incl_tax)]
        assert erp.deliver(what, key) == erp.deliver(what, key) == Done()
        assert erp.on_hand_and_reserved("MUG") == left[key]
    with pytest.raises(Refused) as refused:
        erp.deliver(order(item(1, "MUG", "1")), "i-3")
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, "warehouse")
    assert erp.release(whole) == erp.release(whole) == Done()
    assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((5, 0), (10, 0))
    assert erp.reserve(whole) == Voided("R-1")


def test_a_shortage_names_its_lines_and_leaves_nothing(booking_erp):
    booking_erp.stock("SALT", 0)
    what = order(item(1, "MUG", "11"), item(2, "TEA", "2"), item(3, "SALT", "1.5"))
    short = Shortage((ShortLine(1, "MUG", D(11), D(10)), ShortLine(3, "SALT", D("1.5"), D(0))))
    assert booking_erp.reserve(what) == short
    assert (booking_erp.count("reservations"), booking_erp.on_hand_and_reserved("TEA")) == (0, (10, 0))


def test_drafts_are_discarded_and_unknown_keys_leave_a_mark(booking_erp):
    erp = booking_erp
    draft = erp.build(order())
    assert erp.discard(order()) == erp.discard(order()) == Done()
    assert erp.issue(draft, order()) == Voided(draft.reference)
    assert (erp.release(order(), "a-lost"), erp.discard(order(), "i-lost")) == (Done(), Done())
    assert isinstance(erp.reserve(order(), "a-lost"), Voided)
    assert isinstance(erp.build(order(), "i-lost"), Voided)
    issued = erp.issue(erp.build(order(), "i-2"), order(), "i-2")
    with pytest.raises(AlreadyIssued) as raised:
        erp.discard(order(), "i-2")
    assert raised.value.invoice == issued


@pytest.mark.case("P9")
def test_goods_from_another_warehouse_are_waited_for(booking_erp):
    erp = booking_erp
    erp.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    waiting = erp.reserve(what)
    assert (waiting.reason, waiting.owner) == (Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
    assert isinstance(erp.reserve(what, transfer="reserved"), Reserved)
    erp.ask("UPDATE transfers SET arrived = TRUE")
    assert isinstance(erp.reserve(what), Reserved)
    assert (erp.on_hand_and_reserved("MUG", "outlet"), erp.on_hand_and_reserved("MUG")) == ((3, 0), (12, 2))
    erp.deliver(what)
    assert erp.on_hand_and_reserved("MUG") == (10, 0)


CHARGES = (Charge("coupon", D("-3.50"), "line"), Charge("wrapping", D("1.20"), "line"), Charge("gift card", D(-5), "payment"))  # fmt: skip
CHARGED = replace(order(), charges=CHARGES, total_incl_tax=D("22.19"))
"""Two lines of 24.50, 4.99 shipping, and what its charges of kind line make of that: 27.19; 22.19 are left to pay."""


def test_fees_and_coupons_are_on_the_invoice_and_gift_cards_are_not(booking_erp):
    erp = booking_erp
    draft = erp.build(CHARGED)
    assert erp.build(CHARGED) == draft
    assert (draft.total_incl_tax, erp.issue(draft, CHARGED).total_incl_tax) == (D("27.19"), D("27.19"))
    amount = "amount_micro / 1e6" if erp.dialect == "sqlite" else "amount"
    booked = erp.ask(f"SELECT name, {amount} FROM invoice_charges WHERE invoice_key = 'i-1' ORDER BY name")
    assert [(name, D(str(worth))) for name, worth in booked] == [("coupon", D("-3.5")), ("wrapping", D("1.2"))]


def test_unreserved_goods_leave_free_stock_and_never_reserved_stock(booking_erp):
    erp = booking_erp
    erp.reserve(order(item(2, "TEA", "4", "18.00")))
    mixed = order(item(1, "MUG", "2", "20.00"), item(2, "TEA", "4", "18.00"))
    held = (Reservation("a-1", "R-1", (2,)),)
    for _ in range(2):
        assert erp.connector.deliver(Deliver("i-1", mixed, held)) == Done()
        assert (erp.on_hand_and_reserved("MUG"), erp.on_hand_and_reserved("TEA")) == ((8, 0), (6, 0))
    erp.reserve(order(item(7, "MUG", "7", "70.00"), order_id="FO-2"), "a-2")
    with pytest.raises(Refused) as refused:
        erp.connector.deliver(Deliver("i-3", order(order_id="FO-3"), ()))
    assert (refused.value.reason, refused.value.owner) == (Reason.ERP_STOCK_INCONSISTENT, "warehouse")
    assert (erp.on_hand_and_reserved("MUG"), erp.count("deliveries")) == ((8, 7), 1)


def test_a_user_made_reservation_is_delivered_by_its_reference(booking_erp):
    """An adopted reservation has a key of this ledger, which the ERP has never seen."""
    erp = booking_erp
    erp.reserve(order(), "by-hand")
    erp.reserve(order(order_id="FO-2"), "a-2")
    adopted = Reservation("a-1", "R-1", (1, 2))
    assert erp.connector.deliver(Deliver("i-1", order(), (adopted,))) == Done()
    assert erp.on_hand_and_reserved("MUG") == (8, 2)
    shipped = "SELECT shipped FROM reservation_lines WHERE reservation_key = :key ORDER BY item_id"
    assert [[D(str(n)) for (n,) in erp.ask(shipped, key=key)] for key in ("by-hand", "a-2")] == [[2, 1], [0, 0]]
    for strange in ("R-3", "R-1x", "r-2", "7", "", "R-", "R-99999999999999999999"):
        with pytest.raises(Refused) as refused:
            erp.connector.deliver(Deliver("i-2", order(order_id="FO-2"), (replace(adopted, reference=strange),)))
        assert refused.value.reason is Reason.ERP_STOCK_INCONSISTENT, strange
    assert (erp.on_hand_and_reserved("MUG"), erp.count("deliveries")) == ((8, 2), 1)


def test_one_shipment_that_spans_two_reservations_of_one_item_leaves_both(booking_erp):
    erp = booking_erp
    for key, pieces in (("a-1", "3"), ("a-2", "2"), ("a-other", "4")):
        erp.reserve(order(item(1, "MUG", pieces), order_id=key), key)
    held = (Reservation("a-1", "R-1", (1,)), Reservation("a-2", "R-2", (1,)))
    four = order(item(1, "MUG", "4", "40.00"))
    for _ in range(2):
        assert erp.connector.deliver(Deliver("i-1", four, held)) == Done()
        assert erp.on_hand_and_reserved("MUG") == (6, 5)
    shipped = erp.ask("SELECT shipped FROM reservation_lines ORDER BY reservation_key")
    assert [D(str(pieces)) for (pieces,) in shipped] == [3, 1, 0]
    with pytest.raises(Refused, match=r"(?i)reserved"):
        erp.connector.deliver(Deliver("i-2", order(item(1, "MUG", "2")), held))
    assert (erp.on_hand_and_reserved("MUG"), erp.count("deliveries")) == ((6, 5), 1)
    for key in ("a-1", "a-2", "a-other"):
        erp.release(order(order_id=key), key)
    assert erp.on_hand_and_reserved("MUG") == (6, 0)


def explained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """How the database plans what is run from now on: a statement's beginning, a step of its plan."""
    planned: list[tuple[str, dict[str, Any]]] = []
    execute = Ready.execute

    def explain(ready: Ready, *given: Any) -> Any:
        sql = ready._sql
        if not sql.startswith("INSERT"):
            ready._sql = f"EXPLAIN {sql}"
            columns, rows, *_ = execute(ready, *given)
            ready._sql = sql
            planned.extend((" ".join(sql.split())[:60], dict(zip(columns, row, strict=True))) for row in rows)
        return execute(ready, *given)

    monkeypatch.setattr(Ready, "execute", explain)
    return planned


def test_no_guarded_statement_of_an_order_reads_a_whole_table_on_mariadb(request, tmp_path, monkeypatch):
    """Rows that are read to be changed are locked: one delivery would wait for every other."""
    for make in make_erps(request, tmp_path, "guarded", "mariadb"):
        erp = make()
        each = "FROM seq_1_to_500"
        erp.ask(f"INSERT INTO stock (warehouse, sku, on_hand) SELECT 'main', CONCAT('S-', seq), 1 {each}")
        erp.ask(f"INSERT INTO reservations SELECT seq, CONCAT('k-', seq), 'FO', 'live', NOW() {each}")
        line = "SELECT CONCAT('k-', seq, '-1'), CONCAT('k-', seq)"
        erp.ask(
            "INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty) "
            f"{line}, '1', 'main', 'S-1', 1 {each}"
        )
        erp.ask(
            "INSERT INTO transfers (item_key, reservation_key, source, destination, sku, qty) "
            f"{line}, 'far', 'main', 'S-1', 1 {each}"
        )
        for table in ("stock", "reservations", "reservation_lines", "transfers"):
            erp.ask(f"ANALYZE TABLE {table}")
        planned = explained(monkeypatch)
        erp.reserve(order())
        erp.issue(erp.build(order()), order())
        assert erp.deliver(order()) == Done()
        assert erp.release(order()) == Done()
        assert len(planned) > 30
        whole = [sql for sql, step in planned if step["type"] in ("ALL", "index") and int(step["rows"]) > 100]
        assert whole == []


def test_the_documents_are_listed(booking_erp):
    erp = booking_erp
    began = datetime.now(UTC) - timedelta(seconds=5)
    erp.reserve(order())
    issued = erp.issue(erp.build(order()), order())
    invoice, reservation = sorted(erp.connector.list_documents(began), key=lambda document: document.kind)
    assert (invoice.key, invoice.reference, invoice.total_incl_tax, invoice.state, invoice.number, invoice.date) == (
        "i-1", issued.reference, D("29.49"), "issued", "1", TODAY,
    )  # fmt: skip
    assert (reservation.kind, reservation.key, reservation.state) == ("reservation", "a-1", "live")
    wanted = {str(item.item_id): item.qty for item in order().items}
    for document in (invoice, reservation):
        assert {line.item_id: line.qty for line in document.lines} == wanted
    lines = sum(line.total_incl_tax for line in invoice.lines)
    assert (lines, {line.total_incl_tax for line in reservation.lines}) == (
        D("29.49") - order().shipping_amount_incl_tax, {None},
    )  # fmt: skip
    assert erp.connector.list_documents(began + timedelta(hours=1)) == []


def test_ids_of_listed_documents_may_be_integers_in_the_erp(a_sqlite_erp):
    query = {"sql": "SELECT 'invoice' AS kind, 12 AS reference, 7 AS order_id, 11 AS refers_to, 3 AS number"}
    (listed,) = a_sqlite_erp(list_documents=(query,)).connector.list_documents(datetime.now(UTC))
    assert (listed.reference, listed.order_id, listed.refers_to, listed.number) == ("12", "7", "11", "3")


def test_without_a_query_the_documents_are_not_listed_as_none(a_sqlite_erp):
    with pytest.raises(Refused, match="no statements are configured for list_documents"):
        a_sqlite_erp(list_documents=()).connector.list_documents(datetime.now(UTC))


class ErpsSide:
    """Works off the inbox, as a merchant's own program does; what it does in its ERP, the guarded statements do."""

    def __init__(self, inbox: Erp) -> None:
        self.inbox = inbox
        database = inbox.database
        url = database.admin.url.set(drivername=database.dialect)
        given = {**statements("guarded", database.dialect), "url": url.render_as_string(hide_password=False)}
        given.pop("password", None)
        self.erp = GenericSqlConnector(GenericSqlSettings.model_validate(given), tenant="acme")
        self.doing = Erp.__new__(Erp)
        self.doing.connector = self.erp

    def work(self) -> int:
        """One round over what is open, the oldest first; how many rows it answered."""
        rows = self.inbox.database.ask(
            "SELECT id, request, job_key, order_json, items_json, charges_json, reservations_json "
            "FROM shipperone_inbox WHERE status IN ('new', 'short') ORDER BY id"
        )
        for number, request, key, order_json, items_json, charges_json, reservations_json in rows:
            what = order_from_text(order_json)
            assert [one["sku"] for one in json.loads(items_json)] == [line.sku for line in what.items]
            if request == "invoice":
                charged = [(one["name"], one["kind"], D(one["amount"])) for one in json.loads(charges_json)]
                assert charged == [(one.name, one.kind, one.amount) for one in what.charges]
            answer = getattr(self, request)(key, what, json.loads(reservations_json or "[]"))
            columns = ", ".join(f"{name} = :{name}" for name in answer)
            self.inbox.database.ask(f"UPDATE shipperone_inbox SET {columns} WHERE id = :id", id=number, **answer)
        return len(rows)

    def reserve(self, key, what, _):
        match self.doing.reserve(what, key):
            case Reserved(reference=reference):
                return {"status": "done", "reference": reference}
            case Pending(sentence=sentence):
                return {"status": "transfer", "message": sentence, "reference": "on its way"}
            case Shortage(lines=lines):
                return {"status": "short", "message": f"{lines[0].sku}: only {lines[0].available} of it"}

    def release(self, key, what, _):
        self.doing.release(what, key)
        return {"status": "done"}

    def invoice(self, key, what, _):
        if what.order_number == "UNKNOWN CUSTOMER":
            return {"status": "error", "message": "customer 4711 is closed"}
        issued = self.doing.issue(self.doing.build(what, key), what, key)
        date = issued.date.isoformat() if self.inbox.dialect == "sqlite" else issued.date
        total = str(issued.total_incl_tax) if self.inbox.dialect == "sqlite" else issued.total_incl_tax
        return {"status": "done", "reference": issued.reference, "invoice_number": issued.number, "invoice_date": date,
                "total_incl_tax": total}  # fmt: skip

    def deliver(self, key, what, reservations):
        held = tuple(Reservation(one["key"], one["reference"], tuple(one["item_ids"])) for one in reservations)
        self.erp.deliver(Deliver(key, what, held))
        return {"status": "done"}


@pytest.fixture(params=INBOXES)
def inbox(request, tmp_path):
    for make in make_erps(request, tmp_path, "inbox", request.param):
        yield make()


@pytest.fixture
def erps_side(inbox):
    side = ErpsSide(inbox)
    yield side
    side.erp.close()


def test_an_inbox_answers_later_until_the_goods_of_both_parts_have_left(inbox, erps_side):
    whole = order(item(1, "MUG", "5", "50.00"))
    assert inbox.reserve(whole).reason is Reason.ERP_PENDING
    assert inbox.reserve(whole).reason is Reason.ERP_PENDING
    assert erps_side.work() == 1
    assert inbox.reserve(whole) == Reserved("R-1")
    for number, (key, what) in enumerate(
        {"i-1": order(item(1, "MUG", "2", "20.00")), "i-2": order(item(1, "MUG", "3", "30.00"))}.items(), 1
    ):
        computed = inbox.build(what, key)
        assert (computed.reference, computed.total_incl_tax) == (None, what.total_incl_tax)
        assert inbox.count("shipperone_inbox") == 2 * number - 1
        assert isinstance(inbox.issue(computed, what, key), Pending)
        assert isinstance(inbox.issue(computed, what, key), Pending)
        assert erps_side.work() == 1
        issued = inbox.issue(computed, what, key)
        assert isinstance(issued, Invoice)
        assert (issued.issued, issued.number, issued.date, issued.total_incl_tax, issued.shipping_amount_incl_tax) == (
            True, str(number), TODAY, what.total_incl_tax, D("4.99"),
        )  # fmt: skip
        assert isinstance(inbox.deliver(what, key), Pending)
        assert erps_side.work() == 1
        assert inbox.deliver(what, key) == inbox.deliver(what, key) == Done()
    assert inbox.on_hand_and_reserved("MUG") == (5, 0)
    with pytest.raises(AlreadyIssued):
        inbox.discard(order(), "i-1")
    assert inbox.discard(order(), "i-never") == Done()
    listed = inbox.connector.list_documents(datetime.now(UTC) - timedelta(minutes=5))
    assert [(one.kind, one.key, one.state, one.number) for one in listed] == [
        ("reserve", "a-1", "done", None), ("invoice", "i-1", "done", "1"), ("invoice", "i-2", "done", "2"),
    ]  # fmt: skip


def test_a_short_inbox_request_is_polled_again_and_can_be_released(inbox, erps_side):
    what = order(item(1, "MUG", "11"))
    inbox.reserve(what)
    erps_side.work()
    short = inbox.reserve(what)
    assert (short.reason, short.owner, short.retry_after) == (Reason.NOT_ENOUGH_STOCK, "warehouse", 900)
    assert short.sentence == "MUG: only 10 of it" or short.sentence.startswith("MUG: only 10.0")
    inbox.ask("UPDATE stock SET on_hand = :n WHERE sku = 'MUG'", n=D(12))
    erps_side.work()
    assert isinstance(inbox.reserve(what), Reserved)
    releasing = inbox.release(what)
    assert isinstance(releasing, Pending)
    assert isinstance(inbox.reserve(what), Pending), "its goods are not free yet"
    erps_side.work()
    assert inbox.release(what) == inbox.release(what) == Done()
    assert isinstance(inbox.reserve(what), Voided)
    assert inbox.on_hand_and_reserved("MUG") == (12, 0)


def test_an_inbox_marks_a_key_that_it_never_saw(inbox, erps_side):
    assert inbox.release(order()) == Done()
    assert isinstance(inbox.reserve(order()), Voided)
    assert erps_side.work() == 0


def test_an_error_in_the_inbox_is_held_in_its_own_words_until_it_is_mended(inbox, erps_side):
    what = replace(order(), order_number="UNKNOWN CUSTOMER")
    computed = inbox.build(what)
    inbox.issue(computed, what)
    erps_side.work()
    with pytest.raises(Refused, match="customer 4711 is closed") as refused:
        inbox.issue(computed, what)
    assert refused.value.reason is Reason.ERP_REFUSED
    inbox.database.ask("UPDATE shipperone_inbox SET status = 'done', reference = 'I-9', invoice_number = '9'")
    assert inbox.issue(computed, what).number == "9"


@pytest.mark.case("P9")
def test_an_inbox_waits_for_a_transfer(inbox, erps_side):
    inbox.stock("MUG", 5, "outlet")
    what = order(item(1, "MUG", "2", warehouse_code="outlet"))
    inbox.reserve(what)
    erps_side.work()
    waiting = inbox.reserve(what)
    assert (waiting.reason, waiting.owner) == (Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
    assert isinstance(inbox.reserve(what, transfer="reserved"), Reserved)


def test_an_inbox_passes_charges_and_what_was_reserved_by_hand_or_not_at_all(inbox, erps_side):
    computed = inbox.build(CHARGED)
    assert computed.total_incl_tax == D("27.19")
    inbox.issue(computed, CHARGED)
    erps_side.work()
    assert inbox.issue(computed, CHARGED).total_incl_tax == D("27.19")
    erps_side.doing.reserve(order(item(2, "TEA", "1", "4.50")), "by-hand")
    for _ in range(2):
        inbox.connector.deliver(Deliver("i-1", CHARGED, (Reservation("a-1", "R-1", (2,)),)))
        erps_side.work()
    assert (inbox.on_hand_and_reserved("MUG"), inbox.on_hand_and_reserved("TEA")) == ((8, 0), (9, 0))


@pytest.mark.parametrize(("way", "dialect"), available(), ids=lambda value: value)
def test_every_recipe_compiles_for_its_dialect_and_lints_clean(way, dialect):
    made = recipe(way, dialect)
    settings = GenericSqlSettings.model_validate(
        {**tomllib.loads(made.toml)["tenants"]["acme"]["generic_sql"], "password": None}
    )
    engine = sqlalchemy_dialect(dialect)
    prepared = Prepared(settings)
    for step, number, statement in settings.every():
        clause, names = prepared[statement]
        compiled = clause.compile(dialect=engine)
        assert set(compiled.params) == set(names), (step, number)
    assert settings.dialect is DIALECTS[dialect]
    assert made.grants


def sqlalchemy_dialect(name: str):
    from sqlalchemy.dialects.mssql.pyodbc import MSDialect_pyodbc
    from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
    from sqlalchemy.dialects.oracle.oracledb import OracleDialect_oracledb
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    return {"sqlite": SQLiteDialect_pysqlite, "postgresql": PGDialect_psycopg, "mariadb": MySQLDialect_pymysql,
            "mysql": MySQLDialect_pymysql, "mssql": MSDialect_pyodbc, "oracle": OracleDialect_oracledb}[name]()  # fmt: skip
