"""Serves the page over HTTP, in a process of its own or in the event loop of a running service."""

import asyncio
import contextlib
import importlib.util
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import uvicorn

from shipperone_erp.config import Configuration
from shipperone_erp.config.page import listening
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import anybody_on_page
from shipperone_erp.web.access import Access
from shipperone_erp.web.app import application
from shipperone_erp.web.guard import Asgi
from shipperone_erp.web.site import Site

if TYPE_CHECKING:
    from shipperone_erp.web.metrics import Metrics

LOG = logging.getLogger("shipperone_erp.web")

USUAL = "127.0.0.1:8642"
AGAIN = 10.0
"""Seconds until the next attempt on a port held by another process, such as the one that this process replaces."""
CLOSE_WITHIN = 2.0


def site_of(
    configuration: Configuration, ledger: Ledger, redact: Redaction, *, now: Callable[[], datetime] = utc_now
) -> Site:
    """The page of this configuration over an open ledger, with the settings of `[runtime.page]`."""
    settings = configuration.runtime.page
    access = Access(settings, anybody_on_page())
    read_only = settings.read_only or ledger.read_only
    return Site(
        configuration, ledger, access, redact, now, read_only=read_only, metrics=_metrics(configuration, ledger)
    )


def _metrics(configuration: Configuration, ledger: Ledger) -> "Metrics | None":
    """None without the extra `metrics`."""
    if importlib.util.find_spec("prometheus_client") is None:
        return None
    from shipperone_erp.web.metrics import Metrics

    return Metrics(configuration, ledger)


def bound(http: str) -> socket.socket:
    """A socket that listens at that address. OSError if it cannot be opened."""
    host, port = listening(http)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each body waits 40 ms for the ACK of its
    # headers
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(128)
    except OSError:
        opened.close()
        raise
    return opened


def address(opened: socket.socket) -> str:
    """'http://127.0.0.1:8642'"""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(site: Site, opened: socket.socket, stopping: asyncio.Event, events: Observers | None = None) -> None:
    """Serve the page on that socket until `stopping` is set; its metrics count the `events`."""
    if events is not None and site.metrics is not None:
        events.add(site.metrics)
    try:
        await serve_app(application(site, hosts=(opened.getsockname()[0],)), opened, stopping)
        await site.background.close()
    finally:
        if events is not None and site.metrics is not None:
            events.remove(site.metrics)


async def serve_app(app: Asgi, opened: socket.socket, stopping: asyncio.Event) -> None:
    """Serve an application on that socket. The process keeps its own signal handlers."""
    settings: Any = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="off",
        ws="none", timeout_keep_alive=15, timeout_graceful_shutdown=2, h11_max_incomplete_event_size=64 * 1024,
        limit_concurrency=200,
    )  # fmt: skip
    server = uvicorn.Server(settings)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign, unused-ignore]
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        server.should_exit = True
        await asyncio.wait({serving}, timeout=CLOSE_WITHIN + 2)
        opened.close()


@asynccontextmanager
async def local_page(
    configuration: Configuration, ledger: Ledger, redact: Redaction, events: Observers | None = None
) -> AsyncIterator[str]:
    """A context manager that serves the page on this machine, at its usual port or any free one; yields its address."""
    try:
        opened = bound(USUAL)
    except OSError:
        opened = bound(f"{listening(USUAL)[0]}:0")
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(site_of(configuration, ledger, redact), opened, stopping, events))
    try:
        yield address(opened)
    finally:
        stopping.set()
        await asyncio.wait({task}, timeout=CLOSE_WITHIN + 4)


@asynccontextmanager
async def page_in_service(
    configuration: Configuration, ledger: Ledger, redact: Redaction, events: Observers
) -> AsyncIterator[None]:
    """A context manager that serves the page at `[runtime] http`, if it is set; its errors do not stop the service."""
    http = configuration.runtime.http
    if http is None:
        yield
        return
    stopping = asyncio.Event()
    task = asyncio.create_task(_kept_up(http, configuration, ledger, redact, events, stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait({task}, timeout=CLOSE_WITHIN + 4)


async def _kept_up(
    http: str, configuration: Configuration, ledger: Ledger, redact: Redaction, events: Observers,
    stopping: asyncio.Event,
) -> None:  # fmt: skip
    reported = False
    while not stopping.is_set():
        try:
            opened = bound(http)
            LOG.info("the operations page is at %s", address(opened))
            reported = False
            await serve(site_of(configuration, ledger, redact), opened, stopping, events)
        except OSError as error:
            if not reported:
                LOG.warning("the page cannot be served at %s (%s); retried later", http, error.strerror)
            reported = True
        except Exception:
            LOG.exception("the page failed; it is restarted, and orders are not affected")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), AGAIN)
