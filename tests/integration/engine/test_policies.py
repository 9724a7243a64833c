"""The policies that come with core: a note that is printed on the invoice, and a difference of one cent."""

import sqlite3
from contextlib import closing
from decimal import Decimal as D

import pytest

from shipperone_erp import Difference, FulfillmentOrder, Mismatch, OrderItem
from shipperone_erp.domain.hook_requests import Verdict
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.policies.within_a_cent import CentSettings, WithinACent
from shipperone_erp.sandbox import SandboxOrder
from shipperone_erp_generic_sql import recipe

ORDER = FulfillmentOrder("FO-1", "main", (OrderItem(item_id=1, sku="MUG", qty=D(2)),))


@pytest.fixture
def printing(world):
    """generic_sql with a column for the note, which the statement fills from a bind of the merchant's own."""
    made = recipe("guarded", "sqlite")
    with closing(sqlite3.connect(world.folder / "shop.db")) as erp:
        erp.executescript(made.ddl.replace("order_number   TEXT,", "order_number   TEXT,\n    note TEXT,"))
        erp.execute("INSERT INTO stock (warehouse, sku, on_hand_micro) VALUES ('main', 'MUG', 90000000)")
        erp.commit()
    statements = made.toml.replace('[tenants.acme.generic_sql]\nurl = "sqlite:///erp.db"\n', "")
    statements = statements.replace(
        "(job_key, order_id, order_number, state,", "(note, job_key, order_id, order_number, state,"
    )
    statements = statements.replace(
        "VALUES (:key, :order_id, :order_number, 'draft',", "VALUES (:note, :key, :order_id, :order_number, 'draft',"
    )
    world.settings |= {"connector": '"generic_sql"', "policies": '["invoice_note"]'}
    world.erp_settings = {"url": '"sqlite:///shop.db"'}
    world.more = statements + '\n[tenants.acme.generic_sql.binds]\nnote = "extra.invoice_note"\n'
    return world


def notes(world) -> dict[str, str | None]:
    with closing(sqlite3.connect(world.folder / "shop.db")) as erp:
        return dict(erp.execute("SELECT order_id, note FROM invoices WHERE state = 'issued'").fetchall())


def test_a_note_is_printed_on_the_invoice(printing):
    printing.more += (
        '[tenants.acme.invoice_note]\nnote = "Thank you"\n'
        'by_payment = { bank_transfer = "Payable within 14 days" }\n'
        'by_country = { AT = "Steuerfreie innergemeinschaftliche Lieferung" }\n'
    )
    orders = {
        "FO-1": {},
        "FO-2": {"payment_method": "bank_transfer"},
        "FO-3": {"payment_method": "card", "shipping": {"country": "AT"}},
    }
    for number, (order_id, fields) in enumerate(orders.items(), 1):
        printing.sandbox.add(SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=number * 10, **fields))
    printing.finishes()
    assert notes(printing) == {
        "FO-1": "Thank you",
        "FO-2": "Payable within 14 days",
        "FO-3": "Thank you\nSteuerfreie innergemeinschaftliche Lieferung",
    }


def test_without_a_text_nothing_is_printed(printing):
    printing.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    printing.finishes()
    assert notes(printing) == {"FO-1": None}


def test_one_cent_is_accepted_and_the_order_goes_through(world):
    world.settings["policies"] = '["within_a_cent"]'
    world.erp_settings["drafts"] = "false"
    world.erp.script("build_invoice", "cent_off", times=99)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.finishes()
    assert len(world.sandbox.order("FO-1").invoices) == 1


def test_an_accepted_difference_covers_no_other_of_the_issued_invoice(world):
    world.settings["policies"] = '["within_a_cent"]'
    world.erp_settings["drafts"] = "false"
    world.erp.script("build_invoice", "cent_off", times=99)
    world.erp.script("issue_invoice", "tax_zero", times=99)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.once(settle_for=4)
    job = world.job("FO-1", Stage.INVOICE)
    assert (job.state, job.reason, job.accepts) == (State.HELD, "tax_differs", 1)
    assert "was issued with other values than ShipperOne accepted" in (job.sentence or "")


def test_an_amount_beyond_the_bound_is_held_and_nothing_is_sent(world):
    world.settings["policies"] = '["within_a_cent"]'
    world.more = '[tenants.acme.within_a_cent]\nat_most = "0.005"\n'
    world.erp_settings["drafts"] = "false"
    world.erp.script("build_invoice", "cent_off", times=99)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.once(settle_for=4)
    job = world.job("FO-1", Stage.INVOICE)
    assert (job.state, job.reason) == (State.HELD, "total_differs")
    assert world.sandbox.order("FO-1").invoices == []


@pytest.mark.parametrize(
    ("action", "differences", "verdict"),
    [
        ("compare", [("total_incl_tax", "10.00", "10.01")], Verdict.ACCEPT),
        ("compare", [("total_incl_tax", "10.00", "9.99"), ("items[1].total_incl_tax", "5.00", "5.01")], Verdict.ACCEPT),
        ("compare", [("tax[21 %]", "2.10", "2.11")], Verdict.ACCEPT),
        ("compare", [("total_incl_tax", "10.00", "10.02")], Verdict.ABSTAIN),
        (
            "compare",
            [("total_incl_tax", "10.00", "10.01"), ("items[1].total_incl_tax", "5.00", "5.02")],
            Verdict.ABSTAIN,
        ),
        ("compare", [("total_incl_tax", None, "0.01")], Verdict.ABSTAIN),
        ("compare", [("items[1].qty", "1.00", "1.01")], Verdict.ABSTAIN),
        ("compare", [("items[1].tax_percent", "21.00", "21.01")], Verdict.ABSTAIN),
        ("compare", [("currency", "EUR", "CZK")], Verdict.ABSTAIN),
        ("compare", [("tax[21 %]", "2.10", "2.11 by line or 2.12 in total")], Verdict.ABSTAIN),
        ("compare", [], Verdict.ABSTAIN),
        ("invoice", [("total_incl_tax", "10.00", "10.01")], Verdict.ABSTAIN),
    ],
)
def test_one_cent_has_an_opinion_about_small_amounts_alone(action, differences, verdict):
    policy = WithinACent(CentSettings(), tenant="acme")
    found = tuple(Difference(*difference) for difference in differences)
    assert policy.handle_mismatch(Mismatch(action, ORDER, ORDER, None, "", found)).verdict is verdict
