"""One Odoo database for the flows: calls by name, searches, get-or-create by external id, its fields and protocol."""

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from shipperone_erp import Owner, Reason, Refused, Transient
from shipperone_erp_odoo.faults import OdooRefused, passing
from shipperone_erp_odoo.http_transport import Wire
from shipperone_erp_odoo.load_tables import Draft as Draft
from shipperone_erp_odoo.load_tables import Row as Row
from shipperone_erp_odoo.load_tables import alike, cell, named_bad, said_by, table
from shipperone_erp_odoo.login import Login
from shipperone_erp_odoo.settings import OdooSettings

MODULE = "__shipperone__"
"""The module of this connector's external ids. With `mode` and `noupdate` as below, a load never changes a record."""

CREATE_IF_ABSENT = {"mode": "update", "noupdate": True}
RACES = 6
"""The number of attempts of a load that conflicts with another transaction."""

UNCLEAR = 4
"""The number of attempts of a load whose message may report a conflict, in an unknown language."""

KEPT_FOR = 300.0
"""Seconds until a configured record is read again."""

Domain = Sequence[Any]
AnswerT = TypeVar("AnswerT")


class Odoo:
    """A login to one database. Opens nothing before the first call; usable from any number of threads."""

    def __init__(self, settings: OdooSettings, transport: httpx.BaseTransport | None = None) -> None:
        self.settings = settings
        self.wire = Wire(
            settings.url, connect_timeout=settings.connect_timeout, timeout=settings.timeout,
            ca_file=settings.ca_file, transport=transport,
        )  # fmt: skip
        self._login = Login(settings, self.wire)
        self._kept: dict[object, tuple[float, Any]] = {}
        self._own: dict[object, Any] = {}

    @property
    def version(self) -> int:
        """17, 18, 19."""
        return self._login.version

    @property
    def protocol(self) -> str:
        """The protocol in use."""
        return self._login.protocol

    def user_id(self) -> int:
        """The id of the login's user."""
        return self.kept("user", lambda: self._login.session.user_id())

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        company: int | None = None,
        context: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Any:
        """The method's answer; every error is one of `shipperone_erp`'s exceptions.

        `company` is the company of the call: without it, Odoo uses the user's first one.
        """
        around = {**(context or {}), **({"allowed_company_ids": [company]} if company else {})}
        given = {**named, **({"context": around} if around else {})}
        return self._login.session.execute(model, method, None if ids is None else list(ids), given)

    def find(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        company: int | None = None,
        archived: bool = False,
        order: str | None = None,
        limit: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Records that match a domain. `archived`: includes archived ones."""
        more: dict[str, Any] = {"order": order} if order else {}
        if limit:
            more["limit"] = limit
        around = {**({"active_test": False} if archived else {}), **(context or {})}
        found: list[Row] = self.call(
            model, "search_read", company=company, context=around, domain=list(domain), fields=list(fields), **more
        )
        return found

    def find_nested(
        self,
        model: str,
        domain: Domain,
        specification: Mapping[str, Any],
        *,
        company: int | None = None,
        order: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Records that match a domain, with the records that they refer to, in one call.

        A reference without `fields` in its specification is an id, one with `fields` a row, or False.
        """
        more: dict[str, Any] = {"order": order} if order else {}
        answer = self.call(
            model, "web_search_read", company=company, context=context, domain=list(domain),
            specification=specification, **more,
        )  # fmt: skip
        found: list[Row] = answer["records"]
        return found

    def has(self, model: str, name: str) -> bool:
        """Whether the model has that field in this version, with the installed modules."""
        return self._login.has(model, name)

    def kept(self, what: object, find: Callable[[], AnswerT], *, anew: bool = False) -> AnswerT:
        """The cached answer of `find`, refreshed periodically: for configured records. Exceptions are not cached.

        `anew`: refreshed now, since the cached one lacks a record.
        """
        if anew or not self.is_kept(what):
            self.keep(what, find())
        kept: AnswerT = self._kept[what][1]
        return kept

    def keep(self, what: object, answer: object) -> None:
        """Cache an answer for `kept` that another call contained."""
        self._kept[what] = (time.monotonic(), answer)

    def is_kept(self, what: object) -> bool:
        """Whether `kept` has a valid cached answer for it."""
        since, _ = self._kept.get(what, (0.0, None))
        return bool(since) and time.monotonic() - since <= KEPT_FOR

    def own(self, what: object, make: Callable[[], AnswerT]) -> AnswerT:
        """The result of `make`, created once for this connection: for what no user of this Odoo changes."""
        if what not in self._own:
            self._own.setdefault(what, make())
        made: AnswerT = self._own[what]
        return made

    def reference(self, xid: str) -> int | None:
        """The record of an external id (`module.name`), or None."""
        module, name = xid.split(".", 1)
        try:
            answer = self.call("ir.model.data", "check_object_reference", module=module, xml_id=name)
        except OdooRefused as refusal:
            if refusal.name.endswith("ValueError"):
                return None
            raise
        return int(answer[1]) if answer and answer[1] else None

    def external_ids(self, model: str, ids: Sequence[int]) -> dict[int, str]:
        """The names of this connector's external ids among the records; empty over XML-RPC, which cannot carry them."""
        if not ids or self.protocol == "xmlrpc":
            return {}
        answer: Mapping[str, str] = self.call(model, "get_external_id", ids)
        ours = {int(id): xid.split(".", 1) for id, xid in answer.items() if xid.startswith(f"{MODULE}.")}
        return {id: name for id, (_, name) in ours.items()}

    def load(self, model: str, drafts: Sequence[Draft], *, company: int | None = None) -> dict[str, int | Refused]:
        """Get-or-create: for each draft's external id the record's id, or the reason why there is none.

        An existing record is left unchanged. All possible records are created in one transaction; records that Odoo
        names as bad are left out, and the others are loaded again. Two different drafts under one external id are both
        refused.
        """
        by_xid: dict[str, Draft] = {}
        answers: dict[str, int | Refused] = {}
        for draft in drafts:
            if by_xid.setdefault(draft.xid, draft) != draft:
                sentence = f"two different records have the same external id ({draft.xid}): neither was created"
                answers[draft.xid] = OdooRefused(Reason.ERP_REFUSED, sentence, Owner.IT, name="load")
        for like in alike([draft for xid, draft in by_xid.items() if xid not in answers]):
            answers |= self._load(model, like, company)
        return answers

    def write_each(
        self, model: str, records: Mapping[int, Mapping[str, object]], *, company: int | None = None
    ) -> dict[int, Refused]:
        """Write to each record its own values, columns in the form of `load`, in one transaction and one call.

        Returns the records that Odoo refused, and then nothing was written; empty if everything was written.
        """
        columns = list(next(iter(records.values()), {}))
        rows = [[str(id), *(cell(values[name]) for name in columns)] for id, values in records.items()]
        answer = self._loaded(model, [".id", *columns], rows, company)
        if answer["ids"]:
            return {}
        ids = list(records)
        bad = named_bad(answer["messages"], len(ids)) or dict.fromkeys(range(len(ids)), said_by(answer["messages"]))
        return {
            ids[index]: OdooRefused(Reason.ERP_REFUSED, f"Odoo refused it: {words}", Owner.IT, name="load")
            for index, words in bad.items()
        }

    def _load(self, model: str, drafts: Sequence[Draft], company: int | None) -> dict[str, int | Refused]:
        answers: dict[str, int | Refused] = {}
        wanted = list(drafts)
        while wanted:
            answer = self._loaded(model, *table(wanted), company)
            if answer["ids"]:
                answers |= {draft.xid: int(id) for draft, id in zip(wanted, answer["ids"], strict=True)}
                break
            bad = named_bad(answer["messages"], len(wanted))
            if not bad:
                if len(wanted) > 1:  # Odoo does not name the record: each one is written separately
                    for draft in wanted:
                        answers |= self._load(model, [draft], company)
                    break
                bad = {0: said_by(answer["messages"])}
            for index, words in bad.items():
                sentence = f"Odoo cannot create the {KINDS.get(model, model)}: {words}"
                answers[wanted[index].xid] = OdooRefused(Reason.ERP_REFUSED, sentence, Owner.IT, name="load")
            wanted = [draft for index, draft in enumerate(wanted) if index not in bad]
        return answers

    def _loaded(self, model: str, columns: list[str], rows: list[list[str]], company: int | None) -> Row:
        """The answer of `load`, repeated as long as another transaction may have been in conflict.

        PostgreSQL reports a conflict in the language of its server: an unrecognised text counts as a refusal only after
        `UNCLEAR` attempts.
        """
        unclear = 0
        for attempt in range(1, RACES + 1):
            answer: Row = self.call(model, "load", company=company, context=CREATE_IF_ABSENT, fields=columns, data=rows)
            if answer["ids"]:
                return answer
            if not any(passing(str(message.get("message", ""))) for message in answer["messages"]):
                unclear += 1
                if unclear == UNCLEAR:
                    return answer
            time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311
        raise Transient(f"{model}: conflicts with other transactions {RACES} times; nothing was written")

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()


KINDS = {"stock.picking": "transfer", "sale.order": "sales order", "account.move": "invoice", "res.partner": "contact"}


def external_id(kind: str, key: str, *more: str) -> str:
    """`__shipperone__.PICK_a-FO-1-…`: the name under which the document of that key is created, once."""
    return f"{MODULE}.{'_'.join((kind, key, *(re.sub(r'[^A-Za-z0-9_-]', '_', part) for part in more)))}"


def one(value: Any) -> int | None:
    """The id in a many-to-one: `[7, 'name']`; None if it is empty."""
    return int(value[0]) if value else None


def named(value: Any) -> str:
    """The name in a many-to-one."""
    return str(value[1]) if value else ""
