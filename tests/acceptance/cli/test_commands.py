"""The command line in real processes: exit codes, JSON, and commands that must write nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

import warm_processes
from service_process import until
from shipperone_erp import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.operations.actors import actor
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741

FIELDS = {
    "tenant", "stage", "order_id", "item_ids", "key", "state", "reason", "sentence", "owner", "since", "attempts",
    "next_attempt_at", "reference", "number",
}  # fmt: skip


def order(order_id="FO-1", sku="MUG", pieces=2):
    return SandboxOrder.simple(order_id, (sku, pieces, "10.00"))


def printed(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def service(world, *arguments):
    """`run` as a service, stopped by SIGTERM at the end."""
    world.write()
    process = subprocess.Popen(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", *arguments, "-c", str(world.file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=world.process_environment(),
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_run_once_ends_with_0_when_everything_is_done(world):
    world.sandbox.add(order())
    done = world.command("run", "--once", "--settle-for", "8s")
    assert (done.returncode, done.stdout) == (0, "")
    assert world.erp.issued("FO-1") == ["1:2"]


def test_run_once_exits_with_3_and_the_number_of_held_orders(world):
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "refused", times=9, detail="product_unknown")
    done = world.command("run", "--once", "--settle-for", "2s")
    assert done.returncode == 3
    assert "acme: 1 held" in done.stderr
    assert "FO-1" in done.stderr


def test_run_once_ends_with_4_when_shipperone_is_not_there_or_refuses_the_token(world):
    world.environment["ACME_TOKEN"] = "another-token"
    refused = world.command("run", "--once", "--settle-for", "1s")
    assert refused.returncode == 4
    assert "another-token" not in refused.stderr
    world.environment["ACME_TOKEN"] = world.sandbox.token
    world.settings["base_url"] = '"http://127.0.0.1:9"'
    world.runtime_settings["ledger"] = '"sqlite:///of-another.db"'
    away = world.command("run", "--once", "--settle-for", "1s")
    assert away.returncode == 4
    assert "acme: " in away.stderr


def test_run_once_ends_with_5_when_the_erp_refuses_the_login_or_is_away(world):
    world.sandbox.add(order())
    world.erp.script("*", "auth", times=99)
    assert world.command("run", "--once", "--settle-for", "1s").returncode == 5
    assert world.sandbox.order("FO-1").allocations == 0


def test_a_wrong_configuration_ends_with_78_and_starts_nothing(world):
    world.sandbox.add(order())
    world.settings["go_live"] = '"later"'
    done = world.command("run", "--once")
    assert done.returncode == 78
    assert "tenants.acme.go_live: write 'ask' or 'now'" in done.stderr
    assert not (world.folder / "ledger.db").exists()
    assert world.sandbox.requests.total() == 0


def test_a_usage_that_fits_nothing_ends_with_2(world):
    world.sandbox.add(order())
    world.finishes()
    for arguments, expected in (
        (("run", "--order", "FO-1"), "--order and --limit need --once or --dry-run"),
        (("run", "--once", "--tenant", "nobody"), "there is no tenant nobody; the configuration names acme"),
        (("order", "show", "FO-404"), "no job of order FO-404 is known; `shipperone-erp orders` lists the known ones"),
        (("order", "retry", "FO-1"), "nothing of order FO-1 can be retried"),
        (("go-live", "acme"), "give either --all or --from-now"),
        (("run", "--once", "--settle-for", "soon"), "write a duration"),
    ):
        done = world.command(*arguments)
        assert (done.returncode, expected in done.stderr) == (2, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_the_version_is_printed():
    code = "from shipperone_erp.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"shipperone-erp {version('shipperone-erp')}")


def test_a_requested_order_that_no_tenant_has_is_named_with_exit_code_2(world):
    world.sandbox.add(order("FO-1"))
    expected = "acme: no order {} is listed in pending_allocation or pending_invoice, and the ledger knows none"
    dry = world.command("run", "--dry-run", "--order", "TYPO", "--order", "FO-1")
    assert (dry.returncode, dry.stderr.splitlines()) == (2, [expected.format("TYPO")])
    assert "FO-1" in dry.stdout
    once = world.command("run", "--once", "--order", "TYPO", "--order", "FO-1", "--order", "FO-404", "--log", "text")
    assert once.returncode == 2
    assert [line.partition(" ")[2] for line in once.stderr.splitlines()][-2:] == [
        expected.format("FO-404"), expected.format("TYPO"),
    ]  # fmt: skip
    assert world.job("FO-1", I).state is State.DONE
    for way in (("--once", "--settle-for", "1s"), ("--dry-run",)):
        known = world.command("run", *way, "--order", "FO-1")
        assert (known.returncode, "no order" in known.stderr) == (0, False), "it is done, and the ledger knows it"


def test_orders_of_an_unknown_tenant_exit_with_2_and_those_of_a_removed_one_are_listed(world):
    world.sandbox.add(order("FO-1"))
    world.finishes()
    world.write()
    file = world.file.read_text().replace("tenants.acme", "tenants.shop")
    renamed = world.folder / "renamed.toml"
    renamed.write_text(file)
    for more in ((), ("--json",), ("--documents",)):
        done = world.command("orders", "--tenant", "TYPO", *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.strip() == "there is no tenant TYPO; the configuration names acme"
        other = world.command("orders", "--tenant", "TYPO", *more, file=renamed)
        assert other.stderr.strip() == "there is no tenant TYPO; the configuration names shop, the ledger also acme"
    gone = printed(world.command("orders", "--tenant", "acme", "--all", "--json", file=renamed))
    assert {row["order_id"] for row in gone} == {"FO-1"}
    assert printed(world.command("orders", "--tenant", "shop", "--json", file=renamed)) == []


def test_an_order_of_one_tenant_does_not_count_as_missing(world):
    with Sandbox() as other:
        other.add(order("FO-9"))
        world.more = (
            f'[tenants.beta]\nbase_url = "{other.base_url}"\nstore_code = "default"\ntoken = "{other.token}"\n'
            f'connector = "counting"\n[tenants.beta.counting]\ndatabase = "{world.erp.file}"\n'
        )
        done = world.command("run", "--dry-run", "--order", "FO-9", "--order", "TYPO")
        assert (done.returncode, "acme, beta: no order TYPO is listed in" in done.stderr) == (2, True)
        assert "FO-9" not in done.stderr
        assert world.command("run", "--dry-run", "--order", "FO-9").returncode == 0


def test_orders_as_json_have_all_documented_fields(world):
    world.erp.stock("TEA", 1)
    world.sandbox.add(order("FO-1"))
    world.sandbox.add(order("FO-2", "TEA", 3))
    world.settings["stock_retry"] = '"1h"'
    world.once(settle_for=4)
    assert [row["order_id"] for row in printed(world.command("orders", "--json"))] == ["FO-2"]
    rows = printed(world.command("orders", "--json", "--all"))
    assert all(row.keys() >= FIELDS for row in rows)
    by = {(row["order_id"], row["stage"]): row for row in rows}
    assert by["FO-1", "invoice"]["state"] == "done"
    assert by["FO-1", "invoice"]["item_ids"] == [1]
    assert by["FO-1", "invoice"]["number"] == "1"
    short = by["FO-2", "allocation"]
    assert (short["state"], short["reason"], short["owner"]) == ("waiting", "not_enough_stock", "warehouse")
    assert "TEA: 3 wanted, 1 available" in short["sentence"]
    assert short["next_attempt_at"].endswith("Z")
    waiting = printed(world.command("orders", "--json", "--state", "waiting"))
    assert [row["order_id"] for row in waiting] == ["FO-2"]
    assert printed(world.command("orders", "--json", "--reason", "price_missing")) == []
    listed = world.command("orders").stdout
    assert "FO-2" in listed
    assert "FO-1" not in listed
    everything = world.command("orders", "--all").stdout.splitlines()
    assert len(everything) == 1 + len(rows) == 4
    assert "FO-2" in everything[1], "the most urgent first"


def test_an_order_is_shown_with_both_sides_and_every_call(world):
    world.sandbox.add(order())
    world.finishes()
    stories = printed(world.command("order", "show", "FO-1", "--json"))
    assert [story["stage"] for story in stories] == ["allocation", "invoice"]
    assert [entry["what"] for entry in stories[1]["timeline"]] == ["build", "confirm", "issue", "deliver"]
    assert stories[1]["order"]["items"][0]["qty"] == "2"
    assert stories[1]["invoice"]["total_incl_tax"] == "24.99"
    (only,) = printed(world.command("order", "show", stories[0]["key"], "--json"))
    assert only["key"] == stories[0]["key"]
    text = world.command("order", "show", "FO-1", "--stage", "invoice").stdout
    assert "issue" in text
    assert "allocation" not in text.splitlines()[0]


def test_an_id_that_fits_several_jobs_acts_on_none_and_lists_them(world):
    world.sandbox.add(order("FO-1"))
    with Sandbox(token=world.sandbox.token) as another:
        another.add(order("FO-1"))
        world.more = (
            f'[tenants.shop]\nbase_url = "{another.base_url}"\ntoken = {{ env = "ACME_TOKEN" }}\ngo_live = "now"\n'
            f'connector = "counting"\n[tenants.shop.counting]\ndatabase = "{world.erp.file}"\nname = "shop"\n'
        )
        _two_held_jobs_of_one_id(world)


def _two_held_jobs_of_one_id(world):
    world.erp.script("reserve_stock", "refused", times=99, detail="product_unknown")
    assert world.command("run", "--once", "--settle-for", "1s").returncode == 3
    held = printed(world.command("orders", "--json", "--state", "held"))
    done = world.command("order", "retry", "FO-1")
    assert done.returncode == 2
    assert "2 jobs of order FO-1 can be retried; say which by --tenant, --stage or --key" in done.stderr
    assert all(row["key"] in done.stderr for row in held)
    assert world.command("order", "retry", "FO-1", "--tenant", "shop", "--note", "catalogue mended").returncode == 0
    by = {row["tenant"]: row["state"] for row in printed(world.command("orders", "--json"))}
    assert by == {"acme": "held", "shop": "new"}


def test_a_retry_is_recorded_with_who_and_why_and_the_next_run_finishes(world):
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "refused", times=1, detail="product_unknown")
    assert world.command("run", "--once", "--settle-for", "1s").returncode == 3
    done = world.command("order", "retry", "FO-1", "--note", "SKU was added")
    assert done.returncode == 0
    assert "acme allocation FO-1: retried; a running service processes it at once" in done.stdout
    (story,) = printed(world.command("order", "show", "FO-1", "--json"))
    assert [(act["action"], act["note"]) for act in story["actions"]] == [("retry", "SKU was added")]
    assert story["actions"][0]["actor"]
    assert world.command("run", "--once", "--settle-for", "8s").returncode == 0


def test_a_job_that_has_just_changed_stops_no_other_of_the_same_command(world):
    """The second of two equal ids finds its job changed, as by a service that processes it meanwhile."""
    for number in (1, 2):
        world.sandbox.add(order(f"FO-{number}", sku=f"SKU-{number}"))
    world.erp.script("reserve_stock", "refused", times=2, detail="product_unknown")
    assert world.command("run", "--once", "--settle-for", "1s").returncode == 3
    done = world.command("order", "retry", "FO-1", "FO-1", "FO-2")
    assert done.returncode == 2
    assert "has just changed; check it again with `shipperone-erp order show FO-1`" in done.stderr
    assert "acme allocation FO-2: retried" in done.stdout
    assert {job.state for job in world.jobs()} == {State.NEW}


def test_orders_listed_before_go_live_are_held_until_an_operator_decides(world):
    world.settings["go_live"] = '"ask"'
    world.sandbox.add(order("FO-1"))
    unread = world.command("go-live", "acme", "--from-now")
    assert unread.returncode in (1, 2)
    first = world.command("run", "--once", "--settle-for", "1s")
    assert first.returncode == 3
    assert world.job("FO-1", A).reason is Reason.BEFORE_GO_LIVE
    left = world.command("go-live", "acme", "--from-now")
    assert "acme is live; 1 order(s) that were listed before: ignored" in left.stdout
    world.sandbox.add(order("FO-2"))
    assert world.command("run", "--once", "--settle-for", "8s").returncode == 0
    assert world.erp.effects("reserve_stock", "FO-1") == 0
    assert world.job("FO-1", A).state is State.IGNORED
    assert len(world.erp.issued("FO-2")) == 1
    assert world.command("order", "retry", "FO-1").returncode == 0
    assert world.command("run", "--once", "--settle-for", "8s").returncode == 0
    assert len(world.erp.issued("FO-1")) == 1


def test_status_counts_by_tenant_and_stage(world):
    world.erp.stock("TEA", 1)
    world.settings["stock_retry"] = '"1h"'
    world.sandbox.add(order("FO-1", "TEA", 3))
    world.once(settle_for=1)
    allocation, invoice = printed(world.command("status", "--json"))
    assert (allocation["stage"], allocation["waiting"], allocation["held"]) == ("allocation", 1, 0)
    assert allocation["oldest"].endswith("Z")
    assert invoice["last_good_cycle"].endswith("Z")
    assert invoice["paused"] is None
    assert "last_good_cycle" in world.command("status").stdout


def test_a_tenant_with_a_fault_of_its_own_is_shown_as_paused(world):
    world.sandbox.add(order())
    world.finishes()
    del world.environment["ACME_TOKEN"]
    world.environment["OTHER"] = "x"
    world.more = (
        '[tenants.shop]\nbase_url = "https://shop.example"\ntoken = { env = "OTHER" }\nconnector = "counting"\n'
        f'[tenants.shop.counting]\ndatabase = "{world.erp.file}"\n'
    )
    rows = printed(world.command("status", "--json"))
    *stages, paused = [row for row in rows if row["tenant"] == "acme"]
    assert (paused["stage"], paused["paused"]) == (None, "config_incomplete")
    assert "the environment variable ACME_TOKEN is not set" in paused["sentence"]
    assert [row["stage"] for row in stages] == ["allocation", "invoice"], "the ledger's rows need no secret"
    assert all(row["last_good_cycle"] and row["paused"] is None for row in stages)


def test_status_counts_the_reasons_and_shows_why_a_queue_is_not_read(world):
    for number in (1, 2):
        world.sandbox.add(order(f"FO-{number}"))
    world.sandbox.add(order("FO-3"))
    world.erp.script("issue_invoice", "refused", order="FO-3", times=99, detail="erp_period_locked")
    world.erp.stock("TEA", 0)
    world.settings["stock_retry"] = '"1h"'
    world.sandbox.add(order("FO-4", "TEA", 1))
    world.once(settle_for=1)
    allocation, invoice = printed(world.command("status", "--json"))
    assert allocation["reasons"] == {"not_enough_stock": 1}
    assert (invoice["reasons"], invoice["accepted_not_issued"]) == ({"erp_period_locked": 1}, 1)
    assert allocation["served_by"] is invoice["served_by"] is None
    world.sandbox.faults.add(Fault("html_502", action="pending_invoice", times=None))
    world.once(settle_for=0)
    allocation, invoice = printed(world.command("status", "--json"))
    assert (allocation["paused"], invoice["paused"]) == (None, "platform_unavailable")
    assert "502" in invoice["sentence"]
    output = world.command("status").stdout
    assert "1 erp_period_locked" in output
    assert "acme/invoice: pending_invoice, page 1: ShipperOne answered 502" in output
    world.sandbox.faults.clear()
    world.once(settle_for=0)
    assert [row["paused"] for row in printed(world.command("status", "--json"))] == [None, None]


READING = [("status",), ("orders",), ("order", "show", "FO-1")]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_commands_create_no_ledger_and_name_the_command_that_does(world, arguments):
    done = world.command(*arguments)
    assert done.returncode == 1
    assert "run" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in world.folder.iterdir()) == ["erp.db", "shipperone-erp.toml"]


def test_a_dry_run_reports_its_decisions_and_writes_nothing(world):
    world.sandbox.add(order("FO-1"))
    for number in range(2, 6):
        world.sandbox.add(order(f"FO-{number}"))
    first = printed(world.command("run", "--dry-run", "--json"))
    assert {row["order_id"] for row in first} == {f"FO-{number}" for number in range(1, 6)}
    assert all(row["would"] and row["stage"] == "allocation" for row in first)
    assert sorted(path.name for path in world.folder.iterdir()) == ["erp.db", "shipperone-erp.toml"]

    assert world.command("run", "--once", "--order", "FO-1", "--settle-for", "8s").returncode == 0
    before = {path: path.read_bytes() for path in world.folder.glob("*.db")}
    posts = len(world.sandbox.posts)
    output = world.command("run", "--dry-run", "--order", "FO-2")
    assert output.returncode == 0
    assert "FO-2" in output.stdout
    assert "FO-3" not in output.stdout
    assert len(printed(world.command("run", "--dry-run", "--limit", "2", "--json"))) == 2
    assert len(world.sandbox.posts) == posts
    assert world.erp.effects("reserve_stock") == 1
    assert {path: path.read_bytes() for path in before} == before


def test_a_secret_missing_in_the_operators_shell_is_reported_as_such(world):
    world.sandbox.add(order())
    world.settings["go_live"] = '"ask"'
    world.once(settle_for=0.1)
    del world.environment["ACME_TOKEN"]
    preview = world.command("go-live", "acme")
    assert preview.returncode == 2
    assert "--all       1 order(s) are processed" in preview.stdout
    assert preview.stderr.strip() == "give either --all or --from-now"
    adopted = world.command("ledger", "adopt", "acme")
    assert adopted.returncode == 78
    assert "tenants.acme.token: the environment variable ACME_TOKEN is not set" in adopted.stderr


def test_a_dry_run_reports_waiting_retried_and_paused_jobs_as_they_are(world):
    world.sandbox.add(order("FO-1"))
    world.erp.stock("MUG", 0)
    world.settings["stock_retry"] = '"1s"'
    world.once(settle_for=0.2)
    time.sleep(1.1)

    def would():
        return [row["would"] for row in printed(world.command("run", "--dry-run", "--json"))]

    reserves = "would reserve 1 item(s) and confirm the allocation"
    assert would() == [reserves]
    assert world.command("pause", "acme").returncode == 0
    assert would() == [f"nothing while it is paused by {actor()}, then: {reserves}"]
    assert world.command("resume", "acme").returncode == 0
    assert world.command("order", "retry", "FO-1").returncode == 0
    key = world.job("FO-1", A).key
    assert would() == [f"would undo {key} and start again as {key}-g2"]


def test_a_dry_run_that_cannot_read_ends_with_4(world):
    world.sandbox.faults.add(Fault.parse("500:pending_allocation"))
    done = world.command("run", "--dry-run")
    assert done.returncode == 4
    assert "acme: " in done.stderr


@pytest.mark.case("D5")
def test_a_lease_held_elsewhere_is_named_and_nothing_is_done(world):
    world.settings["poll_interval"] = '"0.2s"'
    with service(world):
        until(lambda: world.sandbox.requests.total() > 2)
        done = world.command("run", "--once")
        assert done.returncode == 1
        assert f"{os.uname().nodename}" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_service_works_until_sigterm_and_ends_with_0(world):
    world.settings["poll_interval"] = '"0.2s"'
    with service(world) as running:
        world.sandbox.add(order("FO-1"))
        until(lambda: world.sandbox.order("FO-1").invoices and world.erp.delivered("FO-1"))
        world.sandbox.add(order("FO-2"))
        until(lambda: world.erp.delivered("FO-2"))
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
        output = running.stderr.read()
    assert "stopping: jobs in progress continue to their next recorded point" in output
    assert world.sandbox.token not in output
    assert [job.state for job in world.jobs()] == [State.DONE] * 4


def test_a_service_with_one_broken_tenant_serves_the_other(world):
    world.settings["poll_interval"] = '"0.2s"'
    world.more = (
        '[tenants.shop]\nbase_url = "https://shop.example"\ntoken = { env = "NOT_THERE" }\nconnector = "counting"\n'
        '[tenants.shop.counting]\ndatabase = "x.db"\n'
    )
    world.sandbox.add(order("FO-1"))
    with service(world) as running:
        until(lambda: world.erp.delivered("FO-1"))
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
        assert "paused, config_incomplete" in running.stderr.read()


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "check", "--json"), ("config", "show", "--json"), ("config", "schema", "--json"),
        ("orders", "--json"), ("status", "--json"), ("order", "show", "FO-1", "--json"), ("run", "--dry-run", "--json"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_json_is_one_document_on_stdout_without_a_secret(world, arguments):
    world.erp_settings["password"] = '"planted-password"'
    world.sandbox.add(order())
    world.finishes()
    done = world.command(*arguments) if arguments[:2] != ("config", "schema") else _bare(world, *arguments)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    for secret in (world.sandbox.token, "planted-password"):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("connectors", "list", "--json"), ("connectors", "show", "counting", "--json"),
                                       ("explain", "not_enough_stock", "--json"), ("explain", "--json")], ids=" ".join)  # fmt: skip
def test_commands_without_a_configuration(world, arguments):
    assert json.loads(_bare(world, *arguments).stdout)


def test_connectors_show_prints_a_readable_description(world, plugins):
    plugins.connector("acme", hooks=["reserve_stock"])
    plugins.install("broken", "import nothing_of_that_name")
    world.plugins += [Path(path) for path in plugins.paths]
    shown = _bare(world, "connectors", "show", "counting").stdout.splitlines()
    assert shown[0].startswith("counting is from counting-erp ")
    assert shown[1] == "written for the connector API >=1,<2"
    assert shown[2].startswith("hooks: build_invoice, ")
    assert [line.split()[:2] for line in shown if "required" in line] == [["database", "required"]]
    bare = _bare(world, "connectors", "show", "acme").stdout.splitlines()
    assert bare[0] == "acme is from acme 1.0"
    assert bare[2] == "hooks: reserve_stock"
    broken = _bare(world, "connectors", "show", "broken").stdout.splitlines()
    assert broken[1].startswith("it cannot be used: connector broken (broken 1.0) cannot be imported: ModuleNotFound")


def test_a_connector_that_is_not_there_is_no_success(world):
    wrong = _bare(world, "connectors", "show", "countin")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "there is no connector countin; did you mean counting? (installed: counting" in wrong.stderr
    listed = _bare(world, "connectors")
    assert (listed.returncode, listed.stdout) == (0, _bare(world, "connectors", "list").stdout)


def test_explain_prints_the_meaning_and_the_cure_of_a_reason(world):
    text = _bare(world, "explain", "not_enough_stock").stdout
    assert "warehouse" in text
    wrong = _bare(world, "explain", "not_enough_stok")
    assert wrong.returncode == 2
    expected = "there is no reason not_enough_stok; did you mean not_enough_stock? `shipperone-erp explain` lists them"
    assert wrong.stderr.strip() == expected
    unlike = _bare(world, "explain", "x").stderr
    assert unlike.strip() == "there is no reason x; `shipperone-erp explain` lists them"


def _bare(world, *arguments):
    return warm_processes.run(*arguments, env=world.process_environment(), cwd=world.folder)
