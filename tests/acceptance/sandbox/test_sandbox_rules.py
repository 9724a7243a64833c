"""The project's own ShipperOne over real HTTP: the rules of the integration guide, and every fault."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from email.utils import parsedate_to_datetime

import httpx
import pytest

from shipperone_erp.kernel.json import dumps, loads
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder, generate, replies

QUEUES = "/rest/default/V1/fulfillmentOrders"
ACTIONS = "/rest/default/V1/fulfillmentOrder"


class Caller:
    """ShipperOne's client at its barest."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.base_url, timeout=10)

    def send(self, method: str, path: str, body: object = None, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.sandbox.token}"}
        content = None if body is None else dumps(body)
        return self.http.request(method, path, headers=headers, content=content)

    def page(self, queue: str, number: int = 1) -> httpx.Response:
        return self.send("GET", f"{QUEUES}/pending_{queue}?page={number}")

    def ids(self, queue: str, number: int = 1) -> list[str]:
        return [order["order_id"] for order in loads(self.page(queue, number).content)]

    def post(self, action: str, order_id: str, ids: list[int], **more: object) -> httpx.Response:
        items = [{"item_id": item_id} for item_id in ids]
        return self.send("POST", f"{ACTIONS}/{action}", {"order": {"order_id": order_id, "items": items, **more}})


@pytest.fixture
def shop(sandbox):
    sandbox.auto_ship = False
    sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 2, "10.00"), ("TEA", 3, "4.50")))
    return sandbox


@pytest.fixture
def caller(shop):
    return Caller(shop)


def test_only_the_right_bearer_token_is_taken(caller, shop):
    path = f"{QUEUES}/pending_allocation"
    assert caller.http.get(path).status_code == 401
    assert caller.http.get(path, headers={"Authorization": shop.token}).status_code == 401
    wrong = caller.send("GET", path, token="another")
    assert wrong.json() == {"message": "The consumer isn't authorized to access this resource."}
    assert caller.send("GET", path).status_code == 200
    shop.revoke("renewed")
    assert caller.send("GET", path, token="renewed").status_code == 200
    shop.without_scope.add("renewed")
    assert caller.send("GET", path).status_code == 403


def test_another_store_or_route_is_not_there(caller):
    assert caller.send("GET", "/rest/other/V1/fulfillmentOrders/pending_allocation").status_code == 404
    assert caller.send("GET", f"{QUEUES}/pending_everything").status_code == 404
    assert caller.send("POST", f"{ACTIONS}/cancel", {}).status_code == 404


def test_an_order_goes_through_both_queues(caller, shop):
    assert (caller.ids("allocation"), caller.ids("invoice")) == (["FO-1"], [])
    assert caller.post("allocate", "FO-1", [1, 2]).json() == {"success": True}
    assert (caller.ids("allocation"), caller.ids("invoice")) == ([], [])
    shop.ship("FO-1", {1: 2})
    (part,) = loads(caller.page("invoice").content)
    assert [(item["id"], item["qty"]) for item in part["items"]] == [(1, 2)]
    assert caller.post("invoice", "FO-1", [1], shipping_amount_incl_tax=D("4.99")).status_code == 200
    assert caller.ids("invoice") == []
    shop.ship("FO-1")
    (rest,) = loads(caller.page("invoice").content)
    assert [(item["id"], item["qty"]) for item in rest["items"]] == [(2, 3)]
    assert caller.post("invoice", "FO-1", [2], shipping_amount_incl_tax=D("4.99")).status_code == 200
    assert shop.order("FO-1").invoices == [({1: D(2)}, D("4.99")), ({2: D(3)}, D("4.99"))]


def test_part_of_a_line_keeps_the_lines_price_in_proportion(caller, shop):
    caller.post("allocate", "FO-1", [1, 2])
    shop.ship("FO-1", {2: 1})
    (part,) = loads(caller.page("invoice").content)
    assert [(item["qty"], item["row_total_incl_tax"]) for item in part["items"]] == [(1, D("4.50"))]
    with pytest.raises(ValueError, match="more of item 2 than is left to ship"):
        shop.ship("FO-1", {2: 3})


@pytest.mark.parametrize(
    ("ids", "more", "expected"),
    [
        ([1], {"shipping_amount_incl_tax": D("4.99")}, "Items do not match"),
        ([1, 2, 3], {"shipping_amount_incl_tax": D("4.99")}, "Items do not match"),
        ([1, 2], {"shipping_amount_incl_tax": D("4.98")}, "shipping_amount_incl_tax is %1"),
        ([1, 2], {"shipping_amount_incl_tax": "4.99"}, "shipping_amount_incl_tax is %1"),
        ([1, 2], {}, "shipping_amount_incl_tax is %1"),
    ],
)
def test_an_invoice_that_does_not_match_what_shipped_is_refused_and_changes_nothing(caller, shop, ids, more, expected):
    caller.post("allocate", "FO-1", [1, 2])
    shop.ship("FO-1")
    refused = caller.post("invoice", "FO-1", ids, **more)
    assert refused.status_code == 400
    assert expected in refused.json()["message"]
    assert refused.json()["parameters"]
    assert shop.order("FO-1").invoices == []
    assert caller.ids("invoice") == ["FO-1"]


def test_repeated_and_unknown_confirmations_are_refused(caller, shop):
    assert caller.post("allocate", "FO-1", [1, 2]).status_code == 200
    assert caller.post("allocate", "FO-1", [1, 2]).status_code == 400
    assert caller.post("allocate", "FO-404", [1]).status_code == 400
    assert caller.post("invoice", "FO-1", [1, 2], shipping_amount_incl_tax=D("4.99")).status_code == 400
    assert shop.order("FO-1").allocations == 1
    other = SandboxOrder.simple("FO-2", ("MUG", 1, "1.00"))
    shop.add(other)
    assert caller.post("allocate", "FO-2", []).status_code == 400
    assert caller.post("allocate", "FO-2", [9]).status_code == 400
    assert caller.send("POST", f"{ACTIONS}/allocate", {"order": 5}).status_code == 400


def test_a_cancelled_order_leaves_every_queue_and_a_changed_one_is_checked_as_it_is_listed(caller, shop):
    shop.add(SandboxOrder.simple("FO-2", ("MUG", 1, "1.00")))
    shop.cancel("FO-2")
    assert caller.ids("allocation") == ["FO-1"]
    caller.post("allocate", "FO-1", [1, 2])
    shop.ship("FO-1")
    shop.change("FO-1", lambda raw: {**raw, "shipping_amount_incl_tax": D("5.50")})
    assert caller.post("invoice", "FO-1", [1, 2], shipping_amount_incl_tax=D("4.99")).status_code == 400
    assert caller.post("invoice", "FO-1", [1, 2], shipping_amount_incl_tax=D("5.50")).status_code == 200


def test_a_hundred_a_page_and_past_the_end(caller, shop):
    for entry in generate(150, seed=1):
        shop.add(entry)
    assert [len(caller.ids("allocation", page)) for page in (1, 2, 3)] == [100, 51, 51]
    for past, status in (("empty", 200), (400, 400), (404, 404)):
        with Sandbox(past_the_end=past) as other:
            other.add(SandboxOrder.simple("FO-1", ("MUG", 1, "1.00")))
            answer = Caller(other).page("allocation", 2)
            assert answer.status_code == status
            assert status != 200 or answer.json() == []


def test_amounts_are_json_numbers_with_their_decimals(caller):
    text = caller.page("allocation").text
    assert re.search(r'"shipping_amount_incl_tax":\s*4\.99[,}]', text)
    assert re.search(r'"price_incl_tax":\s*10\.00[,}]', text)


def raw_answers(sandbox: Sandbox, *requests: bytes) -> bytes:
    """Everything that comes back over one connection for these requests, whose last one closes it."""
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"".join(requests))
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", [f"{QUEUES}/pending_allocation?page=1", "/rest/default/V1/warehouses", "/nowhere"])
def test_head_is_answered_as_get_is_and_without_its_body(caller, shop, path):
    head = f" {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.token}\r\n".encode()
    both = raw_answers(shop, b"HEAD" + head + b"\r\n", b"GET" + head + b"Connection: close\r\n\r\n")
    first, second, body = both.split(b"\r\n\r\n", 2)

    def fields_of(text: bytes) -> list[bytes]:
        return [line for line in text.split(b"\r\n") if not line.startswith((b"Date:", b"Connection:"))]

    assert fields_of(first) == fields_of(second)
    assert f"Content-Length: {len(body)}".encode() in first


def test_a_page_that_is_no_number_is_the_first_and_what_is_no_request_is_a_400(caller, shop):
    assert caller.send("GET", f"{QUEUES}/pending_allocation?page=x").content == caller.page("allocation").content
    answer = raw_answers(shop, b"nonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert loads(answer.split(b"\r\n\r\n", 1)[1])["message"].startswith("This is no HTTP request")


def test_an_answer_that_never_has_a_body_states_no_length(caller, shop, monkeypatch):
    """204 and 304: a length or a body after them would be read as the next answer."""
    for status in (204, 304):
        monkeypatch.setattr(shop, "_reply", lambda *request, status=status: replies.Reply(status, b"never sent"))
        answer = raw_answers(shop, b"GET /rest/default/V1/warehouses HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, body = answer.split(b"\r\n\r\n", 1)
        assert (head.split(b" ")[1], body) == (str(status).encode(), b"")
        assert b"Content-" not in head


def test_other_envelopes_and_names():
    with Sandbox(envelope="items", names={"sku": "product.sku", "order_id": "increment_id"}) as other:
        other.add(SandboxOrder.simple("FO-1", ("MUG", 1, "1.00")))
        page = Caller(other).page("allocation").json()
    assert page["total_count"] == 1
    assert page["items"][0]["increment_id"] == "FO-1"
    assert page["items"][0]["items"][0]["product"] == {"sku": "MUG"}


def test_the_same_seed_makes_the_same_orders_and_totals_add_up():
    assert generate(20, seed=5) == generate(20, seed=5)
    assert generate(20, seed=5) != generate(20, seed=6)
    for entry in generate(50, seed=5):
        assert (
            sum(item.row_total_incl_tax for item in entry.items) + entry.shipping_amount_incl_tax
            == entry.total_incl_tax
        )


def test_two_sandboxes_share_nothing(caller, shop):
    with Sandbox(token="another") as other:
        assert Caller(other).ids("allocation") == []
        assert Caller(other).send("GET", f"{QUEUES}/pending_allocation", token=shop.token).status_code == 401
        other.faults.add(Fault("500"))
        assert caller.page("allocation").status_code == 200


INSTEAD = {
    "denied": 200, "500": 500, "html_502": 502, "echo": 400, "echo_html": 502, "redirect": 302, "429": 429, "503": 503,
}  # fmt: skip
DONE_AND_SPOILT = {"html_200": b"<html>", "empty": b"", "done_denied": b"false"}


@pytest.mark.parametrize("kind", INSTEAD)
def test_a_wrong_answer_has_no_effect(caller, shop, kind):
    fault = shop.faults.add(Fault(kind, action="allocate", times=1, retry_after="7"))
    answer = caller.post("allocate", "FO-1", [1, 2])
    assert answer.status_code == INSTEAD[kind]
    assert (fault.hits, shop.order("FO-1").allocations) == (1, 0)
    if kind == "500":
        assert re.search(r"Report ID: \S+", answer.json()["message"])
    if kind in ("429", "503"):
        assert answer.headers["Retry-After"] == "7"
    if kind.startswith("echo"):
        assert f"Bearer {shop.token}" in answer.text
    if kind == "html_502":
        assert "<title>502 Bad Gateway</title>" in answer.text
    assert caller.post("allocate", "FO-1", [1, 2]).status_code == 200


def test_a_confirmation_waits_while_the_sandbox_is_held_still(caller, shop):
    with ThreadPoolExecutor(1) as pool:
        with shop.still():
            asked = pool.submit(caller.post, "allocate", "FO-1", [1, 2])
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.3)
            assert shop.order("FO-1").allocations == 0
            shop.cancel("FO-1")
        assert asked.result(timeout=5).status_code == 400


def test_retry_after_as_a_date(caller, shop):
    shop.faults.add(Fault("503", retry_after="date5", times=1))
    after = parsedate_to_datetime(caller.page("allocation").headers["Retry-After"])
    assert 2 < after.timestamp() - time.time() < 7
    shop.faults.add(Fault("429", times=1))
    assert "Retry-After" not in caller.page("allocation").headers


@pytest.mark.parametrize("kind", DONE_AND_SPOILT)
def test_a_fault_that_spoils_the_answer_still_has_its_effect(caller, shop, kind):
    shop.faults.add(Fault(kind, action="allocate", times=1))
    answer = caller.post("allocate", "FO-1", [1, 2])
    assert (answer.status_code, answer.content[:6]) == (200, DONE_AND_SPOILT[kind])
    assert shop.order("FO-1").allocations == 1


def test_a_refusal_is_never_answered_by_an_empty_success(caller, shop):
    shop.faults.add(Fault("empty", action="allocate"))
    assert caller.post("allocate", "FO-1", [1, 99]).status_code == 400
    assert shop.order("FO-1").allocations == 0


@pytest.mark.parametrize(("kind", "done"), [("lost_answer", 1), ("cut", 1), ("dropped", 0)])
def test_a_connection_that_breaks(caller, shop, kind, done):
    shop.faults.add(Fault(kind, action="allocate", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        caller.post("allocate", "FO-1", [1, 2])
    assert shop.order("FO-1").allocations == done
    assert [post.answered for post in shop.posts] == [kind == "cut"]


def test_latency(caller, shop):
    shop.faults.add(Fault("latency", seconds=0.3, times=1))
    began = time.monotonic()
    assert caller.page("allocation").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_between_two_pages_orders_come_and_go(caller, shop):
    for entry in generate(150, seed=1):
        shop.add(entry)
    shop.faults.add(Fault("insert", page=1, times=1))
    first, second = caller.ids("allocation", 1), caller.ids("allocation", 2)
    assert set(first) & set(second) == {first[-1]}
    shop.faults.add(Fault("remove", page=1, times=1))
    first, second = caller.ids("allocation", 1), caller.ids("allocation", 2)
    assert len(set(first) | set(second)) == 151


def test_call_is_given_the_request(caller, shop):
    seen = []
    shop.faults.add(Fault("call", action="allocate", payload=seen.append))
    caller.post("allocate", "FO-1", [1, 2])
    assert [post.order_id for post in seen] == ["FO-1"]
    assert "authorization" not in seen[0].headers


def test_faults_occur_at_the_requested_place_and_number(caller, shop):
    shop.add(SandboxOrder.simple("FO-2", ("MUG", 1, "1.00")))
    shop.faults.add(Fault("500", order_id="FO-2"))
    assert caller.post("allocate", "FO-1", [1, 2]).status_code == 200
    assert caller.post("allocate", "FO-2", [1]).status_code == 500
    shop.faults.clear()
    shop.faults.add(Fault("500", method="GET", every=2))
    assert [caller.page("allocation").status_code for _ in range(4)] == [200, 500, 200, 500]


def test_a_fault_is_parsed_from_the_command_line():
    assert Fault.parse("lost_answer:invoice:times=1") == Fault("lost_answer", action="invoice", times=1)
    assert Fault.parse("503:pending_invoice:retry_after=3:chance=0.5") == Fault(
        "503", action="pending_invoice", retry_after="3", chance=0.5
    )
    with pytest.raises(ValueError, match=r"'lost' is no fault; one of latency, lost_answer"):
        Fault.parse("lost")
    with pytest.raises(ValueError, match=r"'tims' is no part of a fault; see docs/reference/sandbox\.md"):
        Fault.parse("500:tims=1")


def test_the_command_serves_until_it_is_stopped():
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", "from shipperone_erp.cli import main; main()", "sandbox", "--orders", "7",
         "--fault", "500:allocate"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    try:
        text = ""
        while "go_live" not in text:
            text += process.stdout.readline()
        base_url = re.search(r'base_url = "(.*)"', text)[1]
        token = re.search(r'token = "(.*)"', text)[1]
        headers = {"Authorization": f"Bearer {token}"}
        listed = httpx.get(f"{base_url}{QUEUES}/pending_allocation", headers=headers)
        assert len(listed.json()) == 7
        assert httpx.post(f"{base_url}{ACTIONS}/allocate", headers=headers, content="{}").status_code == 500
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
