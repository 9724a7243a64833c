"""The steps of docs/how-to/odoo.md on a real server: each is done by the fields, buttons and rights that the page names."""

import contextlib
import os
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from odoo_live import ON_A_REAL_SERVER
from places import page_file
from shipperone_erp import Done, Question, Reserved, Secret, Setup, SetupDone
from shipperone_erp.config import load
from shipperone_erp_odoo import OdooConnector, OdooSettings
from shipperone_erp_odoo.seeding import Admin, api_key

pytestmark = ON_A_REAL_SERVER
PAGE = page_file("odoo.md").read_text(encoding="utf-8")

RIGHTS = {
    "stock.group_stock_user": {"Inventory": "User"},
    "account.group_account_invoice": {"Invoicing": "Billing", "Accounting": "Invoicing"},
    "base.group_partner_manager": {"Contact": "Creation", "": "Contact Creation"},
    "analytic.group_analytic_accounting": {"": "Analytic Accounting"},
    "sales_team.group_sale_salesman_all_leads": {"Sales": "User: All Documents"},
}
"""By group: what the page calls it."""


def web(admin: Admin, login: str, password: str) -> httpx.Client:
    """A browser's session."""
    client = httpx.Client(base_url=admin.url, timeout=120)
    answer = client.post(
        "/web/session/authenticate",
        json={"jsonrpc": "2.0", "params": {"db": admin.database, "login": login, "password": password}},
    )
    assert answer.json()["result"]["uid"]
    return client


def click(client: httpx.Client, model: str, method: str, *args: Any, **named: Any) -> Any:
    """What a button of the web client calls."""
    params = {"model": model, "method": method, "args": list(args), "kwargs": named}
    answer = client.post("/web/dataset/call_kw", json={"jsonrpc": "2.0", "params": params}).json()
    if "error" in answer:
        raise RuntimeError(answer["error"]["data"]["message"])
    return answer["result"]


def test_step_2_the_rights_are_called_what_the_page_calls_them(seed):
    """The table of the page names each group as it stands in this version's form of a user."""
    table = PAGE[PAGE.index("2. **Create a user**") : PAGE.index("3. **Create an API key**")]
    for group in RIGHTS:
        id = seed.admin.ref(group)
        (row,) = seed.admin.find("res.groups", [("id", "=", id)], ["name"])
        assert re.sub(r"[^A-Za-z ]", "", row["name"]) in re.sub(r"[^A-Za-z |\n]", "", table), (group, row["name"])


def test_step_2_a_user_without_an_address_cannot_merge_lines_before_19(shop):
    """Why the page has him given one."""
    if shop.version >= 19:
        pytest.skip("Odoo 19 does not mind")
    shop.product("MUG", 10)
    seed = shop.seed
    (user,) = seed.admin.find("res.users", [("id", "=", seed.user)], ["partner_id"])
    seed.admin.call("res.partner", "write", [user["partner_id"][0]], {"email": False})
    try:
        findings = [line for line in shop.connector().check() if line.ok is not True and "e-mail" in line.sentence]
        assert findings, "doctor says so"
    finally:
        seed.admin.call("res.partner", "write", [user["partner_id"][0]], {"email": f"{seed.login}@example.com"})


def test_step_3_a_key_is_made_in_the_profile_and_ends_after_ninety_days_at_most(seed):
    """Account Security, New API Key; the longer ones are refused to a user without administrator's rights."""
    assert seed.api_key()
    if seed.admin.version < 18:
        fields = seed.admin.call("res.users.apikeys.description", "fields_get", ["duration"])
        assert "duration" not in fields, "keys of 17 do not end"
        return
    with contextlib.closing(web(seed.admin, seed.login, seed.password)) as client:
        after = f"{datetime.now(UTC) + timedelta(days=120):%Y-%m-%d %H:%M:%S}"
        values = {"name": "long", "duration": "-1", "expiration_date": after}
        with pytest.raises(RuntimeError, match=r"90.* days"):
            click(client, "res.users.apikeys.description", "create", values)


def test_step_4_the_tax_has_the_fields_that_the_page_names(seed):
    """Tab Advanced Options, Included in Price; since 18 a choice of Tax Included."""
    admin = seed.admin
    name = "price_include" if admin.version < 18 else "price_include_override"
    field = admin.call("account.tax", "fields_get", [name], ["string", "selection"])[name]
    assert field["string"] == "Included in Price"
    if admin.version >= 18:
        assert ["tax_included", "Tax Included"] in [list(one) for one in field["selection"]]
    form = admin.call("account.tax", "get_views", [[False, "form"]])["views"]["form"]["arch"]
    tab = form[form.index("Advanced Options") :]
    assert f'name="{name}"' in tab[: tab.find("</page>")]


def test_a_country_s_own_tax_duplicated_and_included_keeps_its_grids(seed):
    """Accounting, Configuration, Taxes, Duplicate; a name; Included in Price: accounts and tax grids are the copy's."""
    admin = seed.admin
    own = seed.tax(19, name=f"{seed.tag} {secrets.token_hex(2)} own", included=False)
    accountant = {"group_ids" if admin.version >= 19 else "groups_id": [(4, admin.ref("account.group_account_user"))]}
    (user,) = admin.find("res.users", [("login", "=", admin.user)], ["id"])
    admin.call("res.users", "write", [user["id"]], accountant)
    tag = admin.make("account.account.tag", name=f"+{secrets.token_hex(2)}", applicability="taxes")
    rows = admin.find("account.tax.repartition.line", [("tax_id", "=", own)], ["id"])
    admin.call("account.tax.repartition.line", "write", [row["id"] for row in rows], {"tag_ids": [(4, tag)]})
    copied = admin.call("account.tax", "copy", [own])
    copy = copied[0] if isinstance(copied, list) else copied
    name = f"{seed.tag} {secrets.token_hex(2)} incl."
    included = {"price_include": True} if admin.version < 18 else {"price_include_override": "tax_included"}
    admin.call("account.tax", "write", [copy], {"name": name, **included})

    def lines(tax: int) -> list[Any]:
        fields = ["document_type", "repartition_type", "factor_percent", "account_id", "tag_ids"]
        rows = admin.find("account.tax.repartition.line", [("tax_id", "=", tax)], fields, order="id")
        return [{name: row[name] for name in fields} for row in rows]

    assert lines(copy) == lines(own)
    assert all(line["tag_ids"] == [tag] for line in lines(copy))


def test_the_fifteen_minutes_by_hand(seed, shop, tmp_path):
    """Steps 2 to 6 as a person does them: user, key, shipping product and tax in Odoo's forms, the page's own file."""
    admin, mark, password = seed.admin, f"{seed.tag}{secrets.token_hex(2)}", secrets.token_urlsafe(12)
    shop.product("MUG", 10)
    with contextlib.closing(web(admin, admin.user, os.environ["ODOO_TEST_PASSWORD"])) as client:

        def create(model: str, **values: Any) -> int:
            made = click(client, model, "web_save", [], values, specification={})
            return int(made[0]["id"])

        groups = [admin.ref(group) for group in ("base.group_user", *list(RIGHTS)[:3])]
        field = "group_ids" if admin.version >= 19 else "groups_id"
        login = f"shipperone-{mark}"
        user = create(
            "res.users", name="ShipperOne", login=login, email=f"{login}@example.com", **{field: [[6, 0, groups]]}
        )
        change = {"user_ids": [[0, 0, {"user_id": user, "user_login": login, "new_passwd": password}]]}
        wizard = create("change.password.wizard", **change)
        click(client, "change.password.wizard", "change_password_button", [wizard])
        kind = {"detailed_type": "service"} if admin.version < 18 else {"type": "service"}
        create("product.template", name="Shipping", default_code=f"SHIPPING-{mark}", **kind)
        included = {"price_include": True} if admin.version < 18 else {"price_include_override": "tax_included"}
        for rate in (23, 5):
            create("account.tax", name=f"{rate}% incl. {mark}", amount=rate, type_tax_use="sale", **included)
    tenant = re.sub(r"^   ", "", next(re.finditer(r"^ *```toml\n(.*?)^ *```$", PAGE, re.M | re.S))[1], flags=re.M)
    here = {
        "https://erp.acme.example": admin.url, 'database         = "acme"': f'database = "{admin.database}"',
        'user             = "shipperone"': f'user = "{login}"', '"SHIPPING"': f'"SHIPPING-{mark}"',
        '"23% incl."': f'"23% incl. {mark}"', '"5% incl."': f'"5% incl. {mark}"', '"WH"': f'"{seed.code("A")}"',
        '"KE"': f'"{seed.code("B")}"',
    }  # fmt: skip
    for of_page, of_here in here.items():
        assert of_page in tenant
        tenant = tenant.replace(of_page, of_here)
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(tenant, encoding="utf-8")
    secret = {"ACME_TOKEN": "0815-4711", "ACME_ODOO_KEY": api_key(admin, login, password)}
    settings = load(file, environment=secret).tenants["acme"].connector_settings
    erp = OdooConnector(settings, tenant="acme")
    try:
        assert [line.sentence for line in erp.check() if line.ok is False] == []
        order = replace(shop.order(shop.item(1, "MUG", "2"), number=2), warehouse_code="ba-main")
        reserved = shop.reserve(erp, "a2", order)
        assert isinstance(reserved, Reserved)
        assert shop.issue(erp, "i2", shop.build(erp, "i2", order), order).issued
        assert shop.deliver(erp, "i2", order, ("a2", reserved)) == Done()
    finally:
        erp.close()


def test_steps_5_and_6_init_makes_a_tenant_that_doctor_passes(seed, shop, key, tmp_path):
    """Each question is answered by what it offers; then nothing of `check` fails, and an order goes through."""
    shop.product("MUG", 10)
    login = {"url": seed.admin.url, "database": seed.admin.database, "user": seed.login, "api_key": Secret(key)}
    answers: dict[str, Any] = {f"warehouse.{name}": seed.code(letter) for name, letter in (("main", "A"), ("far", "B"))}
    answers |= {**login, "shipping_product": seed.sku("SHIP"), "taxes": "later"}
    for _ in range(30):
        asked = OdooConnector.setup(Setup("acme", tmp_path, ("main", "far"), answers))
        if isinstance(asked, SetupDone):
            break
        assert isinstance(asked, Question)
        answers[asked.name] = asked.default or (asked.options[0].value if asked.options else "")
    assert isinstance(asked, SetupDone)
    taxes = [{"percent": rate, "tax": seed.tax_name(rate)} for rate in (23, 5)]
    erp = OdooConnector(OdooSettings.model_validate({**asked.settings, "taxes": taxes}), tenant="acme")
    try:
        assert [line.sentence for line in erp.check() if line.ok is False] == []
        order = shop.order(shop.item(1, "MUG", "2"))
        reserved = shop.reserve(erp, "a1", order)
        assert isinstance(reserved, Reserved)
        assert shop.issue(erp, "i1", shop.build(erp, "i1", order), order).issued
        assert shop.deliver(erp, "i1", order, ("a1", reserved)) == Done()
    finally:
        erp.close()
