"""The sandbox itself: HTTP/1.1 by h11 on asyncio, in a thread of its own. Faults can cut a response at any byte."""

import asyncio
import contextlib
import threading
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

from shipperone_erp.kernel.json import loads
from shipperone_erp.sandbox.faults import Fault, Faults
from shipperone_erp.sandbox.orders import Replayed, SandboxOrder, generate
from shipperone_erp.sandbox.page_format import Rendering
from shipperone_erp.sandbox.replies import Reply, as_html, as_json, denied, instead, send
from shipperone_erp.sandbox.state import QUEUES, OrderState, Shop

STAGES = {"allocation": "pending_allocation", "invoice": "pending_invoice"}
WAREHOUSES = ("main", "outlet")


@dataclass(frozen=True, slots=True)
class Post:
    """A received POST: the exact body, the status of the response, whether the response was sent."""

    path: str
    body: bytes
    status: int
    answered: bool
    headers: Mapping[str, str] = field(repr=False)

    @property
    def order_id(self) -> str | None:
        """The id of its order."""
        try:
            return str(loads(self.body)["order"]["order_id"])
        except (ValueError, KeyError, TypeError):
            return None


class Sandbox:
    """A running ShipperOne at `base_url`, as a context manager. Every method may be called from any thread."""

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
        """`now` is the clock of its shipments, for a test that moves it."""
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
        """Whether allocated orders ship at once, in the order's parts if it has any."""
        return self._shop.auto_ship

    @auto_ship.setter
    def auto_ship(self, on: bool) -> None:
        self._shop.auto_ship = on

    def add(self, order: SandboxOrder, *, stage: str = "allocation", first: bool = False) -> None:
        """List it in pending_allocation, or with `stage="invoice"` as shipped in pending_invoice."""
        self._shop.add(order, stage=stage, first=first)

    def replay(self, orders: Iterable[Replayed]) -> None:
        """List captured orders unchanged; their confirmations are checked by the guide's rules."""
        for one in orders:
            self._shop.add(one.order, stage=one.stage, texts=one.texts)

    def ship(self, order_id: str, quantities: Mapping[int | str, Decimal | int] | None = None) -> None:
        """Ship these quantities by item id, or all that is left."""
        self._shop.ship(order_id, quantities)

    def cancel(self, order_id: str) -> None:
        """Remove the order from every queue."""
        self._shop.cancel(order_id)

    def fail(self, order_id: str) -> None:
        """Move the order from every queue to the list of failed orders."""
        self._shop.fail(order_id)

    def change(self, order_id: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """From now on the order is listed and checked in the form that `edit` makes of its raw form."""
        self._shop.change(order_id, edit)

    def still(self) -> AbstractContextManager[object]:
        """A context manager. Inside it only the caller changes orders, so that their state can be inspected."""
        return self._shop.lock

    def order(self, order_id: str) -> OrderState:
        """The state of the order: its allocation, its invoices, and their number."""
        return self._shop.order(order_id)

    def queue(self, stage: str) -> list[str]:
        """The ids that `allocation` or `invoice` lists."""
        return self._shop.ids(STAGES[stage])

    def raw(self, stage: str) -> list[dict[str, Any]]:
        """The orders in the queue `allocation` or `invoice`, as JSON values."""
        return [loads(text) for text in self._shop.texts(STAGES[stage])]

    def revoke(self, new_token: str | None = None) -> None:
        """Invalidate the token; `new_token` (if given) becomes valid."""
        self.token = new_token if new_token is not None else "\0revoked"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # passed to the thread that waits for the sandbox to be ready
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
            # cancelled only by the end of the sandbox
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
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
            try:
                event = wire.next_event()
            except h11.RemoteProtocolError as error:
                if wire.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                    reply = as_json(400, {"message": "This is no HTTP request: %1.", "parameters": [str(error)]})
                    await send(wire, writer, reply, reply.body)
                return
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
        """Send the response; False if the connection must be closed afterwards."""
        method, target = request.method.decode(), urlsplit(request.target.decode())
        self.requests[f"{method} {target.path}"] += 1
        method = "GET" if (head_only := method == "HEAD") else method
        asked = parse_qs(target.query).get("page", ["1"])[0]
        page = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 1
        headers = {name.decode().lower(): value.decode() for name, value in request.headers}
        post = Post(target.path, body, 0, True, {k: v for k, v in headers.items() if k != "authorization"})
        faults = self.faults.strike(method, target.path, page if method == "GET" else None, post.order_id)
        kinds = {fault.kind: fault for fault in faults}
        if "latency" in kinds:
            await asyncio.sleep(kinds["latency"].seconds)
        if "call" in kinds:
            kinds["call"].payload(post)
        reply = None if "dropped" in kinds else instead(kinds, headers.get("authorization", ""))
        done = reply is None and "dropped" not in kinds
        if done:
            reply = self._reply(method, target.path, page, headers.get("authorization", ""), body)
            self._between_pages(kinds, target.path)
        lost = "dropped" in kinds or "lost_answer" in kinds
        if method == "POST":
            self.posts.append(Post(post.path, body, reply.status if reply else 0, not lost, post.headers))
        if lost or reply is None:
            return False
        # two faults may coincide: a refused request is never answered as if it had been performed
        if done and reply.status == 200 and "html_200" in kinds:
            reply = as_html(200, "Welcome to our shop")
        elif done and reply.status == 200 and "done_denied" in kinds:
            reply = denied(kinds["done_denied"])
        elif done and reply.status == 200 and "empty" in kinds:
            reply = Reply(200, b"")
        # a response to HEAD states the length of the omitted body
        body = b"" if head_only else reply.body
        cut = "cut" in kinds
        await send(wire, writer, reply, body[: len(body) // 2] if cut else body, cut=cut)
        return not cut

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

    def _reply(self, method: str, path: str, page: int, authorization: str, body: bytes) -> Reply:
        scheme, _, token = authorization.partition(" ")
        if token in self.without_scope:
            return as_json(403, {"message": "The consumer isn't authorized to access %resources.",
                               "parameters": {"resources": "ShipperOne::fulfillment"}})  # fmt: skip
        if scheme != "Bearer" or token != self.token:
            return as_json(401, {"message": "The consumer isn't authorized to access this resource."})
        root, _, name = path.partition("/V1/")
        if root != f"/rest/{self.store_code}":
            return as_json(404, {"message": "Store %1 does not exist.", "parameters": [root.rsplit("/", 1)[-1]]})
        kind, _, what = name.partition("/")
        if method == "GET" and kind == "fulfillmentOrders" and what in QUEUES:
            status, answer = self._shop.page(what, page, self._page_size, self._past_the_end)
            return Reply(200, answer.encode()) if status == 200 else as_json(status, answer)
        if method == "GET" and name == "warehouses":
            return as_json(200, [{"warehouse_code": code} for code in self._warehouses])
        if method == "POST" and kind == "fulfillmentOrder" and what in ("allocate", "invoice"):
            return self._confirm(what, body)
        return as_json(404, {"message": "Request does not match any route."})

    def _confirm(self, action: str, body: bytes) -> Reply:
        try:
            order = loads(body)["order"]
            order_id, item_ids = order["order_id"], [item["item_id"] for item in order["items"]]
        except (ValueError, KeyError, TypeError):
            return as_json(400, {"message": "The body is not %1.", "parameters": ['{"order": {…}}']})
        if action == "allocate":
            status, answer = self._shop.allocate(order_id, item_ids)
        else:
            status, answer = self._shop.invoice(order_id, item_ids, order.get("shipping_amount_incl_tax"))
        return as_json(status, answer)
