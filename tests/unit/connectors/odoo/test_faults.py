"""Faults on the way to Odoo and in it, over each protocol: the exception, its reason, its sentence."""

import json
import logging
import xmlrpc.client
from dataclasses import replace
from typing import Any

import httpx
import pytest

from odoo_answers import PASSWORD, Answer, behind_login, odoo, rpc
from shipperone_erp import AuthFailed, Reason, Refused, Transient, Unknown
from shipperone_erp_odoo import OdooConnector, OdooSettings
from shipperone_erp_odoo.faults import Gone
from shipperone_erp_odoo.odoo import UNCLEAR, Draft, Odoo

FAULTS = [
    ("odoo.exceptions.AccessDenied", "Access Denied", AuthFailed, None),
    ("odoo.exceptions.AccessError", "allowed for: Inventory/User", Refused, Reason.ERP_ACCESS_DENIED),
    ("odoo.exceptions.UserError", "You need to add a line", Refused, Reason.ERP_REFUSED),
    ("odoo.exceptions.ValidationError", "must be unique", Refused, Reason.ERP_REFUSED),
    ("odoo.exceptions.MissingError", "Record does not exist", Gone, Reason.ERP_CHANGED),
    ("psycopg2.errors.SerializationFailure", "could not serialize access", Transient, None),
    ("psycopg2.errors.DeadlockDetected", "deadlock detected", Transient, None),
    ("psycopg2.OperationalError", 'database "shop" does not exist', AuthFailed, None),
    ("psycopg2.OperationalError", "connection refused", Transient, None),
    ("builtins.ValueError", "Invalid field 'name'", Refused, Reason.ERP_REFUSED),
]


@pytest.mark.parametrize(("name", "words", "kind", "reason"), FAULTS)
def test_odoos_errors_keep_their_names_and_words(name, words, kind, reason):
    def json2(request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"name": name, "message": words, "debug": "a traceback"})

    for one in (odoo(rpc(name=name, message=words, debug="a traceback")), odoo(json2, "json2")):
        with pytest.raises(kind) as raised:
            one.call("account.move", "action_post", [1])
        assert type(raised.value) in (kind, *kind.__subclasses__())
        assert getattr(raised.value, "reason", None) == reason
        assert "account.move.action_post" in raised.value.sentence
        assert "traceback" not in raised.value.sentence
        assert kind is AuthFailed or words in raised.value.sentence


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        ("warning -- UserError\n\nYou need to add a line", "traceback", Refused),
        ("warning -- AccessError\n\nnot allowed", "traceback", Refused),
        (3, "Access Denied", AuthFailed),
        (1, 'Traceback\npsycopg2.OperationalError: database "shop" does not exist', AuthFailed),
        (1, "Traceback\npsycopg2.errors.SerializationFailure: could not serialize access", Transient),
    ],
)
def test_xmlrpc_faults_are_contained(code, words, kind):
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/common"):
            return httpx.Response(200, content=xmlrpc.client.dumps((7,), methodresponse=True))
        return httpx.Response(200, content=xmlrpc.client.dumps(xmlrpc.client.Fault(code, words)))

    with pytest.raises(kind):
        odoo(answer, "xmlrpc").call("account.move", "action_post", [1])


def test_a_method_that_returns_nothing_has_done_its_work_over_xmlrpc():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/common"):
            return httpx.Response(200, content=xmlrpc.client.dumps((7,), methodresponse=True))
        fault = xmlrpc.client.Fault(1, "TypeError: cannot marshal None unless allow_none is enabled")
        return httpx.Response(200, content=xmlrpc.client.dumps(fault))

    assert odoo(answer, "xmlrpc").call("account.move", "button_cancel", [1]) is None


def page(status: int, **headers: str) -> httpx.Response:
    body = "<html><head><title>Bad Gateway</title></head></html>"
    return httpx.Response(status, headers={"content-type": "text/html", **headers}, text=body)


@pytest.mark.parametrize("protocol", ["jsonrpc", "json2"])
@pytest.mark.parametrize(
    ("status", "write", "read"),
    [(502, Unknown, Transient), (500, Unknown, Transient), (200, Unknown, Transient), (404, Unknown, Transient),
     (503, Transient, Transient), (429, Transient, Transient), (301, Transient, Transient)],
)  # fmt: skip
def test_a_proxys_page_is_no_answer_of_odoo(protocol, status, write, read):
    headers = {"location": "https://other.example/login?token=t0ken"} if status == 301 else {}
    answer = page(status, **headers)
    served = (lambda request: answer) if protocol == "json2" else behind_login(lambda request: answer)
    for method, kind in (("load", write), ("search_read", read)):
        with pytest.raises(kind) as raised:
            odoo(served, protocol).call("account.move", method)
        assert "t0ken" not in raised.value.sentence
        if status == 502:
            assert '"Bad Gateway"' in raised.value.sentence
        if status == 301:
            assert "other.example" in raised.value.sentence


def test_retry_after_is_obeyed():
    with pytest.raises(Transient) as busy:
        odoo(lambda request: page(503, **{"retry-after": "17"}), "json2").call("account.move", "load")
    assert busy.value.retry_after == 17
    late = {"retry-after": "Wed, 04 Mar 2026 10:00:30 GMT", "date": "Wed, 04 Mar 2026 10:00:00 GMT"}
    with pytest.raises(Transient) as busy:
        odoo(lambda request: page(429, **late), "json2").call("account.move", "load")
    assert busy.value.retry_after == 30


@pytest.mark.case("D1")
@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError])
def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(error):
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise error("gone", request=request)

    with pytest.raises(Unknown):
        odoo(answer, "json2").call("stock.picking", "load")
    with pytest.raises(Transient):
        odoo(answer, "json2").call("stock.picking", "search_read")
    assert len(sent) == 2


def test_a_server_that_is_not_there_did_nothing():
    settings = OdooSettings(url="http://127.0.0.1:9", database="shop", api_key="k", protocol="json2")
    with pytest.raises(Transient, match="cannot be reached"):
        Odoo(settings).call("stock.picking", "load")


def test_a_refused_login_and_an_ended_key_stop_the_tenant():
    with pytest.raises(AuthFailed, match="user api in database shop"):
        odoo(lambda request: httpx.Response(200, json={"result": False})).call("account.move", "load")
    with pytest.raises(AuthFailed, match="expired"):
        odoo(lambda request: httpx.Response(401, json={}), "json2").call("account.move", "load")


def test_no_secret_and_no_order_is_logged_or_printed(caplog):
    caplog.set_level(logging.DEBUG)
    for protocol in ("jsonrpc", "json2", "xmlrpc"):
        one = odoo(lambda request: page(502), protocol)
        with pytest.raises((Unknown, Transient)) as raised:
            one.call("account.move", "load", data=[["Anna"]])
        assert PASSWORD not in f"{raised.value!r} {raised.value} {one.settings!r}"
    connector = OdooConnector(one.settings, tenant="acme")
    assert PASSWORD not in repr(connector)
    assert PASSWORD not in caplog.text
    assert "Anna" not in caplog.text


DRAFTS = [Draft(f"__shipperone__.PICK_{n}", {"origin": f"FO-{n}"}) for n in range(4)]


def loads(*answers: Any) -> tuple[Odoo, list[Any]]:
    """An Odoo that answers each load with the next of these, and what it was asked to load."""
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append([row[0] for row in json.loads(request.content)["data"]])
        return httpx.Response(200, json=answers[len(asked) - 1])

    return odoo(answer, "json2"), asked


@pytest.mark.case("O1")
def test_a_load_that_lost_a_race_is_tried_again():
    lost = {"ids": False, "messages": [{"type": "error", "record": 0, "message": "could not serialize access due to"}]}
    one, asked = loads(lost, lost, {"ids": [5, 6, 7, 8], "messages": []})
    assert one.load("stock.picking", DRAFTS) == {draft.xid: 5 + n for n, draft in enumerate(DRAFTS)}
    assert len(asked) == 3


def test_a_race_whose_message_is_in_another_language_is_tried_again():
    words = "konnte Zugriff nicht serialisieren wegen gleichzeitiger Aktualisierung"
    lost = {"ids": False, "messages": [{"type": "error", "record": 0, "message": words}]}
    one, asked = loads(lost, lost, lost, {"ids": [5, 6, 7, 8], "messages": []})
    assert one.load("stock.picking", DRAFTS) == {draft.xid: 5 + n for n, draft in enumerate(DRAFTS)}
    assert len(asked) == 4


def test_two_different_records_under_one_external_id_are_both_refused():
    one, asked = loads({"ids": [5], "messages": []})
    other = replace(DRAFTS[1], head={"origin": "FO-9"})
    answers = one.load("stock.picking", [DRAFTS[0], DRAFTS[1], other, DRAFTS[0]])
    assert answers[DRAFTS[0].xid] == 5
    assert "two different records" in answers[DRAFTS[1].xid].sentence
    assert asked == [[DRAFTS[0].xid]]


def test_a_good_first_record_is_not_refused_for_what_is_wrong_with_another_one():
    bad = {"ids": False, "messages": [{"record": 0, "message": "bad"}, {"record": 2, "message": "bad"}]}
    one, _ = loads(*[bad] * UNCLEAR, {"ids": [5, 6, 7], "messages": []})
    answers = one.load("stock.picking", DRAFTS)
    assert [answers[draft.xid] for draft in (DRAFTS[0], DRAFTS[1], DRAFTS[3])] == [5, 6, 7]
    assert "bad" in answers[DRAFTS[2].xid].sentence


def test_a_load_leaves_out_what_odoo_names_as_bad():
    bad = {"ids": False, "messages": [{"record": 1, "message": "No matching record"}, {"record": 3, "message": "bad"}]}
    one, asked = loads(*[bad] * UNCLEAR, {"ids": [5, 6], "messages": []})
    answers = one.load("stock.picking", DRAFTS)
    assert [answers[draft.xid] for draft in (DRAFTS[0], DRAFTS[2])] == [5, 6]
    assert all("transfer" in answers[draft.xid].sentence for draft in (DRAFTS[1], DRAFTS[3]))
    assert asked[-1] == [DRAFTS[0].xid, DRAFTS[2].xid]


def test_a_failed_load_without_a_record_is_repeated_one_by_one():
    unclear = {"ids": False, "messages": [{"message": "something"}]}
    one, _ = loads(*[unclear] * UNCLEAR, *({"ids": [n], "messages": []} for n in range(3)), *[unclear] * UNCLEAR)
    answers = one.load("stock.picking", DRAFTS)
    assert [answers[draft.xid] for draft in DRAFTS[:3]] == [0, 1, 2]
    assert "something" in answers[DRAFTS[3].xid].sentence


def test_the_protocol_follows_the_fields_of_a_move_and_the_secret():
    def moves(*fields: str) -> Answer:
        return rpc({name: {} for name in fields})

    assert odoo(moves(), "auto", api_key="k").protocol == "json2"
    assert odoo(moves(), "auto").protocol == "jsonrpc"
    assert odoo(moves("name"), "auto", api_key="k").protocol == "jsonrpc"


@pytest.mark.parametrize(("number", "protocol"), [(19, "json2"), (18, "jsonrpc")])
@pytest.mark.parametrize("why", ["no user is set", "the login is refused", "a move has no fields"])
def test_the_protocol_follows_the_version_if_the_fields_are_not_shown(number, protocol, why):
    def answer(request: httpx.Request) -> httpx.Response:
        method = json.loads(request.content)["params"]["method"]
        if method == "version":
            return httpx.Response(200, json={"result": {"server_version_info": [number, 0, 0]}})
        if method == "login":
            return httpx.Response(200, json={"result": 7 if why == "a move has no fields" else False})
        return httpx.Response(200, json={"error": {"data": {"name": "KeyError", "message": "stock.move"}}})

    user = {"user": None} if why == "no user is set" else {}
    assert odoo(answer, "auto", api_key="k", **user).protocol == protocol


def test_a_later_odoo_without_json_rpc_has_json2():
    def later(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/web/version":
            return httpx.Response(200, json={"version_info": [20, 0, 0, "final", 0, ""]})
        return page(404)

    assert odoo(later, "auto", api_key="k").version == 20
    assert odoo(later, "auto", api_key="k").protocol == "json2"
