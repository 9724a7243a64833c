"""Going live and going back: the preview, earlier documents, one order at a time, the list of open documents."""

import json
from decimal import Decimal as D

import pytest

from merchant import OnSql, order
from shipperone_erp import Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.explanations import explain
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.sandbox import Fault

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


def output(merchant, *arguments, code=0):
    """What the command says on stdout (or on stderr, where it is to fail)."""
    done = merchant.command(*arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def reserved_by_hand(merchant, order_id, sku="MUG", pieces=2, item_id=1):
    """A person has reserved it in the ERP; what the ERP calls it."""
    key = f"by-hand-{order_id}"
    if isinstance(merchant.books, OnSql):
        ask, micro = merchant.books.ask, pieces * 1_000_000
        ask(
            "INSERT INTO reservations (job_key, order_id, state, created_at) VALUES (?, ?, 'live', 'now')",
            key,
            order_id,
        )
        ask(
            "INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty_micro)"
            " VALUES (?, ?, ?, 'main', ?, ?)", f"{key}-{item_id}", key, str(item_id), sku, micro,
        )  # fmt: skip
        ask("UPDATE stock SET reserved_micro = reserved_micro + ? WHERE sku = ?", micro, sku)
        return "R-" + str(ask("SELECT id FROM reservations WHERE job_key = ?", key)[0][0])
    merchant.erp.ask("INSERT INTO reservations VALUES (?, ?, 'live')", key, order_id)
    merchant.erp.ask("INSERT INTO reserved_lines VALUES (?, ?, 'main', ?, ?)", key, str(item_id), sku, pieces)
    merchant.erp.ask("UPDATE stock SET reserved = reserved + ? WHERE sku = ?", pieces, sku)
    return f"R-{key}"


def invoiced_by_hand(merchant, pieces, total):
    """A person has invoiced that many pieces of item 20 of FO-3 in the ERP, as number 7; what the ERP calls it."""
    if isinstance(merchant.books, OnSql):
        micro = int(D(total) * 1_000_000)
        merchant.books.ask(
            "INSERT OR REPLACE INTO invoices (id, job_key, order_id, state, number, currency, shipping_micro, total_micro,"
            " created_at) VALUES (777, 'H-3', 'FO-3', 'issued', 7, 'EUR', 4990000, ?, 'now')", micro,
        )  # fmt: skip
        merchant.books.ask(
            "INSERT OR REPLACE INTO invoice_lines VALUES ('H-3-20', 'H-3', 1, '20', 'MUG', ?, ?, NULL)",
            pieces * 1_000_000, micro - 4_990_000,
        )  # fmt: skip
        return "I-777"
    merchant.erp.ask("DELETE FROM invoices WHERE key = 'H-3'")
    by_hand = "INSERT INTO invoices (key, order_id, state, number, items, total) VALUES (?, ?, 'issued', ?, ?, ?)"
    merchant.erp.ask(by_hand, "H-3", "FO-3", 7, f"20:{pieces}", total)
    return "I-H-3"


def posts(merchant, action="invoice"):
    return [post for post in merchant.sandbox.posts if post.path.endswith(f"/{action}")]


DRAFT = """VALUES (:key, :order_id, :order_number, 'draft', :tax_date, :currency, :shipping_amount_incl_tax_micro,
        :shipping_amount_incl_tax_micro, :now_utc)
\"\"\"
"""
UNLESS_THERE = """SELECT :key, :order_id, :order_number, 'draft', :tax_date, :currency, :shipping_amount_incl_tax_micro,
       :shipping_amount_incl_tax_micro, :now_utc
WHERE NOT EXISTS (SELECT 1 FROM invoices WHERE order_id = :order_id AND state <> 'voided')
\"\"\"
otherwise = "already_in_erp"
sentence = "the ERP has an invoice of this order already"
owner = "accountant"
"""


@pytest.fixture
def before(merchant):
    """A merchant who has worked by hand so far: two orders wait for stock, one has shipped."""
    merchant.settings["go_live"] = '"ask"'
    merchant.sandbox.auto_ship = False
    merchant.sandbox.add(order("FO-1", ordered_at="2026-02-03T08:00:00Z"))
    merchant.sandbox.add(order("FO-2", ("TEA", 1, "5.00"), first_id=10))
    merchant.sandbox.add(order("FO-3", ("TEA", 2, "5.00"), first_id=20), stage="invoice")
    return merchant


@pytest.mark.case("B3")
def test_the_preview_shows_the_listed_orders_and_the_effect_of_each_option(before):
    preview = before.command("go-live", "acme")
    assert preview.returncode == 2
    assert preview.stderr.strip() == "give either --all or --from-now"
    assert "its queues could not be read: there is no ledger" in preview.stdout

    assert before.once().ending is Ending.HELD
    preview = before.command("go-live", "acme")
    assert preview.returncode == 2
    assert preview.stderr.strip() == "give either --all or --from-now"
    assert preview.stdout.splitlines() == [
        "acme allocation: 2 order(s) are listed and held, the oldest FO-1, ordered 2026-02-03",
        "acme invoice: 1 order(s) are listed and held, the oldest FO-3, ordered 2026-03-01",
        "--all       3 order(s) are processed as if they had just been listed",
        "--from-now  3 order(s) are ignored (`order retry` resumes one); orders listed later are processed",
    ]
    assert {job.reason for job in before.jobs()} == {Reason.BEFORE_GO_LIVE}, "a preview changes nothing"
    assert "there is no tenant nobody" in output(before, "go-live", "nobody", code=2)
    assert output(before, "go-live", "acme", "--all", "--from-now", code=2).strip() == "give either --all or --from-now"

    output(before, "go-live", "acme", "--from-now")
    assert "acme allocation: live, no order is held" in before.command("go-live", "acme").stdout
    before.once()
    assert before.sandbox.posts == []
    assert {job.state for job in before.jobs()} == {State.IGNORED}


@pytest.mark.case("B3")
@pytest.mark.parametrize("hidden", ["sku", "order_id"])
def test_orders_that_could_not_be_read_before_the_go_live_do_not_start_once_they_can(before, hidden):
    """A partner's first contact: the place of a field is named after the first read of the queue."""

    def elsewhere(raw):
        if hidden == "order_id":
            return {"shipment": raw["order_id"], **{key: value for key, value in raw.items() if key != "order_id"}}
        return {**raw, "items": [{"code_of_goods": item.pop("sku"), **item} for item in raw["items"]]}

    for order_id in ("FO-1", "FO-2", "FO-3"):
        before.sandbox.change(order_id, lambda raw: elsewhere({**raw, "items": [dict(item) for item in raw["items"]]}))
    assert before.once().ending is Ending.HELD
    assert {job.reason for job in before.jobs()} == {Reason.BEFORE_GO_LIVE}
    if hidden == "order_id":
        assert "are listed without a readable id" in output(before, "go-live", "acme", "--from-now", code=2)
    place = "shipment" if hidden == "order_id" else "code_of_goods"
    before.more += f'\n[tenants.acme.fields]\n{hidden} = "{place}"\n'
    for _ in range(3):
        assert before.once().ending is Ending.HELD
    assert before.sandbox.posts == []
    assert before.books.reserved("FO-1") == 0
    assert {job.reason for job in before.jobs() if job.state is State.HELD} == {Reason.BEFORE_GO_LIVE}
    output(before, "go-live", "acme", "--all")
    before.finishes()
    assert len(before.books.invoices("FO-3")) == 1


@pytest.mark.case("B3")
def test_an_empty_answer_of_the_queue_does_not_start_the_orders_of_before_the_go_live(before):
    before.once()
    listed = {order_id: before.sandbox.order(order_id) for order_id in ("FO-1", "FO-2", "FO-3")}
    for order_id in listed:
        before.sandbox.cancel(order_id)
    for _ in range(3):
        before.once(settle_for=1)
    assert {job.state for job in before.jobs()} == {State.GONE}
    for order_id, state in listed.items():
        state.cancelled = False
        before.sandbox.change(order_id, lambda raw: raw)
    assert before.once().ending is Ending.HELD
    assert before.sandbox.posts == []
    assert {job.reason for job in before.jobs() if not job.ended} == {Reason.BEFORE_GO_LIVE}


@pytest.mark.case("B3")
def test_a_part_of_an_ignored_order_is_held_for_an_operator(before):
    """The shop finishes FO-3 by hand, one piece after the other; nothing of it is invoiced here meanwhile."""
    before.once()
    output(before, "go-live", "acme", "--from-now")
    one = {"qty": 1, "row_total_incl_tax": D("5.00")}
    before.sandbox.change(
        "FO-3", lambda raw: {**raw, "items": [{**raw["items"][0], **one}], "total_incl_tax": D("9.99")}
    )
    before.once()
    held = before.job("FO-3", I)
    assert (held.state, held.reason) == (State.HELD, Reason.ITEMS_CHANGED)
    assert before.sandbox.posts == []
    assert before.books.drafts() == 0
    assert f"`order retry {held.key}`" in (held.sentence or "")
    output(before, "order", "retry", held.key)
    before.finishes()
    assert [booked.items for booked in before.books.invoices("FO-3")] == [{"20": 1}]


@pytest.mark.case("B3")
def test_an_adopted_document_is_compared_and_confirmed_and_never_changed(before):
    before.once()
    reference = reserved_by_hand(before, "FO-1")
    output(before, "order", "adopt", "FO-1", "--reference", reference)
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7", "--number", "2026-0007", "--total", "14.99",
         "--date", "2026-02-28", "--note", "made by Eva")  # fmt: skip
    assert before.sandbox.posts == [], "the command writes to the ledger only"

    before.once()
    allocation, invoice = before.job("FO-1", A), before.job("FO-3", I)
    assert (allocation.state, allocation.reference) == (State.DONE, reference)
    assert (invoice.state, invoice.number, invoice.compared) == (State.DONE, "2026-0007", True)
    assert [(D(fee), list(items)) for items, fee in before.sandbox.order("FO-3").invoices] == [(D("4.99"), [20])]
    assert before.sandbox.order("FO-1").allocations == 1
    assert before.books.reserved("FO-1") == 1, "the one that was made by hand"
    assert (before.books.invoices(), before.books.drafts(), before.books.delivered("FO-3")) == ([], 0, 0)
    with before.ledger() as ledger:
        kinds = {effect.kind for job in (allocation, invoice) for effect in ledger.effects(job.id)}
        assert kinds - {EffectKind.LOOK} == {EffectKind.CONFIRM}, "the ERP is looked at, and not written to"
        assert [(act.action, act.note) for act in ledger.actions(invoice.id)] == [
            ("adopt INV/7, number 2026-0007, total 14.99", "made by Eva")
        ]
    assert "adopted: created elsewhere" in output(before, "order", "show", "FO-3")

    before.sandbox.ship("FO-1")
    output(before, "go-live", "acme", "--from-now")
    before.finishes()
    assert len(before.books.invoices("FO-1")) == 1
    assert before.books.delivered("FO-1") == 1, "the reservation by hand is handed to the delivery"
    assert before.books.stock_of("MUG") == (18, 0)


@pytest.mark.case("B3")
def test_another_total_is_held_and_nothing_is_sent_until_it_is_named_rightly(before):
    before.once()
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7", "--total", "14.98")
    before.once()
    job = before.job("FO-3", I)
    assert (job.state, job.reason, job.owner) == (State.HELD, Reason.TOTAL_DIFFERS, "accountant")
    assert "total_incl_tax: ERP 14.98, ShipperOne 14.99; nothing was sent" in (job.sentence or "")
    assert before.sandbox.posts == []
    rebuilt = output(before, "order", "retry", "FO-3", "--rebuild", code=2)
    assert "INV/7 was created elsewhere: it is not rebuilt, undone or released from here" in rebuilt
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7", "--total", "14.99")
    before.once()
    assert before.job("FO-3", I).state is State.DONE
    assert before.books.invoices() == []


@pytest.mark.case("B3")
def test_an_incomparable_invoice_is_confirmed_and_marked(before):
    before.once()
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7")
    before.once()
    assert (before.job("FO-3", I).state, before.job("FO-3", I).compared) == (State.DONE, False)
    (row,) = [row for row in json.loads(output(before, "orders", "--json", "--all")) if row["order_id"] == "FO-3"]
    assert (row["not_compared"], row["adopted"]) == (True, True)


@pytest.mark.case("B3")
def test_the_adopted_order_changes_is_refused_or_vanishes_and_is_held_each_time(before):
    before.once()
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7", "--total", "14.99")
    before.sandbox.change(
        "FO-3", lambda raw: {**raw, "shipping_amount_incl_tax": D("5.99"), "total_incl_tax": D("15.99")}
    )
    before.once()
    held = before.job("FO-3", I)
    assert (held.state, held.reason, held.reference) == (State.HELD, Reason.ITEMS_CHANGED, "INV/7")
    assert "ShipperOne lists the order differently now" in (held.sentence or "")

    # ShipperOne's own figure is another one than the listing's, which lags behind
    output(before, "order", "adopt", "FO-3", "--reference", "INV/7", "--total", "15.99")
    before.sandbox.order("FO-3").edit = None
    before.once()
    refused = before.job("FO-3", I)
    assert (refused.state, refused.reason) == (State.HELD, Reason.PLATFORM_REFUSED)
    assert "which was created elsewhere: shipping_amount_incl_tax is 4.99" in (refused.sentence or "")

    before.sandbox.cancel("FO-3")
    for _ in range(3):
        before.once()
    gone = before.job("FO-3", I)
    assert (gone.state, gone.reason) == (State.HELD, Reason.ORDER_GONE)
    assert "INV/7, which was created elsewhere, stays unchanged" in (gone.sentence or "")
    output(before, "order", "resolve", "FO-3", "--outcome", "cancelled")
    assert before.job("FO-3", I).state is State.GONE
    assert (before.books.invoices(), before.books.drafts()) == ([], 0)


@pytest.mark.case("B3")
def test_many_at_once_by_csv_all_or_none(before):
    before.once()
    file = before.folder / "made.csv"
    file.write_text(
        "order_id,reference,number,total,date,stage\n"
        "FO-3,INV/7,2026-0007,14.9x,2026-02-28,invoice\n"
        "FO-9,INV/8,,,,\n"
        "FO-1,,,,,\n"
        "FO-2,R-2,,,28.2.2026,\n"
    )
    refused = output(before, "order", "adopt", "--csv", str(file), code=2)
    assert "3 bad row(s); nothing was adopted:" in refused
    assert f"{file}:2: total '14.9x' is not an amount such as 24.99" in refused
    assert f"{file}:4: order_id and reference must be filled in" in refused
    assert f"{file}:5: date '28.2.2026' is not a date such as 2026-03-01" in refused

    good = f"order_id;reference;number;total;date;stage\nFO-3;INV/7;2026-0007;14.99;2026-02-28;invoice\nFO-1;{reserved_by_hand(before, 'FO-1')};;;;\n"
    file.write_text(good + "FO-9;INV/8;;;;\nFO-2;R-2;;5.00;;\n")
    refused = output(before, "order", "adopt", "--csv", str(file), code=2)
    assert f"{file}:4: no job of order FO-9 is known" in refused
    assert f"{file}:5: " in refused
    assert "a reservation has only a reference" in refused
    assert not any(job.adopted for job in before.jobs()), "nothing is done if one row is bad"

    file.write_text(good)
    output(before, "order", "adopt", "--csv", str(file))
    before.once()
    assert (before.job("FO-3", I).state, before.job("FO-1", A).state) == (State.DONE, State.DONE)
    file.write_text("order,reference\nFO-2,R-2\n")
    assert "not known: order" in output(before, "order", "adopt", "--csv", str(file), code=2)


@pytest.mark.case("B3")
def test_only_one_order_is_let_through_at_first(before):
    before.once()
    output(before, "order", "retry", "FO-2")
    before.sandbox.add(order("FO-4", first_id=40))
    before.once(orders=["FO-2"])
    assert (before.sandbox.order("FO-2").allocations, before.books.reserved("FO-2")) == (1, 1)
    assert [job.order_id for job in before.jobs(stage=A) if job.state is State.DONE] == ["FO-2"]
    assert before.jobs("FO-4") == [], "the new one waits for a run that is meant for it"
    assert before.books.reserved("FO-4") == 0


@pytest.mark.case("B3")
def test_a_users_document_is_detected_and_adopting_it_is_the_cure(merchant):
    if isinstance(merchant.books, OnSql):
        assert merchant.more.count(DRAFT) == 1
        merchant.more = merchant.more.replace(DRAFT, UNLESS_THERE)
        merchant.books.ask(
            "INSERT INTO invoices (job_key, order_id, state, number, total_micro, shipping_micro, created_at)"
            " VALUES ('INV/7', 'FO-1', 'issued', 7, 24990000, 4990000, 'now')"
        )
    else:
        merchant.erp.script("build_invoice", "refused", times=99, detail="already_in_erp")
    merchant.sandbox.add(order())
    assert merchant.once().ending is Ending.HELD
    held = merchant.job("FO-1", I)
    assert held.reason is Reason.ALREADY_IN_ERP
    assert "`shipperone-erp order adopt ID --reference R" in explain("already_in_erp")
    output(merchant, "order", "adopt", "FO-1", "--stage", "invoice", "--reference", "INV/7", "--number", "7",
         "--total", "24.99")  # fmt: skip
    merchant.finishes()
    assert merchant.job("FO-1", I).state is State.DONE
    assert len(merchant.sandbox.order("FO-1").invoices) == 1
    assert len(merchant.books.invoices()) == isinstance(merchant.books, OnSql), "only the one of before"
    assert (merchant.books.drafts(), merchant.books.delivered("FO-1")) == (0, 0)


@pytest.mark.case("B3")
def test_a_document_made_by_this_runtime_is_not_adopted_over(merchant):
    merchant.sandbox.add(order())
    merchant.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    merchant.once(settle_for=0.5)
    refused = output(merchant, "order", "adopt", "FO-1", "--reference", "R-7", code=2)
    assert "nothing of order FO-1 can be adopted" in refused
    assert (merchant.books.reserved("FO-1"), merchant.job("FO-1", A).adopted) == (1, False)


def test_going_back_pause_drain_and_see_what_is_open(merchant):
    merchant.sandbox.auto_ship = False
    for number in (1, 2, 3):
        merchant.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    merchant.finishes()
    merchant.sandbox.ship("FO-1")
    merchant.finishes()
    merchant.settings["approve"] = '["invoice"]'
    merchant.sandbox.ship("FO-2")
    merchant.once()
    output(merchant, "pause", "acme", "--stage", "allocation", "--note", "we go back")
    merchant.sandbox.add(order("FO-4", first_id=40))
    output(merchant, "order", "approve", "FO-2")
    merchant.sandbox.ship("FO-3")
    merchant.once()
    assert merchant.books.reserved("FO-4") == 0, "nothing new is reserved"
    assert len(merchant.books.invoices("FO-2")) == 1, "invoices go on"

    listed = json.loads(output(merchant, "orders", "--documents", "--json"))
    wanted = {("reservation", "FO-3")} | ({("draft", "FO-3")} if isinstance(merchant.books, OnSql) else set())
    assert {(row["document"], row["order_id"]) for row in listed} == wanted
    assert all(row["reference"] and row["erp"] for row in listed)
    assert "FO-3" in output(merchant, "orders", "--documents", "--tenant", "acme")
    assert merchant.command("orders", "--documents", "--state", "held").returncode == 2


@pytest.fixture
def listed(before):
    """An ERP whose connector lists its documents with their lines."""
    if not isinstance(before.books, OnSql):
        before.settings["connector"] = '"counting_lists"'
    before.once()
    return before


@pytest.mark.case("B3")
def test_the_erps_own_list_is_compared_where_there_is_one(listed):
    reference = invoiced_by_hand(listed, 1, "14.99")
    output(listed, "order", "adopt", "FO-3", "--reference", reference, "--total", "14.99")
    listed.once()
    held = listed.job("FO-3", I)
    assert (held.state, held.reason) == (State.HELD, Reason.ITEMS_CHANGED)
    assert "items[20].qty: ERP 1, ShipperOne 2; nothing was sent" in (held.sentence or "")

    invoiced_by_hand(listed, 2, "14.98")
    output(listed, "order", "adopt", "FO-3", "--reference", reference, "--total", "14.99")
    listed.once()
    assert listed.job("FO-3", I).reason is Reason.TOTAL_DIFFERS, "what the ERP says counts, not what a person types"

    invoiced_by_hand(listed, 2, "14.99")
    output(listed, "order", "adopt", "FO-3", "--reference", "by its number", "--number", "7")
    listed.once()
    done = listed.job("FO-3", I)
    assert (done.state, done.number, done.compared) == (State.DONE, "7", True)
    assert len(posts(listed)) == len(listed.sandbox.order("FO-3").invoices) == 1


@pytest.mark.case("B3")
def test_reservations_are_compared_by_their_lines_with_one_call_of_the_erp(listed):
    output(listed, "order", "adopt", "FO-1", "--reference", reserved_by_hand(listed, "FO-1", pieces=1))
    output(listed, "order", "adopt", "FO-2", "--reference", reserved_by_hand(listed, "FO-2", "TEA", 1, 10))
    asked = listed.erp.effects("list_documents")
    listed.once()
    assert listed.erp.effects("list_documents") - asked <= 2
    held = listed.job("FO-1", A)
    assert (held.state, held.reason, held.owner) == (State.HELD, Reason.ITEMS_CHANGED, "warehouse")
    assert (listed.job("FO-2", A).state, listed.job("FO-2", A).compared) == (State.DONE, True)
    assert [post.path.rpartition("/")[2] for post in listed.sandbox.posts] == ["allocate"]


@pytest.mark.case("B3")
@pytest.mark.parametrize("state", ["draft", "voided"])
def test_an_invoice_that_is_not_issued_is_not_confirmed(listed, state):
    reference = invoiced_by_hand(listed, 2, "14.99")
    erp = listed.books if isinstance(listed.books, OnSql) else listed.erp
    erp.ask("UPDATE invoices SET state = ?", state)
    output(listed, "order", "adopt", "FO-3", "--reference", reference, "--total", "14.99")
    listed.once()
    held = listed.job("FO-3", I)
    assert held.state is State.HELD
    assert f"state: ERP {state}, ShipperOne issued" in (held.sentence or "")
    assert posts(listed) == []


@pytest.mark.case("B3")
def test_one_invoice_is_adopted_for_one_order_only(before):
    before.sandbox.add(order("FO-5", ("TEA", 2, "5.00"), first_id=50), stage="invoice")
    before.once()
    both = before.folder / "both.csv"
    both.write_text("order_id,reference,stage\nFO-3,INV/7,invoice\nFO-5,INV/7,invoice\n")
    refused = output(before, "order", "adopt", "--csv", str(both), code=2)
    assert "INV/7 is the invoice of order FO-3 already" in refused
    assert not any(job.adopted for job in before.jobs())

    output(before, "order", "adopt", "FO-3", "--reference", "INV/7")
    assert "INV/7 is the invoice of order FO-3 already" in output(
        before, "order", "adopt", "FO-5", "--reference", "INV/7", code=2
    )
    before.once()
    assert before.job("FO-3", I).state is State.DONE
    assert "INV/7 is the invoice of order FO-3 already" in output(
        before, "order", "adopt", "FO-5", "--reference", "INV/7", code=2
    )
    assert len(posts(before)) == 1
