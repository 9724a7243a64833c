"""Orders, and people's acts on them, in the tests of both stages."""

from decimal import Decimal as D

from shipperone_erp.operations import job_actions, job_selection
from shipperone_erp.sandbox import Fault, SandboxOrder


def order(order_id: str = "FO-1", *lines: tuple[str, int, str], **fields) -> SandboxOrder:
    return SandboxOrder.simple(order_id, *(lines or (("MUG", 2, "10.00"),)), **fields)


def one_mug_less(raw):
    mugs, *rest = raw["items"]
    return {**raw, "items": [{**mugs, "qty": 1, "row_total_incl_tax": D("10.00")}, *rest]}


def voided_as_shipperone_accepts_it(world):
    """The ERP's draft of FO-1 is voided while ShipperOne is asked, and cannot be issued at once."""
    world.sandbox.add(order())
    world.erp.script("issue_invoice", "transient", times=1)

    def voided(post):
        world.erp.ask("UPDATE invoices SET state = 'voided'")

    world.sandbox.faults.add(Fault("call", action="invoice", times=1, payload=voided))


def act(world, what, order_id, stage=None):
    with world.ledger() as ledger:
        fits = {"retry": job_actions.can_be_retried, "repeat": job_actions.can_be_repeated}[what]
        job = job_selection.pick(ledger, job_selection.Pick(order_id, stage=stage), fits, what)
        {"retry": job_actions.retry, "repeat": job_actions.repeat}[what](ledger, job, world.clock(), "by a test")


def steer(world, act, order_id, stage, **options):
    with world.ledger() as ledger:
        act(ledger, world.job(order_id, stage), world.clock(), "by a test", **options)
