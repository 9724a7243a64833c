"""What a connector declares: core asks for nothing else, in the settings and in an order; the kit looks for nothing else."""

from collections.abc import Mapping
from decimal import Decimal as D
from typing import ClassVar

import pytest
from honest_harness import HonestHarness

from installed_plugins import HOOKS, InstalledPlugins
from shipperone_erp import (
    BuildInvoice,
    Capability,
    Connector,
    ConnectorSettings,
    FulfillmentOrder,
    Invoice,
    OrderItem,
    Refused,
    Reserved,
    ReserveStock,
    hookimpl,
)
from shipperone_erp.config import load
from shipperone_erp.connector import capabilities, discovery
from shipperone_erp.connector.deprecations import ConnectorDeprecation
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import ConfigurationError, PluginRefused
from shipperone_erp.sandbox import SandboxOrder
from shipperone_erp.testing import Case
from shipperone_erp.testing.cases import CASES
from shipperone_erp.testing.runner import run_all, run_case

EVERYTHING = frozenset(Capability)


def without(*missing: Capability) -> str:
    """The body of a connector that declares everything but these."""
    return f"capabilities = frozenset({sorted(map(str, EVERYTHING - set(missing)))})"


@pytest.fixture
def problems(plugins: InstalledPlugins, tmp_path):
    """What `config check` says of a tenant whose connector lacks that capability."""

    def found(missing: Capability, settings: str, defaults: str = "") -> list[tuple[str, int | None, str]]:
        plugins.connector("acme", without(missing))
        file = tmp_path / "shipperone-erp.toml"
        tenant = 'base_url = "https://acme.example"\ntoken = { env = "T" }\nconnector = "acme"\ncurrency = "EUR"\n'
        file.write_text(f"{defaults}[tenants.acme]\n{tenant}{settings}")
        environment = {"T": "a-token"}
        alone = load(file, environment=environment, tenants_may_fail=True)
        assert list(alone.tenants) == ([] if alone.problems else ["acme"]), "that tenant alone is out"
        if alone.problems:
            with pytest.raises(ConfigurationError) as refused:
                load(file, environment=environment)
            assert refused.value.problems == alone.problems
        return [(problem.key, problem.line, problem.cause) for problem in alone.problems]

    return found


def test_a_tenant_cannot_confirm_transfers_that_the_connector_does_not_make(problems):
    assert problems(Capability.TRANSFERS, 'tax_date = "issued"\ntransfer = "reserved"\n') == [
        (
            "tenants.acme.transfer",
            7,
            'connector acme declares no transfers, which transfer = "reserved" needs; leave the setting out',
        )
    ]


def test_a_tenant_cannot_allow_a_currency_that_the_erp_does_not_invoice_in(problems):
    ((key, line, cause),) = problems(Capability.CURRENCIES, 'currencies = ["EUR", "CZK"]\n')
    assert (key, line) == ("tenants.acme.currencies", 6)
    assert cause == (
        "connector acme declares no second currency: an order in CZK cannot be invoiced; leave it out, and such an order "
        "is held as currency_differs"
    )


def test_a_tenant_cannot_have_a_coupon_on_an_invoice_without_lines_below_zero(problems):
    charges = "".join(
        f'[[tenants.acme.charges]]\nname = "{name}"\npath = "{name}"\nsign = "{sign}"\nkind = "{kind}"\n'
        for name, sign, kind in (("fee", "+", "line"), ("coupon", "-", "line"), ("gift", "-", "payment"))
    )
    ((key, _, cause),) = problems(Capability.NEGATIVE_LINES, charges)
    assert key == "tenants.acme.charges.1.sign"
    assert cause.startswith("connector acme declares no negative lines: coupon cannot be invoiced; have the shop")


def test_the_default_day_of_supply_needs_an_erp_that_dates_back_and_the_cure_is_named(problems):
    ((key, _, cause),) = problems(Capability.BACKDATING, "")
    assert key == "tenants.acme.tax_date"
    assert cause.endswith('write tax_date = "issued", and ask the accountant whether that is right')


def test_a_fault_in_defaults_is_shown_at_its_own_line(problems):
    ((key, line, _),) = problems(Capability.TRANSFERS, "", '[defaults]\ntransfer = "reserved"\n')
    assert (key, line) == ("defaults.transfer", 2)


@pytest.mark.parametrize(
    ("missing", "settings"),
    [
        (Capability.TRANSFERS, 'transfer = "arrived"\n'),
        (Capability.CURRENCIES, 'currencies = ["EUR"]\n'),
        (Capability.BACKDATING, 'tax_date = "issued"\n'),
        *((one, 'approve = ["invoice"]\n') for one in (Capability.DRAFTS, Capability.MARKS, Capability.LOTS)),
    ],
)
def test_a_setting_that_needs_nothing_of_the_kind_is_taken(problems, missing, settings):
    assert problems(missing, settings) == []


def test_a_connector_without_a_declaration_declares_everything(plugins: InstalledPlugins):
    plugins.connector("acme")
    assert capabilities.read(discovery.load_connector("acme").capabilities) == EVERYTHING
    assert discovery.describe("acme")["capabilities"] == sorted(EVERYTHING)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("capabilities = 'drafts'", "capabilities: it is a set, such as frozenset({Capability.DRAFTS})"),
        ("capabilities = {'draft'}", "capabilities: there is no capability 'draft'; did you mean drafts?"),
        ("capabilities = [7]", "capabilities: there is no capability '7'; they are drafts, transfers, marks, "),
        (
            "capabilities = {Capability.DRAFTS}\n@hookimpl\ndef reserve_stock_batch(self, requests): ...",
            "it overrides reserve_stock_batch, and its capabilities do not list batch; add Capability.BATCH",
        ),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_at_load(plugins: InstalledPlugins, body, expected):
    plugins.connector("acme", body)
    with pytest.raises(PluginRefused) as refused:
        discovery.load_connector("acme")
    assert expected in str(refused.value)


class Small(Connector[ConnectorSettings]):
    """One warehouse, whole pieces; it answers every request as if it were like all others."""

    capabilities = frozenset({Capability.BATCH})

    def __init__(self, settings, **given):
        super().__init__(settings, **given)
        self.asked: list[str] = []

    @hookimpl
    def reserve_stock(self, request):
        self.asked.append(request.key)
        return Reserved("R")

    @hookimpl
    def reserve_stock_batch(self, requests):
        return {request.key: self.reserve_stock(request) for request in requests}

    @hookimpl
    def build_invoice(self, request):
        self.asked.append(request.key)
        return Invoice(None, (), None, None)


def order(qty: str = "2", lies: str | None = None) -> FulfillmentOrder:
    return FulfillmentOrder("FO-1", "main", (OrderItem(item_id=7, sku="MUG", qty=D(qty), warehouse_code=lies),))


REFUSED: Mapping[str, tuple[FulfillmentOrder, str, str]] = {
    "half a piece": (
        order("1.5"),
        "unit_unclear",
        "item 7 (MUG) is of 1.5 pieces, and connector small declares no fractions",
    ),
    "goods elsewhere": (
        order(lies="outlet"),
        "warehouse_unknown",
        "item 7 (MUG) is in warehouse outlet, and the order ships from main; connector small declares no transfers",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_order_that_the_erp_cannot_hold_never_reaches_it(case):
    wrong, reason, sentence = REFUSED[case]
    small = Small(ConnectorSettings(), tenant="acme")
    plugged = TenantPlugins("acme", small, name="small")
    for ask, request in (
        (plugged.reserve_stock, ReserveStock("a-1", wrong, 0, "arrived")),
        (plugged.build_invoice, BuildInvoice("i-1", wrong, 0, None, ())),
    ):
        with pytest.raises(Refused) as refused:
            ask(request)
        assert (refused.value.reason, refused.value.owner, refused.value.sentence) == (reason, "it", sentence)
    assert small.asked == []


def test_such_an_order_takes_none_of_its_batch_with_it():
    small = Small(ConnectorSettings(), tenant="acme")
    plugged = TenantPlugins("acme", small, name="small")
    requests = [ReserveStock(key, made, 0, "arrived") for key, made in (("a", order()), ("b", order("0.5")))]
    answers = plugged.reserve_stock_batch(requests)
    assert (answers["a"], type(answers["b"]), small.asked) == (Reserved("R"), Refused, ["a"])
    assert isinstance(plugged.reserve_stock_batch(requests[1:])["b"], Refused)
    assert small.asked == ["a"], "a batch of which nothing is left is not called"


def test_trailing_zeros_are_no_fraction():
    plugged = TenantPlugins("acme", Small(ConnectorSettings(), tenant="acme"), name="small")
    assert plugged.reserve_stock(ReserveStock("a", order("2.000"), 0, "arrived")) == Reserved("R")


def test_an_order_in_halves_is_held_with_the_cure_and_the_others_go_on(plugins: InstalledPlugins, world):
    """End to end: an order of 1.5 pieces at a connector of whole pieces."""
    plugins.connector("acme", without(Capability.FRACTIONS), hooks=[*HOOKS])
    world.settings |= {"connector": '"acme"', "stages": '["allocation"]'}
    world.erp_settings = {}
    world.sandbox.add(SandboxOrder.simple("FO-HALF", ("MUG", D("1.5"), "10.00")))
    world.sandbox.add(SandboxOrder.simple("FO-WHOLE", ("MUG", 2, "10.00"), first_id=50))
    assert world.once().ending is Ending.HELD
    held = world.job("FO-HALF", Stage.ALLOCATION)
    assert (held.state, held.reason, held.owner) == (State.HELD, "unit_unclear", "it")
    assert "is of 1.5 pieces, and connector acme declares no fractions" in held.sentence
    assert [world.sandbox.order(one).allocations for one in ("FO-HALF", "FO-WHOLE")] == [0, 1]


class OneWarehouse(HonestHarness):
    capabilities = EVERYTHING - {Capability.TRANSFERS, Capability.DRAFTS}


def test_the_kit_skips_undeclared_capabilities_and_reports_it(tmp_path):
    for case, expected in (("R7", "the connector declares no transfers"), ("I8", "the connector declares no drafts")):
        result = run_case(CASES[case], OneWarehouse, tmp_path / case)
        assert (result.outcome, result.message) == ("skipped", expected)


def test_the_subject_of_a_case_is_on_its_page():
    about: Mapping[str, Case] = {case.id: case for case in CASES.values() if case.can}
    assert {"I8", "Q1", "R7", "V3", "V5"} <= set(about)
    assert about["R7"].lacking({"reserve_stock"}, EVERYTHING) is None
    assert about["R7"].lacking((), ()) == "the connector does not override reserve_stock"


class Departing(HonestHarness):
    departures: ClassVar = {"R7": "one warehouse", "U5": "a library"}


def test_a_departure_that_repeats_a_declaration_works_and_warns(tmp_path):
    with pytest.warns(ConnectorDeprecation) as warned:
        results = list(run_all(Departing, tmp_path, only=["R7", "U5"]))
    assert [result.message for result in results] == [
        "the connector departs from it: one warehouse",
        "the connector departs from it: a library",
    ]
    assert [str(one.message) for one in warned] == [
        "Departing uses departures for R7, which connector API 2.0 removes; use `capabilities` without transfers, on "
        "the connector or its harness"
    ]
