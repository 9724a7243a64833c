"""Days of two stores on one ERP, of one inbox for both stages, of another warehouse, of a release (B2)."""

import sqlite3
from contextlib import closing

import pytest

from merchant import both_finish, order, with_a_second_store
from shipperone_erp.domain.states import Stage, State

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741


@pytest.mark.case("B2")
def test_two_stores_count_their_orders_and_items_from_one(merchant, other):
    """Order FO-1 with item 1 in both, as far as the ERP knows from the same shop: two reservations, two invoices."""
    with_a_second_store(merchant, other)
    for store in (merchant.sandbox, other):
        for number in (1, 2, 3):
            store.add(order(f"FO-{number}", ("MUG", 2, "10.00")))
    both_finish(merchant)
    assert len(merchant.books.invoices("FO-1")) == 2
    assert len(merchant.books.invoices()) == 6
    assert merchant.books.stock_of("MUG") == (8, 0)
    for store in (merchant.sandbox, other):
        assert [len(store.order(f"FO-{number}").invoices) for number in (1, 2, 3)] == [1, 1, 1]
    keys = [job.key for job in merchant.jobs()]
    assert len(set(keys)) == len(keys) == 12


@pytest.mark.case("B2")
def test_one_store_cancels_its_order_and_the_others_is_left_alone(merchant, other):
    with_a_second_store(merchant, other)
    merchant.books.stock("MUG", 5, "outlet")
    for store in (merchant.sandbox, other):
        store.add(order("FO-1", ("MUG", 2, "10.00")))
        store.change("FO-1", lambda raw: {**raw, "items": [{**raw["items"][0], "warehouse_code": "outlet"}]})
    merchant.once(settle_for=0.5)
    assert merchant.books.stock_of("MUG", "outlet") == (5, 4)
    other.cancel("FO-1")
    for _ in range(3):
        merchant.once(settle_for=1)
    assert merchant.books.stock_of("MUG", "outlet") == (5, 2)
    assert merchant.books.reserved("FO-1") == 1


@pytest.mark.case("B2")
def test_re_routed_to_another_warehouse_is_another_job(merchant):
    """It waits for goods in main; ShipperOne gives it to the outlet: what was tried for main is over."""
    merchant.books.stock("MUG", 0)
    merchant.books.stock("MUG", 5, "outlet")
    merchant.sandbox.add(order("FO-1", ("MUG", 2, "10.00")))
    merchant.once(settle_for=0.3)
    assert merchant.job("FO-1", A).state is State.WAITING
    merchant.sandbox.change("FO-1", lambda raw: {**raw, "warehouse_code": "outlet"})
    merchant.finishes()
    first, second = sorted(merchant.jobs("FO-1", A), key=lambda job: job.id)
    assert (first.state, second.state) == (State.SUPERSEDED, State.DONE)
    assert first.key != second.key
    assert merchant.books.stock_of("MUG", "outlet") == (3, 0)


@pytest.mark.case("B2")
def test_listed_again_after_a_release_is_the_next_generation(merchant):
    """The shop cancels and thinks better of it: the key of what was released is never used again."""
    merchant.books.stock("VASE", 3, "outlet")
    listed = order("FO-1", ("VASE", 1, "30.00"))

    def elsewhere(raw):
        return {**raw, "items": [{**raw["items"][0], "warehouse_code": "outlet"}]}

    merchant.sandbox.add(listed)
    merchant.sandbox.change("FO-1", elsewhere)
    merchant.once(settle_for=0.3)
    assert merchant.books.stock_of("VASE", "outlet") == (3, 1)
    merchant.sandbox.cancel("FO-1")
    for _ in range(3):
        merchant.once(settle_for=1)
    assert merchant.books.stock_of("VASE", "outlet") == (3, 0)
    merchant.sandbox.add(listed)
    merchant.sandbox.change("FO-1", elsewhere)
    merchant.once(settle_for=0.3)
    assert merchant.books.stock_of("VASE", "outlet") == (3, 1)
    merchant.books.transfers_arrive()
    merchant.finishes(settle_for=12)
    first, second = sorted(merchant.jobs("FO-1", A), key=lambda job: job.id)
    assert (first.state, first.generation, second.state, second.generation) == (State.GONE, 1, State.DONE, 2)
    assert second.key == f"{first.key}-g2"


INBOX = '''
[[tenants.acme.generic_sql.{find}]]
sql = """
SELECT key AS reference, '{state}' AS state, :shipping_amount_incl_tax_micro AS shipping_amount_incl_tax_micro
FROM inbox WHERE key = :key AND kind = '{kind}'
"""

[[tenants.acme.generic_sql.{step}]]
sql = "INSERT INTO inbox (key, order_id, kind) VALUES (:key, :order_id, '{kind}')"
'''


@pytest.mark.case("B2")
def test_both_stages_of_one_order_meet_in_one_inbox_table(world, tmp_path):
    """An ERP that takes everything in one table whose only key is ours: the two stages do not meet on one row."""
    file = tmp_path / "inbox.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE inbox (key TEXT PRIMARY KEY, order_id TEXT, kind TEXT)")
    world.settings["connector"] = '"generic_sql"'
    world.erp_settings = {"url": f'"sqlite:///{file}"'}
    world.more = INBOX.format(find="find_reservation", step="reserve", kind="reservation", state="live") + INBOX.format(
        find="find_invoice", step="issue_invoice", kind="invoice", state="issued"
    )
    world.sandbox.add(order("FO-1"))
    world.finishes()
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT key, kind FROM inbox ORDER BY kind").fetchall()
    assert [kind for _, kind in rows] == ["invoice", "reservation"]
    assert [key[:7] for key, _ in rows] == ["i-FO-1-", "a-FO-1-"]
