"""HTTP to Odoo: one persistent client, connect and read time-outs, verified TLS, no redirects, no automatic repetition.

A call that certainly did not reach Odoo is `Transient`. A call that may have changed data and whose response is lost is
`Unknown`: the caller repeats it with the same key.
"""

import ssl
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser

import httpx

from shipperone_erp import ConnectorError, Transient, Unknown

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
BUSY = (429, 503)


class Wire:
    """The connection to one Odoo. `transport`: a different one in tests (`httpx.MockTransport`)."""

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float,
        timeout: float,
        ca_file: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self._client = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=connect_timeout),
            verify=_trusts_nobody() if httpx.URL(url).scheme == "http" else ssl.create_default_context(cafile=ca_file),
            trust_env=False,  # a proxy set in the environment would see every order
            follow_redirects=False,  # a redirected POST becomes a GET
            limits=httpx.Limits(keepalive_expiry=3.0),  # Odoo closes early: an idle connection is soon a dead one
        )

    def post(self, path: str, content: bytes, headers: dict[str, str], *, doing: str, writes: bool) -> httpx.Response:
        """The response, with any status, if it may come from Odoo.

        `writes`: whether a lost response leaves the outcome unknown.
        """
        try:
            response = self._client.post(f"{self.url}{path}", content=content, headers=headers)
        except NEVER_SENT as error:
            raise Transient(f"{doing}: {self.url} cannot be reached: {_why(error)}") from None
        except httpx.HTTPError as error:
            raise lost(f"{doing}: no answer from {self.url} ({_why(error)})", writes=writes) from None
        return self._answered(response, doing, writes=writes)

    def get(self, path: str, *, doing: str) -> httpx.Response:
        """A page that needs no login."""
        try:
            response = self._client.get(f"{self.url}{path}")
        except httpx.HTTPError as error:
            raise Transient(f"{doing}: {self.url} cannot be reached: {_why(error)}") from None
        return self._answered(response, doing, writes=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answered(self, response: httpx.Response, doing: str, *, writes: bool) -> httpx.Response:
        status = response.status_code
        if response.is_redirect:
            # the target's query may contain a token; its host suffices to show that `url` is wrong
            target = response.next_request.url if response.next_request else httpx.URL()
            place = f"{target.scheme}://{target.netloc.decode()}"
            raise Transient(f"{doing}: {self.url} redirects to {place} (HTTP {status}); set `url` to Odoo's address")
        if status in BUSY:
            raise Transient(f"{doing}: {self.url} is busy (HTTP {status})", _retry_after(response))
        if status >= 500 and not _is_json(response):
            raise lost(f"{doing}: {self.url} answers HTTP {status}{_title(response)}", writes=writes)
        return response


def _trusts_nobody() -> ssl.SSLContext:
    """For an address without TLS: verification is on, and no certificate of the machine is read for it (50 ms)."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def lost(sentence: str, *, writes: bool) -> ConnectorError:
    """The error for a call whose execution is unknown."""
    return Unknown(f"{sentence}; the outcome is unknown") if writes else Transient(sentence)


def not_odoo(response: httpx.Response, doing: str, *, writes: bool) -> ConnectorError:
    """The error for a response that is not Odoo's: a proxy's page, a login page, a cut body."""
    sentence = f"{doing}: the answer is not Odoo's (HTTP {response.status_code}{_title(response)}); is `url` right?"
    return lost(sentence, writes=writes)


def _is_json(response: httpx.Response) -> bool:
    return "json" in response.headers.get("content-type", "")


def _why(error: Exception) -> str:
    words = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in words:
        why = words.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"its certificate is not trusted ({why}); set your own certificate authority as `ca_file`"
    return words or type(error).__name__


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - parsedate_to_datetime(response.headers["date"])).total_seconds(), 0)
    except (KeyError, ValueError, TypeError):
        return None


class _TitleReader(HTMLParser):
    title = ""
    _inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def _title(response: httpx.Response) -> str:
    """', "502 Bad Gateway"': the page's title, to identify its source."""
    reader = _TitleReader()
    reader.feed(response.text[:5000])
    title = " ".join(reader.title.split())[:80]
    return f', "{title}"' if title else ""
