"""`capture` and `sandbox --replay`: no personal data is written, and the flow reads the rest alike."""

import copy
import json
import os
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import warm_processes
from inspected import WAREHOUSES, tenant
from payload_shapes import SHAPES, listed
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps
from shipperone_erp.operations.capture import pseudonyms
from shipperone_erp.operations.capture.capture_file import captured
from shipperone_erp.operations.capture.masking import Choice
from shipperone_erp.operations.capture.pseudonyms import Pseudonyms
from shipperone_erp.operations.inspect.inspection import applied, inspect
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.operations.inspect.trial_reading import judge
from shipperone_erp.operations.replay import replayed
from shipperone_erp.sandbox import Sandbox, generate
from world import World

NOW = datetime(2026, 11, 29, tzinfo=UTC)

PLANTED: dict[str, Any] = {
    "note_for_courier": "Ring at Nováková, 3rd floor",
    "gift_message": "Happy birthday, dear Ľubomír!",
    "zzz": "+421 905 123 456",
    "yyy": 421905123456,
    "xxx": "SK2023456789",
    "www": 2023456789,
    "uuu": "SK31 1200 0000 1987 4263 7541",
    "ttt": "1980-05-17",
    "sss": "VS2026001234",
    "rrr": "anna.novakova@private.example",
    "qqq": ["Anna Nováková", {"deep": [{"deeper": "Hviezdoslavovo námestie 12"}]}],
    "ppp": "811 02",
    "nnn": "81102",
    "remote_ip": "192.168.17.23",
    "delivery": {"contact": "Peter Malý", "door_code": "4711", "phone": 905123456, "floor": "12"},
    "anna.novakova@key.example": "x",
    "customer_firstname": "Ľubomír",
    "customer_dob": "2025-01-02",
    "customer_note": "call 0905 111 222",
    "payment_reference": "2026009876",
    "payment": {"method": "card", "last_trans_id": "TXN-88-ANNA", "cc_owner": "ANNA NOVAKOVA"},
}
SECRETS = (
    "Nov", "Ľubom", "905", "123456", "2023456789", "1987", "1980-05-17", "2026001234", "anna", "ANNA", "Hviezd",
    "811 02", "81102", "192.168", "Mal", "4711", "2025-01-02", "2026009876", "TXN", "private", "example.com",
    "Main street", "811 01", "Bratislava", "Jakub", "PAY-0",
)  # fmt: skip


def planted() -> dict[Stage, list[Any]]:
    queues = listed(SHAPES["bare"])
    for orders in queues.values():
        for order in orders:
            order.update(copy.deepcopy(PLANTED))
            order["items"][0]["engraving"] = "For Anna, 17. 5. 1980"
            order["shipping"]["vat_id"] = "SK2023456789"
            order["shipping"]["company"] = "Malý a syn s.r.o."
            order["shipping"]["phone"] = "0905123456"
    return queues


def capture(queues: dict[Stage, list[Any]], choice: Choice = Choice(), **settings: Any):  # noqa: B008
    document, masked = captured(tenant(**settings), Queues(queues, [], WAREHOUSES), choice, NOW)
    return json.loads(dumps(document), parse_float=Decimal), masked


def of(document: Any) -> dict[Stage, list[Any]]:
    return {stage: document["queues"][stage.value] for stage in Stage}


@pytest.fixture
def known_salt(monkeypatch):
    """A capture has a salt of its own, with which a pseudonym may hold what a test looks for by chance."""
    monkeypatch.setattr(pseudonyms.secrets, "token_bytes", lambda length: bytes(length))


@pytest.mark.usefixtures("known_salt")
def test_a_capture_contains_no_personal_data_at_any_place():
    document, masked = capture(planted())
    text = dumps(document)
    assert [secret for secret in SECRETS if secret in text] == []
    assert {"vat_id", "text", "payment_reference", "number", "key"} <= masked.keys()
    assert document["masked"]["customer.email"] == 12
    assert document["masked"]["items[].engraving"] == 12


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "no currency"])
def test_a_capture_leads_to_the_same_inspection_as_the_original(name):
    """The same mapping is found, and the same orders add up, in what was captured before anything was mapped."""
    queues = listed(SHAPES[name])
    before = inspect(tenant(), Queues(queues, None, WAREHOUSES))
    document, _ = capture(queues)
    after = inspect(tenant(), Queues(of(document), None, document["warehouses"]))
    assert after.proposal == before.proposal
    assert (after.explained, after.then, after.now) == (before.explained, before.then, before.now)
    assert [(held.reason, held.orders) for held in after.held_then] == [
        (held.reason, held.orders) for held in before.held_then
    ]


@pytest.mark.usefixtures("known_salt")
def test_ids_skus_and_amounts_stay_unless_they_are_to_be_masked():
    queues = listed(SHAPES["bare"])
    document, _ = capture(queues)
    for stage, orders in of(document).items():
        for raw, was in zip(orders, queues[stage], strict=True):
            for key in (
                "order_id",
                "order_number",
                "warehouse_code",
                "currency",
                "shipping_amount_incl_tax",
                "ordered_at",
            ):
                assert str(raw[key]) == str(was[key])
            assert [(i["id"], i["sku"], i["qty"], i["price_incl_tax"]) for i in raw["items"]] == [
                (i["id"], i["sku"], i["qty"], i["price_incl_tax"]) for i in was["items"]
            ]
    hashed, _ = capture(queues, Choice(mask_ids=True, mask_skus=True))
    text = dumps(hashed)
    assert "FO-0" not in text
    assert "SKU-0" not in text
    settings = tenant()
    for stage, orders in of(hashed).items():
        assert judge(settings, stage, orders).explained == len(orders), "and every order still adds up"


def test_the_same_is_masked_alike_within_a_capture_and_otherwise_in_the_next():
    one = Pseudonyms()
    assert one.text("Anna@Shop.sk").casefold() == one.text("anna@shop.SK").casefold()
    assert one.text("Anna@Shop.sk") == one.text("Anna@Shop.sk") != Pseudonyms().text("Anna@Shop.sk")
    made = one.text("Ľubomír Š. 12")
    assert (len(made), made[7:8], made[9:11], made[0].isupper()) == (13, " ", ". ", True)
    assert not made[0].isascii(), "a diacritic where there was one"
    assert made[-2:].isdigit()
    assert len({one.text(f"FO-{number:06}") for number in range(2000)}) == 2000, "two stay two"


def test_chosen_fields_are_kept_in_a_capture():
    queues = planted()
    document, _ = capture(queues, Choice(keep=frozenset({"gift_message", "items.engraving"})))
    order = of(document)[Stage.INVOICE][0]
    assert order["gift_message"] == PLANTED["gift_message"]
    assert order["items"][0]["engraving"] == "For Anna, 17. 5. 1980"
    assert order["note_for_courier"] != PLANTED["note_for_courier"]


@pytest.mark.parametrize("name", ["bare", "magento", "slovak keys", "php's empty arrays"])
def test_a_replay_accepts_by_the_guides_rules(name):
    queues = listed(SHAPES[name])
    settings = applied(tenant(), inspect(tenant(), Queues(queues, None, WAREHOUSES)).proposal)
    with Sandbox() as sandbox:
        sandbox.replay(replayed(Queues(queues), settings))
        assert sandbox.raw("allocation") == queues[Stage.ALLOCATION]
        assert sandbox.raw("invoice") == queues[Stage.INVOICE]
        waiting, shipped = sandbox.queue("allocation")[0], sandbox.queue("invoice")[0]
        ids = [item.id for item in sandbox.order(waiting).order.items]
        sandbox.auto_ship = True
        shop = sandbox._shop
        assert shop.allocate(waiting, ["no such item"])[0] == 400
        assert shop.allocate(waiting, ids)[0] == 200
        assert waiting in sandbox.queue("invoice")
        order = sandbox.order(shipped).order
        items = [item.id for item in order.items]
        assert shop.invoice(shipped, items, Decimal("0.37"))[0] == 400, "the shipping amount must be the listed one"
        assert shop.invoice(shipped, items[:-1], order.shipping_amount_incl_tax)[0] == 400
        assert shop.invoice(shipped, items, order.shipping_amount_incl_tax)[0] == 200
        assert shipped not in sandbox.queue("invoice")
        assert judge(settings, Stage.INVOICE, sandbox.raw("invoice")).held == 0


def address_in(file) -> str:
    """The address that a sandbox has printed."""
    for _ in range(600):
        if found := re.search(r'base_url = "(.*)"', file.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(file.read_text())


def test_a_capture_is_rehearsed_from_the_command_line_to_the_last_invoice(tmp_path, sandbox):
    """Captured over the network, replayed as a ShipperOne, run: each order is invoiced once, as in the shop it is of."""
    world = World(tmp_path, sandbox)
    for number, order in enumerate(generate(6, seed=3)):
        sandbox.add(order, stage="invoice" if number % 2 else "allocation")
        for item in order.items:
            world.erp.stock(item.sku, 100)
    dry = world.command("run", "--dry-run", "--json")
    done = warm_processes.run("capture", "acme", "queues.json", "-c", str(world.write()), cwd=tmp_path,
                              env=world.process_environment())  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "6 orders written to queues.json" in done.stdout
    file = tmp_path / "queues.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not sandbox.posts
    again = world.command("run", "--dry-run", "--json", "--file", str(file))
    assert json.loads(again.stdout) == json.loads(dry.stdout), "the same would be done"
    out = (tmp_path / "out").open("w+")
    process = warm_processes.Process(
        warm_processes.COMMAND, "sandbox", "--replay", str(file), env=world.process_environment(), cwd=tmp_path,
        stdout=out, stderr=out,
    )  # fmt: skip
    try:
        base_url = address_in(tmp_path / "out")
        world.settings["base_url"] = f'"{base_url}"'
        world.environment["ACME_TOKEN"] = "sandbox-token"
        world.finishes()
        assert sorted(
            row[0] for row in world.erp.ask("SELECT order_id FROM invoices WHERE state = 'issued'")
        ) == sorted(order.order_id for order in generate(6, seed=3))
    finally:
        process.kill()
        out.close()


def test_a_hook_is_tried_with_the_first_order_of_a_capture(tmp_path):
    document, _ = capture(listed(SHAPES["slovak keys"]))
    (tmp_path / "queues.json").write_text(dumps(document))
    done = warm_processes.run(
        "connectors", "try", "generic_sql", "reserve_stock", "--order", "queues.json", "--json",
        cwd=tmp_path, env={**os.environ}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [step["hook"] for step in shown["steps"]] == ["reserve_stock"]
    assert "Reserved" in shown["steps"][0]["answer"]


@pytest.mark.parametrize("shape", ["slovak keys", "discounts off the row"])
def test_the_kits_whole_flow_takes_a_capture(tmp_path, shape):
    """Every order of it is reserved and invoiced once by generic_sql, beside those of the kit itself."""
    document, _ = capture(listed(SHAPES[shape]))
    (tmp_path / "queues.json").write_text(dumps(document))
    arguments = ["connectors", "test", "generic_sql", "--case", "E1", "--capture", "queues.json", "--json"]
    done = warm_processes.run(*arguments, cwd=tmp_path, env={**os.environ}, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    (case,) = json.loads(done.stdout)["cases"]
    assert (case["id"], case["outcome"]) == ("E1", "passed")
