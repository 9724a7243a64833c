"""Leases: one holder, takeover only after a stopped heartbeat, fencing tokens that only increase."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledger_databases import a_job, a_lease, an_owner, lease_of
from shipperone_erp.domain.records import Lease
from shipperone_erp.kernel.errors import LeaseLost
from shipperone_erp.ledger.leases import Held, lost_leases
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob
from skipped_time import SkippedTime, TimeOf

NAME = "acme/allocation"


def test_a_free_lease_is_taken_at_once_and_held_against_others(ledger):
    first = ledger.try_take(NAME, an_owner(), None, 15.0)
    assert isinstance(first, Lease)
    assert (first.name, first.number) == (NAME, 1)
    answer = ledger.try_take(NAME, an_owner(), None, 15.0)
    assert isinstance(answer, Held)
    assert answer.holder.startswith(f"process {os.getpid()} on here since ")
    assert isinstance(ledger.try_take("acme/invoice", an_owner(), None, 15.0), Lease)
    assert [record.name for record in ledger.leases()] == [NAME, "acme/invoice"]
    assert lease_of(ledger, "exclusive:stock") is None


def test_of_many_leases_those_that_nobody_holds_are_taken_together(ledger):
    held, returned = a_lease(ledger), ledger.try_take("b/invoice", an_owner(), None, 15.0)
    ledger.give_back(returned)
    names = ["a/invoice", NAME, "b/invoice", "a/invoice", *(f"shop{number}/invoice" for number in range(700))]
    owner = an_owner()
    taken = {lease.name: lease for lease in ledger.take_free(names, owner)}
    assert set(taken) == {*names} - {NAME}
    assert {lease.owner for lease in taken.values()} == {owner.id}
    assert taken["a/invoice"].number == 1
    assert taken["b/invoice"].number == returned.number + 1
    assert ledger.beat([held]) == ()
    assert ledger.beat(list(taken.values())) == ()
    # neither another process nor the same one takes them again
    assert ledger.take_free(names, an_owner()) == []
    assert ledger.take_free(names, owner) == []


def test_two_processes_that_start_at_once_share_the_free_leases(ledger):
    names = [f"shop{number}/invoice" for number in range(300)]
    owners = [an_owner() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda owner: ledger.take_free(names, owner), owners))
    taken = [lease for leases in found for lease in leases]
    assert sorted(lease.name for lease in taken) == sorted(names)
    assert ledger.beat(taken) == ()


@pytest.mark.case("D5")
def test_a_lease_without_heartbeat_is_taken_over_after_its_time_and_not_before(ledger):
    watch, old = SkippedTime(seconds=100.0), a_lease(ledger)
    seen = ledger.try_take(NAME, an_owner(), None, 15.0, watch).seen
    watch.seconds += 14.9
    answer = ledger.try_take(NAME, an_owner(), seen, 15.0, watch)
    assert isinstance(answer, Held)
    assert answer.seen == seen
    watch.seconds += 0.1
    successor = ledger.try_take(NAME, an_owner(), answer.seen, 15.0, watch)
    assert isinstance(successor, Lease)
    assert successor.number == old.number + 1
    assert ledger.beat([old]) == (old,)
    assert ledger.beat([successor]) == ()


@pytest.mark.case("D5")
def test_a_heartbeat_starts_the_time_again(ledger):
    watch, held = SkippedTime(seconds=100.0), a_lease(ledger)
    seen = ledger.try_take(NAME, an_owner(), None, 15.0, watch).seen
    watch.seconds += 14.0
    assert ledger.beat([held]) == ()
    watch.seconds += 14.0
    answer = ledger.try_take(NAME, an_owner(), seen, 15.0, watch)
    assert isinstance(answer, Held)
    assert answer.seen.heartbeat == seen.heartbeat + 1
    assert answer.seen.since == watch.seconds


def test_a_slow_database_does_not_count_as_standing_still(ledger):
    """The first look takes a minute to come back: what it saw is new then, whenever it was asked for."""
    times = iter([100.0, 160.0, 161.0])
    a_lease(ledger)
    seen = ledger.try_take(NAME, an_owner(), None, 15.0, TimeOf(monotonic=lambda: next(times))).seen
    assert seen.since == 160.0
    assert isinstance(ledger.try_take(NAME, an_owner(), seen, 15.0, TimeOf(monotonic=lambda: next(times))), Held)


def test_given_back_it_is_free_at_once_and_its_number_grows(ledger):
    first = a_lease(ledger)
    ledger.give_back(first)
    second = a_lease(ledger)
    assert second.number == 2
    ledger.give_back(first)
    assert lease_of(ledger, NAME).number == 2
    assert lease_of(ledger, NAME).owner == second.owner
    heartbeat = lease_of(ledger, NAME).heartbeat
    ledger.give_back(second)
    third = a_lease(ledger)
    assert lease_of(ledger, NAME).heartbeat > heartbeat
    assert third.number == 3


def test_renewing_many_leases_returns_the_lost_ones(ledger):
    owner = an_owner()
    held = [ledger.try_take(f"t{number}/invoice", owner, None, 15.0) for number in range(600)]
    forged = replace(held[3], number=9)
    gone = held[5]
    ledger.give_back(gone)
    taken = replace(held[7], owner=an_owner().id)  # as if it were another's by now
    unseen = held[9]
    kept = [lease for lease in held if lease not in (held[3], held[7], unseen)]
    assert set(ledger.beat([*kept, forged, taken])) == {forged, gone, taken}
    beaten = {record.name: record.heartbeat for record in ledger.leases()}
    assert beaten[held[0].name] == beaten[held[599].name] == 2
    assert beaten[gone.name] == beaten[taken.name] == 1
    assert beaten[unseen.name] == 1, "a lease that its process has lost sight of expires"
    assert ledger.beat([]) == ()


def test_a_process_locks_no_lease_that_another_has_taken_over(postgresql_url):
    """A stale commit and the successor's heartbeat would else wait for each other's rows, in another order."""
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        names = ["a/invoice", "b/invoice"]
        stale = [Lease(name, "stale", 1) for name in names]
        now = [ledger.try_take(name, an_owner(), None, 15.0) for name in names]
        with ledger._database.writing.begin() as connection:
            assert lost_leases(connection, stale) == set(stale)
            with Ledger.open(postgresql_url) as successor:
                assert successor.beat(now) == ()


def test_of_many_at_once_one_takes_it(ledger_url):
    ledgers = [Ledger.open(ledger_url, migrate=True) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: ledgers[n % 2].try_take(NAME, an_owner(), None, 15.0), range(16)))
    taken = [answer for answer in answers if isinstance(answer, Lease)]
    assert len(taken) == 1
    assert lease_of(ledgers[0], NAME).owner == taken[0].owner
    for ledger in ledgers:
        ledger.close()


def hold(url, pipe):
    """A process that serves: it takes the lease, beats ten times a second, and writes on request.

    It also stops on request, rather than by a signal from outside: stopped in the middle of a
    transaction it would keep the lock of a SQLite file.
    """
    with Ledger.open(url, migrate=True) as ledger:
        ledger.start_writer()
        lease = ledger.try_take(NAME, an_owner(), None, 15.0)
        pipe.send(lease)
        while True:
            if pipe.poll(0.1):
                order_id = pipe.recv()
                if order_id is None:
                    os.kill(os.getpid(), signal.SIGSTOP)
                    continue
                job = a_job(order_id, id=time.time_ns())
                error = ledger.write(InsertJob(job), lease=lease).exception()
                pipe.send(type(error).__name__)
            ledger.beat([lease])


def take(ledger, owner, lease_time, patience):
    seen, started = None, time.monotonic()
    while time.monotonic() - started < patience:
        answer = ledger.try_take(NAME, owner, seen, lease_time)
        if isinstance(answer, Lease):
            return answer, time.monotonic() - started
        seen = answer.seen
        time.sleep(0.05)
    return None, patience


@pytest.fixture
def holder(ledger_url):
    forked = multiprocessing.get_context("forkserver")
    pipe, theirs = forked.Pipe()
    process = forked.Process(target=hold, args=(ledger_url, theirs), daemon=True)
    process.start()
    assert pipe.poll(30)
    yield process, pipe, pipe.recv()
    process.kill()
    process.join()


@pytest.mark.case("D5")
def test_a_living_process_keeps_its_lease_a_killed_one_is_replaced(ledger, holder):
    process, _, lease = holder
    assert take(ledger, an_owner(), 0.7, 1.5) == (None, 1.5)
    os.kill(process.pid, signal.SIGKILL)
    successor, waited = take(ledger, an_owner(), 0.7, 10)
    assert successor.number == lease.number + 1
    assert 0.7 <= waited < 3


@pytest.mark.case("D5")
def test_a_suspended_process_that_resumes_records_nothing(ledger, holder):
    process, pipe, _ = holder
    pipe.send("FO-before")
    assert pipe.recv() == "NoneType"
    pipe.send(None)
    successor, _ = take(ledger, an_owner(), 0.7, 20)
    os.kill(process.pid, signal.SIGCONT)
    pipe.send("FO-after")
    assert pipe.poll(20)
    assert pipe.recv() == LeaseLost.__name__
    assert [job.order_id for job in ledger.find_jobs()] == ["FO-before"]
    ledger.write(InsertJob(a_job("FO-after")), lease=successor).result()
