"""The sandbox's responses, and their transmission."""

import asyncio
import email.utils
import html
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h11

from shipperone_erp.kernel.json import dumps
from shipperone_erp.sandbox.faults import Fault

REPORT = "webapi-64f0c1a2b3d4e"
NEVER_WITH_A_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body, and further headers."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


async def send(
    wire: h11.Connection, writer: asyncio.StreamWriter, reply: Reply, body: bytes, *, cut: bool = False
) -> None:
    """Send the response's head and this body, which is cut if it is shorter than the head states."""
    sent = [("Date", email.utils.formatdate(usegmt=True)), *reply.headers]
    if reply.status not in NEVER_WITH_A_BODY:
        sent[1:1] = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
    else:
        body = b""
    data = wire.send(h11.Response(status_code=reply.status, headers=sent, reason=b"-")) or b""
    if cut:
        data += body
    else:
        data += (wire.send(h11.Data(data=body)) or b"") + (wire.send(h11.EndOfMessage()) or b"")
    writer.write(data)
    await writer.drain()


def as_json(status: int, answer: Any) -> Reply:
    """The answer as JSON."""
    return Reply(status, dumps(answer).encode())


def as_html(status: int, title: str) -> Reply:
    """An HTML page, as a proxy or a shop sends it."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(status, text.encode(), "text/html")


def denied(fault: Fault) -> Reply:
    """A 200 whose body rejects the request."""
    text = "false" if fault.payload is None else str(fault.payload)
    return Reply(200, text.encode(), "text/html" if text.startswith("<") else "application/json")


def instead(kinds: Mapping[str, Fault], authorization: str) -> Reply | None:
    """The response of a fault that replaces the action; None if there is none."""
    if "echo" in kinds:
        parameters = [authorization, kinds["echo"].payload or ""]
        return as_json(400, {"message": "Not possible with Authorization: %1 %2", "parameters": parameters})
    if "echo_html" in kinds:
        return as_html(502, html.escape(f"Bad Gateway for {authorization} {kinds['echo_html'].payload or ''}"))
    if "500" in kinds:
        return as_json(
            500, {"message": f"Internal Error. Details are available in Magento log file. Report ID: {REPORT}"}
        )
    if "html_502" in kinds:
        return as_html(502, "502 Bad Gateway")
    if "denied" in kinds:
        return denied(kinds["denied"])
    if "redirect" in kinds:
        return Reply(302, b"", headers=(("Location", "https://elsewhere.example/"),))
    for kind in ("429", "503"):
        if kind in kinds:
            after = kinds[kind].retry_after
            if after is not None and after.startswith("date"):
                after = email.utils.formatdate(time.time() + float(after.removeprefix("date") or 1), usegmt=True)
            headers = (("Retry-After", after),) if after is not None else ()
            reply = as_json(int(kind), {"message": "Too many requests" if kind == "429" else "Maintenance"})
            return Reply(reply.status, reply.body, headers=headers)
    return None
