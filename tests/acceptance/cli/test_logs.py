"""The log of `run`: readable lines and an estimate on a terminal, else JSON lines, without repetition."""

import json
import os
import pty
import subprocess
import sys
from importlib.metadata import version

from shipperone_erp.domain.events import OrderPlanned, OrderRests
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.observers.progress import Backlog, Progress
from shipperone_erp.sandbox import SandboxOrder, generate
from skipped_time import TimeOf


def order(order_id="FO-1", sku="MUG"):
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"))


def test_without_a_terminal_each_line_is_json_and_a_change_is_logged_once(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "refused", detail="tax_not_mapped")
    done = world.command("run", "--once", "--settle-for", "1s")
    assert done.returncode == 3
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"at", "level", "message"} <= line.keys() for line in lines)
    changes = [line for line in lines if line.get("event") == "order_changed"]
    assert [(line["stage"], line["state"], line["reason"]) for line in changes] == [
        ("allocation", "done", None),
        ("invoice", "held", "tax_not_mapped"),
    ]
    held = changes[1]
    assert (held["tenant"], held["order_id"], held["owner"]) == ("acme", "FO-1", "accountant")
    assert held["message"] == "acme invoice FO-1 held, tax_not_mapped: the ERP said no (accountant)"
    assert lines[-1]["message"].startswith("acme: 1 held for an operator (1 tax_not_mapped); ")
    assert lines[0]["at"].endswith("Z")


def test_the_start_line_has_version_number_of_tenants_and_ledger(world):
    world.more = '[tenants.shop]\nbase_url = "https://s.example"\ntoken = { env = "NOT_SET" }\nconnector = "counting"\n'
    world.more += '[tenants.shop.counting]\ndatabase = "x.db"\n'
    world.write()
    process = subprocess.Popen(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", "-c", str(world.file)],
        stderr=subprocess.PIPE, text=True, env=world.process_environment(),
    )  # fmt: skip
    try:
        lines = [json.loads(process.stderr.readline()) for _ in range(2)]
    finally:
        process.kill()
        process.wait()
    assert "paused, config_incomplete" in lines[0]["message"]
    logged = {key: lines[1][key] for key in ("event", "version", "tenants", "ledger", "message")}
    number, ledger = version("shipperone-erp"), str(world.folder / "ledger.db")
    assert logged == {
        "event": "started", "version": number, "tenants": 1, "ledger": ledger,
        "message": f"shipperone-erp {number} serves 1 tenant(s); ledger: {ledger}",
    }  # fmt: skip


def test_text_logs_can_be_requested_without_a_terminal(world):
    world.sandbox.add(order())
    done = world.command("run", "--once", "--log", "text")
    assert [line[9:] for line in done.stderr.splitlines()] == [
        "acme allocation FO-1 done R-" + world.job("FO-1", "allocation").key,
        "acme invoice FO-1 done 1",
    ]


def test_on_a_terminal_lines_are_readable_and_the_last_has_the_remaining_work(world):
    for entry in generate(40, seed=3):
        world.sandbox.add(entry)
    world.settings["concurrency"] = "4"
    world.erp.script("reserve_stock", "hang_then", times=999, detail="0.1")
    world.write()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from shipperone_erp.cli import main; main()", "run", "--once", "-c", str(world.file)],
        stdout=theirs, stderr=theirs, stdin=theirs, env={**world.process_environment(), "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65536):
            printed += part
    except OSError:
        pass  # so a terminal ends whose other side is closed
    os.close(ours)
    text = printed.decode()
    assert process.wait(timeout=30) == 0, text
    assert " of 40 orders, about " in text
    assert " left" in text
    first = generate(40, seed=3)[0].order_id
    assert f" acme allocation {first} done R-" in text
    assert '"event"' not in text


def test_the_estimate_is_the_pace_of_the_last_half_minute():
    now = [100.0]
    progress = Progress(TimeOf(monotonic=lambda: now[0]))
    assert progress.backlog() is None
    for _ in range(100):
        progress(OrderPlanned("acme", Stage.INVOICE))
    assert progress.backlog() == Backlog(0, 100, None)
    for _ in range(10):
        now[0] += 2
        progress(OrderRests("acme", Stage.INVOICE))
    assert progress.backlog() == Backlog(10, 90, 180.0)
    assert progress.backlog().words() == "10 of 100 orders, about 3 min left"
    for _ in range(60):
        now[0] += 1
        progress(OrderRests("acme", Stage.INVOICE))
    assert progress.backlog() == Backlog(70, 30, 30.0)
    for _ in range(30):
        progress(OrderRests("acme", Stage.INVOICE))
    assert progress.backlog() is None
    progress(OrderPlanned("acme", Stage.INVOICE))
    assert progress.backlog() == Backlog(0, 1, None)


def test_the_estimate_in_words():
    assert Backlog(1240, 1760, 7200.0).words() == "1,240 of 3,000 orders, about 2.0 h left"
    assert Backlog(1, 1, 0.2).words() == "1 of 2 orders, about 1 s left"
