"""A network before a real Odoo that breaks after the n-th write, and the merchant behind it."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from odoo_shop import Shop, reads
from shipperone_erp_odoo.seeding import Seed


class Killed(BaseException):
    """The process ends here."""


class Breaking(httpx.BaseTransport):
    """The network, which carries every request out; after the n-th that changes something it raises instead of answering."""

    def __init__(self, after: int, error: Exception | type[Killed]) -> None:
        self._network = httpx.HTTPTransport()
        self._after = after
        self._error = error
        self.writes = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        response.read()
        if not reads(request):
            self.writes += 1
            if self.writes == self._after:
                raise self._error
        return response


@pytest.fixture
def shop(request: pytest.FixtureRequest, about: dict[str, Any], seed: Seed) -> Iterator[Shop]:
    if about["protocol"] == "xmlrpc":
        pytest.skip("over XML-RPC only the cases run")
    made = Shop(hashlib.sha256(request.node.name.encode()).hexdigest()[:6], about, None, seed)
    yield made
    made.close()
