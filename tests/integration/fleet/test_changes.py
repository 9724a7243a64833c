"""What changes while workers serve: tenants, secrets, the database itself, another process beside them."""

import pytest

pytest.importorskip("procrastinate")

from fleet_world import fleet, until
from ledger_databases import empty_postgresql, own_postgresql
from shipperone_erp.domain.records import Effect
from shipperone_erp.domain.states import Stage


def test_a_tenant_is_added_paused_given_another_secret_and_removed_without_a_restart(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=2) as two:
        secret = tmp_path / "token"
        secret.write_text(two.sandboxes[0].token)
        two.token = f'{{ file = "{secret}" }}'
        worker = two.start("only", two.write(without=("shop1",)))
        two.add(1)
        until(lambda: two.serving() == {"only": 1} and two.done_of("shop0") == 2, why=worker.logged)
        assert two.done_of("shop1") == 0

        two.write()
        until(lambda: two.serving() == {"only": 2} and two.done(1), why=worker.logged)

        assert two.command("pause", "shop1", "--note", "stocktaking").returncode == 0
        for stage in Stage:
            until(lambda stage=stage: f"shop1/{stage}: paused by" in worker.logged, why=worker.logged)
        two.add(1, first=2)
        until(lambda: two.done_of("shop0") == 4, why=worker.logged)
        assert two.done_of("shop1") == 2
        assert two.command("resume", "shop1").returncode == 0
        until(lambda: two.done(2), why=worker.logged)

        for sandbox in two.sandboxes:
            sandbox.revoke("another-token")
        secret.write_text("another-token")
        two.add(1, first=3)
        until(lambda: two.done(3), why=worker.logged)

        two.write(without=("shop1",))
        until(lambda: two.serving() == {"only": 1}, why=worker.logged)
        two.once_each(3)
        assert worker.stop() == 0
        assert "Traceback" not in worker.logged, worker.logged


def test_a_group_that_its_last_tenant_has_left_keeps_no_slot_from_another(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=6, groups=64) as six:
        worker = six.start("only")
        six.add(1)
        until(lambda: six.done(1), why=worker.logged)
        with six.store() as store:
            for number in range(6):
                store.part(f"shop{number}")
        until(lambda: "group tenant:shop5 with 1 tenant(s)" in worker.logged, why=worker.logged)
        six.add(1, first=2)
        until(lambda: six.done(2), why=worker.logged)
        assert six.serving() == {"only": 6}
        six.once_each(2)
        assert worker.stop() == 0
        assert "Traceback" not in worker.logged, worker.logged


def test_run_beside_a_live_worker_is_on_standby_and_takes_over_when_that_is_killed(tmp_path, postgresql_url):
    with fleet(tmp_path, postgresql_url, shops=1) as one:
        worker = one.start("only")
        one.add(1)
        until(lambda: one.done(1), why=worker.logged)
        service = one.run()
        until(lambda: service.logged.count("on standby; served by") == 2, why=service.logged)
        one.add(1, first=2)
        until(lambda: one.done(2), why=worker.logged)
        worker.kill()
        one.add(1, first=3)
        until(lambda: one.done(3), why=service.logged)
        one.once_each(3)
        assert service.logged.count("served by this process from now on") == 2
        assert service.stop() == 0


def test_a_restart_of_postgresql_ends_no_worker_and_does_nothing_twice(tmp_path):
    with (
        own_postgresql() as server,
        empty_postgresql(server.url) as url,
        fleet(tmp_path, url, shops=2) as two,
    ):
        workers = [two.start("one"), two.start("two")]
        two.add(1)
        until(lambda: two.done(1), why=workers[0].logged)
        two.add(3, first=2)
        for _ in range(2):
            server.stop()
            server.start()
        until(lambda: two.done(4), why=workers[0].logged)
        two.once_each(4)
        until(lambda: sum(two.serving().values()) == 2, why=str(two.serving()))
        for worker in workers:
            assert worker.process.poll() is None, worker.logged
            assert worker.stop() == 0, worker.logged
            assert "this is a bug in shipperone-erp" not in worker.logged, worker.logged


def test_calls_of_one_erp_are_limited_over_all_workers_and_tenants(tmp_path, postgresql_url):
    rate = 3
    with fleet(tmp_path, postgresql_url, shops=2) as two:
        two.more_runtime = f"limits = {{ erp = {rate} }}\n"
        two.write()
        two.add(4)
        workers = [two.start("one"), two.start("two")]
        until(lambda: two.done(4), 120, workers[0].logged)
        two.once_each(4)
        effects = all_effects(two)
        calls = [effect for effect in effects if effect.kind not in ("confirm",)]
        ended = [effect.outcome_at for effect in calls if effect.outcome_at is not None]
        seconds = (max(ended) - min(effect.intent_at for effect in calls)).total_seconds()
        assert len(calls) >= 3 * 8
        assert len(calls) <= rate * (seconds + 2), f"{len(calls)} calls in {seconds:.1f} s"
        assert [worker.stop() for worker in workers] == [0, 0]


def all_effects(running) -> list[Effect]:
    with running.ledger() as ledger:
        return [effect for job in ledger.find_jobs() for effect in ledger.effects(job.id)]
