"""Workers as real processes on one PostgreSQL: they share the tenants, replace each other, and do nothing twice.

Times are a fraction of the defaults: a heartbeat of 0.3 s, stalled after 4 s, a lease of 1.5 s.
"""

import time

import pytest
from sqlalchemy import create_engine, text

pytest.importorskip("procrastinate")

from fleet_world import LEASE, STALLED, fleet, until
from shipperone_erp.sandbox import Fault
from stopped import stands_still


def asked(url, sql, **values):
    """The rows that a statement in the fleet's schema returns."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO shipperone_erp_fleet"))
        rows = connection.execute(text(sql), values).all()
    engine.dispose()
    return rows


def test_two_workers_share_the_tenants_and_one_that_is_drained_gives_its_own_away(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url) as three:
        three.add(2)
        first = three.start("one", three.write("one.toml"))
        second = three.start("two", three.write("two.toml", without=("shop2",)))
        until(lambda: three.done(2), 120)  # both start, and shop2 is offered to the one that does not have it first
        three.once_each(2)
        until(lambda: sorted(three.serving().values()) in ([1, 2], [0, 3]), why=str(three.rows()))

        # shop2 is not in the configuration of the second: it is served by the first, and the second says why not
        until(lambda: three.rows()["two"]["refuses"])
        assert three.rows()["two"]["refuses"] == [
            {"tenant": "shop2", "sentence": "the configuration of this machine does not contain it"}
        ]

        # an operator changes a tenant's settings on one machine after the other
        three.write("one.toml", changed='timezone = "Europe/Bratislava"')
        until(lambda: [row["tenant"] for row in three.rows()["one"]["refuses"]] == ["shop0"])
        assert "differs from the fleet's" in three.rows()["one"]["refuses"][0]["sentence"]
        three.write("two.toml", changed='timezone = "Europe/Bratislava"')
        until(lambda: [row["refuses"] for row in three.rows().values()] == [[], []], why="the fleet did not follow")

        # one is drained: the other serves everybody, what came to it late included
        assert three.command("worker", "drain", "one").returncode == 0
        until(lambda: three.rows()["one"]["state"] == "drained" and three.serving()["two"] == 3)
        three.add(1, first=3)
        until(lambda: three.done(3))
        three.once_each(3)
        assert "drained: every group is released" in first.logged
        assert (first.stop(), second.stop()) == (0, 0)
        assert three.rows() == {}
        for worker in (first, second):
            assert "Traceback" not in worker.logged, worker.logged


def test_a_worker_suspended_in_a_hook_resumes_without_a_second_effect(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=1) as one:
        one.erp.script("reserve_stock", "hang_then", detail="4")
        one.add(1)
        frozen = one.start("frozen")
        until(lambda: one.erp.ask("SELECT times FROM script") == [(0,)])
        frozen.freeze()
        assert stands_still(frozen.process)
        successor = one.start("successor")
        until(lambda: one.done(1), why=successor.logged)
        one.once_each(1)
        leases = {lease.name: lease.number for lease in _leases(one)}
        frozen.thaw()
        until(lambda: "this worker was suspended" in frozen.logged)

        # the engine's lock holds nobody back: the woken worker's like may close the hand-out of the successor, and a
        # third worker then gets the group while the second still serves it
        third = one.start("third")
        until(lambda: len(one.serving()) == 3)
        (job,) = asked(one.url, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'")
        asked(one.url, "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)", id=job.id)
        until(lambda: ": released" in successor.logged, why=successor.logged)
        one.add(1, first=2)
        until(lambda: one.done(2))
        one.once_each(2)
        now = {lease.name: lease.number for lease in _leases(one) if "/" in lease.name}
        assert all(now[name] >= leases[name] for name in now)
        for worker in (frozen, successor, third):
            assert worker.stop() == 0
            assert "Traceback" not in worker.logged, worker.logged
        one.once_each(2)


def test_a_worker_gets_a_group_again_that_it_still_serves_when_another_closed_its_hand_out(tmp_path, postgresql_url):
    """The row of the next hand-out may come to the very worker whose row was closed: it has room for one more."""
    with fleet(tmp_path, postgresql_url, shops=1) as one:
        worker = one.start("only")
        one.add(1)
        until(lambda: one.done(1), why=worker.logged)
        for closed in (1, 2):
            (job,) = asked(one.url, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'")
            asked(one.url, "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)", id=job.id)
            until(
                lambda times=closed + 1: worker.logged.count("served by this worker from now on") == times,
                why=worker.logged,
            )
            assert worker.logged.count(": released") == closed
        one.add(1, first=2)
        until(lambda: one.done(2), why=worker.logged)
        one.once_each(2)
        assert one.serving() == {"only": 1}
        assert worker.stop() == 0
        assert "Traceback" not in worker.logged, worker.logged


def test_a_worker_suspended_during_a_confirmation_sends_nothing_again(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=1) as one:
        workers = []

        def freeze(post):
            workers[0].freeze()

        one.sandboxes[0].faults.add(Fault("call", action="allocate", times=1, payload=freeze))
        workers.append(one.start("frozen"))
        one.add(1)
        assert stands_still(workers[0].process, 60)
        workers.append(one.start("successor"))
        until(lambda: one.done(1), why=workers[1].logged)
        workers[0].thaw()
        until(lambda: "this worker was suspended" in workers[0].logged)
        one.once_each(1)
        assert len(one.sandboxes[0].posts) == 2


def test_a_worker_that_is_killed_is_replaced_within_the_sum_of_the_times(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=2) as two:
        two.start("first")
        until(lambda: sum(two.serving().values()) == 2)
        second = two.start("second")
        until(lambda: "second" in two.serving())
        first = two.workers[0]
        until(lambda: two.serving() in ({"first": 2, "second": 0}, {"first": 1, "second": 1}))
        first.freeze()  # nothing is handed to it, or closed by it, between the count and its death
        assert stands_still(first.process)
        ((its,),) = asked(
            two.url,
            "SELECT count(*) FROM procrastinate_jobs JOIN workers ON worker_id = engine_id "
            "WHERE status = 'doing' AND name = 'first'",
        )
        ((before,),) = asked(two.url, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
        assert its >= 1
        first.kill()
        died = time.monotonic()
        two.add(1)
        until(lambda: two.serving() == {"second": 2})
        handed = time.monotonic() - died
        until(lambda: two.done(1))
        took = time.monotonic() - died
        print(f"\ntakeover: handed out after {handed:.1f} s, done after {took:.1f} s")
        two.once_each(1)
        assert took < STALLED + LEASE + 50, second.logged  # the rest is a busy machine's
        assert "its worker has no heartbeat any more" in second.logged
        (failed,) = asked(two.url, "SELECT count(*) AS rows FROM procrastinate_jobs WHERE status = 'failed'")
        assert failed.rows - before == its, "each stalled row is failed once, never handed out again"


def _leases(running):
    with running.ledger() as ledger:
        return ledger.leases()
