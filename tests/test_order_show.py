"""`order show`: the timeline on both sides, the raw bodies, the differences, what people said, links into the ERP."""

from shipperone_erp.model.work import Stage
from shipperone_erp.operations.story import story_text
from shipperone_erp.sandbox import Fault, SandboxOrder


def order(order_id="FO-1", sku="MUG"):
    return SandboxOrder.simple(order_id, (sku, 2, "10.00"))


def shown(world, *arguments):
    done = world.command("order", "show", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_sent_and_what_came_back_stand_below_each_confirmation(world):
    world.sandbox.add(order())

    def dearer(post):
        world.sandbox.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": 7, "total_incl_tax": 27})

    world.sandbox.faults.add(Fault("call", action="invoice", times=1, payload=dearer))
    world.finishes()
    lines = shown(world, "FO-1", "--stage", "invoice").splitlines()
    refused, accepted = [at for at, line in enumerate(lines) if "ShipperOne confirm" in line]
    assert " refused " in lines[refused]
    assert '"status":400,"message":"' in lines[refused]
    body = '      sent {"order":{"order_id":"FO-1","items":[{"item_id":1}],"shipping_amount_incl_tax":'
    assert (lines[refused + 1], lines[accepted + 1]) == (body + "4.99}}", body + "7}}")
    assert " ok " in lines[accepted]


def test_a_traceback_is_shown_whole_and_what_a_person_said_stands_in_its_time(world):
    world.sandbox.add(order())
    world.erp.script("reserve_stock", "raise")
    world.once(settle_for=0.5)
    assert world.command("order", "retry", "FO-1", "--note", "new version").returncode == 0
    world.finishes()
    lines = shown(world, "FO-1", "--stage", "allocation").splitlines()
    failed = next(at for at, line in enumerate(lines) if " reserve  unknown" in line)
    said = next(at for at, line in enumerate(lines) if line.endswith("said retry: new version"))
    again = next(at for at, line in enumerate(lines) if " reserve  ok" in line)
    assert failed < said < again
    assert any("counting_erp.py" in line for line in lines[failed:said])
    assert any(line == "      ZeroDivisionError: a bug of the connector" for line in lines[failed:said])


def test_the_order_as_listed_and_the_invoice_as_built_are_shown_when_asked_for(world):
    world.sandbox.add(order())
    world.finishes()
    assert "as ShipperOne listed it:" not in shown(world, "FO-1")
    text = shown(world, "FO-1", "--stage", "invoice", "--bodies")
    assert '      "order_id": "FO-1"' in text
    assert text.index("as ShipperOne listed it:") < text.index("as the ERP has it:")
    assert '"total_incl_tax": "24.99"' in text


def test_a_difference_table_and_links(world):
    world.sandbox.add(order())
    world.erp.script("build_invoice", "cent_off", times=99)
    world.once(settle_for=3)
    text = shown(world, "FO-1", "--stage", "invoice")
    assert "  total_incl_tax  25.00            24.99" in text
    assert "  whose move: accountant; `shipperone-erp explain total_differs` says more" in text
    with world.ledger() as ledger:
        from shipperone_erp.operations.rows import order_story

        story = order_story(ledger, world.job("FO-1", Stage.INVOICE))
    assert f"  in the ERP (counting:{world.erp.file}): I-7  https://erp.example/i/7" in story_text(
        {**story, "reference": "I-7", "number": None, "url": "https://erp.example/i/7"}
    )
