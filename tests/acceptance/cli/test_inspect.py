"""`inspect` on the sandbox's orders in many shapes: it finds the mapping by which all add up, or names the question."""

import asyncio
import json
import os
import tomllib
from typing import Any

import pytest

import warm_processes
from inspected import WAREHOUSES, tenant
from payload_shapes import SHAPES, listed
from shipperone_erp.config.editing import as_toml
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps, loads
from shipperone_erp.operations.inspect.inspection import applied, inspect
from shipperone_erp.operations.inspect.queue_reading import read_queues
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.operations.inspect.trial_reading import judge
from shipperone_erp.operations.queue_files import read_file
from shipperone_erp.sandbox import Sandbox, generate
from world import World


def within(wanted: Any, found: Any) -> bool:
    """Every setting that is wanted is found; others may be found beside it."""
    if isinstance(wanted, dict):
        return all(key in found and within(value, found[key]) for key, value in wanted.items())
    return wanted == found


@pytest.mark.parametrize("name", SHAPES)
def test_the_mapping_is_found_by_which_every_order_adds_up_or_the_question_is_named(name):
    shape = SHAPES[name]
    queues = listed(shape)
    settings = tenant()
    found = inspect(settings, Queues(queues, None, WAREHOUSES))
    wanted = tomllib.loads(as_toml("acme", found.proposal.settings()) or "[tenants.acme]")
    assert within(dict(shape.tells), wanted["tenants"]["acme"]), (found.proposal, found.questions)
    orders = sum(map(len, queues.values()))
    if shape.proven:
        assert found.totals == found.explained == orders, (found.proposal, found.held_then, found.questions)
        assert found.then == 0, found.held_then
        with_it = applied(settings, found.proposal)
        for stage, rows in queues.items():
            assert judge(with_it, stage, rows).explained == len(rows), "the flow's own checks say the same"
    if shape.asks is None:
        assert not found.questions, found.questions
    else:
        assert any(shape.asks in question for question in found.questions), found.questions


ENVELOPES = {
    "bare": lambda orders: orders,
    "an object around the list": lambda orders: {"items": orders, "total_count": len(orders)},
    "an object in a list": lambda orders: [{"fulfillment_orders": orders}],
    "two objects around it": lambda orders: {"data": {"results": orders}, "success": True},
    "a list around it": lambda orders: [orders],
}


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_a_page_in_any_envelope_is_the_same_orders(tmp_path, envelope):
    """A file with a page as ShipperOne answers it, whatever is around the list."""
    orders = listed(SHAPES["other paths"])[Stage.INVOICE]
    (tmp_path / "page.json").write_text(dumps(ENVELOPES[envelope](orders)))
    read = read_file(tmp_path / "page.json", Stage.INVOICE)
    assert read.orders == {Stage.INVOICE: [loads(dumps(order)) for order in orders]}
    found = inspect(tenant(), read)
    assert (found.proposal.fields["sku"], found.then, found.explained) == ("article.code", 0, len(orders))


@pytest.mark.parametrize("key", ["items", "orders"])
def test_an_envelope_on_the_network_is_the_same_orders(key):
    with Sandbox(envelope=key, page_size=2) as shop:
        for order in generate(5, seed=2):
            shop.add(order, stage="invoice")
        settings = tenant(base_url=shop.base_url, token=Secret(shop.token), allow_http=True)
        found = inspect(settings, asyncio.run(read_queues(settings, max_response=1 << 20)))
    assert (found.orders[Stage.INVOICE], found.explained, found.then) == (5, 5, 0)


def test_an_ordered_quantity_is_never_proposed_for_what_has_shipped():
    """`pending_invoice` lists only what was ordered: that is asked, and nothing is proposed that would be invoiced."""
    queues = listed(SHAPES["magento"])
    for order in queues[Stage.INVOICE]:
        for item in order["items"]:
            del item["qty_shipped"]
    found = inspect(tenant(), Queues(queues, None, WAREHOUSES))
    assert found.proposal.queue_fields.get(Stage.INVOICE, {}).get("qty") is None
    assert "qty" not in found.proposal.fields
    assert found.proposal.queue_fields[Stage.ALLOCATION] == {"qty": "qty_ordered"}
    assert any("where does pending_invoice list how much has shipped?" in each for each in found.questions)


def test_one_empty_queue_gets_no_quantity_from_the_other():
    queues = listed(SHAPES["magento"])
    found = inspect(tenant(), Queues({**queues, Stage.INVOICE: []}, None, WAREHOUSES))
    assert "qty" not in found.proposal.fields
    assert found.proposal.queue_fields == {Stage.ALLOCATION: {"qty": "qty_ordered"}}


def test_unexplained_amounts_are_named_and_other_settings_proposed():
    queues = listed(SHAPES["other paths"])
    wrong = queues[Stage.INVOICE][0]
    wrong["totals"]["payable"] += 7
    found = inspect(tenant(), Queues(queues, None, WAREHOUSES))
    assert found.explained == found.totals - 1
    assert found.proposal.fields["total_incl_tax"] == "totals.payable"
    assert found.then == 1
    assert any(wrong["order_id"] in question for question in found.questions), found.questions


def test_places_that_the_toml_names_and_that_hold_nothing_are_proposed_anew():
    queues = listed(SHAPES["bare"])
    found = inspect(tenant(fields={"qty": "pieces", "sku": "sku"}), Queues(queues, None, WAREHOUSES))
    assert (found.proposal.fields, found.then) == ({"qty": "qty"}, 0)


COMMENTED = """# our shop
[tenants.acme]
base_url = "https://acme.example"   # the live one
token = { env = "ACME_TOKEN" }
connector = "generic_sql"   # books.db

[tenants.acme.fields]   # found by hand
order_number = "shop.number"

[tenants.acme.generic_sql]
url = "sqlite:///books.db"
"""


@pytest.fixture
def shop(tmp_path):
    def command(*arguments: str):
        environment = {**os.environ, "ACME_TOKEN": "t0ken", "COLUMNS": "200"}
        return warm_processes.run(*arguments, cwd=tmp_path, env=environment)

    (tmp_path / "shipperone-erp.toml").write_text(COMMENTED)
    return tmp_path, command


def captured(folder, name: str) -> str:
    queues = {stage.value: rows for stage, rows in listed(SHAPES[name]).items()}
    document = {"shipperone-erp-capture": 1, "queues": queues, "warehouses": WAREHOUSES}
    (folder / "queues.json").write_text(dumps(document))
    return "queues.json"


def test_apply_writes_what_is_found_and_keeps_every_comment(shop):
    folder, command = shop
    file = folder / "shipperone-erp.toml"
    file.chmod(0o640)
    done = command("inspect", "acme", "--file", captured(folder, "magento"), "--apply")
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert all(line in text for line in COMMENTED.splitlines())
    written = tomllib.loads(text)["tenants"]["acme"]["fields"]
    assert written == {
        "order_number": "shop.number", "allocation": {"qty": "qty_ordered"}, "invoice": {"qty": "qty_shipped"},
    }  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o640
    again = command("inspect", "acme", "--file", "queues.json", "--json")
    document = json.loads(again.stdout)
    assert document["proposal"]["fields"] == {}
    assert [held["reason"] for held in document["held_now"]] == []


def test_apply_leaves_what_is_taxed_to_an_accountant(shop):
    folder, command = shop
    file = captured(folder, "discounts off the row")
    first = command("inspect", "acme", "--file", file, "--apply")
    assert first.returncode == 0
    assert "not written, since an accountant has to agree: discount, timezone" in first.stderr
    text = (folder / "shipperone-erp.toml").read_text()
    assert text == COMMENTED.replace('"shop.number"', '"order_number"'), "only a place that held nothing is corrected"
    refused = command("inspect", "acme", "--file", file, "--apply")
    assert refused.returncode == 2
    assert "nothing was written: discount, timezone decide what is taxed and when" in refused.stderr
    assert (folder / "shipperone-erp.toml").read_text() == text
    agreed = command("inspect", "acme", "--file", file, "--apply", "--accountant-agrees")
    assert agreed.returncode == 0
    written = tomllib.loads((folder / "shipperone-erp.toml").read_text())["tenants"]["acme"]
    assert (written["discount"], written["timezone"]) == ("off_row", "Europe/Prague")


def test_nothing_personal_is_shown(shop):
    folder, command = shop
    shown = command("inspect", "acme", "--file", captured(folder, "php's empty arrays"))
    assert shown.returncode == 0
    for secret in ("Nov", "Jakub", "example.com", "Main street", "811 01", "Bratislava", "PAY-0"):
        assert secret not in shown.stdout
    assert "xxxxxxxx0@xxxxxxx.xxx" in shown.stdout


def test_the_queues_are_read_over_the_network_and_nothing_is_posted(tmp_path, sandbox):
    world = World(tmp_path, sandbox)
    for number, order in enumerate(generate(6, seed=2)):
        sandbox.add(order, stage="invoice" if number % 2 else "allocation")
    world.write()
    done = warm_processes.run("inspect", "acme", cwd=tmp_path, env=world.process_environment())
    assert done.returncode == 0, done.stderr
    assert "acme: 3 orders in pending_allocation, 3 orders in pending_invoice; nothing was changed" in done.stdout
    assert "Amounts: 6 of 6 orders that list a total come to it" in done.stdout
    assert not sandbox.posts
    sandbox.revoke()
    assert warm_processes.run("inspect", "acme", cwd=tmp_path, env=world.process_environment()).returncode == 4


def test_a_file_that_holds_no_orders_is_refused_with_a_sentence(shop):
    folder, command = shop
    (folder / "page.html").write_text("<html>")
    (folder / "other.json").write_text('{"a": 1}')
    for name, expected in (
        ("page.html", "it is not JSON"),
        ("other.json", "contains no orders"),
        ("none", "cannot be read"),
    ):
        refused = command("inspect", "acme", "--file", name)
        assert refused.returncode == 2
        assert expected in refused.stderr
