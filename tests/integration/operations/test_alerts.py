"""Alerts: sent once at the beginning and once at the end of a condition, by any process; received by a real server."""

import json
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("apprise", reason="alerts need the extra: pip install 'shipperone-erp[alerts]'")

import warm_processes
from ledger_databases import a_job, a_lease
from shipperone_erp.config import load, show
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob, UpdateJob
from shipperone_erp.operations import pauses
from shipperone_erp.operations.alerts.watch import AlertWatch
from world import COUNTING

TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECRET = "hunter2hunter2hunter2"


class Receiver:
    """A webhook: what was posted to it, and whether it answers well."""

    def __init__(self) -> None:
        self.got: list[dict] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/hook"

    @property
    def texts(self) -> list[str]:
        return [body["message"] for body in self.got]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Place:
    """A configuration with alerts, its ledger, and a clock."""

    def __init__(self, folder, ledger_url, receiver, settings="") -> None:
        self.file = folder / "shipperone-erp.toml"
        self.file.write_text(
            f'[runtime]\nledger = "{ledger_url}"\n[runtime.alerts]\nto = [{{ env = "HOOK" }}]\n{settings}\n'
            '[tenants.acme]\nbase_url = "https://acme.example"\ntoken = { env = "TOKEN" }\nconnector = "counting"\n'
            'stages = ["invoice"]\n[tenants.acme.counting]\ndatabase = "erp.db"\n'
        )
        self.environment = {"HOOK": receiver.address, "TOKEN": "a-token-of-acme"}
        self.ledger = Ledger.open(ledger_url, migrate=True)
        self.ledger.start_writer()
        self.now = TEN
        self.elapsed = 0.0
        self.served()

    def read(self):
        return load(self.file, environment=self.environment, tenants_may_fail=True)

    def watch(self) -> AlertWatch:
        return AlertWatch(self.read(), self.ledger, now=lambda: self.now, monotonic=lambda: self.elapsed)

    def served(self) -> None:
        """A process holds the lease, and has just read the queue."""
        if not hasattr(self, "lease"):
            self.lease = a_lease(self.ledger, "acme/invoice")
        self.ledger.beat([self.lease])
        self.ledger.save_queue(QueueRecord(tenant="acme", stage=Stage.INVOICE, last_good_read_at=self.now))

    def later(self, **span) -> None:
        self.now += timedelta(**span)
        self.elapsed += timedelta(**span).total_seconds()
        self.served()

    def add(self, order_id, **fields):
        job = a_job(order_id, stage=Stage.INVOICE, since=self.now, first_listed_at=self.now, **fields)
        self.ledger.write(InsertJob(job), lease=None).result()
        return job

    def held(self, order_id, owner=Owner.ACCOUNTANT, reason=Reason.AMOUNT_UNEXPLAINED):
        return self.add(order_id, state=State.HELD, reason=reason, owner=owner, sentence=f"{order_id} differs")

    def change(self, job, **changes):
        self.ledger.write(UpdateJob(replace(job, **changes)), lease=None).result()


@pytest.fixture
def ledger_url(request):
    """Of a SQLite file, where a test asks for nothing else."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")


ON_BOTH = pytest.mark.parametrize("ledger_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def place(tmp_path, ledger_url, receiver):
    made = Place(tmp_path, ledger_url, receiver)
    yield made
    made.ledger.close()


@ON_BOTH
def test_held_orders_are_one_message_when_it_begins_and_one_when_it_is_over(place, receiver):
    watch = place.watch()
    assert watch.tick() is None
    jobs = [place.held(f"FO-{number}") for number in range(1, 31)] + [place.held("FO-99", Owner.WAREHOUSE)]
    assert watch.tick() is not None
    for _ in range(3):
        place.later(minutes=1)
        place.held(f"FO-{place.now:%M}-more")
        assert watch.tick() is None, "never one an order"
    (text,) = receiver.texts
    assert text.splitlines() == [
        "- acme: 30 orders for the accountant (30 amount_unexplained), the oldest listed 2026-03-02 10:00 UTC",
        "- acme: 1 order for the warehouse (1 amount_unexplained), the oldest listed 2026-03-02 10:00 UTC",
    ]
    assert receiver.got[0]["title"] == "shipperone-erp: 2 new alerts"
    assert receiver.got[0]["type"] == "warning"
    assert "FO-" not in text, "no order is named"

    place.change(jobs[-1], state=State.DONE)
    assert watch.tick() is None
    place.later(minutes=1)
    assert watch.tick() is None, "not well for long yet"
    place.later(minutes=2)
    assert watch.tick() is not None
    assert receiver.got[1]["title"] == "shipperone-erp: 1 alert over"
    assert receiver.texts[1].splitlines()[0] == "Over:"
    assert "for the warehouse" in receiver.texts[1]
    place.later(minutes=9)
    assert watch.tick() is None
    place.held("FO-100", Owner.WAREHOUSE)
    assert watch.tick() is not None, "it begins anew"


@ON_BOTH
def test_a_restart_and_a_second_process_send_no_alert_twice(place, receiver):
    place.held("FO-1")
    watches = [place.watch() for _ in range(4)]
    threads = [threading.Thread(target=watch.tick) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.got) == 1
    assert place.watch().tick() is None, "as after a restart"


@ON_BOTH
def test_two_concurrent_watchers_send_each_alert_once(place, receiver):
    for owner in (Owner.ACCOUNTANT, Owner.WAREHOUSE, Owner.IT):
        place.held(f"FO-{owner}", owner)
    environment = {**os.environ, **place.environment, "PYTHONPATH": str(COUNTING)}

    def look() -> int:
        return warm_processes.run("alerts", "watch", "--once", "-c", str(place.file), env=environment).returncode

    with ThreadPoolExecutor() as pool:
        assert [ended.result() for ended in [pool.submit(look) for _ in range(2)]] == [0, 0]
    assert look() == 0, "nothing is new"
    lines = sorted(line.partition("(")[0] for text in receiver.texts for line in text.splitlines())
    assert lines == [
        "- acme: 1 order for IT ",
        "- acme: 1 order for the accountant ",
        "- acme: 1 order for the warehouse ",
        "- acme: pending_invoice was last read completely at 2026-03-02 10:00 UTC, more than 10m ago",
    ]
    records = place.ledger.alerts().values()
    assert len(records) == 4
    assert all(record.told_at is not None and record.claimed_at is None for record in records)


@ON_BOTH
def test_a_failed_alert_is_sent_later_and_its_address_is_never_logged(place, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.status = 500
    place.held("FO-1")
    watch = place.watch()
    assert watch.tick() is None
    place.later(minutes=1)
    assert watch.tick() is None
    assert len(receiver.got) == 1, "the claim is not old yet"
    receiver.status = 200
    place.later(minutes=2)
    assert watch.tick() is not None
    assert len(receiver.got) == 2
    place.later(minutes=5)
    assert watch.tick() is None
    warned = [record.getMessage() for record in caplog.records if record.name == "shipperone_erp"]
    assert warned == [
        "alerts: address 1 (json): the service did not accept the message; the message is sent again later"
    ]
    assert SECRET not in caplog.text
    assert SECRET not in repr(place.read())
    assert SECRET not in show(place.read())


def test_accepted_and_not_issued_alerts_after_an_hour(place, receiver):
    watch = place.watch()
    job = place.add("FO-1", state=State.WAITING, step=Step.ISSUING, open=False, accepted_at=place.now)
    place.later(minutes=59)
    assert watch.tick() is None
    place.later(minutes=2)
    assert watch.tick() is not None
    assert receiver.texts == [
        "- acme: 1 order accepted by ShipperOne more than 1h ago and not issued in the ERP, the oldest since 2026-03-02 "
        "10:00 UTC"
    ]
    place.change(job, state=State.DONE, step=Step.DONE)
    place.later(minutes=3)
    assert watch.tick() is not None


def test_an_unread_queue_a_refused_token_and_a_dead_process_have_different_alerts(place, receiver):
    watch = place.watch()
    place.now += timedelta(minutes=11)
    place.ledger.beat([place.lease])
    assert watch.tick() is not None
    assert "pending_invoice was last read completely at 2026-03-02 10:00 UTC, more than 10m ago" in receiver.texts[0]

    refused = QueueRecord(
        tenant="acme", stage=Stage.INVOICE, last_good_read_at=TEN, paused_reason=Reason.PLATFORM_AUTH, paused_at=TEN,
        paused_sentence="ShipperOne refuses the token",
    )  # fmt: skip
    place.ledger.save_queue(refused)
    assert watch.tick() is not None
    assert "refuses the token for pending_invoice" in receiver.texts[1]

    place.later(minutes=3)
    assert "2 alerts over" in watch.tick().title
    place.elapsed += 100
    assert watch.tick() is None, "it may be a short break"
    place.now += timedelta(minutes=2)
    place.elapsed += 120
    message = watch.tick()
    assert message is not None
    assert "served invoice and has no heartbeat any more" in receiver.texts[-1]


def test_a_paused_tenant_raises_no_alert(place):

    pauses.pause(place.ledger, "acme", [Stage.INVOICE], place.now, "stock-taking")
    place.now += timedelta(hours=3)
    place.elapsed += 3 * 3600
    assert place.watch().tick() is None


@ON_BOTH
def test_quiet_hours_keep_what_is_not_urgent_until_they_end(tmp_path, ledger_url, receiver):
    place = Place(tmp_path, ledger_url, receiver, 'quiet = "22:00-06:00"\ntimezone = "Europe/Bratislava"')
    watch = place.watch()
    place.later(hours=12)
    place.held("FO-1")
    brief = place.held("FO-2", Owner.IT)
    assert watch.tick() is None, "23:00 in Bratislava"
    place.change(brief, state=State.DONE)
    place.later(hours=5)
    assert watch.tick() is None
    place.later(hours=2, minutes=1)
    assert watch.tick() is not None, "06:01 in Bratislava"
    assert [line for text in receiver.texts for line in text.splitlines()] == [
        "- acme: 1 order for the accountant (1 amount_unexplained), the oldest listed 2026-03-02 22:00 UTC"
    ], "what began and ended in the night is not reported"
    place.ledger.close()


@ON_BOTH
def test_a_digest_comes_once_a_day_when_all_is_well_too(tmp_path, ledger_url, receiver):
    place = Place(tmp_path, ledger_url, receiver, 'digest = "08:00"\noff = ["held"]')
    watch = place.watch()
    watch.tick()
    assert receiver.got == [], "not on the day that it was set up"
    place.later(hours=21)
    watch.tick()
    place.later(hours=1, minutes=1)
    for _ in range(3):
        watch.tick()
        place.watch().tick()
    assert [body["title"] for body in receiver.got] == ["shipperone-erp: no order needs an operator"]
    place.held("FO-1")
    place.later(hours=24)
    watch.tick()
    assert receiver.got[1]["title"] == "shipperone-erp: 1 order needs an operator"
    assert "Orders that need an operator: 1 (1 accountant)." in receiver.texts[1]
    place.ledger.close()


@pytest.mark.parametrize(
    ("noon_before", "clock"),
    [(datetime(2026, 3, 28, 11, tzinfo=UTC), "02:30"), (datetime(2026, 10, 24, 10, tzinfo=UTC), "02:30")],
    ids=["a clock never shows the time", "a clock shows it twice"],
)
def test_one_digest_comes_in_a_night_in_which_the_clock_is_changed(tmp_path, ledger_url, receiver, noon_before, clock):
    settings = f'digest = "{clock}"\ntimezone = "Europe/Bratislava"\noff = ["held"]'
    place = Place(tmp_path, ledger_url, receiver, settings)
    place.now = noon_before
    watch = place.watch()
    watch.tick()
    place.later(hours=12)
    for _ in range(40):
        place.later(minutes=9)
        watch.tick()
    assert [body["title"].count("no order needs an operator") for body in receiver.got].count(1) == 1
    place.ledger.close()


def test_a_command_gets_the_message_as_json(tmp_path, ledger_url, receiver):
    out = tmp_path / "message.json"
    program = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    place = Place(tmp_path, ledger_url, receiver, f"command = {json.dumps([sys.executable, '-c', program])}")
    place.held("FO-1")
    assert place.watch().tick() is not None
    message = json.loads(out.read_text())
    assert (message["kind"], message["begun"][0]["rule"], message["begun"][0]["tenant"]) == ("alert", "held", "acme")
    place.ledger.close()


def test_the_command_tests_every_way_and_shows_no_address(place, receiver):
    environment = {**os.environ, **place.environment, "PYTHONPATH": str(COUNTING)}

    def invoke(*arguments, hook=receiver.address):
        return warm_processes.run("alerts", *arguments, "-c", str(place.file), env={**environment, "HOOK": hook})

    done = invoke("test")
    assert (done.returncode, done.stdout) == (0, "OK    address 1 (json)\n"), "as docs/how-to/alerts.md shows it"
    assert receiver.texts == ["Alerts of shipperone-erp arrive here."]
    done = invoke("test", hook="nothing://x")
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  address 1 (nothing): apprise does not support this address")
    place.held("FO-1")
    assert invoke("watch", "--once").returncode == 0
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ('quiet = "22"', 'write two times of day, such as "22:00-06:00"'),
        ('digest = "25:00"', 'write a time of day, such as "08:00"'),
        ('off = ["heldd"]', "nothing_served"),
        ('timezone = "Nowhere"', "is not a time zone"),
        ('hold = "1h"', "held"),
    ],
)
def test_wrong_settings_are_named_at_load(tmp_path, ledger_url, receiver, setting, expected):
    with pytest.raises(ConfigurationError) as raised:
        Place(tmp_path, ledger_url, receiver, setting).read()
    assert "runtime.alerts" in str(raised.value)
    assert SECRET not in str(raised.value)
