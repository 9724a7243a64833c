"""`doctor` names the faulty one of address, token, store code, rights, ERP and ledger, with the cure."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from shipperone_erp.operations.warehouse_mapping import unmapped
from shipperone_erp.sandbox import SandboxOrder
from skipped_time import TimeOf


def examined(world, *arguments):
    """The exit code, and the lines by their check: verdict, sentence, cure."""
    done = world.command("doctor", "--json", *arguments)
    rows = json.loads(done.stdout)
    assert "Traceback" not in done.stderr
    assert world.sandbox.token not in done.stdout + done.stderr
    return done.returncode, {row["check"]: (row["verdict"], row["sentence"], row["cure"]) for row in rows}


def failed(found):
    return sorted(check for check, (verdict, _, _) in found.items() if verdict == "FAIL")


def warned(found):
    return sorted(check for check, (verdict, _, _) in found.items() if verdict == "WARN")


def test_everything_is_right_and_nothing_is_changed(world):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.finishes()
    before = {path: path.read_bytes() for path in world.folder.glob("*.db")}
    code, found = examined(world)
    assert (code, failed(found), warned(found)) == (0, [], [])
    assert found["queue of allocation"] == ("OK", "0 order(s), all readable", None)
    assert found["ledger"][1] == "the ledger opens, has this version, and is writable"
    assert found["identity"][1] == f"the ERP is counting:{world.erp.file}"
    assert {path: path.read_bytes() for path in before} == before
    assert "FAIL" not in world.command("doctor", "acme").stdout
    assert world.command("doctor", "nobody").returncode == 2


def test_a_ledger_that_is_not_there_yet_is_no_fault_and_is_not_made(world):
    code, found = examined(world)
    assert (code, warned(found)) == (0, ["ledger"])
    assert found["ledger"][2] == "the first `shipperone-erp run` creates it"
    assert not (world.folder / "ledger.db").exists()


def test_a_wrong_address(world):
    world.settings["base_url"] = '"http://127.0.0.1:9"'
    code, found = examined(world)
    assert (code, failed(found)) == (4, ["address"])
    assert "no connection to ShipperOne could be established" in found["address"][1]
    assert "http://127.0.0.1:9" in found["address"][2]


def test_an_address_with_https_where_only_http_is_spoken(world):
    world.settings["base_url"] = f'"{world.sandbox.base_url.replace("http:", "https:")}"'
    code, found = examined(world)
    assert (code, failed(found)) == (4, ["address"])
    assert "https is used with an http-only server" in found["address"][1]


class Elsewhere(BaseHTTPRequestHandler):
    """Another web server, which knows nothing of ShipperOne's paths."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *arguments):
        """Nothing among the tests' output."""


@pytest.fixture
def elsewhere():
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_where_another_web_server_answers(world, elsewhere):
    world.settings["base_url"] = f'"{elsewhere}"'
    code, found = examined(world)
    assert (code, failed(found)) == (4, ["address"])
    assert "answered 404 with a page" in found["address"][1]
    assert f"check base_url ({elsewhere})" in found["address"][2]


def test_a_wrong_token(world):
    world.environment["ACME_TOKEN"] = "another"
    code, found = examined(world)
    assert (code, failed(found), found["address"][0]) == (4, ["token"], "OK")


def test_a_wrong_store_code(world):
    world.settings["store_code"] = '"other"'
    code, found = examined(world)
    assert (code, failed(found)) == (4, ["store code"])
    assert "check store_code (other), which belongs to the token" in found["store code"][2]


def test_a_token_without_the_scope(world):
    world.sandbox.without_scope.add(world.sandbox.token)
    code, found = examined(world)
    assert (code, failed(found)) == (4, ["queue of allocation", "queue of invoice"])
    assert found["queue of invoice"][2] == "grant the token the scope to read this queue"
    assert found["warehouses"][0] == "WARN"


def test_orders_that_cannot_be_read_are_counted_and_the_first_is_explained(world):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.sandbox.change("FO-1", lambda raw: {**raw, "items": [{"id": 1, "qty": 2}]})
    code, found = examined(world)
    assert (code, found["queue of allocation"][0]) == (0, "WARN")
    assert found["queue of allocation"][1] == "1 of 1 orders cannot be read"
    assert "has no SKU" in found["queue of allocation"][2]


def test_doctor_counts_unexplained_amounts_and_shows_the_first_in_full(world):
    """The queue of allocation tells of a coupon and a currency before anything has shipped."""
    from decimal import Decimal

    coupon = {"extra": {"totals": {"coupon": Decimal("2.00")}}, "total_incl_tax": Decimal("22.99")}
    for number in (1, 2):
        world.sandbox.add(SandboxOrder.simple(f"FO-{number}", ("MUG", 2, "10.00"), **coupon))
    world.sandbox.add(SandboxOrder.simple("FO-3", ("MUG", 2, "10.00"), currency="CZK"))
    world.sandbox.add(SandboxOrder.simple("FO-4", ("MUG", 2, "10.00"), shipping_amount_incl_tax=None))
    world.sandbox.add(SandboxOrder.simple("FO-5", ("MUG", 2, "10.00")))
    done = world.command("doctor", "--json")
    cures = {row["sentence"]: row["cure"] for row in json.loads(done.stdout) if row["check"] == "amounts of allocation"}
    assert done.returncode == 0
    assert cures.keys() == {
        "2 of 5 order(s) would be held, amount_unexplained", "1 of 5 order(s) would be held, currency_differs",
    }  # fmt: skip
    assert cures["2 of 5 order(s) would be held, amount_unexplained"].startswith(
        "first: order FO-1: the lines come to "
    )
    assert "totals.coupon is 2.00: if that is the cause, add it as a charge in [[tenants.acme.charges]]" in "".join(
        cures.values()
    )
    world.settings["currencies"] = '["CZK"]'
    world.more = '[[tenants.acme.charges]]\nname = "coupon"\npath = "totals.coupon"\nsign = "-"\nkind = "line"\n'
    assert "amounts of allocation" not in examined(world)[1]


def test_a_shipped_order_is_checked_like_its_invoice(world):
    """The second part lists the shipping of the first; a dry run says so too."""
    del world.settings["shipping_on_parts"]
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00"), ("TEA", 1, "6.00"), parts=({1: 1}, {2: 1})))
    world.sandbox.add(
        SandboxOrder.simple("FO-2", ("MUG", 1, "10.00"), first_id=10, shipping_amount_incl_tax=None), stage="invoice"
    )
    world.once(settle_for=0.5)
    _, found = examined(world)
    assert found["amounts of invoice"][1] in (
        "1 of 2 order(s) would be held, shipping_repeated", "1 of 2 order(s) would be held, shipping_missing",
    )  # fmt: skip
    (world.folder / "ledger.db").unlink()
    (dry,) = [
        row for row in json.loads(world.command("run", "--dry-run", "--json").stdout) if row["order_id"] == "FO-2"
    ]
    assert dry["would"].startswith(
        "would be held, shipping_missing: ShipperOne does not state the shipping_amount_incl_tax"
    )


def test_an_erp_that_cannot_be_reached(world, plugins):
    world.settings["connector"] = '"generic_sql"'
    world.erp_settings = {"url": f'"sqlite:///{world.folder}/nothing.db"'}
    world.settings["stages"] = '["allocation"]'
    world.settings["fiscal_first"] = "true"
    code, found = examined(world)
    assert (code, failed(found)) == (5, ["database"])
    assert found["identity"][:2] == ("OK", f"the ERP is sqlite:{world.folder}/nothing.db")
    assert "ERP" not in found, "an OK of the ERP beside its database's FAIL"
    assert "fiscal_first: an invoice is issued before ShipperOne has accepted it" in found["connector"][1]


def test_a_tenant_whose_configuration_is_incomplete_beside_one_that_is_right(world):
    world.more = '[tenants.shop]\nbase_url = "https://s.example"\ntoken = { env = "NOT_SET" }\nconnector = "counting"\n'
    world.more += '[tenants.shop.counting]\ndatabase = "x.db"\n'
    code, found = examined(world)
    assert (code, failed(found)) == (78, ["configuration"])
    assert "NOT_SET is not set" in found["configuration"][1]
    assert examined(world, "acme")[0] == 0


def test_a_ledger_that_is_about_another_erp(world):
    world.finishes()
    world.erp_settings["name"] = '"another-database"'
    code, found = examined(world)
    assert (code, failed(found)) == (78, ["binding"])
    assert "is now 'another-database'" in found["binding"][1]


def test_a_ledger_of_a_later_version(world):
    import sqlite3
    from contextlib import closing

    world.finishes()
    with closing(sqlite3.connect(world.folder / "ledger.db")) as db, db:
        db.execute("UPDATE ledger_schema SET version_num = '9999'")
        db.execute("UPDATE ledger_compatible SET from_revision = '9999'")
    code, found = examined(world)
    assert (code, failed(found)) == (78, ["ledger"])
    assert "install that version again" in found["ledger"][1]


def test_a_secret_that_others_may_read(world):
    token = world.folder / "token"
    token.write_text(world.sandbox.token)
    token.chmod(0o644)
    world.settings["token"] = '{ file = "token" }'
    code, found = examined(world)
    assert (code, found["secrets"][0]) == (0, "WARN")
    assert "chmod 600" in found["secrets"][1]


@pytest.mark.parametrize(("days", "verdict"), [(0, "OK"), (1, "WARN")])
def test_a_clock_that_is_off(world, monkeypatch, days, verdict):
    import asyncio
    from datetime import UTC, datetime, timedelta

    from shipperone_erp.config import load
    from shipperone_erp.operations import doctor
    from shipperone_erp.shipperone.client import ShipperOne

    class Ahead(ShipperOne):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options, time=TimeOf(lambda: datetime.now(UTC) + timedelta(days=days)))

    monkeypatch.setattr(doctor, "ShipperOne", Ahead)
    lines = asyncio.run(doctor.examine(load(world.write(), environment=world.environment), []))
    (clock,) = [line for line in lines if line.check == "clock"]
    assert clock.verdict == verdict
    assert days == 0 or abs(int(clock.sentence.split()[-2]) - 86400) <= 2, clock.sentence


def test_a_connector_that_hangs_is_given_up(world, plugins, monkeypatch):
    import asyncio

    from shipperone_erp.config import load
    from shipperone_erp.operations import doctor

    plugins.connector("hangs", "def check(self):\n    import time\n    time.sleep(1)\n    return []")
    world.settings["connector"] = '"hangs"'
    world.erp_settings = {}
    monkeypatch.setattr(doctor, "ANSWERS_WITHIN", 0.2)
    lines = asyncio.run(doctor.examine(load(world.write(), environment=world.environment), []))
    (erp,) = [line for line in lines if line.check == "ERP"]
    assert (erp.verdict, "TimeoutError" in erp.sentence) == ("FAIL", True)


@pytest.mark.case("B17")
def test_warehouses_are_compared_both_ways():
    mapping = SimpleNamespace(warehouses={"main": 1, "old": 2})
    tenant = SimpleNamespace(name="acme", connector="odoo", connector_settings=mapping)
    found = list(unmapped(tenant, [{"warehouse_code": "main"}, {"code": "outlet"}, "what is this"]))
    assert ["outlet" in found[0].sentence, "old" in found[1].sentence] == [True, True]
    assert "[tenants.acme.odoo.warehouses]" in found[0].cure
    assert list(unmapped(tenant, [])) == [], "a list that tells no codes proves nothing"
    tenant.connector_settings = SimpleNamespace()
    assert list(unmapped(tenant, [{"code": "outlet"}])) == []
