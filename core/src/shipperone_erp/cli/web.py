"""`web`: the operations page beside a running service, on the same ledger."""

import asyncio
import importlib.util
import signal
from typing import Annotated

import typer

from shipperone_erp.cli.logs import LogForm, start_logging
from shipperone_erp.cli.options import DEFAULT_FILE, ConfigFile, configuration, print_text
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.config import Configuration
from shipperone_erp.config.page import exposed, listening
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.alerts.watch import watching

DEFAULT_HTTP = "127.0.0.1:8642"


def web(
    config: ConfigFile = DEFAULT_FILE,
    http: Annotated[
        str | None, typer.Option(help="Address and port; port 0: any free port.", show_default="[runtime] http")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Read only: no actions on the page.")] = False,
) -> None:
    """Serve the operations page beside a running service. On the same ledger, until Ctrl-C; needs the extra web."""
    start_logging(LogForm.AUTO)
    loaded = configuration(config, tenants_may_fail=True)
    where = http or loaded.runtime.http or DEFAULT_HTTP
    try:
        listening(where)
    except ValueError as error:
        raise UsageError(f"--http {where}: {error}") from None
    if (why := exposed(where, loaded.runtime.page)) is not None:
        raise UsageError(why)
    must_have_web()
    with Ledger.open(loaded.runtime.ledger, read_only=read_only or loaded.runtime.page.read_only) as ledger:
        serve_page(loaded, ledger, where)


def must_have_web() -> None:
    """UsageError, with the name of the extra, if it is not installed."""
    for name in ("jinja2", "starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"the page needs {name}, which is not installed: pip install 'shipperone-erp[web]'")


def serve_page(loaded: Configuration, ledger: Ledger, http: str) -> None:
    """Serve the page until SIGTERM or Ctrl-C, and print its address."""
    from shipperone_erp.web.page_server import address, bound, serve, site_of

    try:
        opened = bound(http)
    except OSError as error:
        raise UsageError(f"the page cannot be served at {http}: {error.strerror}") from None
    print_text(f"the operations page: {address(opened)}   (Ctrl-C ends it)")

    async def go() -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with watching(loaded, ledger):
            await serve(site_of(loaded, ledger, REDACTION), opened, stopping)

    asyncio.run(go())
