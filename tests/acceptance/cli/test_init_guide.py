"""`init` as a guide, in a pseudo-terminal against the sandbox, and by its flags; the written configuration works."""

import json
import signal
import sqlite3
import stat
import tomllib
from decimal import Decimal

import httpx
import pytest

import warm_processes
from fake_odoo import nested
from payload_shapes import SHAPES, listed
from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Question, Setup, SetupDone
from shipperone_erp.domain.states import Stage
from shipperone_erp.operations.inspect.results import Proposal, Queues
from shipperone_erp.operations.replay import found_settings, replayed
from shipperone_erp.operations.setup_guide.secret_storage import Kept
from shipperone_erp.operations.setup_guide.tenant_toml import document
from shipperone_erp.sandbox import Sandbox, SandboxOrder, generate
from shipperone_erp_generic_sql.setup_script import script
from shipperone_erp_odoo import OdooConnector
from typist import Typist, environment

TOKEN = "tok-4711-secret"


@pytest.fixture
def magento():
    """A ShipperOne that lists its orders as Magento does: where the quantity is has to be found out."""
    queues = Queues(listed(SHAPES["magento"]))
    with Sandbox(token=TOKEN, store_code="sk") as sandbox:
        sandbox.auto_ship = True
        sandbox.replay(replayed(queues, found_settings(queues)))
        yield sandbox


@pytest.fixture
def erp(tmp_path):
    with sqlite3.connect(tmp_path / "erp.db") as db:
        db.executescript(script("sqlite", "guarded"))
        rows = {(o.warehouse_code, i.sku) for o in generate(12, seed=5) for i in o.items}
        columns = "(warehouse, sku, on_hand_micro, reserved_micro)"
        db.executemany(f"INSERT INTO stock {columns} VALUES (?, ?, 1000000000, 0)", sorted(rows))
    return tmp_path


def test_the_guide_ends_with_a_toml_that_invoices(magento, erp):
    typist = Typist(erp, "init")
    typist.answers("address of your ShipperOne instance", "acme.example")
    shown = typist.answers("address of your ShipperOne instance", "http://127.0.0.1:9")
    assert "write an address such as https://acme.example" in shown
    shown = typist.answers("address of your ShipperOne instance", magento.base_url)
    assert "check the address and the network" in shown
    assert "the address answers" in typist.answers("store code", "default")
    typist.answers("a name for this shop", "<")
    typist.answers("store code", "sk")
    typist.answers("a name for this shop", "acme")
    typist.answers("where to store secrets", "")
    typist.answers("token", "tok-0815-wrong")
    shown = typist.answers("token", TOKEN)
    assert "refuses the token" in shown or "401" in shown, shown
    shown = typist.answers("tasks of this ERP", "")
    assert "the token is valid; store sk has 2 warehouse(s): main, outlet" in shown
    shown = typist.answers("connector", "generic_sql")
    assert "6 order(s) in pending_allocation, 6 order(s) in pending_invoice" in shown
    typist.answers("address of the ERP's database", "sqlite:///nowhere/erp.db")
    shown = typist.answers("address of the ERP's database", "sqlite:///erp.db")
    assert "cannot be opened" in shown
    shown = typist.answers("statements to start from", "guarded")
    assert "reservations" in shown
    typist.answers("time zone of the shop", "Europe/Bratislawa")
    assert "not a time zone" in typist.answers("time zone of the shop", "")
    shown = typist.answers("the places of ShipperOne's fields", "")
    assert 'qty = "qty_shipped"' in shown
    assert "with these settings 0 of 12 would be held, without them 12" in shown
    typist.answers("going live", "now")
    shown = typist.answers("write it", "yes")
    assert 'token = { file = "secrets/acme-token" }' in shown
    shown = typist.ends()
    assert typist.code == 0
    assert "checked: no problems" in shown
    assert "shipperone-erp doctor acme" in shown
    assert "tok-" not in typist.seen, "a secret is never echoed"

    file = erp / "shipperone-erp.toml"
    kept = erp / "secrets" / "acme-token"
    assert TOKEN not in file.read_text()
    assert kept.read_text() == f"{TOKEN}\n"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, kept)] == [0o600, 0o600]
    tenant = tomllib.loads(file.read_text())["tenants"]["acme"]
    assert tenant["timezone"] == "Europe/Bratislava"
    assert tenant["fields"] == {"allocation": {"qty": "qty_ordered"}, "invoice": {"qty": "qty_shipped"}}
    done = warm_processes.run("run", "--once", "--settle-for", "2s", cwd=erp, env=environment())
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(erp / "erp.db") as db:
        assert db.execute("SELECT COUNT(*) FROM invoices").fetchone() == (12,)
    assert magento.queue("allocation") == magento.queue("invoice") == []


@pytest.mark.parametrize("place", ["env", "credential"])
def test_a_secret_is_written_where_it_is_to_live(magento, erp, place):
    typed = magento.base_url.replace("http://", "HTTP://") + "/"
    typist = Typist(
        erp, "init", "acme", "--connector", "generic_sql", "--base-url", typed, "--store", "sk", "--secrets", place,
        "--stages", "both", "--set", "url=sqlite:///erp.db", "--set", "recipe=guarded", "--timezone", "UTC",
        "--findings", "settled", "--go-live", "ask",
    )  # fmt: skip
    typist.answers("token", TOKEN)
    typist.answers("write it", "")
    shown = typist.ends()
    (file,) = [erp / "acme.env"] if place == "env" else (erp / "credentials").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    if place == "env":
        assert file.read_text() == f"ACME_TOKEN='{TOKEN}'\n"
        assert "set -a; . acme.env; set +a" in shown
        found = environment(ACME_TOKEN=TOKEN)
    else:
        assert f"LoadCredential=acme-token:{file}" in shown
        found = environment(CREDENTIALS_DIRECTORY=str(file.parent))
    assert warm_processes.run("config", "check", cwd=erp, env=found).returncode == 0, "the address is spelled as usual"
    assert warm_processes.run("config", "check", cwd=erp, env=environment()).returncode == 78
    assert TOKEN not in typist.seen


def test_a_guide_that_is_left_writes_nothing(magento, erp):
    before = sorted(erp.iterdir())
    typist = Typist(erp, "init", "--base-url", magento.base_url, "--store", "sk")
    typist.answers("a name for this shop", "acme")
    typist.waits_for("where to store secrets")
    typist.process.send_signal(signal.SIGINT)
    typist.ends()
    assert typist.code == 2
    assert "nothing was written" in typist.seen
    assert sorted(erp.iterdir()) == before


def flags(sandbox: Sandbox, *more: str) -> list[str]:
    return ["init", "acme", "--base-url", sandbox.base_url, "--store", "sk", "--connector", "generic_sql", *more]


def test_off_a_terminal_flags_answer_and_what_lacks_an_answer_is_named(magento, erp):
    env = environment(TOK=TOKEN, WRONG="no-such-token")
    done = warm_processes.run(*flags(magento), cwd=erp, env=env)
    assert (done.returncode, done.stderr) == (2, "token: answer it with --token\n")
    done = warm_processes.run(*flags(magento, "--token", "env:WRONG"), cwd=erp, env=env)
    assert done.returncode == 2
    assert done.stderr.startswith("token: warehouses: ShipperOne refuses the token (401)")
    done = warm_processes.run(*flags(magento, "--token", "tok-pasted"), cwd=erp, env=env)
    assert done.returncode == 2
    assert "never the secret itself" in done.stderr
    assert not (erp / "shipperone-erp.toml").exists()
    good = flags(magento, "--token", "env:TOK", "--set", "url=sqlite:///erp.db", "--set", "recipe=inbox", "--write")
    assert warm_processes.run(*good, cwd=erp, env=env).returncode == 0
    tenant = tomllib.loads((erp / "shipperone-erp.toml").read_text())["tenants"]["acme"]
    assert (tenant["token"], tenant["go_live"]) == ({"env": "TOK"}, "ask")
    again = warm_processes.run(*good, cwd=erp, env=env)
    assert again.returncode == 2
    assert "has a tenant acme already" in again.stderr


@pytest.mark.parametrize(
    ("flag", "allowed"),
    [
        ("--secrets", "file or env or credential"), ("--stages", "both or allocation or invoice"),
        ("--findings", "settled or all or none"), ("--go-live", "ask or now"),
    ],
)  # fmt: skip
def test_an_unknown_answer_is_refused_without_a_terminal_too(erp, flag, allowed):
    more = ("--base-url", "https://acme.example", "--token", "env:TOK")
    for given in ((), more):
        named = ("init", "acme", "--connector", "generic_sql", flag, "WRONG", *given)
        done = warm_processes.run(*named, cwd=erp, env=environment(TOK=TOKEN))
        assert (done.returncode, done.stderr) == (2, f"{flag} WRONG: it is {allowed}\n")
    assert not (erp / "shipperone-erp.toml").exists()


def test_an_unrequested_answer_is_named(magento, erp):
    own = ("--token", "env:TOK", "--set", "url=sqlite:///erp.db", "--set", "recipe=inbox", "--set", "receipe=own")
    done = warm_processes.run(*flags(magento, *own, "--write"), cwd=erp, env=environment(TOK=TOKEN))
    assert done.returncode == 0
    assert "not used, since the question was not asked: receipe" in done.stderr.splitlines()


def test_a_second_shop_comes_to_the_end_of_the_file_and_its_comments_stay(magento, erp):
    env = environment(TOK=TOKEN)
    own = [
        "--token",
        "env:TOK",
        "--set",
        "url=sqlite:///erp.db",
        "--set",
        "recipe=own",
        "--stages",
        "invoice",
        "--write",
    ]
    file = erp / "shipperone-erp.toml"
    first = '# ours\n[tenants.cz]   # Prague\nbase_url = "https://cz.example"\ntoken = { env = "TOK" }\nconnector = "generic_sql"\n\n[tenants.cz.generic_sql]\nurl = "sqlite:///cz.db"'
    file.write_text(first)
    file.chmod(0o640)
    done = warm_processes.run(*flags(magento, *own), cwd=erp, env=env)
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert text.startswith(first)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert set(tomllib.loads(text)["tenants"]) == {"cz", "acme"}
    assert 'sql = "SELECT on_hand - reserved FROM stock' in text, "the tables that were found are named"
    assert warm_processes.run("config", "check", cwd=erp, env=env).returncode == 0


def test_a_secret_that_cannot_be_kept_leaves_nothing(tmp_path):
    kept = Kept("file", "acme", tmp_path, {"token": Secret("a"), "api_key": Secret("b")})
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "acme-api_key").write_text("of another")
    with pytest.raises(ValueError, match="exists already"):
        kept.write()
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["acme-api_key"]
    with pytest.raises(ValueError, match="quotation mark"):
        Kept("env", "acme", tmp_path, {"token": Secret("it's")}).write()


ODOO = {
    "res.users/context_get": {"uid": 7},
    "res.users/search_read": [
        {"id": 7, "login": "api", "email": "api@example.com", "company_id": [1, "Acme"], "company_ids": [1]}
    ],
    "res.company/search_read": [{"id": 1, "name": "Acme", "country_id": [9, "X"], "currency_id": [1, "EUR"]}],
    "res.country/search_read": [{"id": 9, "code": "SK"}],
    "stock.warehouse/search_read": [
        {
            "id": id,
            "code": code,
            "name": name,
            "lot_stock_id": [id, code],
            "out_type_id": [3, "x"],
            "int_type_id": [4, "y"],
        }
        for id, code, name in ((1, "WH", "Bratislava"), (2, "KE", "Košice"))
    ],
    "account.journal/search_read": [{"code": "INV", "name": "Invoices"}, {"code": "ESH", "name": "E-shop"}],
    "account.tax/search_read": [
        {"id": 3, "name": "23% incl.", "amount": 23.0, "amount_type": "percent", "price_include": True},
        {"id": 4, "name": "23%", "amount": 23, "amount_type": "percent", "price_include": False},
        {"id": 5, "name": "5.5% incl.", "amount": 5.5, "amount_type": "percent", "price_include": True},
    ],
    "product.product/search_read": [{"default_code": "SHIPPING", "name": "Shipping"}],
}


def odoo(request: httpx.Request) -> httpx.Response:
    """An Odoo 19 that answers these questions, to this key alone."""
    if request.url.path == "/jsonrpc":
        if b'"db"' in request.content:
            return httpx.Response(200, json={"error": {"data": {"name": "AccessDenied", "message": "no"}}})
        return httpx.Response(200, json={"result": {"server_version_info": [19, 0, 0]}})
    if request.headers["authorization"] != "bearer good-key" and request.headers["authorization"] != "Bearer good-key":
        return httpx.Response(401, json={"name": "AccessDenied", "message": "no"})
    what = request.url.path.removeprefix("/json/2/")
    found = nested(ODOO, what, json.loads(request.content)) if what.endswith("/web_search_read") else ODOO[what]
    return httpx.Response(200, json=found)


def test_odoo_offers_what_is_on_the_server(monkeypatch, tmp_path):
    monkeypatch.setattr(OdooConnector, "transport", httpx.MockTransport(odoo))
    answers: dict[str, Secret | str] = {}
    asked: dict[str, Question] = {}
    offered = {
        "url": "https://erp.example/web", "database": "shop", "user": "", "api_key": Secret("good-key"),
        "warehouse.ba-main": "WH", "journal.ba-main": "ESH", "warehouse.KE": "KE", "journal.KE": "",
        "taxes": "by_rate", "shipping_product": "SHIPPING",
    }  # fmt: skip
    while True:
        step = OdooConnector.setup(Setup("acme", tmp_path, ("ba-main", "KE"), answers))
        if isinstance(step, SetupDone):
            break
        asked[step.name] = step
        answers = {**answers, step.name: offered[step.name]}
    assert list(asked) == list(offered)
    assert asked["database"].found == "Odoo 19 answers"
    assert [option.value for option in asked["warehouse.ba-main"].options] == ["WH", "KE"]
    assert asked["warehouse.KE"].default == "KE", "the code that both sides have is offered"
    assert asked["shipping_product"].default == "SHIPPING"
    assert asked["taxes"].options[0].says == "23 % by 23% incl., 5.5 % by 5.5% incl."
    assert dict(step.settings) == {
        "url": "https://erp.example/web", "database": "shop", "api_key": Secret("good-key"),
        "shipping_product": "SHIPPING",
        "warehouses": {"ba-main": {"code": "WH", "journal": "ESH"}, "KE": {"code": "KE"}},
        "taxes": [{"percent": 23, "tax": "23% incl."}, {"percent": Decimal("5.5"), "tax": "5.5% incl."}],
    }  # fmt: skip
    settings = TenantSettings.model_construct(
        name="acme", base_url="https://acme.example", allow_http=False, store_code="default", connector="odoo",
        stages=tuple(Stage), timezone="UTC",
    )  # fmt: skip
    kept = {"token": {"env": "T"}, "api_key": {"env": "K"}}
    written = tomllib.loads(document(settings, "ask", Proposal(), step, kept, {"own.api_key": Secret("good-key")}))
    assert written["tenants"]["acme"]["odoo"]["taxes"] == [
        {"percent": 23, "tax": "23% incl."}, {"percent": 5.5, "tax": "5.5% incl."},
    ]  # fmt: skip


def test_odoo_refuses_a_wrong_answer_at_once(monkeypatch, tmp_path):
    from shipperone_erp import AuthFailed, Transient

    monkeypatch.setattr(OdooConnector, "transport", httpx.MockTransport(odoo))
    with pytest.raises(ValueError, match="write https:// and the host"):
        OdooConnector.setup(Setup("acme", tmp_path, (), {"url": "erp.example"}))
    known = {"url": "https://erp.example", "database": "shop", "user": "", "api_key": Secret("bad-key")}
    with pytest.raises(AuthFailed, match="refuses the API key"):
        OdooConnector.setup(Setup("acme", tmp_path, (), known))

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(OdooConnector, "transport", httpx.MockTransport(away))
    with pytest.raises(Transient, match=r"https://erp\.example cannot be reached"):
        OdooConnector.setup(Setup("acme", tmp_path, (), {"url": "https://erp.example"}))


def test_init_asks_for_the_required_settings_of_a_connector_without_its_own_questions(tmp_path):
    from typing import Literal

    from shipperone_erp import Connector, ConnectorSettings

    class Wanted(ConnectorSettings):
        host: str
        mode: Literal["fast", "safe"]
        password: Secret
        port: int = 5

    class Plain(Connector[Wanted]):
        pass

    answers: dict[str, Secret | str] = {}
    asked = []
    while isinstance(step := Plain.setup(Setup("acme", tmp_path, (), answers)), Question):
        asked.append((step.name, step.secret, [option.value for option in step.options]))
        answers[step.name] = Secret("p") if step.secret else "fast"
    assert asked == [("host", False, []), ("mode", False, ["fast", "safe"]), ("password", True, [])]
    assert Wanted.model_validate(dict(step.settings)).password.get_secret_value() == "p"


def test_one_order_is_enough_to_look_at(tmp_path):
    """No order at all is said in words."""
    with Sandbox(token=TOKEN) as sandbox:
        env = environment(TOK=TOKEN)
        (tmp_path / "erp.db").touch()
        given = ["init", "acme", "--base-url", sandbox.base_url, "--connector", "generic_sql", "--token", "env:TOK",
                 "--set", "url=sqlite:///erp.db", "--write"]  # fmt: skip
        assert warm_processes.run(*given, cwd=tmp_path, env=env).returncode == 0
        sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00")))
        done = warm_processes.run("run", "--dry-run", "--json", cwd=tmp_path, env=env)
        assert "before_go_live" in done.stdout
