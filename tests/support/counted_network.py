"""A network that counts the requests that cross it."""

import httpx


class CountedNetwork(httpx.BaseTransport):
    """Sends each request as it is."""

    def __init__(self) -> None:
        self.calls = 0
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return self._network.handle_request(request)
