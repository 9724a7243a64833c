"""The login to a database: the protocol in use, the server's version, and the fields that its models have."""

from contextlib import suppress
from functools import cached_property

from shipperone_erp import ConnectorError, Reason, Refused
from shipperone_erp_odoo.http_transport import Wire
from shipperone_erp_odoo.optional_fields import FIELDS, SHOWN_BY, UNNAMED_SINCE
from shipperone_erp_odoo.protocols import Json2Session, JsonRpc, RpcSession, Session, XmlRpc
from shipperone_erp_odoo.settings import OdooSettings

JSON2_SINCE = 19
"""The version since which a move has no name, too (`UNNAMED_SINCE`)."""


class Login:
    """A login to one database. Opens nothing before it is needed."""

    def __init__(self, settings: OdooSettings, wire: Wire) -> None:
        self.settings = settings
        self.wire = wire
        self._fields: dict[str, frozenset[str]] = {}
        self._user: int | None = None

    @cached_property
    def version(self) -> int:
        """17, 18, 19."""
        try:
            answer = JsonRpc(self.wire).send("common", "version")
        except ConnectorError:
            # JSON-RPC will be removed: later versions may only have this page
            page = self.wire.get("/web/version", doing="version")
            try:
                return int(page.json()["version_info"][0])
            except (ValueError, KeyError, TypeError, IndexError):
                pass
            raise
        return int(str(answer["server_version_info"][0]).removeprefix("saas~"))

    @cached_property
    def protocol(self) -> str:
        """The protocol in use: the forced one, else the best that this version and secret permit."""
        if self.settings.protocol != "auto":
            return self.settings.protocol
        return "json2" if self.settings.api_key and self._has_json2() else "jsonrpc"

    @cached_property
    def session(self) -> Session:
        """The session over that protocol."""
        if self.protocol == "json2":
            return Json2Session(self.wire, self.settings.database, self.settings.secret, self._user)
        return self._json_rpc if self.protocol == "jsonrpc" else self._opened(XmlRpc(self.wire))

    def has(self, model: str, name: str) -> bool:
        """Whether the model has that field in this version, with the installed modules."""
        if shown_by := SHOWN_BY.get((model, name)):
            model, name = "stock.move", shown_by
        if model not in self._fields:
            self._read_fields(self.session, model)
        return name in self._fields[model]

    def _has_json2(self) -> bool:
        """Whether the server has JSON-2.

        The fields of a move show it. They are read over JSON-RPC instead of the version, since every step needs them.
        The version is read if JSON-RPC, which needs a user, does not show them.
        """
        if self.settings.user is not None:
            model, name = UNNAMED_SINCE
            with suppress(ConnectorError):
                self._read_fields(self._json_rpc, model)
                self._user = self._json_rpc.user_id()
                return name not in self._fields[model]
        return self.version >= JSON2_SINCE

    def _read_fields(self, session: Session, model: str) -> None:
        wanted = {"allfields": list(FIELDS[model]), "attributes": ["type"]}
        self._fields[model] = frozenset(session.execute(model, "fields_get", None, wanted))

    @cached_property
    def _json_rpc(self) -> RpcSession:
        return self._opened(JsonRpc(self.wire))

    def _opened(self, connector: JsonRpc | XmlRpc) -> RpcSession:
        settings = self.settings
        if settings.user is None:
            raise Refused(
                Reason.CONFIG_INCOMPLETE,
                f"{settings.host} is Odoo {self.version}, where an API key is not sufficient: set `user`",
            )
        return RpcSession(connector, settings.database, settings.user, settings.secret)
