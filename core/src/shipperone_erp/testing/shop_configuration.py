"""The configuration of the kit's shop: one tenant with the connector under test."""

import json
from collections.abc import Mapping
from typing import Any

from shipperone_erp.connector.installed import CONNECTORS, installed
from shipperone_erp.sandbox import Sandbox
from shipperone_erp.testing.bench import Bench

SETTLE = "0.3s"
"""The delay after a lost response until a read of the queue counts: the sandbox has no delay of its own."""


def entry_point(bench: Bench) -> str | None:
    """The entry-point name of the connector; None if no installed package declares the class."""
    found = bench.found
    for entry in installed(CONNECTORS):
        if entry.value.replace(" ", "") == f"{found.__module__}:{found.__qualname__}" or entry.name == bench.name:
            return entry.name
    return None


def configuration_text(bench: Bench, sandbox: Sandbox, connector: str, more: Mapping[str, Any]) -> str:
    """The TOML of one tenant `kit`. `more`: further settings of the tenant."""
    stages = [stage for stage, hook in (("allocation", "reserve_stock"), ("invoice", "build_invoice"))
              if hook in bench.offers]  # fmt: skip
    tenant = {
        "base_url": sandbox.base_url,
        "store_code": sandbox.store_code,
        "token": sandbox.token,
        "connector": connector,
        "stages": stages,
        "go_live": "now",
        "currency": bench.harness.currency,
        "settle": SETTLE,
        "stock_retry": "0.2s",
        "gone_grace": "0s",
        "shipping_on_parts": "as_listed",
        "hook_timeout": f"{bench.harness.deadline:g}s",
        "fiscal_first": "issue_invoice" not in bench.offers,
        **more,
    }
    text = '[runtime]\nledger = "sqlite:///ledger.db"\n[tenants.kit]\n'
    text += "".join(f"{key} = {_toml(value)}\n" for key, value in tenant.items())
    text += f"[tenants.kit.{connector}]\n"
    text += "".join(f"{key} = {_toml(value)}\n" for key, value in bench.harness.settings().items())
    return text


def _toml(value: Any) -> str:
    """A value as TOML on one line; `${` is not a variable here."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return text.replace("${", "$${")
