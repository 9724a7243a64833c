"""Writes gathered in one commit: order, who fails and who does not, leases, many threads."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from job_rows import varied
from ledger_databases import NOON, a_job, a_lease, an_effect, an_owner, lease_of
from shipperone_erp.domain.records import Action, Lease
from shipperone_erp.domain.states import Outcome, Stage, State, Step
from shipperone_erp.kernel.errors import LeaseLost, LedgerError
from shipperone_erp.ledger.database_errors import LedgerUnavailable, OpenJobExists, WriteRefused
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import Entry, InsertJob, RecordIntent, RecordOutcome, UpdateJob


def waiting(ledger, *entries):
    """Put entries while nothing is committed, so that they make one batch; their futures."""
    with ledger._turn:
        first = ledger.write(*entries[0], lease=None)
        time.sleep(0.05)
        rest = [ledger.write(*writes, lease=None) for writes in entries[1:]]
        return [first, *rest]


def until_blocked(url):
    """The ledger's transaction waits for a lock of another session of this database."""
    watcher = create_engine(url, isolation_level="AUTOCOMMIT")
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    try:
        with watcher.connect() as connection:
            for _ in range(1000):
                if connection.execute(blocked).scalar_one():
                    return
                time.sleep(0.02)
        raise AssertionError("the writer has not come to the lock")
    finally:
        watcher.dispose()


class Counted(Ledger):
    """Keeps what it was asked to commit."""

    def commit(self, batch):
        self.batches = [*getattr(self, "batches", []), [entry.writes for entry in batch]]
        super().commit(batch)


@pytest.fixture
def counted(ledger_url):
    with Counted.open(ledger_url, migrate=True) as opened:
        opened.start_writer()
        yield opened


def test_gathered_entries_are_written_in_one_commit(counted):
    jobs = [a_job(f"FO-{number}") for number in range(20)]
    futures = waiting(counted, *([InsertJob(job)] for job in jobs))
    for future in futures:
        assert future.result(10) is None
    assert counted.batches == [[(InsertJob(jobs[0]),)], [(InsertJob(job),) for job in jobs[1:]]]
    assert counted.unfinished_jobs("acme", Stage.ALLOCATION) == jobs


def test_entries_put_together_fail_alone_and_their_end_is_reported_once(counted):
    job, second = a_job("FO-1"), a_job("FO-2")
    entries = [Entry((write,), None) for write in (InsertJob(job), UpdateJob(a_job("FO-9")), InsertJob(second))]
    reported = Future()
    counted.submit(entries, reported.set_result)
    assert reported.result(10) is entries
    assert [type(entry.error) for entry in entries] == [type(None), WriteRefused, type(None)]
    assert counted.batches[0] == [entry.writes for entry in entries]
    assert counted.unfinished_jobs("acme", Stage.ALLOCATION) == [job, second]


def test_the_last_update_wins_and_a_successor_may_follow_in_the_same_commit(counted):
    ledger = counted
    filler, first, second = a_job("FO-0"), a_job(), a_job()
    effect = an_effect(second)
    closed = varied(first, state=State.SUPERSEDED, open=False)
    futures = waiting(
        ledger,
        [InsertJob(filler)],
        [InsertJob(first)],
        [UpdateJob(varied(first, attempts=1))],
        [UpdateJob(varied(first, attempts=2))],
        [UpdateJob(closed)],
        [InsertJob(second)],
        [UpdateJob(varied(second, step=Step.RESERVING)), RecordIntent(effect)],
        [RecordOutcome(effect.id, Outcome.PENDING, NOON, None)],
        [RecordOutcome(effect.id, Outcome.OK, NOON, "R-1")],
        [UpdateJob(varied(second, step=Step.RESERVED))],
    )
    for future in futures:
        future.result(10)
    assert [len(batch) for batch in counted.batches] == [1, 9]
    assert ledger.job(first.id) == closed
    assert ledger.job(second.id) == varied(second, step=Step.RESERVED)
    assert [ended.outcome for ended in ledger.effects(second.id)] == [Outcome.OK]


@pytest.mark.case("D4")
def test_a_second_open_job_of_an_order_is_refused_and_alone(ledger):
    filler, first, second, other = a_job("FO-0"), a_job(), a_job(), a_job("FO-2")
    elsewhere = [a_job(stage=Stage.INVOICE), a_job(tenant="other"), a_job(open=False, state=State.DONE)]
    futures = waiting(
        ledger,
        [InsertJob(filler)],
        [InsertJob(first)],
        [InsertJob(second), RecordIntent(an_effect(second))],
        [InsertJob(other)],
        *([InsertJob(job)] for job in elsewhere),
        [UpdateJob(varied(first, open=False))],
    )
    with pytest.raises(OpenJobExists, match=r"^acme, allocation: order FO-1 already has an open job") as refused:
        futures[2].result(10)
    assert refused.value.job == second
    for future in futures[:2] + futures[3:]:
        assert future.result(10) is None
    assert ledger.job(second.id) is None
    assert ledger.effects(second.id) == []
    assert all(ledger.job(job.id) == job for job in (other, *elsewhere))


@pytest.mark.case("D4")
def test_a_closed_job_is_not_opened_beside_another(ledger):
    first, second = a_job(open=False), a_job()
    ledger.write(InsertJob(first), InsertJob(second), lease=None).result()
    with pytest.raises(OpenJobExists):
        ledger.write(UpdateJob(varied(first, open=True)), lease=None).result()
    note = Action(id=1, at=NOON, actor="jana", action="retry", tenant="acme", job_id=first.id)
    with pytest.raises(OpenJobExists):
        ledger.steer(first, varied(first, open=True), note)
    assert ledger.job(first.id) == first
    assert ledger.actions(first.id) == []


@pytest.mark.case("D4")
def test_eight_threads_of_two_processes_want_the_same_orders(ledger_url):
    orders = [f"FO-{number}" for number in range(200)]
    ledgers = [Ledger.open(ledger_url, migrate=True) for _ in range(2)]
    for ledger in ledgers:
        ledger.start_writer()

    def work(worker):
        ledger = ledgers[worker % 2]
        jobs = [a_job(order) for order in orders]
        futures = [ledger.write(InsertJob(job), RecordIntent(an_effect(job)), lease=None) for job in jobs]
        errors = [future.exception(60) for future in futures]
        assert all(error is None or type(error) is OpenJobExists for error in errors), errors
        return [job for job, error in zip(jobs, errors, strict=True) if error is None]

    with ThreadPoolExecutor(8) as threads:
        won = [job for jobs in threads.map(work, range(8)) for job in jobs]
    assert sorted(job.order_id for job in won) == sorted(orders)
    assert len(ledgers[0].open_effects("acme", Stage.ALLOCATION)) == 200
    for ledger in ledgers:
        ledger.close()


def test_one_bad_write_among_many_fails_alone(ledger):
    jobs = [a_job(f"FO-{number}") for number in range(50)]
    twin = a_job("FO-x", key=jobs[3].key)
    orphan = an_effect(a_job("never inserted"))
    futures = waiting(
        ledger,
        *([InsertJob(job)] for job in jobs),
        [InsertJob(twin)],
        [RecordIntent(orphan)],
        [UpdateJob(a_job("never inserted"))],
        [RecordOutcome(987654321, Outcome.OK, NOON, None)],
    )
    errors = [future.exception(20) for future in futures]
    assert errors[:50] == [None] * 50
    assert [type(error) for error in errors[50:]] == [WriteRefused] * 4
    assert len(ledger.unfinished_jobs("acme", Stage.ALLOCATION)) == 50
    assert ledger.open_effects("acme", Stage.ALLOCATION) == []


def test_errors_show_no_rows_and_no_parameters(ledger):
    job = a_job(order_json='{"customer":"Jana Secret"}')
    ledger.write(InsertJob(job), lease=None).result()
    for bad in (varied(job, id=job.id + 1), a_job("FO-9", order_json=None, fingerprint="Jana Secret")):
        error = ledger.write(InsertJob(bad), lease=None).exception()
        assert isinstance(error, WriteRefused)
        assert "Jana" not in f"{error!r} {error}"
        assert error.__cause__ is None
        assert error.__suppress_context__


def test_commits_keep_the_order_of_the_calls(ledger):
    jobs = [a_job(f"FO-{number}") for number in range(500)]
    ended = []
    for job in jobs:
        ledger.write(InsertJob(job), lease=None).add_done_callback(lambda future, job=job: ended.append(job.id))
    ledger.write(UpdateJob(jobs[-1]), lease=None).result(20)
    assert ended == [job.id for job in jobs]


def test_a_cancelled_waiter_does_not_stop_the_write(ledger):
    job = a_job()
    future = ledger.write(InsertJob(job), lease=None)
    assert future.cancel() is False
    assert future.result(10) is None
    assert ledger.job(job.id) == job


def test_closing_commits_what_was_handed_over(ledger_url):
    ledger = Ledger.open(ledger_url, migrate=True)
    with pytest.raises(LedgerError, match="not open for writing"):
        ledger.write(InsertJob(a_job()), lease=None)
    ledger.start_writer()
    jobs = [a_job(f"FO-{number}") for number in range(300)]
    futures = [ledger.write(InsertJob(job), lease=None) for job in jobs]
    ledger.close()
    ledger.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(LedgerError, match="not open for writing"):
        ledger.write(InsertJob(a_job()), lease=None)
    with Ledger.open(ledger_url) as again:
        assert again.unfinished_jobs("acme", Stage.ALLOCATION) == jobs


def test_a_lost_lease_writes_nothing_and_the_others_go_on(ledger):
    lost, kept = a_lease(ledger), a_lease(ledger, "acme/invoice")
    job = a_job()
    ledger.write(InsertJob(job), lease=lost).result()
    ledger.give_back(lost)
    successor = a_lease(ledger)
    assert successor.number == lost.number + 1
    with ledger._turn:
        filler = ledger.write(InsertJob(a_job("FO-0")), lease=kept)
        time.sleep(0.05)
        late = [
            ledger.write(UpdateJob(varied(job, attempts=9)), RecordIntent(an_effect(job)), lease=lost),
            ledger.write(UpdateJob(varied(job, attempts=9)), lease=Lease(lost.name, lost.owner, successor.number)),
            ledger.write(UpdateJob(varied(job, attempts=9)), lease=Lease("never/taken", lost.owner, 1)),
        ]
        good = [
            ledger.write(InsertJob(a_job("FO-2")), lease=kept),
            ledger.write(UpdateJob(varied(job, attempts=1)), lease=successor),
        ]
    for future in late:
        with pytest.raises(LeaseLost, match="was taken over by another process"):
            future.result(10)
    for future in [filler, *good]:
        assert future.result(10) is None
    assert ledger.job(job.id).attempts == 1
    assert ledger.effects(job.id) == []


def test_eight_threads_write_while_leases_beat_and_change_hands(ledger):
    leases = [a_lease(ledger, f"t{number}/allocation") for number in range(8)]
    stopping = threading.Event()
    lost = []

    def beat():
        while not stopping.wait(0.005):
            lost.extend(ledger.beat(leases))

    def work(number):
        jobs = [a_job(f"FO-{order}", tenant=f"t{number}") for order in range(40)]
        for job in jobs:
            effect = an_effect(job)
            ledger.write(InsertJob(job), lease=leases[number])
            ledger.write(
                UpdateJob(varied(job, step=Step.RESERVING)), RecordIntent(effect), lease=leases[number]
            ).result(30)
            ledger.write(RecordOutcome(effect.id, Outcome.OK, NOON, None), lease=leases[number])
        ledger.write(UpdateJob(varied(jobs[0], attempts=5)), lease=leases[number]).result(30)
        found = ledger.unfinished_jobs(f"t{number}", Stage.ALLOCATION)
        return len(found), found[0].attempts, ledger.open_effects(f"t{number}", Stage.ALLOCATION)

    beating = threading.Thread(target=beat)
    beating.start()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(work, range(8)))
    stopping.set()
    beating.join()
    assert results == [(40, 5, [])] * 8
    assert lost == []
    assert all(lease_of(ledger, lease.name).heartbeat > 1 for lease in leases)


class Broken(Ledger):
    """Its writer runs into something that nobody foresaw."""

    def commit(self, batch):
        if any(entry.writes and isinstance(entry.writes[0], UpdateJob) for entry in batch):
            raise ZeroDivisionError
        super().commit(batch)


def test_something_unforeseen_fails_one_write_and_not_the_writer(sqlite_url):
    with Broken.open(sqlite_url, migrate=True) as ledger:
        ledger.start_writer()
        job = a_job()
        futures = [ledger.write(InsertJob(job), lease=None), ledger.write(UpdateJob(job), lease=None)]
        futures.append(ledger.write(InsertJob(a_job("FO-2")), lease=None))
        errors = [future.exception(10) for future in futures]
        assert [type(error) for error in errors] == [type(None), WriteRefused, type(None)]
        assert isinstance(errors[1].__cause__, ZeroDivisionError)


def test_a_database_that_goes_away_fails_all_and_comes_back(postgresql_url):
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        ledger.start_writer()
        killer = create_engine(postgresql_url)
        try:
            with killer.begin() as connection:
                connection.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
                futures = [ledger.write(InsertJob(a_job("FO-1")), lease=None)]
                until_blocked(postgresql_url)
                connection.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO jobs%'")
                )
                with pytest.raises(LedgerUnavailable, match="is temporarily unavailable"):
                    futures[0].result(20)
            assert ledger.find_jobs() == []
            ledger.write(InsertJob(a_job("FO-1")), lease=None).result(20)
            assert len(ledger.find_jobs()) == 1
        finally:
            killer.dispose()


def test_a_deadlock_is_not_a_lost_database(postgresql_url):
    """Two transactions wait for each other: PostgreSQL ends one, and it is tried again by itself."""
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        ledger.start_writer()
        first, second = a_job("FO-1"), a_job("FO-2")
        ledger.write(InsertJob(first), InsertJob(second), lease=None).result()
        other = create_engine(postgresql_url)
        with other.begin() as connection:
            connection.execute(text("SET LOCAL deadlock_timeout = '1min'"))
            connection.execute(text("UPDATE jobs SET attempts = 7 WHERE id = :id"), {"id": second.id})
            futures = waiting(
                ledger,
                [InsertJob(a_job("FO-0"))],
                [UpdateJob(varied(first, attempts=1))],
                [UpdateJob(varied(second, attempts=1))],
            )
            until_blocked(postgresql_url)
            connection.execute(text("UPDATE jobs SET attempts = 7 WHERE id = :id"), {"id": first.id})
        for future in futures:
            assert future.result(20) is None
        assert [job.attempts for job in ledger.find_jobs(tenant="acme")][:2] == [1, 1]
        other.dispose()


def test_a_writers_entry_is_settled_once():
    entry = Entry((InsertJob(a_job()),), None)
    entry.settle(LeaseLost("acme/allocation"))
    entry.settle(None)
    assert isinstance(entry.error, LeaseLost)


@pytest.mark.case("D2")
def test_owner_of_a_lease_is_a_process_not_a_name(ledger):
    owner = an_owner()
    lease = ledger.try_take("acme/invoice", owner, None, 15.0)
    assert lease_of(ledger, "acme/invoice").owner == owner.id
    assert lease_of(ledger, "acme/invoice").holder.startswith(f"process {owner.pid} on here since 20")
    ledger.give_back(lease)
    assert lease_of(ledger, "acme/invoice").holder == "nobody"
