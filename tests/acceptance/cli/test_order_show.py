"""`order show`: the timeline on both sides in words, the raw bodies on request, the differences, links into the ERP."""

import re

from shipperone_erp.domain.states import Stage
from shipperone_erp.operations.order_timeline import story_lines
from shipperone_erp.sandbox import Fault, SandboxOrder


def order(order_id="FO-1", sku="MUG"):
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"))


def shown(world, *arguments):
    done = world.command("order", "show", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_order_show_has_one_line_per_event_with_amount_and_number(world):
    world.sandbox.add(order())

    def dearer(post):
        world.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": 7, "total_incl_tax": 27})

    world.sandbox.faults.add(Fault("call", action="invoice", times=1, payload=dearer))
    world.finishes()
    story = shown(world, "FO-1", "--stage", "invoice")
    _, refused, accepted = re.split(r"^acme · invoice", story, flags=re.MULTILINE)
    assert [line.split("Z  ", 1)[1] for line in refused.splitlines() if "Z  " in line] == [
        "ShipperOne  listed: 1 item, total 24.99 EUR",
        f"ERP         draft built: {reference(refused)}, 24.99 EUR",
        "ShipperOne  invoice of 1 item, shipping 4.99: refused (400): shipping_amount_incl_tax is 7, the invoice says "
        "4.99.",
        "ERP         draft discarded",
    ]
    assert [line.split("Z  ", 1)[1] for line in accepted.splitlines() if "Z  " in line] == [
        "ShipperOne  listed: 1 item, total 27.00 EUR",
        f"ERP         draft built: {reference(accepted)}, 27.00 EUR",
        "ShipperOne  invoice of 1 item, shipping 7: accepted",
        f"ERP         invoice issued: {reference(accepted)}, number 1, 27.00 EUR",
        "ERP         goods delivered",
    ]
    assert "{" not in story


def reference(story):
    return re.search(r"draft built: (\S+),", story)[1]


def test_order_show_raw_has_request_and_response_bodies(world):
    world.sandbox.add(order())
    world.finishes()
    lines = shown(world, "FO-1", "--stage", "invoice", "--raw").splitlines()
    at = next(at for at, line in enumerate(lines) if "ShipperOne  invoice of" in line)
    assert lines[at + 1] == (
        '      request: {"order":{"order_id":"FO-1","items":[{"item_id":1}],"shipping_amount_incl_tax":4.99}}'
    )
    assert lines[at + 2].startswith('      answer: {"status":200,')


def test_a_shortage_and_a_void_reservation_are_described(world):
    world.sandbox.add(order(sku="MUG"))
    world.erp.stock("MUG", 1)
    world.once(settle_for=0.1)
    assert "ERP         stock short: MUG 2 wanted, 1 available" in shown(world, "FO-1")
    world.erp.stock("MUG", 10)
    world.erp.script("reserve_stock", "voided")
    world.finishes()
    assert "ERP         reserve stock: void in the ERP: somebody deletes it" in shown(world, "FO-1")


def test_order_show_raw_has_the_whole_traceback_and_notes_in_time_order(world):
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "raise")
    world.once(settle_for=0.5)
    assert world.command("order", "retry", "FO-1", "--note", "new version").returncode == 0
    world.finishes()
    lines = shown(world, "FO-1", "--stage", "allocation").splitlines()
    failed, noted, again = [line.split("Z  ", 1)[1] for line in lines if "Z  " in line][1:4]
    assert failed == (
        "ERP         reserve stock: outcome unknown: ZeroDivisionError: a bug of the connector (traceback: --raw)"
    )
    assert re.fullmatch(r"operator    \S+: retry: new version", noted)
    assert again.startswith("ERP         stock reserved: R-")
    assert not any("counting_erp.py" in line for line in lines)
    raw = shown(world, "FO-1", "--stage", "allocation", "--raw")
    assert "counting_erp.py" in raw
    assert "\n      ZeroDivisionError: a bug of the connector\n" in raw


def test_order_show_raw_has_the_listed_order_and_the_built_invoice(world):
    world.sandbox.add(order())
    world.finishes()
    assert "as ShipperOne listed it:" not in shown(world, "FO-1")
    text = shown(world, "FO-1", "--stage", "invoice", "--raw")
    assert '      "order_id": "FO-1"' in text
    assert text.index("as ShipperOne listed it:") < text.index("as the ERP has it:")
    assert '"total_incl_tax": "24.99"' in text


def test_a_difference_table_and_links(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=3)
    text = shown(world, "FO-1", "--stage", "invoice")
    assert "  total_incl_tax  25.00            24.99" in text
    assert "  owner: accountant; details: `shipperone-erp explain total_differs`" in text
    with world.ledger() as ledger:
        from shipperone_erp.operations.reports import order_story

        story = order_story(ledger, world.job("FO-1", Stage.INVOICE))
    assert f"  in the ERP (counting:{world.erp.file}): I-7  https://erp.example/i/7" in story_lines(
        {**story, "reference": "I-7", "number": None, "url": "https://erp.example/i/7"}
    )
