"""The buyer of an invoice, where pending_invoice lists less about it than the allocation did."""

import sys

import pytest

from shipperone_erp import Party, Reason
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.sandbox import SandboxOrder

I = Stage.INVOICE  # noqa: E741

COMPANY = {"name": "Eva", "company": "ACME", "vat_id": "SK2020", "city": "Nitra", "country": "SK"}
HOME = {"name": "Eva", "street": "Home 1", "city": "Wien", "country": "AT"}
PRIVATE = {"name": "Eva", "email": "eva@example.com", "city": "Wien"}

RECORDING = """
from dataclasses import replace

ASKED = []

class NoSettings(ConnectorSettings):
    pass

class Plugged(Connector[NoSettings]):
    @hookimpl
    def reserve_stock(self, request):
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        ASKED.append(request.order)
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty) for item in order.items)
        return Invoice(None, lines, order.shipping_amount_incl_tax, order.total_incl_tax)

    @hookimpl
    def issue_invoice(self, request):
        ASKED.append(request.order)
        return replace(request.invoice, reference="I", issued=True, number=request.key)

    @hookimpl
    def deliver(self, request):
        ASKED.append(request.order)
        return Done()
"""


def without(*names, **instead):
    """A listing that lacks these once it has shipped."""

    def edit(raw):
        if "shipped_at" not in raw:
            return raw
        return {name: value for name, value in raw.items() if name not in names} | instead

    return edit


@pytest.fixture
def asked(world, plugins, request):
    """The orders of the requests to the ERP, as they come to be known; a module of its own for each test."""
    name = f"recording_{len(request.node.name)}"
    plugins.install(name, RECORDING)
    world.settings["connector"] = f'"{name}"'
    world.erp_settings = {}
    return lambda: sys.modules[f"{name}_module"].ASKED


def of_a_company(world, **fields):
    """FO-1 is allocated for a company with a home as its address; its shipment lists the customer alone."""
    world.sandbox.add(
        SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=COMPANY, shipping=HOME, customer=PRIVATE, **fields)
    )
    world.sandbox.change("FO-1", without("billing", "shipping"))


@pytest.mark.parametrize(
    ("rule", "billing", "shipping"), [("allocation", Party(**COMPANY), Party(**HOME)), ("none", None, None)]
)
def test_a_buyer_that_only_the_allocation_lists_is_held_and_resumes_by_the_tenants_rule(
    world, asked, rule, billing, shipping
):
    of_a_company(world)
    assert world.once().ending is Ending.HELD
    job = world.job("FO-1", I)
    assert (job.reason, job.owner, job.step, asked()) == (Reason.CUSTOMER_AMBIGUOUS, "accountant", Step.NEW, [])
    assert job.sentence == (
        "the allocation of this order lists a billing party (`billing`), and pending_invoice lists none: it was "
        'removed, or this queue does not list it. Set `unlisted_parties = "none"` or `unlisted_parties = "allocation"` '
        "in [tenants.acme]: every order that is held for this then resumes automatically"
    )
    world.settings["unlisted_parties"] = f'"{rule}"'
    world.finishes()
    assert len(asked()) == 3
    for order in asked():
        assert (order.billing, order.shipping, order.customer) == (billing, shipping, Party(**PRIVATE))


def test_another_country_of_delivery_is_held_too(world, asked):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=COMPANY, shipping=HOME))
    world.sandbox.change("FO-1", without("shipping"))
    world.once()
    assert "lists a delivery address (`shipping`), and pending_invoice lists none" in (
        world.job("FO-1", I).sentence or ""
    )


def test_a_party_that_equals_the_one_used_in_its_place_is_no_question(world, asked):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=HOME, shipping=HOME, customer=HOME))
    world.sandbox.change("FO-1", without("billing", "shipping"))
    world.finishes()
    assert [order.customer for order in asked()] == [Party(**HOME)] * 3


def test_a_shipment_without_any_party_is_for_those_of_the_allocation(world, asked):
    of_a_company(world)
    world.sandbox.change("FO-1", without("billing", "shipping", "customer"))
    world.finishes()
    for order in asked():
        assert (order.billing, order.shipping, order.customer) == (Party(**COMPANY), Party(**HOME), Party(**PRIVATE))


def test_doctor_and_a_dry_run_report_it_before(world):
    world.erp.stock("MUG", 5)
    world.settings["stages"] = '["allocation"]'
    of_a_company(world)
    world.once()
    world.sandbox.ship("FO-1")
    world.settings["stages"] = '["allocation", "invoice"]'
    assert "unlisted_parties" in world.command("run", "--dry-run").stdout
    assert "unlisted_parties" in world.command("doctor", "acme").stdout


def test_a_party_that_is_listed_is_taken_as_it_is_listed(world, asked):
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=COMPANY))
    world.sandbox.change("FO-1", without(billing=PRIVATE))
    world.finishes()
    assert [order.billing for order in asked()] == [Party(**PRIVATE)] * 3


def assert_it_can_be_left_out(world):
    """The ERP refuses the invoice for its VAT id; an operator has it made without."""
    world.erp.script("build_invoice", "vat", times=99)
    world.once(settle_for=1)
    assert world.job("FO-1", I).reason is Reason.VAT_ID_INVALID, world.stuck()
    done = world.command("order", "approve", "FO-1", "--without-vat", "--note", "the customer has none")
    assert done.returncode == 0, done.stderr
    world.finishes(settle_for=1)
    assert world.job("FO-1", I).state is State.DONE


def test_an_invalid_vat_id_of_the_allocation_can_be_left_out_of_the_invoice(world):
    world.erp.stock("MUG", 5)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=COMPANY))
    world.sandbox.change("FO-1", without("billing"))
    world.settings["unlisted_parties"] = '"allocation"'
    assert_it_can_be_left_out(world)


def test_an_invalid_vat_id_is_left_out_though_the_allocation_lists_another_that_is_not_used(world):
    world.erp.stock("MUG", 5)
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), billing=COMPANY))
    world.sandbox.change("FO-1", without("billing", customer=PRIVATE | {"vat_id": "SK1"}))
    world.settings["unlisted_parties"] = '"none"'
    assert_it_can_be_left_out(world)
