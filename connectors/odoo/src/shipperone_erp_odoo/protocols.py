"""Odoo's three protocols, each with odoo-client-lib's interface for it, over this connector's own HTTP client.

The library's transports are not used: its XML-RPC re-sends a `create` after a disconnect and never times out, its
JSON-RPC gives up after 5 s and turns a 502 into a JSON error, its JSON-2 loses types and status. Its services and
models are bypassed as well: at DEBUG they log each call's arguments, the password first.
"""

import itertools
import xmlrpc.client
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

import httpx
import odoolib
import simplejson
from odoolib.json2 import Json2Connection, Json2Connector
from odoolib.rpc import Connector

from shipperone_erp import AuthFailed
from shipperone_erp_odoo.faults import meaning
from shipperone_erp_odoo.http_transport import Wire, not_odoo

READS = frozenset({
    "version", "login", "search", "search_read", "web_search_read", "search_count", "read", "read_group", "fields_get",
    "get_external_id", "check_object_reference", "check_access_rights", "has_access", "has_group", "context_get",
    "compute_all",
})  # fmt: skip
"""Methods that change nothing: after a lost response no outcome is in doubt."""


class Session(Protocol):
    """A login to one database; `execute` calls a method of a model, arguments by name."""

    def user_id(self) -> int: ...

    def execute(self, model: str, method: str, ids: list[int] | None, named: Mapping[str, Any]) -> Any: ...


class _Quiet:
    """A service with odoo-client-lib's interface, without its log of every argument."""

    def __init__(self, connector: "JsonRpc | XmlRpc", name: str) -> None:
        self._connector = connector
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *args: self._connector.send(self._name, method, *args)


class JsonRpc(Connector):  # type: ignore[misc]  # the library is not typed
    """`/jsonrpc`: Odoo 17 and 18, and 19 with a password."""

    PROTOCOL = "jsonrpc"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._ids = itertools.count(1)

    def get_service(self, service_name: str) -> _Quiet:
        return _Quiet(self, service_name)

    def send(self, service_name: str, method: str, *args: Any) -> Any:
        doing, writes = _doing(method, args)
        params = {"service": service_name, "method": method, "args": args}
        body = simplejson.dumps({"jsonrpc": "2.0", "method": "call", "params": params, "id": next(self._ids)})
        response = self._wire.post("/jsonrpc", body.encode(), JSON, doing=doing, writes=writes)
        answer = _json(response, doing, writes=writes)
        if not isinstance(answer, dict) or response.status_code != httpx.codes.OK:
            raise not_odoo(response, doing, writes=writes)
        if answer.get("error"):
            data = answer["error"].get("data") or {}
            name = str(data.get("name") or answer["error"].get("message"))
            raise meaning(name, str(data.get("message") or answer["error"].get("message")), doing)
        return answer.get("result", False)


class XmlRpc(Connector):  # type: ignore[misc]
    """`/xmlrpc/2`: only if it is forced. Its faults name few types.

    A method that returns nothing fails *after* Odoo has done its work: that fault is read as the success that it is.
    """

    PROTOCOL = "xmlrpc"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def get_service(self, service_name: str) -> _Quiet:
        return _Quiet(self, service_name)

    def send(self, service_name: str, method: str, *args: Any) -> Any:
        doing, writes = _doing(method, args)
        body = xmlrpc.client.dumps(_floats(args), method, encoding="utf-8").encode()
        response = self._wire.post(f"/xmlrpc/2/{service_name}", body, XML, doing=doing, writes=writes)
        if response.status_code != httpx.codes.OK:
            raise not_odoo(response, doing, writes=writes)
        try:
            (answer,), _ = xmlrpc.client.loads(response.content)
        except xmlrpc.client.Fault as fault:
            if "cannot marshal None" in fault.faultString:
                return None
            raise meaning(*_named(fault), doing) from None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError):
            raise not_odoo(response, doing, writes=writes) from None
        return _exact(answer)


class RpcSession:
    """A user and a password (or an API key in its place) over JSON-RPC or XML-RPC."""

    def __init__(self, connector: Connector, database: str, user: str, secret: str) -> None:
        self._connection = odoolib.Connection(connector, database, user, secret)

    def user_id(self) -> int:
        connection = self._connection
        try:
            connection.check_login(False)
        except odoolib.tools.AuthenticationError:
            sentence = f"Odoo refuses user {connection.login} in database {connection.database}"
            raise AuthFailed(f"{sentence}; check `user`, `database` and its password or API key") from None
        return int(connection.user_id)

    def execute(self, model: str, method: str, ids: list[int] | None, named: Mapping[str, Any]) -> Any:
        self.user_id()
        connection = self._connection
        named, given = dict(named), [] if ids is None else [ids]
        if "vals_list" in named:
            given.append(named.pop("vals_list"))  # the one argument that Odoo expects by position
        try:
            return connection.connector.send(
                "object", "execute_kw",
                connection.database, connection.user_id, connection.password, model, method, given, named,
            )  # fmt: skip
        except AuthFailed:
            connection.user_id = None  # the next call determines the present user
            raise


class Json2Session(Json2Connection):  # type: ignore[misc]
    """`/json/2` with an API key: Odoo 19 on. Arguments are named, since positional ones need rights on the manual."""

    def __init__(self, wire: Wire, database: str, key: str, user: int | None = None) -> None:
        super().__init__(Json2Connector("", 80), database, key)
        self._wire = wire
        self._user = user

    def user_id(self) -> int:
        return self._user or int(self.execute("res.users", "context_get", None, {})["uid"])

    def execute(self, model: str, method: str, ids: list[int] | None, named: Mapping[str, Any]) -> Any:
        doing, writes = f"{model}.{method}", method not in READS
        body = simplejson.dumps({**({} if ids is None else {"ids": ids}), **named}).encode()
        response = self._wire.post(f"/json/2/{model}/{method}", body, self.bearer_header, doing=doing, writes=writes)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise AuthFailed(f"{doing}: Odoo refuses the API key; it may have expired: create a new one for the user")
        answer = _json(response, doing, writes=writes)
        if response.status_code == httpx.codes.OK:
            return answer
        if isinstance(answer, dict) and "name" in answer:
            raise meaning(str(answer["name"]), str(answer.get("message")), doing)
        raise not_odoo(response, doing, writes=writes)


JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "text/xml"}


def _json(response: httpx.Response, doing: str, *, writes: bool) -> Any:
    try:
        return simplejson.loads(response.content, use_decimal=True)
    except ValueError:
        raise not_odoo(response, doing, writes=writes) from None


def _doing(method: str, args: tuple[Any, ...]) -> tuple[str, bool]:
    """'stock.picking.load', and whether it may change data."""
    if method == "execute_kw":
        model, called = args[3], args[4]
        return f"{model}.{called}", called not in READS
    return method, method not in READS


def _named(fault: xmlrpc.client.Fault) -> tuple[str, str]:
    """Odoo's name and message: the fault's code is the text (`warning -- UserError\\n\\n…`), or it is a traceback."""
    code, words = str(fault.faultCode), str(fault.faultString)
    if code.startswith("warning -- "):
        name, _, sentence = code.removeprefix("warning -- ").partition("\n\n")
        return name, sentence or words
    if code in ("3", "AccessDenied"):
        return "AccessDenied", words
    last = words.strip().splitlines()[-1] if words.strip() else code
    name = last.split(":", 1)[0] if ":" in last and " " not in last.split(":", 1)[0] else "Fault"
    return name, last


def _floats(value: Any) -> Any:
    """XML-RPC has no decimals: quantities and amounts are sent as floats, which Odoo stores anyway."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _floats(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_floats(entry) for entry in value] if isinstance(value, list) else tuple(map(_floats, value))
    return value


def _exact(value: Any) -> Any:
    """The shortest decimal of a float, which is the one that Odoo shows."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _exact(entry) for key, entry in value.items()}
    return [_exact(entry) for entry in value] if isinstance(value, list) else value
