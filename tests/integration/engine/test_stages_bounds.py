"""Parts and sales orders through both stages: issued invoices, held jobs, and the operator's cures."""

import json
import re
import sqlite3
from contextlib import closing
from decimal import Decimal as D
from importlib import import_module
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from shipperone_erp import Reason
from shipperone_erp import ledger as package
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.ledger.schema import VERSION_TABLE
from shipperone_erp.sandbox import Fault, SandboxOrder

SALES_ORDERS = import_module("shipperone_erp.ledger.migrations.versions.0007_sales_orders")
A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741
ONE_AND_THREE = ({1: D(1)}, {1: D(3)})


@pytest.fixture
def shop(world):
    """A tenant whose shop lists shipping once."""
    del world.settings["shipping_on_parts"]
    return world


def four_mugs(order_id="FO-1", **fields) -> SandboxOrder:
    return SandboxOrder.simple(order_id, ("MUG", 4, "10.00"), parts=ONE_AND_THREE, **fields)


def listed_with(shop, *, row=None, order_id="FO-1"):
    """The shop lists shipping with the first part only, and `row` as the row total of every part."""

    def edit(raw):
        first = not shop.sandbox.order(order_id).invoices
        items = [{**item, "row_total_incl_tax": row} if row else item for item in raw["items"]]
        return {**raw, "items": items, "shipping_amount_incl_tax": D("4.99") if first else D(0)}

    shop.sandbox.change(order_id, edit)


def totals(shop, order_id="FO-1") -> list[D]:
    rows = shop.erp.ask("SELECT total FROM invoices WHERE state = 'issued' AND order_id = ? ORDER BY number", order_id)
    return [D(str(row[0])) for row in rows]


def perform(shop, *words):
    done = shop.command("order", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_part_that_lists_the_whole_items_row_is_not_built(shop):
    shop.sandbox.add(four_mugs())
    listed_with(shop, row=D("40.00"))
    assert shop.once(settle_for=1).ending is Ending.HELD
    held = shop.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.AMOUNT_UNEXPLAINED)
    assert "1 of 4 is listed with a row total of 40.00, but 1 x 10.00 is 10.00" in held.sentence
    assert shop.erp.drafts() == 0
    assert not [post for post in shop.sandbox.posts if post.path.endswith("/invoice")]
    listed_with(shop)
    shop.finishes()
    assert totals(shop) == [D("14.99"), D("30.00")]


def test_an_operator_accepts_one_listing_at_one_sum(shop):
    shop.sandbox.add(four_mugs())
    listed_with(shop, row=D("12.00"))
    shop.once(settle_for=1)
    refused = shop.command("order", "approve", "FO-1", "--total", "14.99", "--note", "as agreed")
    assert refused.returncode == 2
    assert "the total of its invoice is 16.99, not 14.99: nothing was approved" in refused.stderr
    assert shop.command("order", "approve", "FO-1", "--total", "16.99").returncode == 2, "without a note"
    assert "accepted at 16.99 as it is listed now" in perform(
        shop, "approve", "FO-1", "--total", "16.99", "--note", "the price went up on the phone"
    )
    shop.once(settle_for=1)
    assert totals(shop) == [D("16.99")]
    first = shop.jobs("FO-1", I)[0]
    with shop.ledger() as ledger:
        (action,) = [one for one in ledger.actions(first.id) if one.action.startswith("approve")]
    assert (action.action, action.note) == ("approve --total 16.99", "the price went up on the phone")
    assert action.actor
    rest = shop.job("FO-1", I)
    assert (rest.state, rest.reason) == (State.HELD, Reason.AMOUNT_UNEXPLAINED), "the next part is another listing"


def test_an_approval_ends_with_the_listing_that_it_was_for(shop):
    shop.sandbox.add(four_mugs())
    listed_with(shop, row=D("12.00"))
    shop.once(settle_for=1)
    perform(shop, "approve", "FO-1", "--total", "16.99", "--note", "as agreed")
    listed_with(shop, row=D("13.00"))
    shop.once(settle_for=1)
    assert shop.job("FO-1", I).reason is Reason.AMOUNT_UNEXPLAINED
    assert totals(shop) == []
    listed_with(shop, row=D("12.00"))
    shop.once(settle_for=1)
    assert totals(shop) == [], "what was changed meanwhile is approved anew"


def test_a_retry_keeps_what_was_approved_of_the_same_listing(shop):
    shop.sandbox.add(four_mugs())
    listed_with(shop, row=D("12.00"))
    shop.once(settle_for=1)
    perform(shop, "approve", "FO-1", "--total", "16.99", "--note", "as agreed")
    shop.erp.script("build_invoice", "refused")
    shop.once(settle_for=0.3)
    assert shop.job("FO-1", I).state is State.HELD
    perform(shop, "retry", "FO-1", "--stage", "invoice")
    shop.once(settle_for=1)
    assert totals(shop) == [D("16.99")]


def two_orders_of_one_sale(shop):
    for order_id, sku, first in (("FO-1", "MUG", 1), ("FO-2", "TEA", 20)):
        shop.sandbox.add(
            SandboxOrder.simple(order_id, (sku, 1, "10.00"), first_id=first, order_number="S-1", total_incl_tax=None)
        )


def test_two_orders_of_one_sale_charge_its_shipping_once_though_they_come_at_once(shop):
    two_orders_of_one_sale(shop)
    assert shop.once(settle_for=2).ending is Ending.HELD
    assert len(totals(shop, "FO-1") + totals(shop, "FO-2")) == 1
    (held,) = [job for job in shop.jobs(stage=I) if job.state is State.HELD]
    other = "FO-1" if held.order_id == "FO-2" else "FO-2"
    assert held.reason is Reason.SHIPPING_REPEATED
    assert f"of order {other} of the same sales order S-1 already included the shipping of 4.99" in held.sentence
    assert len([post for post in shop.sandbox.posts if post.path.endswith("/invoice")]) == 1
    shop.sandbox.change(held.order_id, lambda raw: {**raw, "shipping_amount_incl_tax": D(0)})
    shop.finishes()
    assert sorted(totals(shop, "FO-1") + totals(shop, "FO-2")) == [D("10.00"), D("14.99")]


def test_an_order_waits_while_it_is_not_known_whether_its_sibling_was_accepted(shop):
    shop.settings["settle"] = '"1.5s"'
    two_orders_of_one_sale(shop)
    shop.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    shop.once(settle_for=0.5)
    states = {job.order_id: job for job in shop.jobs(stage=I)}
    assert {job.reason for job in states.values()} == {Reason.OUTCOME_UNKNOWN}
    assert [job for job in states.values() if "may have been confirmed" in (job.sentence or "")]
    for _ in range(3):
        shop.once(settle_for=3)
    assert len(totals(shop, "FO-1") + totals(shop, "FO-2")) == 1
    assert [job.reason for job in shop.jobs(stage=I) if job.state is State.HELD] == [Reason.SHIPPING_REPEATED]


def test_a_draft_that_waited_for_approval_is_checked_again_before_it_is_sent(shop):
    shop.settings["approve"] = '["invoice"]'
    two_orders_of_one_sale(shop)
    shop.once(settle_for=1)
    assert {job.reason for job in shop.jobs(stage=I)} == {Reason.AWAITING_APPROVAL}
    approved = perform(shop, "approve", "FO-1", "FO-2", "--note", "both are right")
    assert re.findall(r"FO-\d: draft \S+ of 14.99 EUR is approved; ", approved) != [], (
        "the operator sees what was approved"
    )
    shop.once(settle_for=2)
    assert len(totals(shop, "FO-1") + totals(shop, "FO-2")) == 1
    (held,) = [job for job in shop.jobs(stage=I) if job.state is State.HELD]
    assert held.reason is Reason.SHIPPING_REPEATED
    assert held.reference is not None, "its draft is left as it is"


def over_invoiced(shop):
    """As an earlier version left it: the first part carried the row of the whole item."""
    shop.sandbox.add(four_mugs())
    listed_with(shop, row=D("40.00"))
    shop.once(settle_for=1)
    perform(shop, "approve", "FO-1", "--total", "44.99", "--note", "by mistake")
    shop.once(settle_for=1)
    assert totals(shop) == [D("44.99")]
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db, db:
        db.execute("UPDATE jobs SET approved_total = NULL")
    listed_with(shop)


def test_a_credit_note_never_exceeds_an_invoice_whose_total_the_erp_does_not_state(shop):
    """5000.00 instead of 50.00: the bound of the whole order would be lifted for every later part."""
    shop.erp_settings["drafts"] = "false"
    for hook in ("build_invoice", "issue_invoice"):
        shop.erp.script(hook, "no_total", times=99)
    shop.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 4, "10.00")))
    shop.finishes()
    refused = shop.command("order", "credited", "FO-1", "--number", "C-7", "--amount", "45.00", "--note", "mistyped")
    assert refused.returncode == 2
    assert "is 44.99; 45.00 is too much" in refused.stderr
    perform(shop, "credited", "FO-1", "--number", "C-7", "--amount", "44.99", "--note", "all of it")


def test_a_credit_note_lets_the_rest_of_an_order_go_on(shop):
    over_invoiced(shop)
    shop.once(settle_for=1)
    held = shop.job("FO-1", I)
    assert held.reason is Reason.AMOUNT_UNEXPLAINED
    assert "30.00 more than 1 x 10.00: a credit note over 30.00 may be due" in held.sentence
    for wrong in (("--amount", "50.00"), ("--amount", "-1"), ("--amount", "0.001")):
        assert shop.command("order", "credited", "FO-1", "--number", "C-7", *wrong).returncode == 2
    printed = perform(shop, "credited", "FO-1", "--number", "C-7", "--amount", "30.00", "--note", "one row too many")
    assert "credit note C-7 of 30.00 against invoice" in printed
    assert "retried; it is checked again" in printed
    again = shop.command("order", "credited", "FO-1", "--number", "C-7", "--amount", "1.00")
    assert "credit note C-7 is recorded already" in again.stderr
    shop.finishes()
    assert totals(shop) == [D("44.99"), D("30.00")]
    rows = json.loads(shop.command("reconcile", "acme", "--json").stdout)
    (credit,) = [row for row in rows if row["finding"] == "credited"]
    assert (credit["document"], credit["number"], credit["total_incl_tax"]) == ("credit_note", "C-7", "-30.00")
    assert not [row for row in rows if row["finding"] == "sum_differs"]
    story = json.loads(shop.command("order", "show", "FO-1", "--json").stdout)
    assert [act["action"] for row in story for act in row["actions"] if "credited" in act["action"]] == [
        "credited C-7 30.00"
    ]


def test_reconcile_finds_an_order_whose_invoices_come_to_more_than_it(shop):
    over_invoiced(shop)
    listed_with(shop, row=D("40.00"))
    shop.once(settle_for=1)
    perform(shop, "approve", "FO-1", "--total", "40.00", "--note", "by mistake")
    shop.finishes()
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db, db:
        db.execute("UPDATE jobs SET approved_total = NULL")
    found = json.loads(shop.command("reconcile", "acme", "--json").stdout)
    (row,) = [row for row in found if row["finding"] == "sum_differs"]
    assert row["sentence"] == (
        "the invoices come to 84.99 (invoice 1 44.99, invoice 2 40.00), and the whole order to 44.99: 40.00 too much"
    )


def in_two_parcels(shop, *, first, last, **fields):
    """A mug and a tea at 10.00 with 4.99 shipping, each in a parcel of its own, listed with these amounts."""
    parts = ({1: D(1)}, {2: D(1)})
    shop.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00"), ("TEA", 1, "10.00"), parts=parts, **fields))

    def edit(raw):
        if len(raw["items"]) == 2:
            return raw
        return {**raw, **{name: D(amount) for name, amount in (last if raw["items"][0]["id"] == 2 else first).items()}}

    shop.sandbox.change("FO-1", edit)


def test_shipping_in_the_own_total_of_the_second_part_is_not_charged_on_top_of_the_first(shop):
    in_two_parcels(
        shop,
        first={"shipping_amount_incl_tax": "4.99", "total_incl_tax": "24.99"},
        last={"shipping_amount_incl_tax": "3.00", "total_incl_tax": "13.00"},
    )
    assert shop.once(settle_for=1).ending is Ending.HELD
    assert "3.00 too much" in shop.job("FO-1", I).sentence
    assert totals(shop) == [D("14.99")]
    assert shop.erp.drafts() == 0
    shop.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D(0), "total_incl_tax": D("10.00")})
    shop.finishes()
    assert totals(shop) == [D("14.99"), D("10.00")]


def test_a_coupon_and_shipping_in_equal_shares_are_on_both_invoices(shop):
    shop.more = '[[tenants.acme.charges]]\nname = "coupon"\npath = "coupon"\nsign = "-"\nkind = "line"\n'
    share = {"coupon": "2.50", "shipping_amount_incl_tax": "1.50", "total_incl_tax": "18.00"}
    in_two_parcels(shop, first=share, last=share, fee="3.00", total_incl_tax=D("18.00"), extra={"coupon": "5.00"})
    shop.finishes()
    assert totals(shop) == [D("9.00"), D("9.00")]


def test_a_credit_note_for_the_tea_makes_no_room_for_a_dear_mug(shop):
    parts = ({1: D(1), 2: D(1)}, {1: D(3)})
    shop.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 4, "10.00"), ("TEA", 2, "10.00"), fee="0.00", parts=parts))

    def listed(raw):
        """The tea with the row of both and of more, then three mugs at 20.00 each."""
        if raw["items"][0]["qty"] == 4:
            return raw
        if len(raw["items"]) == 1:
            dear = {"price_incl_tax": D("20.00"), "row_total_incl_tax": D("60.00")}
            return {**raw, "items": [{**raw["items"][0], **dear}], "total_incl_tax": D("60.00")}
        mug, tea = raw["items"]
        return {**raw, "items": [mug, {**tea, "row_total_incl_tax": D("40.00")}], "total_incl_tax": D("60.00")}

    shop.sandbox.change("FO-1", listed)
    shop.once(settle_for=1)
    perform(shop, "approve", "FO-1", "--total", "50.00", "--note", "by mistake")
    shop.once(settle_for=1)
    assert totals(shop) == [D("50.00")]
    key = shop.jobs("FO-1", I)[0].key
    perform(
        shop, "credited", "FO-1", "--key", key, "--number", "C-7", "--amount", "30.00", "--note", "one tea, not four"
    )
    shop.once(settle_for=1)
    assert "come to 70.00 (invoice 1 10.00, this part 60.00), and 40.00 was allocated" in shop.job("FO-1", I).sentence
    assert totals(shop) == [D("50.00")]


def an_earlier_schema(file, revision):
    """The columns of each table, and the indexes, as the migrations up to `revision` make them."""
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
    engine.dispose()
    with closing(sqlite3.connect(file)) as db:
        return schema_of(db)


def schema_of(db):
    names = db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    tables = {
        name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")} for kind, name in names if kind == "table"
    }
    return tables, {name for kind, name in names if kind == "index"}


def as_the_version_before_left_it(shop):
    """The same ledger without what came with sales orders, and with nothing newer."""
    tables, indexes = an_earlier_schema(shop.folder / "earlier.db", SALES_ORDERS.down_revision)
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db, db:
        now, indexed = schema_of(db)
        for name in indexed - indexes:
            db.execute(f"DROP INDEX {name}")
        for table, columns in now.items():
            if table not in tables:
                db.execute(f"DROP TABLE {table}")
            for column in columns - tables.get(table, columns):
                db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{SALES_ORDERS.down_revision}'")
    with closing(sqlite3.connect(shop.folder / "ledger.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_an_update_shows_before_what_it_will_hold_and_logs_it_once(shop, caplog):
    """FO-1 is allocated and its sibling is invoiced by the earlier version; what is listed next is held by this one."""
    shop.sandbox.auto_ship = False
    two_orders_of_one_sale(shop)
    shop.once(settle_for=0.5)
    shop.sandbox.ship("FO-1")
    shop.finishes()
    shop.sandbox.ship("FO-2")
    as_the_version_before_left_it(shop)
    before = (shop.folder / "ledger.db").read_bytes()
    dry = shop.command("run", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    would = {row["order_id"]: row["would"] for row in json.loads(dry.stdout) if row["stage"] == "invoice"}
    assert "would be held, shipping_repeated: invoice" in would["FO-2"]
    assert (shop.folder / "ledger.db").read_bytes() == before, "a dry run migrates a copy"
    with caplog.at_level("WARNING", logger="shipperone_erp.run"):
        shop.once(settle_for=0.5)
        shop.once(settle_for=0.5)
    logged = [record.getMessage() for record in caplog.records if "will be held" in record.getMessage()]
    assert len(logged) == 1
    assert logged[0].startswith("acme invoice FO-2 will be held, shipping_repeated: invoice ")
    assert shop.job("FO-2", I).reason is Reason.SHIPPING_REPEATED
    assert totals(shop, "FO-2") == []


def test_a_new_ledger_has_no_rules_of_before(shop, caplog):
    two_orders_of_one_sale(shop)
    with caplog.at_level("WARNING", logger="shipperone_erp.run"):
        shop.once(settle_for=1)
    assert not [record for record in caplog.records if "this version checks" in record.getMessage()]
