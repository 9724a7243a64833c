"""B5 and the month's end: `reconcile` puts the ledger's documents beside the ERP's, and changes nothing."""

import csv
import json
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest

from merchant import Merchant, OnSql, both_finish, order, with_a_second_store
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.operations.reconcile.erp_comparison import reconcile
from shipperone_erp.sandbox import Fault

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.fixture
def books(tmp_path, sandbox):
    """A merchant whose ERP can be put wrong by a line of SQL."""
    made = Merchant(tmp_path, sandbox, OnSql)
    made.books.stock("MUG", 20)
    return made


def reconciled(merchant, *arguments, code=0):
    """What `reconcile --json` finds: (finding, order, sentence) of each."""
    done = merchant.command("reconcile", "acme", "--json", *arguments)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return [(row["finding"], row["order_id"], row["sentence"]) for row in json.loads(done.stdout)]


def two_done(merchant):
    for number in (1, 2):
        merchant.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    merchant.finishes()


def test_a_month_without_findings_ends_with_0_and_writes_nothing_anywhere(merchant):
    if not isinstance(merchant.books, OnSql):
        merchant.settings["connector"] = '"counting_lists"'
    two_done(merchant)
    asked = merchant.sandbox.requests.copy()
    before = merchant.command("order", "show", "FO-1", "--json").stdout
    done = merchant.command("reconcile", "acme", "--since", f"{datetime.now(UTC):%Y-%m-%d}")
    assert (done.returncode, done.stdout) == (0, "")
    agree = f"acme, since {datetime.now(UTC):%Y-%m-%d}: 4 document(s) agree; no findings"
    assert done.stderr.splitlines() == [
        agree,
        "acme: accepted 49.98 EUR: 49.98 issued and equal, 0.00 not issued, 0.00 differing",
        "acme: invoiced at 21 %: 40.00 EUR, 6.94 of it tax",
    ]
    assert {request.split()[0] for request in merchant.sandbox.requests - asked} == {"GET"}
    assert merchant.command("order", "show", "FO-1", "--json").stdout == before
    assert len(merchant.books.invoices()) == 2


@pytest.mark.case("B5")
def test_the_erp_was_put_back_and_each_thing_that_is_not_as_it_was_is_named(books):
    for number in (1, 2, 3, 4):
        books.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    books.finishes()
    ask, key = books.books.ask, books.job("FO-1", I).key
    for gone in ("invoice_lines WHERE invoice_key = ?", "invoices WHERE job_key = ?"):
        ask(f"DELETE FROM {gone}", key)
    ask("UPDATE invoices SET number = 900, total_micro = total_micro + 10000 WHERE order_id = 'FO-2'")
    ask(
        "UPDATE invoice_lines SET qty_micro = 1000000 WHERE invoice_key = ?",
        books.job("FO-3", I).key,
    )
    unknown = "i-FO-77-aaaaaaaaaaaaaaaa"
    ask(
        "INSERT INTO invoices (job_key, order_id, state, number, total_micro, created_at)"
        " VALUES (?, 'FO-77', 'issued', 77, 1, ?)", unknown, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip
    job = books.job("FO-1", I)
    assert reconciled(books, code=3) == [
        (
            "missing_in_erp", "FO-1",
            f"the ledger has {job.reference}, number {job.number}; the ERP does not list it: it was deleted there, or "
            f"the ERP was restored from a backup. It is not created again automatically; no invoice has the number {job.number} now",
        ),
        (
            "changed_in_erp", "FO-2",
            f"number: ledger {books.job('FO-2', I).number}, ERP 900; total_incl_tax: ledger 24.99, ERP 25.00",
        ),
        ("changed_in_erp", "FO-3", "items[30].qty: ledger 2, ERP 1"),
        (
            "not_in_ledger", "FO-77",
            f"the ERP has it under the key {unknown}, which this ledger does not contain: another installation created "
            "it, or the ledger is an earlier copy (`shipperone-erp ledger restored`)",
        ),
    ]  # fmt: skip
    printed = books.command("reconcile", "acme")
    agree, totals, rates = printed.stderr.splitlines()[-3:]
    assert agree.endswith("5 document(s) agree; 1 missing_in_erp, 2 changed_in_erp, 1 not_in_ledger")
    assert totals == "acme: accepted 99.96 EUR: 24.99 issued and equal, 0.00 not issued, 74.97 differing"
    assert rates.startswith("acme: invoiced at 21 %: ")
    assert "missing_in_erp" in printed.stdout
    assert len(books.sandbox.order("FO-1").invoices) == 1, "nothing is sent, nothing is made again"


@pytest.mark.case("B5")
def test_the_file_for_the_accountant_has_every_document_and_no_formula(books):
    books.sandbox.add(order("=1+1", first_id=10))
    books.sandbox.add(order("FO-2", first_id=20))
    books.finishes()
    books.books.ask("UPDATE invoices SET number = 900 WHERE order_id = 'FO-2'")
    file = books.folder / "month.csv"
    done = books.command("reconcile", "acme", "--csv", str(file))
    assert done.returncode == 3
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["finding"], row["document"], row["order_id"]) for row in rows] == [
        ("changed_in_erp", "invoice", "FO-2"),
        ("", "reservation", "'=1+1"),
        ("", "invoice", "'=1+1"),
        ("", "reservation", "FO-2"),
    ]
    assert {row["total_incl_tax"] for row in rows if row["document"] == "invoice"} == {"24.99"}
    assert rows[2]["number"] == books.job("=1+1", I).number
    no_folder = books.command("reconcile", "acme", "--csv", str(books.folder / "nowhere" / "month.csv"))
    assert (no_folder.returncode, "month.csv cannot be written: No such file" in no_folder.stderr) == (2, True)


def test_a_draft_issued_by_a_user_is_found_although_its_order_was_never_accepted(books):
    books.settings["approve"] = '["invoice"]'
    books.sandbox.add(order())
    books.once()
    assert [finding for finding, *_ in reconciled(books, code=3)] == ["open"]
    books.books.ask("UPDATE invoices SET state = 'issued', number = 55")
    found = reconciled(books, code=3)
    assert ("changed_in_erp", "FO-1", "number: ledger none, ERP 55") in found
    assert ("open", "FO-1") in [(finding, about) for finding, about, _ in found]


def test_documents_of_an_ignored_order_are_listed(books):
    books.sandbox.auto_ship = False
    books.sandbox.add(order())
    books.sandbox.faults.add(Fault("503", action="allocate"))
    for _ in range(10):  # a loaded machine makes fewer attempts within a second
        books.once(settle_for=1.0)
        if books.job("FO-1", A).state is State.HELD:
            break
    assert books.job("FO-1", A).state is State.HELD
    done = books.command("order", "ignore", "FO-1", "--note", "made by hand")
    assert done.returncode == 0, done.stderr
    reference = books.job("FO-1", A).reference
    assert reference
    assert books.books.reserved("FO-1") == 1
    assert reconciled(books, code=3) == [
        ("ignored", "FO-1", f"ignored by an operator (`order ignore`); still in the ERP: reservation {reference}")
    ]


def test_accepted_not_issued_is_open_and_inferred_is_marked(books):
    books.sandbox.faults.add(Fault("lost_answer", action="invoice", times=1))
    books.sandbox.add(order())
    books.finishes()
    assert books.job("FO-1", I).inferred
    assert [row[:2] for row in reconciled(books, code=0)] == [("inferred", "FO-1")], "a mark, and nothing to do"
    assert books.command("reconcile", "acme", "--csv", str(books.folder / "month.csv")).returncode == 0
    with (books.folder / "month.csv").open(encoding="utf-8-sig", newline="") as opened:
        rows = [(row["finding"], row["document"], row["state_in_erp"]) for row in csv.DictReader(opened)]
    assert rows == [("inferred", "invoice", "issued"), ("", "reservation", "live")], "each document once"

    books.sandbox.add(order("FO-2", first_id=20))
    books.books.ask(
        "CREATE TRIGGER no_issue BEFORE UPDATE OF number ON invoices BEGIN SELECT RAISE(ABORT, 'closed'); END"
    )
    books.once(settle_for=1.0)
    assert books.job("FO-2", I).accepted
    found = reconciled(books, code=3)
    assert [row[:2] for row in found] == [("accepted_not_issued", "FO-2"), ("inferred", "FO-1")]
    assert found[0][2].startswith(f"accepted, not issued {books.job('FO-2', I).reference}, ")


def test_an_earlier_draft_is_a_finding_only_once_issued_and_another_stores_documents_are_none(books, other):
    with_a_second_store(books, other)
    for store in (books.sandbox, other):
        store.add(order("FO-1"))
    both_finish(books)
    books.settings["approve"] = '["invoice"]'
    books.sandbox.add(order("FO-2", first_id=20))
    books.once()
    assert books.command("order", "retry", "FO-2", "--rebuild").returncode == 0
    books.once()
    assert books.command("order", "approve", "FO-2").returncode == 0
    books.finishes()
    assert books.job("FO-2", I).key.endswith("-g2")
    assert len(books.books.ask("SELECT 1 FROM invoices WHERE state = 'voided'")) == 1
    assert reconciled(books) == []
    books.books.ask("UPDATE invoices SET state = 'issued', number = 55 WHERE state = 'voided'")
    assert reconciled(books, code=3) == [("changed_in_erp", "FO-2", "number: ledger none, ERP 55")]


def test_jobs_that_changed_while_the_erp_was_read_are_left_for_the_next_run(books):
    two_done(books)
    last = max(job.since for job in books.jobs())
    with books.ledger() as ledger:
        known = [
            reconcile(ledger, "acme", [], since=last - timedelta(days=1), asked_at=last + timedelta(seconds=after))
            for after in (-600, 1)
        ]
    assert [[one.finding for one in found] for found in known] == [[], ["missing_in_erp"] * 4]


def test_two_documents_with_one_number_are_found(books):
    two_done(books)
    ask = books.books.ask
    ask("CREATE TABLE copies AS SELECT * FROM invoices")
    ask("ALTER TABLE invoices RENAME TO before")
    ask("ALTER TABLE copies RENAME TO invoices")
    ask("UPDATE invoices SET number = (SELECT MIN(number) FROM before)")
    found = reconciled(books, code=3)
    assert [row[2] for row in found if row[0] == "listed_twice"] == ["2 invoices have the number 1: I-1, I-2"]


def test_a_connector_without_a_list_is_reported_and_reconcile_does_not_pass(merchant):
    two_done(merchant)
    if isinstance(merchant.books, OnSql):
        statements = merchant.more.split("[[tenants.acme.generic_sql.")
        merchant.more = "[[tenants.acme.generic_sql.".join(
            part for part in statements if not part.startswith(("list_documents", "list_document_lines"))
        )
    done = merchant.command("reconcile", "acme")
    assert done.returncode == 1
    assert "acme: the ERP was not compared: " in done.stderr
    assert ": not compared with the ERP; in the ledger alone: no findings\n" in done.stderr
    assert "agree" not in done.stderr, "nothing agrees with what was not asked for"
    assert "list_documents" in done.stderr


def test_an_erp_that_is_away_ends_with_5_and_wrong_words_with_2(books):
    two_done(books)
    for arguments, expected in (
        (("reconcile", "nobody"), "there is no tenant nobody"),
        (("reconcile", "acme", "--since", "yesterday"), "--since 'yesterday' is not a date such as 2026-03-01"),
    ):
        done = books.command(*arguments)
        assert (done.returncode, expected in done.stderr) == (2, True), done.stderr
    books.books.file.unlink()
    with suppress(FileNotFoundError):
        books.books.file.with_suffix(".db-wal").unlink()
    gone = books.command("reconcile", "acme")
    assert (gone.returncode, "agree" in gone.stderr) == (5, False), gone.stderr


AWAY = {
    "its list hangs": ("list_documents", "hang", "9", 5, "the ERP did not list its documents within 0.3 s"),
    "it refuses the login to its list": ("list_documents", "auth", "", 5, "the ERP refuses the login"),
    "it restarts while it lists": ("list_documents", "transient", "", 5, "the ERP is restarting"),
    "the user may not list": (
        "list_documents",
        "refused",
        "erp_access_denied: no rights",
        5,
        "not compared: no rights",
    ),
    "the list is not set up": ("list_documents", "refused", "config_incomplete: no list", 1, "not compared: no list"),
    "its identity hangs": ("identity", "hang", "9", 5, "the ERP did not report its identity within 0.3 s"),
    "it refuses the login": ("identity", "auth", "", 5, "the ERP refuses the login"),
}


def test_reconcile_ends_with_5_where_the_erp_is_silent_or_refuses_and_then_as_before(world):
    world.settings |= {"connector": '"counting_lists"', "hook_timeout": '"0.3s"'}
    world.sandbox.add(order())
    world.finishes()
    for what, (hook, misbehaves, detail, code, expected) in AWAY.items():
        world.erp.script(hook, misbehaves, detail=detail, order="*")
        done = world.command("reconcile", "acme", "--json")
        assert (done.returncode, expected in done.stderr) == (code, True), (what, done.stderr)
        assert "Traceback" not in done.stderr
        world.erp.ask("DELETE FROM script")
    assert world.command("reconcile", "acme").returncode == 0
    world.erp.ask("UPDATE invoices SET total = '1.00'")
    assert world.command("reconcile", "acme").returncode == 3


PEOPLES_OWN = """
CREATE TABLE own_invoices (reference TEXT, number INTEGER, total_micro INTEGER);
CREATE TABLE credit_notes (number TEXT, total_micro INTEGER, refers_to TEXT, order_id TEXT);
INSERT INTO own_invoices VALUES ('OWN-1', 5001, 1000000), ('OWN-2', 5003, 2000000), ('OWN-3', 5003, 3000000);
INSERT INTO credit_notes VALUES ('C-OWN', 1000000, 'OWN-1', NULL);
"""

LISTED_TOO = '''
[[tenants.acme.generic_sql.list_documents]]
sql = """SELECT 'invoice' AS kind, NULL AS key, reference, NULL AS order_id, total_micro AS total_incl_tax_micro, 'EUR' AS currency,
 'issued' AS state, number, NULL AS date FROM own_invoices WHERE :since IS NOT NULL"""

[[tenants.acme.generic_sql.list_documents]]
sql = """SELECT 'credit_note' AS kind, NULL AS key, 'CN-' || number AS reference, order_id, total_micro AS total_incl_tax_micro,
 'EUR' AS currency, 'issued' AS state, number, NULL AS date, refers_to FROM credit_notes WHERE :since IS NOT NULL"""
'''


@pytest.fixture
def shared_series(books):
    """Books whose series of numbers people's own invoices and credit notes share."""
    for statement in PEOPLES_OWN.split(";"):
        books.books.ask(statement)
    books.more += LISTED_TOO
    return books


def listed_again(sandbox, order_id):
    """ShipperOne has lost the confirmation, and lists the order to be invoiced as before."""
    state = sandbox.order(order_id)
    state.to_invoice = dict(state.invoices[0][0])
    sandbox.change(order_id, lambda raw: raw)


def test_ten_discrepancies_are_found_and_nothing_else(shared_series):
    books, sandbox, ask = shared_series, shared_series.sandbox, shared_series.books.ask
    sandbox.faults.add(Fault("echo", action="allocate", order_id="FO-8"))
    sandbox.faults.add(Fault("lost_answer", action="invoice", order_id="FO-11", times=1))
    ask(
        "CREATE TRIGGER no_issue BEFORE UPDATE OF number ON invoices WHEN new.order_id = 'FO-4'"
        " BEGIN SELECT RAISE(ABORT, 'closed'); END"
    )
    books.books.stock("MUG", 50)
    for number in range(1, 14):
        sandbox.add(order(f"FO-{number}", first_id=number * 10))
    for coupon in ("FO-9", "FO-12"):
        sandbox.change(coupon, lambda raw: {**raw, "total_incl_tax": "21.00"} if raw.get("shipped_at") else raw)
    books.once(settle_for=3)
    sandbox.cancel("FO-8")
    for _ in range(10):
        books.once(settle_for=1)
        if books.job("FO-8", A).state is State.GONE:
            break
    assert books.command("order", "ignore", "FO-12", "--note", "paid in the shop").returncode == 0
    for number, credited in (("FO-7", "5.00"), ("FO-10", "24.99")):
        done = books.command("order", "credited", number, "--number", f"C-{number}", "--amount", credited)
        assert done.returncode == 0, done.stderr
    assert {row[0] for row in reconciled(books, code=3)} == {
        "accepted_not_issued", "credit_differs", "decided_by_hand", "inferred", "shipped_not_invoiced"
    }, "what is open, and marks; the credit notes are not in the ERP yet"  # fmt: skip

    jobs = {number: books.job(f"FO-{number}", I) for number in (1, 3, 6, 7, 10)}
    for gone in ("invoice_lines WHERE invoice_key = ?", "invoices WHERE job_key = ?"):
        ask(f"DELETE FROM {gone}", jobs[1].key)
    ask("UPDATE invoices SET total_micro = total_micro + 10000 WHERE order_id = 'FO-2'")
    ask("UPDATE own_invoices SET number = ? WHERE reference = 'OWN-1'", int(jobs[3].number))
    ask(
        "INSERT INTO invoices (job_key, order_id, state, number, total_micro, created_at)"
        " VALUES ('i-FO-77-aaaaaaaaaaaaaaaa', 'FO-77', 'issued', 77, 1, ?)", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip
    listed_again(sandbox, "FO-5")
    note = "INSERT INTO credit_notes VALUES (?, ?, ?, ?)"
    ask(note, "C-6", 3_000_000, jobs[6].reference, "FO-6")
    ask(note, "C-FO-7", 6_000_000, jobs[7].reference, "FO-7")
    ask(note, "C-FO-10", 24_990_000, jobs[10].reference, "FO-10")
    ask("UPDATE reservations SET state = 'live' WHERE order_id = 'FO-8'")

    found = reconciled(books, code=3)
    assert [(finding, about) for finding, about, _ in found] == [
        ("accepted_not_issued", "FO-4"),
        ("issued_not_confirmed", "FO-5"),
        ("missing_in_erp", "FO-1"),
        ("changed_in_erp", "FO-2"),
        ("not_in_ledger", "FO-77"),
        ("listed_twice", "FO-3"),
        ("credit_not_recorded", "FO-6"),
        ("credit_differs", "FO-7"),
        ("shipped_not_invoiced", "FO-9"),
        ("reservation_without_order", "FO-8"),
        ("credited", "FO-10"),
        ("inferred", "FO-11"),
        ("decided_by_hand", "FO-12"),
    ]
    sentences = {finding: sentence for finding, _, sentence in found}
    number = jobs[1].number
    assert sentences["missing_in_erp"].endswith(f"; no invoice has the number {number} now")
    assert sentences["listed_twice"] == f"2 invoices have the number {jobs[3].number}: {jobs[3].reference}, OWN-1"
    assert sentences["credit_not_recorded"].endswith("record it by `order credited FO-6 --number C-6 --amount 3.00`")
    assert sentences["credit_differs"].endswith("; amount: ledger 5.00, ERP 6.00")
    assert sentences["shipped_not_invoiced"].startswith(f"shipped {datetime.now(UTC):%Y-%m-%d}, not invoiced: ")
    assert "order ignore" not in sentences["decided_by_hand"]
    assert sentences["decided_by_hand"].endswith(": ignore: paid in the shop")
    printed = books.command("reconcile", "acme").stderr
    assert (
        "acme: accepted 249.90 EUR: 149.94 issued and equal, 24.99 not issued, 74.97 differing; 24.99 inferred; "
        "29.99 credited"
    ) in printed
    assert "acme: shipped and not invoiced: 3 order(s), 74.97 EUR; the oldest is FO-" in printed


def copied(source, target):
    """The one database into the other, whatever that holds."""
    with closing(sqlite3.connect(source)) as db, closing(sqlite3.connect(target)) as copy:
        db.backup(copy)


def test_an_accepted_invoice_that_a_restored_erp_has_lost_is_issued_anew_without_a_second_post(books):
    books.sandbox.auto_ship = False
    books.sandbox.add(order())
    books.once()
    backup = books.folder / "backup.db"
    copied(books.books.file, backup)
    books.sandbox.ship("FO-1")
    books.finishes()
    before = books.job("FO-1", I)
    refused = books.command("order", "retry", "FO-1", "--rebuild")
    assert refused.returncode == 2
    assert f"the ERP has its document ({before.reference}, number {before.number}, issued)" in refused.stderr
    copied(backup, books.books.file)
    assert [row[:2] for row in reconciled(books, code=3)] == [("missing_in_erp", "FO-1")]

    done = books.command("order", "retry", "FO-1", "--rebuild", "--note", "ERP put back")
    assert done.returncode == 0, done.stderr
    assert "FO-1: will be rebuilt under its next key" in done.stdout
    books.finishes()
    after = books.job("FO-1", I)
    assert (after.key, after.accepted_at) == (f"{before.key}-g2", before.accepted_at)
    assert after.invoice.issued
    assert (len(books.sandbox.order("FO-1").invoices), len(books.books.invoices()), books.books.delivered("FO-1")) == (
        1, 1, 1,
    )  # fmt: skip
    ((finding, _, sentence),) = reconciled(books)
    assert (finding, sentence.endswith("its document is missing in the ERP: ERP put back")) == ("decided_by_hand", True)


def test_a_reservation_that_a_restored_erp_has_lost_is_made_anew_and_the_invoice_books_it_out(books):
    backup = books.folder / "backup.db"
    copied(books.books.file, backup)
    books.sandbox.auto_ship = False
    books.sandbox.add(order())
    books.once()
    before = books.job("FO-1", A)
    refused = books.command("order", "retry", "FO-1", "--rebuild")
    assert refused.returncode == 2
    assert f"the ERP has its document ({before.reference}, live)" in refused.stderr
    copied(backup, books.books.file)
    assert [row[:2] for row in reconciled(books, code=3)] == [("missing_in_erp", "FO-1")]

    done = books.command("order", "retry", "FO-1", "--rebuild", "--note", "ERP put back")
    assert done.returncode == 0, done.stderr
    books.once()
    after = books.job("FO-1", A)
    assert (after.state, after.key, after.accepted_at) == (State.DONE, f"{before.key}-g2", before.accepted_at)
    assert (books.books.reserved("FO-1"), books.sandbox.order("FO-1").allocations) == (1, 1)
    books.sandbox.ship("FO-1")
    books.finishes()
    assert (len(books.books.invoices()), books.books.delivered("FO-1"), books.books.stock_of("MUG")) == (1, 1, (18, 0))
    ((finding, _, sentence),) = reconciled(books)
    assert (finding, sentence.endswith("its document is missing in the ERP: ERP put back")) == ("decided_by_hand", True)

    refused = books.command("order", "retry", "FO-1", "--rebuild", "--stage", "allocation")
    assert refused.returncode == 2
    assert "goods of order FO-1 have shipped" in refused.stderr
