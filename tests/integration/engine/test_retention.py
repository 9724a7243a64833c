"""B24: expired records are removed from the ledger, and no effect is repeated because of it."""

import asyncio
import logging
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from job_rows import varied
from ledger_databases import NOON, a_job, an_effect, an_owner, dumped, lease_of
from shipperone_erp import FulfillmentOrder, OrderItem, Party, Reason
from shipperone_erp.domain.explanations import EXPLANATIONS
from shipperone_erp.domain.ids import first_id_at, new_id
from shipperone_erp.domain.personal_data import ITEM_STAYS, NAMING, ORDER_STAYS, discreet, without_people
from shipperone_erp.domain.records import Action
from shipperone_erp.domain.serialization import order_from_text, order_text
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.engine import retention_schedule as runtime_retention
from shipperone_erp.engine.retention_schedule import LEASE, Retention, stood_since
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.kernel.errors import LeaseHeldElsewhere
from shipperone_erp.kernel.json import loads
from shipperone_erp.ledger import retention
from shipperone_erp.ledger.leases import Held
from shipperone_erp.ledger.retention import AT_ONCE, Removed, Terms
from shipperone_erp.ledger.unit_of_work import InsertJob, Record, RecordIntent, UpdateJob
from shipperone_erp.operations import job_actions
from shipperone_erp.sandbox import Fault, SandboxOrder
from skipped_time import SkippedTime

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741
DAY = timedelta(days=1)
YEAR = 365 * DAY

JANA = {
    "name": "Jana Nováková", "company": "Novák s.r.o.", "vat_id": "SK2021111111", "email": "jana@customer.example",
    "phone": "+421 900 111 222", "street": "Krátka 17", "city": "Zvolen", "country": "SK",
}  # fmt: skip
PERSONAL = ("Nováková", "Novák s.r.o.", "SK2021111111", "jana@", "+421 900", "Krátka", "Zvolen", "ring twice", "PAY-77")


def order(order_id="FO-1", *lines, **fields):
    listed = {
        "customer": JANA, "billing": JANA, "shipping": {**JANA, "note": "ring twice at Krátka"},
        "extra": {"remark": "ring twice"}, "payment_reference": "PAY-77", "order_number": "100017", **fields,
    }  # fmt: skip
    return SandboxOrder.simple(order_id, *(lines or (("MUG", 2, "10.00"),)), **listed)


@pytest.fixture(params=["sqlite", "postgresql"])
def days(request, world):
    """A merchant whose clock jumps, with the ledger on either database."""
    if request.param == "postgresql":
        world.runtime_settings["ledger"] = f'"{request.getfixturevalue("postgresql_url")}"'
    return world


def later(world, days):
    """That many days after the end of this month."""
    first = (world.clock() + 31 * DAY).replace(day=1, hour=1)
    world.clock.ahead += first + timedelta(days=days) - world.clock()


def tidied(world) -> Removed:
    """What the service's retention removes now."""

    async def go():
        async with Runtime(world.read(), time=world.clock) as runtime:
            keeper, settings = runtime._keeper, runtime.configuration.runtime
            return await Retention(runtime.ledger, keeper, settings, world.clock, logging.getLogger("test")).look()

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(runtime_retention, "PAUSE", 0.0)


@pytest.mark.parametrize(
    ("now", "keep", "before"),
    [
        ("2026-03-31T23:59:59Z", 0, "2026-03-01"),
        ("2026-04-01T00:00:00Z", 0, "2026-04-01"),
        ("2026-06-28T00:00:00Z", 90, "2026-03-01"),
        ("2026-06-30T00:00:00Z", 90, "2026-04-01"),
        ("2026-04-01T01:00:00+02:00", 0, "2026-03-01"),
        ("2024-02-29T12:00:00Z", 365, "2023-03-01"),
        ("2024-02-29T12:00:00Z", 366, "2023-02-01"),
    ],
)
def test_the_days_count_from_the_end_of_the_month(now, keep, before):
    assert stood_since(datetime.fromisoformat(now), keep * DAY) == datetime.fromisoformat(f"{before}T00:00:00Z")


@given(st.integers(0, 100 * 365 * 86400), st.integers(0, 5000), st.integers(-14, 14))
def test_nothing_is_kept_shorter_than_required_nor_two_months_longer(moment, keep, offset):
    now = datetime.fromtimestamp(moment, timezone(timedelta(hours=offset)))
    before = stood_since(now, keep * DAY)
    assert before <= now - keep * DAY < before + 32 * DAY


def test_every_field_of_an_order_is_classified_as_kept_or_masked():
    goes = {"customer", "billing", "shipping", "extra", "payment_reference"}
    assert {f.name for f in fields(FulfillmentOrder)} == {*ORDER_STAYS} | goes
    assert {f.name for f in fields(OrderItem)} == {*ITEM_STAYS} | {"name", "extra"}
    assert {f.name for f in fields(Party)} == {*NAMING, "city", "region", "postcode", "country", "extra"}


def test_kept_fields_of_an_order_are_unchanged_to_the_character():
    kept = FulfillmentOrder(
        order_id="FO-1", warehouse_code="main", currency="EUR", shipping_amount_incl_tax=D("4.990"),
        total_incl_tax=D("1E+2"), order_number="100017", payment_method="card", ordered_at=NOON, shipped_at=NOON,
        items=(
            OrderItem(
                item_id=11, sku="MUG", qty=D("2.50"), warehouse_code="outlet", price_incl_tax=D("1e-6"),
                row_total_incl_tax=D("0.00"), tax_percent=D("21"), discount=D("0.10"), parent_item_id="x", item_type="b",
            ),
            OrderItem(item_id="12", sku="MUG", qty=D(1)),
        ),
    )  # fmt: skip
    from dataclasses import replace

    items = tuple(replace(item, name="Mug for Jana", extra={"engraving": "Jana"}) for item in kept.items)
    whole = replace(kept, items=items, customer=Party(**JANA), extra={"note": "Jana"}, payment_reference="Jana")
    assert "Jana" in order_text(whole)
    assert order_from_text(without_people(order_text(whole))) == kept
    assert without_people(without_people(order_text(whole))) == order_text(kept)


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("several customers: JANA NOVÁKOVÁ <jana@customer.example>, 17 and 42", "several customers: … <…>, 17 and 42"),
        ("no partner for Nováková, Krátka 17", "no partner for …, …"),
        ("VAT SK2021111111 of Novák s.r.o. is not valid in SK", "VAT … of … is not valid in SK"),
        ("call +421 900 111 222.", "call …."),
        ("SKU-1700 in Zvolen: 2 wanted", "SKU-1700 in Zvolen: 2 wanted"),
        ("Janas and Krátka 170", "Janas and Krátka 170"),
    ],
)
def test_a_sentence_contains_no_personal_data_of_the_order(sentence, left):
    order = FulfillmentOrder("FO-1", "main", (), customer=Party(**JANA), shipping=Party(name="Al"))
    assert discreet(sentence, [order]) == left


def test_a_common_word_of_a_sentence_stays_though_it_is_in_a_name():
    order = FulfillmentOrder(
        "FO-1", "main", (), customer=Party(name="Buyer 7", company="Private"), billing=Party(name="Tax Nowak")
    )
    sentence = "Buyer 7 is a private buyer whose tax Nowak pays; no entry fits 23 % for a private buyer"
    assert discreet(sentence, [order]) == "… is a private buyer whose … pays; no entry fits 23 % for a private buyer"
    assert discreet("nowak", [order]) == "…"


@pytest.mark.parametrize("reason", EXPLANATIONS)
def test_no_word_of_an_explanation_is_taken_for_a_name(reason):
    """Whoever is called Will Held, or each of its words."""
    text = EXPLANATIONS[reason].meanwhile
    words = re.findall(r"(?<!\w)[a-z]{2,}(?!\w)", text)
    order = FulfillmentOrder(
        "FO-1", "main", (), customer=Party(name="Will Held"), billing=Party(name=" ".join(["Nowak", *reversed(words)]))
    )
    assert discreet(f"Will Held: {text}", [order]) == f"…: {text}"


def test_bodies_are_kept_for_their_days_and_then_reduced_to_numbers_and_amounts(days):
    days.sandbox.add(order())
    days.finishes()
    later(days, 89)
    assert tidied(days) == Removed()
    assert all(personal in dumped(days.ledger_url) for personal in PERSONAL)
    before = {job.stage: job for job in days.jobs()}
    later_bodies(days)
    assert tidied(days) == Removed(bodies=2)
    left = dumped(days.ledger_url)
    assert [personal for personal in PERSONAL if personal in left] == []
    for job in days.jobs():
        was = before[job.stage]
        assert job.erased_at == job.erased_at.replace(tzinfo=UTC)
        assert job == varied(was, erased_at=job.erased_at, order_json=without_people(was.order_json))
        assert (job.order.order_number, job.order.total_incl_tax) == ("100017", D("24.99"))
        with days.ledger() as ledger:
            effects = {effect.kind: effect for effect in ledger.effects(job.id)}
        assert effects[EffectKind.CONFIRM].answer is None
        assert loads(effects[EffectKind.CONFIRM].request)["order"]["order_id"] == "FO-1"
        kept = EffectKind.RESERVE if job.stage is A else EffectKind.ISSUE
        assert effects[kept].answer
    shown = days.command("order", "show", "FO-1").stdout
    assert shown.count("personal data and answers were erased at") == 2
    assert tidied(days) == Removed()


def later_bodies(world):
    world.clock.ahead += DAY


def test_in_the_file_itself_nothing_is_left_of_what_was_erased(world):
    for number in range(12):
        world.sandbox.add(order(f"FO-{number}", first_id=number * 10))
    world.finishes(settle_for=30)
    file = world.folder / "ledger.db"
    assert "Nováková".encode() in file.read_bytes()
    later(world, 90)
    assert tidied(world) == Removed(bodies=24)
    files = list(world.folder.glob("ledger.db*"))
    assert files == [file], "closed, it has no write-ahead log"
    assert [personal for personal in PERSONAL if personal.encode() in file.read_bytes()] == []


def test_a_sqlite_ledger_overwrites_what_it_deletes(world):
    world.finishes()
    with world.ledger() as ledger, ledger._writing() as connection:
        assert connection.scalar(text("PRAGMA secure_delete")) == 1


def test_unfinished_jobs_keep_everything(days):
    days.sandbox.add(order("FO-1"))
    days.sandbox.add(order("FO-2", first_id=50))
    days.erp.script("build_invoice", "raise", order="FO-1", times=99)
    days.once(settle_for=2)
    held = days.job("FO-1", I)
    assert (held.state, held.reason) == (State.HELD, Reason.CONNECTOR_BUG)
    later(days, 5000)
    assert tidied(days).jobs == 2, "the allocation and the invoice of FO-2"
    assert days.job("FO-1", I) == held
    assert "Nováková" in held.order_json
    assert days.job("FO-1", A).erased_at is not None
    with days.ledger() as ledger:
        assert "ZeroDivisionError" in next(e.answer for e in ledger.effects(held.id) if e.kind is EffectKind.BUILD)
    days.erp.ask("DELETE FROM script")
    assert days.command("order", "retry", "FO-1", "--stage", "invoice").returncode == 0
    days.finishes()
    assert (len(days.erp.issued("FO-1")), days.erp.live("FO-1")) == (1, 1)


def test_errors_and_tracebacks_go_before_the_rest(days):
    days.sandbox.add(order())
    days.erp.script("reserve_stock", "raise", times=1)
    days.once(settle_for=1)
    assert days.command("order", "retry", "FO-1").returncode == 0
    days.erp.script("build_invoice", "unknown_after", times=1)
    days.finishes()
    later(days, 29)
    assert tidied(days) == Removed()
    later_bodies(days)
    assert "ZeroDivisionError" in dumped(days.ledger_url)
    assert tidied(days) == Removed(errors=2)
    left = dumped(days.ledger_url)
    assert "Traceback" not in left
    assert "the connection broke off" not in left
    assert "Nováková" in left


def test_listed_again_is_decided_as_before_once_bodies_are_erased(days):
    days.sandbox.add(order())
    days.finishes()
    later(days, 100)
    assert tidied(days).bodies == 2
    days.sandbox.add(order())  # ShipperOne lists it in pending_allocation as if nothing had been
    for _ in range(6):
        days.once(settle_for=0)
    again = days.job("FO-1", A)
    assert (again.state, again.reason, again.occurrence) == (State.HELD, Reason.LISTED_AGAIN, 2)
    assert "2 of MUG (item 1)" in again.sentence
    assert days.erp.effects("reserve_stock") == 1
    later(days, 6000)
    assert tidied(days) == Removed(), "while it is listed its past stays"
    assert days.command("order", "repeat", "FO-1").returncode == 0
    days.once(settle_for=2)
    assert days.erp.effects("reserve_stock") == 2, "and a person can still say that it is a second shipment"


def test_parts_and_what_was_allocated_are_known_once_bodies_are_erased(days):
    days.sandbox.auto_ship = False
    days.sandbox.add(order("FO-1", ("MUG", 5, "10.00")))
    days.finishes()
    days.sandbox.ship("FO-1", {1: 2})
    days.finishes()
    later(days, 100)
    assert tidied(days).bodies == 2
    days.sandbox.ship("FO-1", {1: 3})
    days.finishes()
    rest = days.job("FO-1", I)
    assert rest.part, "the order's total is not what is compared"
    assert days.erp.issued("FO-1") == ["1:2", "1:3"]
    later(days, 100)
    assert tidied(days).bodies == 1
    days.sandbox.add(order("FO-1", ("MUG", 4, "10.00")), stage="invoice")
    days.once(settle_for=1)
    more = days.job("FO-1", I)
    assert (more.state, more.reason) == (State.HELD, Reason.MORE_THAN_ORDERED)
    assert "5 allocated, 5 invoiced already, and 4 more are listed" in more.sentence


def vanished(world):
    """An order that was reserved and left its queue unconfirmed."""
    world.settings["stages"] = '["allocation"]'
    world.sandbox.add(order())
    world.sandbox.faults.add(Fault("503", action="allocate", retry_after="1"))
    world.once(settle_for=0.2)
    assert world.erp.live() == 1
    world.sandbox.cancel("FO-1")
    world.sandbox.faults.clear()
    world.once(settle_for=3)
    (job,) = world.jobs()
    return job


def test_a_deleted_gone_order_that_returns_gets_a_new_key_because_the_erp_has_its_old_one_as_void(days):
    first = vanished(days)
    assert (first.state, days.erp.live()) == (State.GONE, 0)
    later(days, 399)
    tidied(days)
    assert [job.key for job in days.jobs()] == [first.key]
    later_bodies(days)
    assert tidied(days) == Removed(jobs=1)
    with days.ledger() as ledger:
        assert (ledger.find_jobs(), ledger.effects(first.id)) == ([], [])
    days.sandbox.add(order())
    days.finishes()
    (again,) = days.jobs()
    assert (again.state, again.generation, again.key) == (State.DONE, 2, f"{first.key}-g2")
    assert (days.erp.live("FO-1"), days.sandbox.order("FO-1").allocations) == (1, 1)
    with days.ledger() as ledger:
        keys = [effect.key for effect in ledger.effects(again.id)]
    assert keys == [first.key, again.key, again.key], "asked, answered Voided, and taken under the next one"


def test_a_reused_key_whose_document_is_still_live_makes_no_second_one(days):
    days.erp.script("release_stock", "refused", times=99)
    assert vanished(days).state is State.HELD
    assert days.command("order", "resolve", "FO-1", "--outcome", "cancelled").returncode == 0
    (by_hand,) = days.jobs()
    assert (by_hand.state, days.erp.live()) == (State.GONE, 1)
    later(days, 401)
    assert tidied(days).jobs == 1
    days.sandbox.add(order())
    days.finishes()
    assert (days.erp.effects("reserve_stock"), days.erp.live()) == (1, 1)


def test_accepted_jobs_are_kept_for_years(days):
    days.sandbox.add(order())
    days.finishes()
    later(days, 4017)
    assert tidied(days).jobs == 0
    assert len(days.jobs()) == 2
    later_bodies(days)
    assert tidied(days) == Removed(jobs=2)
    assert "FO-1" not in dumped(days.ledger_url)


@pytest.fixture
def old_ledger(ledger):
    """Puts jobs into a ledger as they came to rest at noon on the second of March 2026, with an effect and a note."""

    def put(*jobs):
        for job in jobs:
            effect = an_effect(job, EffectKind.CONFIRM, outcome=Outcome.REFUSED, answer="Jana said no")
            action = Action(id=new_id(), at=NOON, actor="pat", action="note", tenant="acme", job_id=job.id, note="Jana")
            ledger.write(InsertJob(job), RecordIntent(effect), Record(action), lease=None).result()

    ledger.put = put
    return ledger


def terms(*, errors=0, bodies=0, jobs=0, invoices=0):
    """One for what came to rest before so many days after that noon; 0: nothing."""
    moments = {"errors": errors, "bodies": bodies, "jobs": jobs, "invoices": invoices}
    return Terms(**{name: NOON + after * DAY if after else NOON - YEAR for name, after in moments.items()})


def ended(order_id="FO-1", state=State.DONE, **fields):
    accepted = {"accepted_at": NOON} if state is State.DONE else {}
    given = {"state": state, "step": Step.DONE, "open": False, **accepted, **fields}
    return a_job(order_id, **given)


def keys(ledger):
    return {job.key for job in ledger.find_jobs()}


def remove_all(ledger, terms):
    removed = Removed()
    while (some := ledger.remove_old(terms, NOON + YEAR)) != Removed():
        removed += some
    return removed


def test_each_term_removes_its_own_and_nothing_else(old_ledger):
    job, other = ended(state=State.GONE), ended("FO-2")
    old_ledger.put(job, other)
    assert remove_all(old_ledger, terms(errors=1)) == Removed(errors=2)
    assert [effect.answer for effect in old_ledger.effects(job.id)] == [None]
    assert [action.note for action in old_ledger.actions(job.id)] == ["Jana"]
    assert remove_all(old_ledger, terms(bodies=1)) == Removed(bodies=2)
    assert [(act.actor, act.note) for act in old_ledger.actions(job.id)] == [("pat", None)]
    assert remove_all(old_ledger, terms(jobs=1)) == Removed(jobs=1)
    assert keys(old_ledger) == {other.key}
    assert remove_all(old_ledger, terms(invoices=1)) == Removed(jobs=1)
    assert (keys(old_ledger), old_ledger.effects(other.id), old_ledger.actions("acme")) == (set(), [], [])


def test_jobs_that_ended_later_are_kept(old_ledger):
    old_ledger.put(ended(since=NOON + 2 * DAY), ended("FO-2", State.GONE, since=NOON + DAY))
    everything = terms(errors=1, bodies=1, jobs=1, invoices=1)
    assert remove_all(old_ledger, everything) == Removed()


@pytest.mark.parametrize("state", [State.NEW, State.WORKING, State.WAITING, State.HELD])
def test_an_unfinished_job_is_not_touched_and_keeps_the_rows_of_its_order(old_ledger, state):
    unfinished = a_job(state=state, sentence="Jana")
    before = ended(state=State.SUPERSEDED)
    old_ledger.put(unfinished, before)
    everything = terms(errors=1, bodies=1, jobs=1, invoices=1)
    assert remove_all(old_ledger, everything) == Removed(errors=1, bodies=1)
    assert keys(old_ledger) == {unfinished.key, before.key}
    assert old_ledger.job(unfinished.id) == unfinished
    assert [effect.answer for effect in old_ledger.effects(unfinished.id)] == ["Jana said no"]


def test_an_unfinished_job_in_the_other_stage_keeps_the_rows_of_its_order_too(old_ledger):
    allocation, invoice = ended(), a_job(stage=Stage.INVOICE, state=State.HELD)
    of_another_tenant = ended(tenant="other")
    old_ledger.put(allocation, invoice, of_another_tenant)
    assert remove_all(old_ledger, terms(jobs=1, invoices=1)) == Removed(jobs=1)
    assert keys(old_ledger) == {allocation.key, invoice.key}


def test_an_ignored_job_loses_its_bodies_and_is_never_deleted(old_ledger):
    ignored = a_job(state=State.IGNORED, open=False, sentence="Jana")
    old_ledger.put(ignored)
    everything = terms(errors=1, bodies=1, jobs=1, invoices=1)
    assert remove_all(old_ledger, everything) == Removed(errors=1, bodies=1)
    left = old_ledger.job(ignored.id)
    assert (left.state, left.sentence, left.content) == (State.IGNORED, None, ignored.content)


def test_a_job_retried_meanwhile_keeps_its_body(old_ledger):
    ignored = a_job(state=State.IGNORED, open=False, sentence="Jana")
    old_ledger.put(ignored)
    with old_ledger._reading() as connection:
        found = retention.old(connection, terms(bodies=1))
    assert list(found.bodies) == [ignored.id]
    job_actions.retry(old_ledger, ignored, NOON + DAY, None)
    retried = old_ledger.job(ignored.id)
    with old_ledger._writing() as connection:
        assert retention.remove(connection, found, NOON + DAY) == Removed()
    assert old_ledger.job(ignored.id) == retried
    assert retried.order_json == ignored.order_json


def test_a_write_of_the_stage_that_is_on_its_way_does_not_bring_a_body_back(old_ledger):
    """A read that still lists a confirmed order is counted in its job: with the job as it was before the erasing."""
    done = ended(sentence=None)
    old_ledger.put(done)
    assert remove_all(old_ledger, terms(bodies=1)) == Removed(bodies=1)
    erased = old_ledger.job(done.id)
    old_ledger.write(UpdateJob(varied(done, listed_again=1)), lease=None).result()
    assert old_ledger.job(done.id) == varied(erased, listed_again=1)


@pytest.mark.parametrize(
    "document",
    [{"number": "2026/7"}, {"invoice_json": '{"reference":"I","lines":[]}'}, {"effect": EffectKind.ISSUE}],
    ids=["a number", "an invoice that a person was left with", "was to be issued"],
)
def test_identifiers_of_an_invoice_are_kept_as_long_as_invoices(old_ledger, document):
    job = ended(state=State.GONE, stage=Stage.INVOICE, **{k: v for k, v in document.items() if k != "effect"})
    old_ledger.put(job)
    if "effect" in document:
        old_ledger.write(RecordIntent(an_effect(job, document["effect"])), lease=None).result()
    assert remove_all(old_ledger, terms(jobs=1)) == Removed()
    assert remove_all(old_ledger, terms(invoices=1)) == Removed(jobs=1)


def test_a_job_listed_after_its_confirmation_is_kept(old_ledger):
    old_ledger.put(ended(listed_again=1))
    assert remove_all(old_ledger, terms(jobs=1, invoices=1)) == Removed()


def test_much_is_removed_in_many_small_transactions(old_ledger):
    many = 3 * AT_ONCE + 7
    jobs = [ended(f"FO-{number}", State.GONE) for number in range(many)]
    old_ledger.write(*(InsertJob(job) for job in jobs), lease=None).result()
    for term, field in (({"bodies": 1}, "bodies"), ({"jobs": 1}, "jobs")):
        sizes = []
        while (some := old_ledger.remove_old(terms(**term), NOON)) != Removed():
            sizes.append(getattr(some, field))
        assert sizes == [AT_ONCE] * 3 + [7]


INDEXES = {
    retention._ERRORS: "effects_with_errors",
    retention._BODIES: "jobs_with_bodies",
    retention._UNCONFIRMED: "jobs_unconfirmed",
    retention._ANY: {"sqlite": "PRIMARY KEY", "postgresql": "jobs_pkey"},
}


@pytest.mark.parametrize("query", INDEXES, ids=["errors", "bodies", "unconfirmed", "any"])
def test_due_jobs_are_found_by_an_index(ledger_url, ledger, query):
    wanted = INDEXES[query]
    engine = create_engine(ledger_url, poolclass=NullPool)
    name = engine.dialect.name
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[name]
    with engine.begin() as connection:
        if name == "postgresql":  # a table without rows is read as a whole, whatever there is
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(
            engine, "before_cursor_execute", lambda *statement: (explain + statement[2], statement[3]), retval=True
        )
        plan = str(connection.execute(query, {"before": NOON, "newest": 5}).all())
    assert (wanted if isinstance(wanted, str) else wanted[name]) in plan, plan


def test_ids_grow_with_time():
    before, now, after = (first_id_at(datetime.now(UTC) + seconds * DAY / 86400) for seconds in (-5, 0, 5))
    assert before < now <= new_id() < after


def test_a_clock_that_is_set_years_ahead_while_the_service_runs_deletes_nothing_for_a_day(world, caplog):
    world.sandbox.add(order())
    world.finishes()
    caplog.set_level("WARNING", "test")

    async def go():
        settings = world.read()
        async with Runtime(settings, time=world.clock) as runtime:
            machine = SkippedTime()
            machine.set_by = world.clock() - machine.now()
            kept = Retention(runtime.ledger, runtime._keeper, settings.runtime, machine, logging.getLogger("test"))
            await kept.look()
            machine.set_by += 20 * YEAR
            for hours in (0, 1, 22):
                machine.advance(hours * 3600)
                assert await kept.look() == Removed()
            machine.advance(2 * 3600)
            return await kept.look()

    assert asyncio.run(go()).jobs == 2, "a clock that runs on for a day is believed"
    assert "clock was set by +7300 day(s): for 24 hours nothing is deleted" in caplog.text


def test_one_process_of_several_does_it_and_gives_it_up_with_its_end(days):
    async def go():
        settings = days.read()
        async with Runtime(settings, time=days.clock) as one:
            log = logging.getLogger("test")
            first = Retention(one.ledger, one._keeper, settings.runtime, days.clock, log)
            await first.look()
            async with Runtime(settings, time=days.clock) as other:
                second = Retention(other.ledger, other._keeper, settings.runtime, days.clock, log)
                with pytest.raises(LeaseHeldElsewhere):
                    await second.look()
                await first.look()
                await one._keeper.give_back(first._lease)
                await second.look()
        assert (await asyncio.to_thread(lambda: held(days))) is None

    def held(world):
        with world.ledger() as ledger:
            return lease_of(ledger, LEASE).owner

    asyncio.run(go())


def test_a_process_replaced_while_suspended_leaves_the_work_to_its_successor(days):
    async def go():
        configuration = days.read()
        async with Runtime(configuration, time=days.clock) as runtime:
            mine = Retention(
                runtime.ledger, runtime._keeper, configuration.runtime, days.clock, logging.getLogger("test")
            )
            await mine.look()
            runtime._keeper._beating.cancel()
            with days.ledger() as ledger:
                taken = ledger.try_take(LEASE, an_owner(), None, 0)
                taken = ledger.try_take(LEASE, an_owner(), taken.seen, 0) if isinstance(taken, Held) else taken
            runtime._keeper._proven.clear()
            serving = asyncio.create_task(mine.serve())
            async with asyncio.timeout(60):
                while mine._lease is not None:
                    await asyncio.sleep(0.05)
            serving.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime_retention, "FIRST_AFTER", 0.0)
        asyncio.run(go())


def test_the_running_service_prunes_automatically_and_logs_it_once(days, caplog, monkeypatch):
    monkeypatch.setattr(runtime_retention, "FIRST_AFTER", 0.1)
    monkeypatch.setattr(runtime_retention, "EVERY", 0.3)
    monkeypatch.setattr(logging.getLogger("shipperone_erp"), "propagate", True)
    days.settings["poll_interval"] = '"0.3s"'
    days.sandbox.add(order())
    days.finishes()
    assert days.once().ending == 0, "`run --once` removes nothing"
    assert "Nováková" in dumped(days.ledger_url)
    later(days, 5000)

    async def go():
        async with Runtime(days.read(), time=days.clock) as runtime:
            stopping = asyncio.Event()
            serving = asyncio.create_task(runtime.serve(stopping))
            while await asyncio.to_thread(days.jobs):
                await asyncio.sleep(0.1)
            # it ships by the merchant's clock: by the sandbox's own it would have shipped years before its allocation
            days.sandbox.add(order("FO-2", first_id=90, shipped_at=days.clock().isoformat(timespec="seconds")))
            while not days.erp.delivered("FO-2"):
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            stopping.set()
            await serving

    with caplog.at_level(logging.INFO, logger="shipperone_erp.run"):
        asyncio.run(asyncio.wait_for(go(), 120))
    logged = [record.getMessage() for record in caplog.records if record.getMessage().startswith("retention")]
    assert logged == ["retention: personal data of 2 job(s) and 0 error text(s) erased, 2 job(s) deleted"]
    assert len(days.erp.issued("FO-1")) == 1
