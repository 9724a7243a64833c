"""Answers of an Odoo server over each protocol, and a client that gets them."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from shipperone_erp_odoo import OdooSettings
from shipperone_erp_odoo.odoo import Odoo

PASSWORD = "kept-secret-4711"


Answer = Callable[[httpx.Request], httpx.Response]


def odoo(answer: Answer, protocol: str = "jsonrpc", **changed: Any) -> Odoo:
    secret = {"api_key": PASSWORD} if protocol == "json2" else {"password": PASSWORD}
    given = {"url": "https://erp.example", "database": "shop", "user": "api", "protocol": protocol, **secret, **changed}
    return Odoo(OdooSettings.model_validate(given), httpx.MockTransport(answer))


def rpc(result: Any = None, **error: Any) -> Answer:
    """JSON-RPC that lets everybody in and then answers that."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = json.loads(request.content)["params"]
        if params["method"] == "login":
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": 7})
        return httpx.Response(200, json={"error": {"code": 200, "data": error}} if error else {"result": result})

    return answer


def behind_login(answer: Answer) -> Answer:
    """A server that lets everybody in and then does that."""
    let_in = rpc()
    return lambda request: let_in(request) if b'"login"' in request.content else answer(request)
