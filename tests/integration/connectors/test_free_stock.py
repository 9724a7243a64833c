"""Free stock and known products of each connector, and core's reaction to a wrong answer."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import httpx
import pytest

import warm_processes
from inspected import tenant
from odoo_replays import FILES
from odoo_shop import SECRET, Shop
from shipperone_erp import Connector, FreeStock, FulfillmentOrder, Goods, OrderItem, Reason, Transient
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import ContractViolation
from shipperone_erp.operations import stock_overview
from shipperone_erp.operations.inspect.erp_knowledge import knowledge
from shipperone_erp.operations.inspect.inspection import inspect
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.operations.stock_overview import ErpStock, ask
from shipperone_erp.operations.supervised_orders import Candidate, Kind, shown
from shipperone_erp.sandbox import SandboxOrder
from sql_erp import RECIPE as GUARDED
from sql_erp import STATEMENTS, Erp, item, order, set_up
from sql_servers import new_sqlite
from world import World

GUARDED_AVAILABLE = STATEMENTS["available"][0]["sql"]
MUG, TEA = Goods("MUG", "main"), Goods("TEA", "main")


class Telling(Connector[NoSettings]):
    """Answers what a test gives it."""

    answer: Any = None

    def free_stock(self, goods: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def telling(answer: Any) -> TenantPlugins:
    made = Telling(NoSettings(), tenant="acme")
    made.answer = answer
    return TenantPlugins("acme", made, name="telling")


def test_a_connector_without_the_hook_gives_no_answer():
    assert TenantPlugins("acme", Connector(NoSettings(), tenant="acme"), name="c").free_stock([MUG]) is None


def test_an_answer_is_found_by_its_goods():
    answer = FreeStock("MUG", "main", D(3))
    assert telling([answer]).free_stock([MUG, TEA]) == {MUG: answer}


@pytest.mark.parametrize("answer", [{}, "MUG", [D(3)], [None], iter([])])
def test_an_answer_that_is_no_list_violates_the_contract(answer):
    with pytest.raises(ContractViolation, match="free_stock of connector telling answered with"):
        telling(answer).free_stock([MUG])


def test_an_exception_of_a_connector_is_shown_without_secrets():
    made = Telling(NoSettings(), tenant="acme")
    made.answer = ValueError("wrong password hunter2xyz")
    plugins = TenantPlugins("acme", made, name="telling")
    plugins._sanitizer = type(plugins._sanitizer)(["hunter2xyz"])
    with pytest.raises(ContractViolation) as raised:
        plugins.free_stock([MUG])
    assert "raised ValueError" in str(raised.value)
    assert "hunter2xyz" not in str(raised.value)
    with pytest.raises(Transient):
        telling(Transient("the ERP is away")).free_stock([MUG])


@pytest.mark.parametrize(
    ("answer", "why_not", "can_answer"),
    [
        (None, "connector telling cannot determine it with its settings", False),
        (Transient("the ERP is away"), "the ERP is away", True),
        ({}, "answered with a dict", True),
        (OSError("no route"), "free_stock of connector telling raised OSError: no route", True),
    ],
)
def test_no_answer_is_a_sentence_and_never_an_exception(monkeypatch, answer, why_not, can_answer):
    monkeypatch.setattr(stock_overview.TenantPlugins, "create", lambda *named: telling(answer))
    found = asyncio.run(ask(tenant(connector="telling"), [MUG]))
    assert why_not in found.why_not
    assert (found.found, found.can_answer) == ({}, can_answer)


def test_an_erp_that_is_silent_is_waited_for_only_so_long(monkeypatch):
    released = threading.Event()

    class Silent(Telling):
        def free_stock(self, goods: Any) -> Any:
            released.wait(5)

    made = TenantPlugins("acme", Silent(NoSettings(), tenant="acme"), name="silent")
    monkeypatch.setattr(stock_overview.TenantPlugins, "create", lambda *named: made)
    monkeypatch.setattr(stock_overview, "ANSWERS_WITHIN", 0.05)
    assert asyncio.run(ask(tenant(), [MUG])).why_not == "the ERP did not answer within 0.05 s"
    released.set()


def test_the_free_stock_of_many_products_is_read_in_chunks(monkeypatch):
    calls = []

    class Counted(Telling):
        def free_stock(self, goods: Any) -> Any:
            calls.append(len(goods))
            return [FreeStock(one.sku, one.warehouse_code, D(1)) for one in goods]

    made = TenantPlugins("acme", Counted(NoSettings(), tenant="acme"), name="counted")
    monkeypatch.setattr(stock_overview.TenantPlugins, "create", lambda *named: made)
    wanted = [Goods(f"S{number}", "main") for number in range(450)]
    assert len(asyncio.run(ask(tenant(), [*wanted, *wanted])).found) == 450
    assert calls == [200, 200, 50]


@pytest.fixture
def books(tmp_path) -> Iterator[Any]:
    """The recipe `guarded` on SQLite; settings may be changed."""
    database = new_sqlite(tmp_path)
    set_up(database, GUARDED)
    made: list[Erp] = []

    def connector(**changed: Any) -> Erp:
        made.append(Erp(database, "guarded", **changed))
        return made[-1]

    yield connector
    for erp in made:
        erp.connector.close()


def test_generic_sql_runs_available_for_each_item(books):
    erp = books()
    erp.reserve(order(item(1, "MUG", "3", "30.00")), "a-1")
    asked = [MUG, TEA, Goods("NONE", "main"), Goods("MUG", "elsewhere")]
    found = {(one.sku, one.warehouse_code): one for one in erp.connector.free_stock(asked)}
    assert found["MUG", "main"] == FreeStock("MUG", "main", D(7))
    assert found["TEA", "main"] == FreeStock("TEA", "main", D(10))
    for goods in (("NONE", "main"), ("MUG", "elsewhere")):
        assert (found[goods].free, found[goods].reason) == (None, Reason.PRODUCT_UNKNOWN)
        assert f"SKU {goods[0]} in {goods[1]}" in found[goods].sentence
    assert erp.connector.free_stock([]) == []
    assert erp.count("reservations") == 1, "nothing was written"


def test_generic_sql_names_the_warehouse_missing_in_its_map(books):
    sql = GUARDED_AVAILABLE.replace(":item_warehouse_code", ":map_item_warehouse_code")
    erp = books(maps={"warehouse": {"BA": "main"}}, available=[{"sql": sql}])
    ba, ke = erp.connector.free_stock([Goods("MUG", "BA"), Goods("MUG", "KE")])
    assert ba == FreeStock("MUG", "BA", D(10))
    assert (ke.reason, ke.free) == (Reason.WAREHOUSE_UNKNOWN, None)
    assert ke.sentence == "[maps.warehouse] has no entry for 'KE'"


def test_generic_sql_has_no_free_stock_without_available(books):
    assert books(available=()).connector.free_stock([MUG]) is None


class Remembered(httpx.BaseTransport):
    """A recorded case in any sequence: each request is answered as it was the first time."""

    def __init__(self, kept: list[dict[str, Any]]) -> None:
        self._answers: dict[str, dict[str, Any]] = {}
        for entry in kept:
            self._answers.setdefault(self._of(entry["path"], entry["request"]), entry)

    @staticmethod
    def _of(path: str, request: Any) -> str:
        body = {key: value for key, value in request.items() if key != "id"} if isinstance(request, dict) else request
        return json.dumps([path, body], sort_keys=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        text = request.content.decode()
        asked = self._of(request.url.path, json.loads(text) if text.startswith("{") else text)
        assert asked in self._answers, f"no such request was recorded: {asked}"
        one = self._answers[asked]
        body = one["answer"] if isinstance(one["answer"], str) else json.dumps(one["answer"])
        return httpx.Response(one["status"], headers={"content-type": one["type"]}, content=body.encode())


def of_odoo(file: str, case: str, *names: str, warehouse: str = "main", **changed: Any) -> dict[str, FreeStock]:
    """The answers for these products of a recorded case, by name."""
    about, by_case = FILES[file]
    shop = Shop(case, {**about, "url": "http://odoo.invalid", "secret": SECRET}, Remembered(by_case[case]), None)
    try:
        # a reservation, whose requests were recorded, reads the product for shipping too
        skus = [*(shop.sku(name) for name in names), f"{shop.tag}-SHIP"]
        found = shop.connector(**changed).free_stock([Goods(sku, warehouse) for sku in skus])
    finally:
        shop.close()
    found = [one for one in found if one.sku != f"{shop.tag}-SHIP"]
    return {one.sku.removeprefix(shop.sku("")): one for one in found}


@pytest.mark.parametrize("file", FILES)
def test_odoo_counts_what_is_on_hand_and_not_reserved(file):
    found = of_odoo(file, "shortage", "MUG", "TEA")
    assert {name: (one.free, one.reason) for name, one in found.items()} == {"MUG": (D(3), None), "TEA": (D(10), None)}


@pytest.mark.parametrize("file", FILES)
def test_odoos_free_stock_has_the_reason_for_an_unusable_product(file):
    found = of_odoo(file, "products", "NONE", "OLD", "TWIN", "WRAP")
    assert {name: one.reason for name, one in found.items()} == {
        "NONE": Reason.PRODUCT_UNKNOWN, "OLD": Reason.PRODUCT_ARCHIVED, "TWIN": Reason.PRODUCT_AMBIGUOUS,
        "WRAP": Reason.ERP_REFUSED,
    }  # fmt: skip
    (unmapped,) = of_odoo(file, "products", "NONE", warehouse="KE").values()
    assert (unmapped.reason, unmapped.free) == (Reason.WAREHOUSE_UNKNOWN, None)


@pytest.mark.parametrize("file", FILES)
def test_odoo_counts_kits_by_their_components_and_units_in_pieces(file):
    assert {name: one.free for name, one in of_odoo(file, "kit", "BOX", "CUP").items()} == {"BOX": D(6), "CUP": D(12)}
    assert of_odoo(file, "units", "EGG", units={"Twelve": 12, "Eight": 8})["EGG"].free == D(36)
    assert of_odoo(file, "units", "EGG")["EGG"].reason == Reason.UNIT_UNCLEAR


def test_products_known_to_the_erp_are_counted_by_item():
    answers = {
        MUG: FreeStock("MUG", "main", D(1)),
        TEA: FreeStock("TEA", "main", None, Reason.PRODUCT_UNKNOWN, "no TEA"),
        Goods("MUG", "KE"): FreeStock("MUG", "KE", None, Reason.WAREHOUSE_UNKNOWN, "no KE"),
    }
    found = knowledge({MUG: 5, TEA: 2, Goods("MUG", "KE"): 1, Goods("X", "main"): 1}, ErpStock(answers))
    assert (found.items, found.known) == (9, 5)
    assert [(one.sku, one.items, one.reason) for one in found.unknown] == [
        ("TEA", 2, "product_unknown"), ("MUG", 1, "warehouse_unknown"), ("X", 1, "connector_bug"),
    ]  # fmt: skip
    assert (found.warehouses, found.unknown_warehouses) == (("main",), ("KE",))
    assert knowledge({MUG: 5}, ErpStock(why_not="away")).why_not == "away"


def test_inspection_counts_the_goods_of_both_queues_as_the_flow_would_reserve_them():
    row = {"order_id": "FO-1", "warehouse_code": "main", "currency": "EUR", "shipping_amount_incl_tax": 0,
           "total_incl_tax": 10, "items": [{"id": 1, "sku": "MUG", "qty": 1, "price_incl_tax": 10,
                                            "row_total_incl_tax": 10, "tax_percent": 21}]}  # fmt: skip
    found = inspect(tenant(), Queues({Stage.ALLOCATION: [row], Stage.INVOICE: [{**row, "order_id": "FO-2"}]}))
    assert dict(found.goods) == {MUG: 2}
    assert found.erp is None
    assert found.document()["erp"] is None


@pytest.fixture
def shop(tmp_path, sandbox):
    """A tenant whose ERP, a real generic_sql one, knows MUG and not TEA."""
    database = new_sqlite(tmp_path)
    set_up(database, GUARDED)
    erp = Erp(database, "guarded")
    erp.ask("DELETE FROM stock WHERE sku = 'TEA'")
    erp.connector.close()
    sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), ("TEA", 1, "4.00")))
    sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 1, "10.00"), first_id=20), stage="invoice")
    world = World(tmp_path, sandbox)
    toml = GUARDED.toml.replace("sqlite:///erp.db", f"sqlite:///{database.file}")
    (tmp_path / "shipperone-erp.toml").write_text(
        f'[tenants.acme]\nbase_url = "{sandbox.base_url}"\nallow_http = true\ntoken = {{ env = "ACME_TOKEN" }}\n'
        f'connector = "generic_sql"\n{toml}'
    )
    return world


def test_inspect_reports_products_known_to_the_erp_for_a_tenant_and_for_a_file(shop):
    def command(*arguments: str) -> str:
        done = warm_processes.run(*arguments, cwd=shop.folder, env={**shop.process_environment(), "COLUMNS": "200"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    printed = command("inspect", "acme")
    assert "found; 2 of 3 known to the ERP" in printed
    assert "ERP: it knows 2 of 3 listed items, and main as warehouse" in printed
    assert "TEA in main, 1 items: product_unknown, the ERP has no such product, or never had it there" in printed
    command("capture", "acme", "queues.json")
    of_file = json.loads(command("inspect", "acme", "--file", "queues.json", "--json"))
    assert (of_file["erp"]["items"], of_file["erp"]["known"]) == (3, 2)
    assert of_file["erp"]["unknown"][0]["sku"] == "TEA"
    assert json.loads(command("inspect", "acme", "--without-erp", "--json"))["erp"] is None
    assert not shop.sandbox.posts


def test_a_supervised_run_shows_what_is_free_at_each_item():
    items = [
        OrderItem(item_id=1, sku="MUG", qty=D(2)),
        OrderItem(item_id=2, sku="TEA", qty=D(1), warehouse_code="far"),
    ]
    listed = FulfillmentOrder(order_id="FO-1", warehouse_code="main", items=items)
    candidate = Candidate(Stage.ALLOCATION, listed, frozenset({Kind.PLAIN}), None)
    stock = ErpStock({
        MUG: FreeStock("MUG", "main", D("40.0")),
        Goods("TEA", "far"): FreeStock("TEA", "far", None, Reason.PRODUCT_UNKNOWN, "no TEA"),
    })  # fmt: skip
    printed = "\n".join(shown(candidate, tenant(), stock))
    assert "MUG ×2 (free: 40), TEA ×1 from far (product_unknown)" in printed
    away = "\n".join(shown(candidate, tenant(), ErpStock(why_not="the ERP is away")))
    assert "free stock is unknown: the ERP is away" in away
    silent = "\n".join(shown(candidate, tenant(), ErpStock(why_not="it cannot", can_answer=False)))
    assert "unknown" not in silent
    invoice = replace(candidate, stage=Stage.INVOICE)
    assert "free" not in "\n".join(shown(invoice, tenant(), stock))


def test_the_secret_of_the_settings_is_no_part_of_an_answer():
    made = Telling(NoSettings(), tenant="acme")
    made.answer = [FreeStock("MUG", "main", None, Reason.PRODUCT_UNKNOWN, "refused for t0psecret-x")]
    plugins = TenantPlugins("acme", made, name="telling")
    plugins._sanitizer = type(plugins._sanitizer)(["t0psecret-x"])
    found = plugins.free_stock([MUG])
    assert found is not None
    assert "t0psecret-x" not in found[MUG].sentence
