"""docs/how-to/odoo.md and the package's README: printed settings load, and every name in them exists."""

import re

from odoo_buyer_cases import BUYERS
from odoo_cases import CASES
from odoo_invoice_cases import INVOICES, METHOD
from odoo_sale_cases import SALE_CASES
from places import page_file
from shipperone_erp.config import load
from shipperone_erp.domain.invoice_checks.listed_taxes import TAX
from shipperone_erp.domain.reasons import Reason
from shipperone_erp_odoo.settings import OdooSettings, PaymentRule

PAGE = page_file("odoo.md").read_text(encoding="utf-8")
TOML = [
    re.sub(r"^   ", "", text, flags=re.MULTILINE) for text in re.findall(r"^ *```toml\n(.*?)^ *```$", PAGE, re.M | re.S)
]
SECRETS = {"ACME_TOKEN": "0815-4711", "ACME_ODOO_KEY": "0815-4712"}


def test_the_tenant_on_the_page_loads_unchanged(tmp_path):
    tenant, sales, taxes, own = TOML
    file = tmp_path / "shipperone-erp.toml"
    file.write_text(tenant, encoding="utf-8")
    settings = load(file, environment=SECRETS).tenants["acme"].connector_settings
    assert {code: rule.code for code, rule in settings.warehouses.items()} == {"ba-main": "WH", "ke-store": "KE"}
    assert [int(rule.percent) for rule in settings.taxes] == [23, 5]
    head, _ = tenant.split("[[tenants.acme.odoo.taxes]]", 1)
    file.write_text(head + taxes, encoding="utf-8")
    settings = load(file, environment=SECRETS).tenants["acme"].connector_settings
    assert [rule.country for rule in settings.taxes] == ["AT", "AT", "*"]
    file.write_text(head + own, encoding="utf-8")
    settings = load(file, environment=SECRETS).tenants["acme"].connector_settings
    assert [(rule.tax, rule.percent) for rule in settings.taxes] == [
        ("product", None),
        ("23% incl.", 23),
        ("5% incl.", 5),
    ]
    assert "0815-4712" not in repr(settings)
    of_it = sales.removeprefix("[tenants.acme.odoo]\n")
    file.write_text(tenant.replace("[tenants.acme.odoo]\n", f"[tenants.acme.odoo]\n{of_it}"), encoding="utf-8")
    assert load(file, environment=SECRETS).tenants["acme"].connector_settings.documents == "sale_order"


def test_every_reason_on_the_page_is_one():
    words = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE))
    looks_like_one = {word for word in words if word.split("_")[0] in {reason.split("_")[0] for reason in Reason}}
    settings = {name for model in (OdooSettings, PaymentRule) for name in model.model_fields}
    assert looks_like_one - set(Reason) - settings - {*TAX, METHOD} == set()


def test_the_results_name_every_case():
    others = len(CASES) - len(BUYERS) - len(INVOICES)
    assert f"{others} of {others}" in PAGE
    assert f"{len(BUYERS)} of {len(BUYERS)}" in PAGE
    assert f"{len(INVOICES)} of {len(INVOICES)}" in PAGE
    assert [name for name in INVOICES if f"`{name}`" not in PAGE] == []
    assert f"{len(SALE_CASES)} of {len(SALE_CASES)}" in PAGE
