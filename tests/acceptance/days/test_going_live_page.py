"""docs/how-to/going-live.md as a partner follows it: its TOML and its commands, in their order, against the sandbox."""

import os
import re
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

import console_blocks
from places import page_file
from shipperone_erp.sandbox import SandboxOrder
from shipperone_erp_generic_sql import recipe
from warm_processes import command_for_shells

PAGE = page_file("going-live.md")

BY_HAND = """
INSERT INTO stock (warehouse, sku, on_hand_micro, reserved_micro) VALUES ('main', 'MUG', 20000000, 1000000);
INSERT INTO reservations (id, job_key, order_id, state, created_at) VALUES (1, 'by-hand', 'FO-2', 'live', '2026-03-01');
INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty_micro)
VALUES ('by-hand-20', 'by-hand', '20', 'main', 'MUG', 1000000);
"""


def ships_from_now_on(sandbox):
    """The courier comes for what is allocated after FO-2."""
    ends = time.monotonic() + 390
    while not sandbox.order("FO-2").allocations and time.monotonic() < ends:
        time.sleep(0.05)
    sandbox.auto_ship = True


@pytest.mark.case("B3")
@pytest.mark.timeout(400)
def test_the_page_works_line_by_line_as_it_is_printed(tmp_path, sandbox, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    session = console_blocks.commands_of(PAGE)
    assert len(session) > 20
    used = recipe("guarded", "sqlite")
    (tmp_path / "shipperone-erp.toml").write_text(toml + "\n" + used.for_tenant("acme"), encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "erp.db")) as erp:
        erp.executescript(used.ddl + BY_HAND)
    sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), first_id=10))
    sandbox.auto_ship = False
    sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 1, "10.00"), first_id=20))
    sandbox.add(SandboxOrder.simple("FO-3", ("MUG", 1, "10.00"), first_id=30), stage="invoice")
    monkeypatch.setenv("SHIPPERONE", sandbox.base_url)
    monkeypatch.setenv("ACME_TOKEN", sandbox.token)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("PATH", str(command_for_shells()), prepend=":")

    threading.Thread(target=ships_from_now_on, args=(sandbox,), daemon=True).start()

    printed = console_blocks.run(session, tmp_path, os.environ)

    assert console_blocks.differences(session, printed, PAGE.name) == []
    assert sandbox.order("FO-2").allocations == 1
    assert len(sandbox.order("FO-3").invoices) == len(sandbox.order("FO-1").invoices) == 1
    with closing(sqlite3.connect(tmp_path / "erp.db")) as erp:
        assert erp.execute("SELECT order_id, state FROM invoices").fetchall() == [("FO-1", "issued")]
