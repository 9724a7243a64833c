"""Settings of a tenant without a connector, for rules that need no server."""

from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.secret import Secret


def tenant(**fields) -> TenantSettings:
    given_fields = {"name": "acme", "base_url": "https://acme.example", "token": Secret("x"), "connector": "c",
                    "connector_settings": NoSettings(), "policy_settings": {}, **fields}  # fmt: skip
    return TenantSettings(**given_fields)
