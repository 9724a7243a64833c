"""A tenant and warehouses for tests of `inspect` and `capture`."""

from typing import Any

from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.secret import Secret

WAREHOUSES = [{"warehouse_code": "main"}, {"warehouse_code": "outlet"}]


def tenant(**fields: Any) -> TenantSettings:
    given = {"name": "acme", "base_url": "https://acme.example", "token": Secret("x"), "connector": "c",
             "connector_settings": NoSettings(), "policy_settings": {}, **fields}  # fmt: skip
    return TenantSettings(**given)
