"""`/metrics`: every name that is promised, nothing that grows with orders, and rules and a board that name no other."""

import asyncio
import base64
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from places import DOCS

pytest.importorskip("prometheus_client", reason="metrics need the extra: pip install 'shipperone-erp[metrics]'")

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from job_rows import varied
from ledger_databases import a_job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.engine.runtime import Runtime
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.sandbox import Fault
from shipperone_erp.web.metrics import expires
from shipperone_erp.web.page_server import local_page
from stage_orders import order
from web_page import PEOPLE, TOKENS, configured, ledger_with, served

DEPLOY = DOCS / "deploy"
PROMISED = {
    "queue_orders", "jobs", "oldest_job_age_seconds", "last_success_timestamp_seconds", "cycles_total",
    "cycle_duration_seconds", "steps_total", "step_duration_seconds", "http_requests_total",
    "http_request_duration_seconds", "unknown_outcomes", "accepted_not_issued", "secret_expiry_timestamp_seconds",
    "tenant_paused", "lease_held", "build_info",
}  # fmt: skip
NAME = re.compile(r"shipperone_erp_[a-z_]+")


def families(text):
    """The samples of an exposition by the name that a query writes."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name.removeprefix("shipperone_erp_")] = family.samples
    return found


def value(samples, **labels):
    (sample,) = [one for one in samples if labels.items() <= one.labels.items() and not one.name.endswith("_created")]
    return sample.value


def test_a_service_counts_what_it_does(world):
    """While a runtime serves, with the page beside it in the same loop."""
    world.settings["poll_interval"] = '"0.3s"'
    world.sandbox.add(order("FO-1"))
    world.sandbox.add(order("FO-BAD", first_id=50))
    world.erp.script("build_invoice", "refused", order="FO-BAD", times=9)
    world.sandbox.faults.add(Fault("500", method="GET", times=1))

    async def go() -> tuple[str, str]:
        stopping = asyncio.Event()
        async with Runtime(world.read()) as runtime:
            serving = asyncio.create_task(runtime.serve(stopping))
            page = local_page(runtime.configuration, runtime.ledger, Redaction(), runtime.events)
            async with page as base, httpx.AsyncClient(base_url=base, verify=False) as client:
                before = (await client.get("/metrics")).text
                for _ in range(300):
                    text = (await client.get("/metrics")).text
                    done = (
                        'step="deliver",outcome="ok"' in text or 'outcome="ok",stage="invoice",step="deliver"' in text
                    )
                    if done and 'state="held"' in text:
                        break
                    await asyncio.sleep(0.1)
                stopping.set()
                await serving
        return before, text

    before, text = asyncio.run(go())
    assert PROMISED == set(families(text)) == set(families(before))
    found = families(text)
    assert value(found["steps_total"], step="deliver", stage="invoice", outcome="ok") == 1
    assert value(found["steps_total"], step="build", outcome="refused") >= 1
    assert value(found["jobs"], state="held", reason="erp_refused") == 1
    assert value(found["lease_held"], stage="invoice") == 1
    assert value(found["http_requests_total"], method="POST", status="2xx") == 3
    assert value(found["http_requests_total"], method="GET", status="5xx") == 1
    assert value(found["cycles_total"], stage="allocation", ending="ok") >= 1
    assert "FO-1" not in text
    assert "FO-BAD" not in text
    labels = {name for samples in found.values() for sample in samples for name in sample.labels}
    assert labels <= {
        "tenant", "stage", "state", "reason", "owner", "step", "outcome", "method", "status", "ending", "secret",
        "version", "api", "le",
    }  # fmt: skip


def test_run_serves_the_page_and_ends_with_it(world, unused_port):
    """The real command with `[runtime] http`, from its start to SIGTERM."""
    world.sandbox.add(order("FO-1"))
    world.settings["poll_interval"] = '"0.5s"'
    world.runtime_settings["http"] = f'"127.0.0.1:{unused_port}"'
    world.write()
    command = [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", "-c", str(world.file)]
    with (
        subprocess.Popen(command, env=world.process_environment(), stderr=subprocess.DEVNULL) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{unused_port}", verify=False, timeout=20) as client,
    ):
        try:
            for _ in range(600):
                with contextlib.suppress(httpx.ConnectError):
                    if 'step="deliver"' in client.get("/metrics").text:
                        break
                time.sleep(0.1)
            assert client.get("/readyz").text == "ok\n"
            assert client.get("/order/acme/FO-1").status_code == 200
            running.send_signal(signal.SIGTERM)
            assert running.wait(40) == 0
        finally:
            running.kill()


@pytest.fixture
def unused_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def test_beside_a_service_the_ledgers_half_is_there(tmp_path):
    late = a_job("FO-1", stage=Stage.INVOICE, state=State.WAITING, open=False, reason=Reason.OUTCOME_UNKNOWN,
                 owner=Owner.NOBODY)  # fmt: skip
    late = varied(late, accepted_at=late.since)
    with ledger_with(tmp_path, late) as ledger, served(configured(tmp_path), ledger) as page:
        found = families(page.browser().get("/metrics").text)
        assert value(found["accepted_not_issued"], tenant="acme") == 1
        assert value(found["unknown_outcomes"], tenant="acme", stage="invoice") == 1
        assert value(found["oldest_job_age_seconds"], stage="invoice", state="waiting") > 0
        assert value(found["lease_held"], stage="allocation") == 0
        hidden = tmp_path / "away.db"
        (tmp_path / "ledger.db").rename(hidden)


def test_metrics_need_a_login_if_the_page_does(tmp_path):
    with ledger_with(tmp_path) as ledger, served(configured(tmp_path, more=PEOPLE), ledger) as page:
        assert page.browser().get("/metrics").status_code == 401
        known = page.browser(headers={"authorization": f"Bearer {TOKENS['rea']}"})
        assert known.get("/metrics").status_code == 200


def test_the_expiry_of_a_jwt_token_is_read():
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1900000000}).encode()).decode().rstrip("=")
    assert expires(f"h.{claims}.s") == 1900000000
    for other in ("plain", "a.b.c", "a.####.c", f"h.{base64.urlsafe_b64encode(b'[1]').decode()}.s", "..", "a.b.c.d"):
        assert expires(other) is None


def names_in(value):
    if isinstance(value, dict):
        return {name for entry in value.values() for name in names_in(entry)}
    if isinstance(value, list):
        return {name for entry in value for name in names_in(entry)}
    return set(NAME.findall(value)) if isinstance(value, str) else set()


def test_rules_and_board_name_only_metrics_that_exist():
    yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text(encoding="utf-8"))
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    exist = {f"shipperone_erp_{name}" for name in PROMISED}
    exist |= {f"{name}_bucket" for name in exist if name.endswith("_duration_seconds")}
    used = names_in([rule["expr"] for group in rules["groups"] for rule in group["rules"]])
    shown = names_in(board["panels"]) | names_in(board["templating"])
    assert used <= exist, used - exist
    assert shown <= exist, shown - exist
    assert {name.removesuffix("_bucket") for name in shown} == {f"shipperone_erp_{name}" for name in PROMISED}
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert {"summary", "cure"} <= rule["annotations"].keys(), rule["alert"]
            assert rule["expr"].count("(") == rule["expr"].count(")")
            assert not re.search(r"order_id|\bkey\b", rule["expr"])
