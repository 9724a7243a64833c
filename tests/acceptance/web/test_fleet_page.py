"""The overview of a fleet: its workers, the tenants of each, their oldest read, and refused tenants."""

from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("procrastinate", reason="a fleet needs the extra: pip install 'shipperone-erp[fleet]'")

from shipperone_erp.config import load
from shipperone_erp.domain.fleet_records import Refusal
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import Stage
from shipperone_erp.fleet import schema_upgrade
from shipperone_erp.ledger.repository import Ledger
from web_page import served, words

STALLED = 20.0
TENANTS = ("acme", "beta", "gamma")


def test_the_overview_shows_each_worker_and_which_of_them_serves_a_tenant(postgresql_url, tmp_path):
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(
        f'[runtime]\nledger = "{postgresql_url}"\n[defaults]\nconnector = "counting"\ntoken = "a-token-of-them"\n'
        '[defaults.counting]\ndatabase = "erp.db"\n'
        + "".join(f'[tenants.{name}]\nbase_url = "https://{name}.example"\n' for name in TENANTS)
    )
    with Ledger.open(postgresql_url, migrate=True) as ledger:
        fleet = ledger.fleet()
        assert fleet is not None
        schema_upgrade.prepare(fleet)
        fleet.add({name: (f"group-{name}", "same") for name in TENANTS})
        for name in ("erp-one", "erp-two"):
            fleet.register({"id": name, "name": name, "host": "rack", "pid": 1, "version": "0.1.0", "engine": "3.9.0"})
        for tenant, worker in (("acme", "erp-one"), ("beta", "erp-one"), ("gamma", "erp-two")):
            fleet.handed_out(f"group-{tenant}", worker)
        fleet.refuse("erp-two", [Refusal("beta", "same", "BETA_TOKEN is <not> set")], stalled=STALLED)
        fleet.drain("erp-two", stalled=STALLED)
        for minutes, tenant in ((1, "acme"), (40, "beta"), (3, "gamma")):
            read_at = datetime.now(UTC) - timedelta(minutes=minutes, seconds=20)
            ledger.save_queue(QueueRecord(tenant=tenant, stage=Stage.INVOICE, last_good_read_at=read_at))
        with served(load(file, environment={}), ledger) as page:
            answer = page.browser().get("/")
            rows = {row["tenant"]: row["worker"] for row in page.browser().get("/statusz").json()["status"]}
    shown = words(answer.text)
    assert "erp-one rack serving 2 tenants in 2 group(s) 2 40 min" in shown
    assert "erp-two rack draining 1 tenant in 1 group(s) 1 3 min" in shown
    assert "Refuses beta: BETA_TOKEN is <not> set" in shown
    assert "Refused by worker erp-two: BETA_TOKEN is <not> set" in shown
    assert "beta cannot work" in shown, "40 minutes without a read, and nobody holds its lease"
    assert "acme well" in shown
    assert "<not>" not in answer.text
    assert "worker erp-one" in shown
    assert rows == {"acme": "erp-one", "beta": "erp-one", "gamma": "erp-two"}
