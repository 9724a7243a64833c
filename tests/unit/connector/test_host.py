"""The facade over pluggy: one manager a tenant, every answer checked, policies before the connector (G4, G5)."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from installed_plugins import InstalledPlugins
from shipperone_erp import (
    BuildInvoice,
    Connector,
    ConnectorSettings,
    Deliver,
    Difference,
    Done,
    FulfillmentOrder,
    Invoice,
    Mismatch,
    OrderItem,
    Pending,
    Policy,
    Refused,
    Reserved,
    ReserveStock,
    Resolution,
    Shortage,
    ShortLine,
    Transient,
    Unknown,
    hookimpl,
)
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.hook_requests import Verdict
from shipperone_erp.kernel.errors import ContractViolation

ORDER = FulfillmentOrder("FO-1", "main", (OrderItem(item_id=1, sku="MUG", qty=D(2)),))
REQUEST = ReserveStock("a-FO-1-x", ORDER, 0, "arrived")
BUILD = BuildInvoice("i-FO-1-x", ORDER, 0, None, ())
INVOICE = Invoice(None, (), None, None)


class Settings(ConnectorSettings):
    answer: object = None


class Answers(Connector[Settings]):
    """Answers every hook with what its settings hold; raises it if it is an exception."""

    @hookimpl
    def reserve_stock(self, request):
        return self._answer()

    @hookimpl
    def build_invoice(self, request):
        return self._answer()

    @hookimpl
    def deliver(self, request):
        return self._answer()

    @hookimpl
    def handle_mismatch(self, mismatch):
        return self._answer()

    @hookimpl
    def reserve_stock_batch(self, requests):
        return self._answer()

    @hookimpl
    def deliver_batch(self, requests):
        return self._answer()

    def _answer(self):
        if isinstance(self.settings.answer, Exception):
            raise self.settings.answer
        return self.settings.answer() if callable(self.settings.answer) else self.settings.answer

    check = _answer


class Says(Policy[Settings]):
    @hookimpl
    def handle_mismatch(self, mismatch):
        if isinstance(self.settings.answer, Exception):
            raise self.settings.answer
        return self.settings.answer


def facade(answer: object = None, *, tenant: str = "acme", policies: tuple[object, ...] = ()) -> TenantPlugins:
    made = {f"p{number}": Says(Settings(answer=policy), tenant=tenant) for number, policy in enumerate(policies)}
    return TenantPlugins(tenant, Answers(Settings(answer=answer), tenant=tenant), name="answers", policies=made)


def mismatch(action: str = "compare") -> Mismatch:
    return Mismatch(action, ORDER, ORDER, INVOICE, "", (Difference("total", "1.00", "1.01"),))


@pytest.mark.case("G4")
def test_two_tenants_of_one_connector_class_never_meet():
    one, other = facade(Reserved("one"), tenant="one"), facade(Reserved("other"), tenant="other")
    assert (one.reserve_stock(REQUEST), other.reserve_stock(REQUEST)) == (Reserved("one"), Reserved("other"))


async def _coroutine():
    return Reserved("late")


@pytest.mark.case("G5")
@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (None, "None"),
        ("R-1", "a str"),
        (True, "a bool"),
        (Reserved, "the class Reserved"),
        (INVOICE, "a Invoice"),
        (lambda: _coroutine(), "a coroutine"),
        (Reserved(""), "a Reserved"),
        (Shortage(()), "a Shortage"),
        (Shortage((ShortLine(99, "MUG", D(2), D(1)),)), "a Shortage"),
    ],
)
def test_an_answer_that_the_contract_does_not_allow_is_named(answer, named):
    with pytest.raises(ContractViolation) as raised:
        facade(answer if callable(answer) and not isinstance(answer, type) else lambda: answer).reserve_stock(REQUEST)
    assert str(raised.value).startswith(f"acme: reserve_stock of connector answers answered with {named}; allowed is ")


@pytest.mark.case("G5")
def test_a_value_that_was_made_wrongly_names_the_field_and_not_what_was_in_it():
    def wrong():
        return ShortLine(1, "MUG", 2.5, "a-secret-thing")  # type: ignore[arg-type]

    with pytest.raises(ContractViolation) as raised:
        facade(wrong).reserve_stock(REQUEST)
    assert (
        "reserve_stock of answers made a wrong ShortLine: wanted: Value error, a binary float (or a bool) is not"
        in str(raised.value)
    )
    assert "a-secret-thing" not in str(raised.value)


@pytest.mark.case("G5")
def test_a_wrong_value_is_placed_in_the_connectors_own_line():
    """Not in the line of dataclasses.replace, with which a connector often makes its answer."""

    def wrong():
        return replace(INVOICE, date=datetime(2026, 3, 1, 23, 0, tzinfo=UTC))

    with pytest.raises(ContractViolation, match=r"date: .* \(test_host\.py, line \d+\)"):
        facade(wrong).reserve_stock(REQUEST)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: Refused("tax_not_maped", "no tax"), "'tax_not_maped' is not one of the reasons; did you mean tax_not_mapped?"),
        (lambda: Refused("it rains", "no tax"), "'it rains' is not one of the reasons; `shipperone-erp explain` lists them"),
        (lambda: Refused("tax_not_mapped", "no", "boss"), "'boss' is not an owner; one of warehouse, accountant, it, "),
        (lambda: Pending("soon", reason="rain"), "made a wrong Pending: reason: Value error, 'rain' is not one of the reasons"),
    ],
)  # fmt: skip
def test_a_reason_or_an_owner_outside_its_list_is_named_where_the_order_is_listed(made, expected):
    def wrong():
        raise made()

    with pytest.raises(ContractViolation) as raised:
        facade(wrong).reserve_stock(REQUEST)
    assert expected in str(raised.value)
    assert re.search(r" \(test_host\.py, line \d+\)$", str(raised.value)), "the connector's own line"


def test_a_declared_exception_of_a_connector_passes_unchanged():
    for error in (Transient("away"), Refused("price_missing", "no price")):
        with pytest.raises(type(error)) as raised:
            facade(error).reserve_stock(REQUEST)
        assert raised.value is error


def test_a_hook_that_is_not_offered_is_never_taken_for_an_answer():
    with pytest.raises(ContractViolation, match="acme: Answers does not implement issue_invoice"):
        facade().issue_invoice(None)


def test_batch_answers_are_by_key_and_what_is_missing_is_unknown():
    other = replace(REQUEST, key="a-FO-2-y")
    third = replace(REQUEST, key="a-FO-3-z")
    refused = Refused("price_missing", "no")
    answers = facade(lambda: {REQUEST.key: Reserved("R"), third.key: refused}).reserve_stock_batch(
        [REQUEST, other, third]
    )
    assert answers[REQUEST.key] == Reserved("R")
    assert isinstance(answers[other.key], Unknown)
    assert answers[third.key] is refused
    wrong = facade(lambda: {REQUEST.key: "R"}).reserve_stock_batch([REQUEST])
    assert isinstance(wrong[REQUEST.key], ContractViolation)
    with pytest.raises(ContractViolation, match="a dict of answers by key"):
        facade(lambda: [Reserved("R")]).reserve_stock_batch([REQUEST])


def test_a_batch_of_deliveries_is_answered_by_key_and_each_answer_is_checked():
    keys = ("i-1", "i-2", "i-3", "i-4")
    given = {"i-1": Done(), "i-2": Pending("the lorry waits"), "i-3": Reserved("R")}
    answers = facade(lambda: given).deliver_batch([Deliver(key, ORDER, ()) for key in keys])
    assert (answers["i-1"], answers["i-2"]) == (Done(), Pending("the lorry waits"))
    assert "deliver_batch of connector answers answered with a Reserved" in str(answers["i-3"])
    assert isinstance(answers["i-4"], Unknown)


HOLD = Resolution.hold("total_differs", "look", "accountant")


@pytest.mark.parametrize(
    ("policies", "connector", "verdict"),
    [
        ((), Resolution.accept(), Verdict.ACCEPT),
        ((Resolution.abstain(),), Resolution.rebuild(), Verdict.REBUILD),
        ((Resolution.accept(), Resolution.retry()), Resolution.hold(), Verdict.RETRY),
        ((Resolution.retry(), Resolution.rebuild()), Resolution.accept(), Verdict.REBUILD),
        ((Resolution.rebuild(), HOLD, Resolution.accept()), Resolution.accept(), Verdict.HOLD),
        ((Resolution.accept(), Resolution.abstain()), Resolution.hold(), Verdict.ACCEPT),
    ],
)
def test_the_most_careful_policy_wins_and_the_connector_is_asked_only_if_all_abstain(policies, connector, verdict):
    assert facade(lambda: connector, policies=policies).handle_mismatch(mismatch()).verdict is verdict


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (RuntimeError("password=hunter2"), "handle_mismatch of policy p1 raised RuntimeError"),
        ("accept", "handle_mismatch of policy p1 answered with a str, not a Resolution"),
        (None, "handle_mismatch of policy p1 answered with None, not a Resolution"),
    ],
)
def test_a_policy_that_fails_lets_nothing_through_and_is_named(answer, sentence):
    decided = facade(lambda: Resolution.accept(), policies=(Resolution.accept(), answer)).handle_mismatch(mismatch())
    assert (decided.verdict, decided.reason, decided.sentence) == (Verdict.HOLD, "connector_bug", sentence)


@pytest.mark.parametrize("action", ["allocate", "invoice"])
def test_nothing_accepts_what_shipperone_refused(action):
    decided = facade(policies=(Resolution.accept(),)).handle_mismatch(mismatch(action))
    assert (decided.verdict, decided.reason) == (Verdict.HOLD, "connector_bug")
    assert "only `compare` allows accept" in str(decided.sentence)


def test_a_policy_may_set_extra_and_nothing_else_before_an_invoice_is_built():
    class Note(Policy[Settings]):
        @hookimpl
        def before_build(self, request):
            return replace(request, order=replace(request.order, extra={**request.order.extra, "note": "thank you"}))

    class Greedy(Policy[Settings]):
        @hookimpl
        def before_build(self, request):
            items = tuple(replace(item, qty=item.qty + 1) for item in request.order.items)
            return replace(request, order=replace(request.order, items=items))

    class Forgets(Policy[Settings]):
        @hookimpl
        def before_build(self, request): ...

    def with_policy(policy: type[Policy[Settings]]) -> TenantPlugins:
        own = {"p": policy(Settings(), tenant="acme")}
        return TenantPlugins("acme", Answers(Settings(), tenant="acme"), name="answers", policies=own)

    changed = with_policy(Note).before_build(BUILD)
    assert changed.order.extra == {"note": "thank you"}
    assert replace(changed, order=replace(changed.order, extra={})) == BUILD
    for policy, expected in ((Greedy, "BuildInvoice"), (Forgets, "NoneType")):
        with pytest.raises(ContractViolation) as raised:
            with_policy(policy).before_build(BUILD)
        assert "before_build of policy p changed more than order.extra" in str(raised.value)
        assert expected in str(raised.value)


def test_checks_never_raise_for_any_behaviour_of_the_connector():
    (raised,) = facade(RuntimeError("password=hunter2")).check()
    assert (raised.ok, raised.sentence) == (False, "check raised RuntimeError")
    (wrong,) = facade(lambda: "fine").check()
    assert wrong.sentence == "check did not answer with a list of Check"


ONE_CENT = '''
class OneCentSettings(ConnectorSettings):
    at_most: str = "0.01"

class Plugged(Policy[OneCentSettings]):
    """Accepts totals that differ by up to `at_most`; says nothing about anything else."""

    @hookimpl
    def handle_mismatch(self, mismatch):
        from decimal import Decimal
        if mismatch.action != "compare" or any(d.field != "total_incl_tax" for d in mismatch.differences):
            return Resolution.abstain()
        worst = max(abs(Decimal(d.ours) - Decimal(d.theirs)) for d in mismatch.differences)
        return Resolution.accept() if worst <= Decimal(self.settings.at_most) else Resolution.abstain()
'''


@pytest.fixture
def one_cent_world(plugins: InstalledPlugins, world):
    from shipperone_erp.sandbox import SandboxOrder

    plugins.install("one_cent", ONE_CENT, group="shipperone_erp.policies")
    world.settings["policies"] = '["one_cent"]'
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.erp_settings["drafts"] = "false"
    world.erp.script("build_invoice", "cent_off", times=99)
    return world


def test_a_policy_accepts_one_cent_and_the_order_goes_through(one_cent_world):
    one_cent_world.finishes()
    assert len(one_cent_world.erp.issued("FO-1")) == 1
    assert len(one_cent_world.sandbox.order("FO-1").invoices) == 1


def test_a_policys_settings_are_its_tenants(one_cent_world):
    from shipperone_erp.domain.states import Stage, State

    one_cent_world.more = '[tenants.acme.one_cent]\nat_most = "0.00"\n'
    one_cent_world.once(settle_for=4)
    job = one_cent_world.job("FO-1", Stage.INVOICE)
    assert (job.state, job.reason) == (State.HELD, "total_differs")
    assert one_cent_world.sandbox.order("FO-1").invoices == []


NOTE = """
class Plugged(Policy[ConnectorSettings]):
    @hookimpl
    def before_build(self, request):
        from dataclasses import replace
        return replace(request, order=replace(request.order, extra={**request.order.extra, "note": "thank you"}))
"""
KEEPS_NOTES = """
class Plugged(Connector[ConnectorSettings]):
    @hookimpl
    def reserve_stock(self, request):
        return Reserved("R")

    @hookimpl
    def build_invoice(self, request):
        NOTES.append(request.order.extra["note"])
        order = request.order
        lines = tuple(InvoiceLine(item.item_id, item.qty, item.row_total_incl_tax) for item in order.items)
        return Invoice(None, lines, order.shipping_amount_incl_tax, order.total_incl_tax, order.currency)

    @hookimpl
    def issue_invoice(self, request):
        from dataclasses import replace
        NOTES.append(request.order.extra["note"])
        return replace(request.invoice, reference="I", issued=True, number="1")

NOTES = []
"""


def test_fields_added_by_a_policy_reach_build_and_issue(plugins: InstalledPlugins, world):
    import sys

    from shipperone_erp.sandbox import SandboxOrder

    plugins.install("notes", NOTE, group="shipperone_erp.policies")
    plugins.install("keeps", KEEPS_NOTES)
    world.settings |= {"policies": '["notes"]', "connector": '"keeps"'}
    world.erp_settings = {}
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.finishes()
    assert sys.modules["keeps_module"].NOTES == ["thank you", "thank you"]


AUTHORS_FILE = """
from decimal import Decimal
from shipperone_erp import (
    BuildInvoice, Connector, ConnectorSettings, Invoice, InvoiceLine, Pending, Reserved, ReserveStock, Secret, Shortage, hookimpl,
)

class AcmeSettings(ConnectorSettings):            # frozen, unknown keys forbidden, input hidden in errors
    url: str
    password: Secret                              # { env = … }, { file = … }, { credential = … } like the token

class AcmeConnector(Connector[AcmeSettings]):     # entry point: acme = "acme_erp:AcmeConnector"
    api = ">=1,<2"                                # range of shipperone_erp.API_VERSION, "1.0"

    @hookimpl
    def reserve_stock(self, request: ReserveStock) -> Reserved | Shortage | Pending:
        assert self.settings.password.get_secret_value() == "planted-password"
        self.log.info("%s reserves %s", self.tenant, request.key)
        return Reserved(reference=request.key)

    @hookimpl
    def build_invoice(self, request: BuildInvoice) -> Invoice | Pending:
        order = request.order
        lines = tuple(InvoiceLine(item_id=item.item_id, qty=item.qty) for item in order.items)
        return Invoice(reference="I-1", lines=lines, shipping_amount_incl_tax=order.shipping_amount_incl_tax,
                       total_incl_tax=None, issued=True, number="2026/1")
"""


def test_a_connector_written_from_the_authors_file_alone_works(plugins: InstalledPlugins, world):
    from shipperone_erp.domain.states import Stage, State
    from shipperone_erp.sandbox import SandboxOrder

    plugins.install("acme_erp", AUTHORS_FILE, name="authors", value="acme_erp_module:AcmeConnector")
    world.settings |= {"connector": '"authors"', "fiscal_first": "true"}
    world.erp_settings = {"url": '"https://erp.example"', "password": '{ env = "ERP_PASSWORD" }'}
    world.environment["ERP_PASSWORD"] = "planted-password"
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00")))
    world.finishes()
    job = world.job("FO-1", Stage.INVOICE)
    assert (job.state, job.reference, job.number) == (State.DONE, "I-1", "2026/1")
    assert len(world.sandbox.order("FO-1").invoices) == 1
