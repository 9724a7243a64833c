"""The sandbox itself: HTTP/1.1 by h11 on asyncio, in a thread of its own, so that faults can be cut in byte by byte."""

import asyncio
import contextlib
import email.utils
import html
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import h11

from shipperone_erp.kernel.json import dumps, loads
from shipperone_erp.sandbox.faults import Fault, Faults
from shipperone_erp.sandbox.orders import Replayed, SandboxOrder, generate
from shipperone_erp.sandbox.rendering import Rendering
from shipperone_erp.sandbox.state import QUEUES, OrderState, Shop

STAGES = {"allocation": "pending_allocation", "invoice": "pending_invoice"}
WAREHOUSES = ("main", "outlet")
REPORT = "webapi-64f0c1a2b3d4e"


@dataclass(frozen=True, slots=True)
class Post:
    """A POST as it came: the body to the byte, the status it was given, whether the answer was sent."""

    path: str
    body: bytes
    status: int
    answered: bool
    headers: Mapping[str, str] = field(repr=False)

    @property
    def order_id(self) -> str | None:
        """The order that it is about."""
        try:
            return str(loads(self.body)["order"]["order_id"])
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Sandbox:
    """A running ShipperOne at `base_url` from `with` to its end. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        token: str = "sandbox-token",  # noqa: S107
        store_code: str = "default",
        page_size: int = 100,
        port: int = 0,
        envelope: str | None = None,
        names: Mapping[str, str] | None = None,
        past_the_end: str | int = "repeat",
        warehouses: tuple[str, ...] = WAREHOUSES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` is the time at which things ship here, for a test that moves it."""
        self.token = token
        self.store_code = store_code
        self.faults = Faults()
        self.posts: list[Post] = []
        self.requests: Counter[str] = Counter()
        self.base_url = ""
        self.without_scope: set[str] = set()
        self._shop = Shop(Rendering(envelope, names or {}), now)
        self._page_size = page_size
        self._port = port
        self._past_the_end = past_the_end
        self._warehouses = warehouses
        self._inserted = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._stop: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._thread.join()

    @property
    def auto_ship(self) -> bool:
        """What is allocated ships by itself at once, in the order's parts if it has any."""
        return self._shop.auto_ship

    @auto_ship.setter
    def auto_ship(self, on: bool) -> None:
        self._shop.auto_ship = on

    def add(self, order: SandboxOrder, *, stage: str = "allocation", first: bool = False) -> None:
        """List it in pending_allocation, or with `stage="invoice"` as shipped in pending_invoice."""
        self._shop.add(order, stage=stage, first=first)

    def replay(self, orders: Iterable[Replayed]) -> None:
        """List captured orders as they are; what is confirmed of them is checked by the guide's rules."""
        for one in orders:
            self._shop.add(one.order, stage=one.stage, texts=one.texts)

    def ship(self, order_id: str, quantities: Mapping[int | str, Decimal | int] | None = None) -> None:
        """The partner ships these quantities by item id, or all that is left."""
        self._shop.ship(order_id, quantities)

    def cancel(self, order_id: str) -> None:
        """The order leaves every queue."""
        self._shop.cancel(order_id)

    def fail(self, order_id: str) -> None:
        """The order leaves every queue, and is listed among the failed."""
        self._shop.fail(order_id)

    def change(self, order_id: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """From now on the order is listed and checked as `edit` makes it of its raw form."""
        self._shop.change(order_id, edit)

    def still(self) -> AbstractContextManager[object]:
        """Within it nothing changes but by the caller's own hand: for what depends on where an order stands."""
        return self._shop.lock

    def order(self, order_id: str) -> OrderState:
        """Where the order stands: what was allocated, what was invoiced, how often."""
        return self._shop.order(order_id)

    def queue(self, stage: str) -> list[str]:
        """The ids that `allocation` or `invoice` lists."""
        return self._shop.ids(STAGES[stage])

    def raw(self, stage: str) -> list[dict[str, Any]]:
        """The orders that `allocation` or `invoice` lists, as JSON values."""
        return [loads(text) for text in self._shop.texts(STAGES[stage])]

    def revoke(self, new_token: str | None = None) -> None:
        """The token is no good any more; `new_token` (if given) is."""
        self.token = new_token if new_token is not None else "\0revoked"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # handed to the thread that waits for the sandbox to be ready
            self._failure = failure
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        self._stop = lambda: self._loop.call_soon_threadsafe(stopped.set)
        connections: set[asyncio.Task[Any]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                connections.add(task)
                task.add_done_callback(connections.discard)
            with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
                await self._connection(reader, writer)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", self._port, backlog=256)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await stopped.wait()
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER)
        request: h11.Request | None = None
        body = b""
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                if not await self._answer(wire, writer, request, body):
                    return
                if wire.our_state is h11.MUST_CLOSE:
                    return
                wire.start_next_cycle()
            else:
                return

    async def _answer(
        self, wire: h11.Connection, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
    ) -> bool:
        """Send the answer; False if the connection is to be closed without more."""
        method, target = request.method.decode(), urlsplit(request.target.decode())
        page = int(parse_qs(target.query).get("page", ["1"])[0])
        headers = {name.decode().lower(): value.decode() for name, value in request.headers}
        post = Post(target.path, body, 0, True, {k: v for k, v in headers.items() if k != "authorization"})
        faults = self.faults.strike(method, target.path, page if method == "GET" else None, post.order_id)
        self.requests[f"{method} {target.path}"] += 1
        kinds = {fault.kind: fault for fault in faults}
        if "latency" in kinds:
            await asyncio.sleep(kinds["latency"].seconds)
        if "call" in kinds:
            kinds["call"].payload(post)
        reply = None if "dropped" in kinds else _instead(kinds, headers.get("authorization", ""))
        done = reply is None and "dropped" not in kinds
        if done:
            reply = self._reply(method, target.path, page, headers.get("authorization", ""), body)
            self._between_pages(kinds, target.path)
        lost = "dropped" in kinds or "lost_answer" in kinds
        if method == "POST":
            self.posts.append(Post(post.path, body, reply.status if reply else 0, not lost, post.headers))
        if lost or reply is None:
            return False
        # two faults may meet: what was refused is never answered as if it had been done
        if done and reply.status == 200 and "html_200" in kinds:
            reply = _html(200, "Welcome to our shop")
        elif done and reply.status == 200 and "done_denied" in kinds:
            reply = _denied(kinds["done_denied"])
        elif done and reply.status == 200 and "empty" in kinds:
            reply = _Reply(200, b"")
        now = email.utils.formatdate(usegmt=True)
        sent = [
            ("Date", now),
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            *reply.headers,
        ]
        head = wire.send(h11.Response(status_code=reply.status, headers=sent, reason=b"-")) or b""
        if "cut" in kinds:
            writer.write(head + reply.body[: len(reply.body) // 2])
            await writer.drain()
            return False
        data = wire.send(h11.Data(data=reply.body)) or b""
        writer.write(head + data + (wire.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        return True

    def _between_pages(self, kinds: Mapping[str, Fault], path: str) -> None:
        queue = path.rsplit("/", 1)[-1]
        stage = "invoice" if queue == "pending_invoice" else "allocation"
        if "insert" in kinds:
            self._inserted += 1
            payload = kinds["insert"].payload
            order = payload or generate(1, seed=self._inserted, prefix=f"FO-INSERTED-{self._inserted}-")[0]
            self.add(order, stage=stage, first=True)
        if "remove" in kinds and self._shop.ids(queue):
            self._shop.cancel(self._shop.ids(queue)[0])

    def _reply(self, method: str, path: str, page: int, authorization: str, body: bytes) -> _Reply:
        scheme, _, token = authorization.partition(" ")
        if token in self.without_scope:
            return _json(403, {"message": "The consumer isn't authorized to access %resources.",
                               "parameters": {"resources": "ShipperOne::fulfillment"}})  # fmt: skip
        if scheme != "Bearer" or token != self.token:
            return _json(401, {"message": "The consumer isn't authorized to access this resource."})
        root, _, name = path.partition("/V1/")
        if root != f"/rest/{self.store_code}":
            return _json(404, {"message": "Store %1 does not exist.", "parameters": [root.rsplit("/", 1)[-1]]})
        kind, _, what = name.partition("/")
        if method == "GET" and kind == "fulfillmentOrders" and what in QUEUES:
            status, answer = self._shop.page(what, page, self._page_size, self._past_the_end)
            return _Reply(200, answer.encode()) if status == 200 else _json(status, answer)
        if method == "GET" and name == "warehouses":
            return _json(200, [{"warehouse_code": code} for code in self._warehouses])
        if method == "POST" and kind == "fulfillmentOrder" and what in ("allocate", "invoice"):
            return self._confirm(what, body)
        return _json(404, {"message": "Request does not match any route."})

    def _confirm(self, action: str, body: bytes) -> _Reply:
        try:
            order = loads(body)["order"]
            order_id, item_ids = order["order_id"], [item["item_id"] for item in order["items"]]
        except (ValueError, KeyError, TypeError):
            return _json(400, {"message": "The body is not %1.", "parameters": ['{"order": {…}}']})
        if action == "allocate":
            status, answer = self._shop.allocate(order_id, item_ids)
        else:
            status, answer = self._shop.invoice(order_id, item_ids, order.get("shipping_amount_incl_tax"))
        return _json(status, answer)


def _json(status: int, answer: Any) -> _Reply:
    return _Reply(status, dumps(answer).encode())


def _html(status: int, title: str) -> _Reply:
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return _Reply(status, text.encode(), "text/html")


def _denied(fault: Fault) -> _Reply:
    text = "false" if fault.payload is None else str(fault.payload)
    return _Reply(200, text.encode(), "text/html" if text.startswith("<") else "application/json")


def _instead(kinds: Mapping[str, Fault], authorization: str) -> _Reply | None:
    """What is answered instead of doing anything."""
    if "echo" in kinds:
        said = [authorization, kinds["echo"].payload or ""]
        return _json(400, {"message": "Not possible with Authorization: %1 %2", "parameters": said})
    if "echo_html" in kinds:
        return _html(502, html.escape(f"Bad Gateway for {authorization} {kinds['echo_html'].payload or ''}"))
    if "500" in kinds:
        return _json(
            500, {"message": f"Internal Error. Details are available in Magento log file. Report ID: {REPORT}"}
        )
    if "html_502" in kinds:
        return _html(502, "502 Bad Gateway")
    if "denied" in kinds:
        return _denied(kinds["denied"])
    if "redirect" in kinds:
        return _Reply(302, b"", headers=(("Location", "https://elsewhere.example/"),))
    for kind in ("429", "503"):
        if kind in kinds:
            after = kinds[kind].retry_after
            if after is not None and after.startswith("date"):
                after = email.utils.formatdate(time.time() + float(after.removeprefix("date") or 1), usegmt=True)
            headers = (("Retry-After", after),) if after is not None else ()
            reply = _json(int(kind), {"message": "Too many requests" if kind == "429" else "Maintenance"})
            return _Reply(reply.status, reply.body, headers=headers)
    return None
