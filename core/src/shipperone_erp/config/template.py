"""The file that `init` writes for one tenant: every setting with its default and a comment."""

from datetime import timedelta
from typing import Any

from pydantic_core import PydanticUndefined

from shipperone_erp.config.effective_configuration import toml
from shipperone_erp.config.settings import TENANT_KEYS, TenantSettings
from shipperone_erp.connector import discovery
from shipperone_erp.connector.api import settings_type
from shipperone_erp.connector.secret import Secret
from shipperone_erp.kernel.durations import words

FILLED_IN = ("base_url", "store_code", "token", "connector", "fields", "charges", "approve")


def template(name: str, connector: str) -> str:
    """TOML that loads once its marked places are filled in. PluginRefused if the connector does not exist."""
    model = settings_type(discovery.load_connector(connector))
    variable = "".join(letter if letter.isalnum() else "_" for letter in name.upper()) + "_TOKEN"
    out = [
        "[runtime]",
        'ledger = "sqlite:///shipperone-erp.db"   # or postgresql+psycopg://user@host/database',
        "",
        f"[tenants.{name}]",
        'base_url = "https://your-instance.example"   # <-- your ShipperOne instance',
        'store_code = "default"   # <-- belongs to the token',
        f'token = {{ env = "{variable}" }}   # or {{ file = "…" }}, {{ credential = "…" }} (systemd)',
        f'connector = "{connector}"',
        "",
    ]
    for key in TENANT_KEYS:
        field = TenantSettings.model_fields[key]
        if key in FILLED_IN:
            continue
        out.append(f"# {key} = {_default(field.get_default(call_default_factory=True))}   # {field.description}")
    out += [
        "",
        f"# [tenants.{name}.fields]",
        '# sku = "product.sku"   # where ShipperOne lists a field, if not at a usual place',
        "",
        f"# [[tenants.{name}.charges]]   # an amount other than lines and shipping; one table for each",
        '# name = "cod_fee"',
        '# path = "totals.cod_fee"',
        '# kind = "line"   # or "payment"',
        "",
    ]
    out.append(f"[tenants.{name}.{connector}]")
    for key, field in model.model_fields.items():
        comment = f"   # {field.description}" if field.description else ""
        if field.is_required():
            secret = isinstance(field.annotation, type) and issubclass(field.annotation, Secret)
            value = f'{{ env = "{variable.removesuffix("TOKEN")}{key.upper()}" }}' if secret else '""   # <-- fill in'
            out.append(f"{key} = {value}{comment}")
        else:
            default = field.get_default(call_default_factory=True)
            shown = _default(None if default is PydanticUndefined else default)
            out.append(f"# {key} = {shown}{comment}")
    return "\n".join(out) + "\n"


def _default(value: Any) -> str:
    if value is None:
        return '""'
    return f'"{words(value)}"' if isinstance(value, timedelta) else toml(value)
