"""The operations page for tests: served by its own server on a free port, and a client that fills in its forms."""

import asyncio
import atexit
import functools
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("starlette", reason="the page needs the extra: pip install 'shipperone-erp[web]'")
pytest.importorskip("uvicorn", reason="the page needs the extra: pip install 'shipperone-erp[web]'")

from shipperone_erp.config import Configuration, load
from shipperone_erp.domain.job import Job
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import InsertJob, RecordIntent
from shipperone_erp.web.page_server import address, bound, serve, site_of
from shipperone_erp.web.site import Site

TOKENS = {name: f"{name}-token-{'0123456789' * 3}" for name in ("anna", "walter", "ida", "rea")}
PEOPLE = """
[runtime.page.people.anna]
token = "anna-token-012345678901234567890123456789"
roles = ["accountant"]
[runtime.page.people.walter]
token = "walter-token-012345678901234567890123456789"
roles = ["warehouse"]
[runtime.page.people.ida]
token = "ida-token-012345678901234567890123456789"
roles = ["it"]
[runtime.page.people.rea]
token = "rea-token-012345678901234567890123456789"
"""


class Browser:
    """A client of the page as a browser without scripts is one: it keeps cookies and fills in forms."""

    def __init__(self, base: str, **options: Any) -> None:
        self.base = base
        self.http = httpx.Client(base_url=base, follow_redirects=True, timeout=30, verify=False, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(path, **options)

    def csrf(self, path: str = "/login") -> str:
        """The token of a form of that page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found is not None, path
        return found[1]

    def post(self, path: str, form: dict[str, Any], *, on: str, **options: Any) -> httpx.Response:
        """Send a form that stands on the page `on`."""
        return self.http.post(path, data={"csrf": self.csrf(on), **form}, **options)

    def login(self, name: str) -> "Browser":
        answer = self.post("/login", {"token": TOKENS[name]}, on="/login")
        assert answer.status_code == 200, answer.text
        return self


@contextmanager
def served(configuration: Configuration, ledger: Ledger, *, http: str = "127.0.0.1:0") -> Iterator["Served"]:
    """The page over that ledger, until the end."""
    site = site_of(configuration, ledger, Redaction(configuration.secrets))
    opened = bound(http)
    started: dict[str, Any] = {}
    ready = threading.Event()

    def run() -> None:
        async def go() -> None:
            started["stop"] = asyncio.Event()
            started["loop"] = asyncio.get_running_loop()
            ready.set()
            await serve(site, opened, started["stop"])

        asyncio.run(go())

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    try:
        yield Served(address(opened), site)
    finally:
        started["loop"].call_soon_threadsafe(started["stop"].set)
        thread.join(15)
        assert not thread.is_alive()


class Served:
    """A page that is being served."""

    def __init__(self, base: str, site: Site) -> None:
        self.base = base
        self.site = site

    def browser(self, **options: Any) -> Browser:
        return Browser(self.base, **options)


def configured(folder: Path, runtime: str = "", more: str = "", tenant: str = "") -> Configuration:
    """A configuration of one tenant `acme` with the counting ERP, whose files are in the folder."""
    file = folder / "shipperone-erp.toml"
    file.write_text(
        f'[runtime]\nledger = "sqlite:///ledger.db"\n{runtime}\n{more}\n[tenants.acme]\n'
        'base_url = "https://acme.example"\ntoken = "the-token-of-acme"\nconnector = "counting"\ncurrency = "EUR"\n'
        f'timezone = "Europe/Bratislava"\n{tenant}\n[tenants.acme.counting]\ndatabase = "{folder / "erp.db"}"\n',
        encoding="utf-8",
    )
    return load(file, environment={})


@functools.cache
def _empty_ledger() -> Path:
    """Made once a process: the migrations take longer than most tests of the page."""
    folder = Path(tempfile.mkdtemp(prefix="empty-ledger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Ledger.open(f"sqlite:///{folder / 'ledger.db'}", migrate=True).close()
    return folder / "ledger.db"


def ledger_with(folder: Path, *entries: Any) -> Ledger:
    """A new ledger in the folder that holds these jobs and effects."""
    shutil.copyfile(_empty_ledger(), folder / "ledger.db")
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    add(ledger, *entries)
    return ledger


def add(ledger: Ledger, *entries: Any) -> None:
    """More jobs, or effects of jobs that are there."""
    with ledger._writing() as connection:
        ledger._run(
            connection, [InsertJob(entry) if isinstance(entry, Job) else RecordIntent(entry) for entry in entries]
        )


def words(html: str) -> str:
    """What a reader sees: the text without markup, blanks as one."""
    return " ".join(unescape(re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)).split())
