"""What an HTTP answer of ShipperOne means, by its status and the kind of its content; its words decide nothing.

of a POST   accepted      2xx with an empty body or JSON that does not deny it (`denials`)
            refused       400 and the other 4xx
            throttled     429; 503 with Retry-After: nothing happened
            unauthorised  401, 403: nothing happened
            not sent      the connection was never made
            unknown       anything else, a 2xx that denies it included: it may have happened
of a GET    a list, or `ReadFailed` with its trouble
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

from shipperone_erp.errors import ShipperOneErpError
from shipperone_erp.model.text import loads
from shipperone_erp.shipperone import messages
from shipperone_erp.shipperone.denials import denies
from shipperone_erp.shipperone.values import rows_of

BODY_AT_MOST = 20_000
"""Characters of an answer that are kept: an error page can be large."""

WAIT_AT_MOST = 3600.0
"""Seconds: after an hour it does no harm to ask again, and a mistaken Retry-After would silence a tenant for good."""


class PostOutcome(StrEnum):
    """How a POST ended. Only `ACCEPTED` and `UNKNOWN` may have changed something at ShipperOne."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNAUTHORISED = "unauthorised"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """The outcome of a POST. `message` is for people; of a refusal it is what ShipperOne says, else a whole phrase.

    `retry_after` is in seconds. `body` is the answer's text, cut to `BODY_AT_MOST`; None if there was no answer.
    `ended_at` is when the answer came or the call was given up. `denial`: ShipperOne's own words in a 2xx that does not
    accept (JSON that denies it, or no JSON); the outcome is then `UNKNOWN`. None for every other answer.
    """

    outcome: PostOutcome
    status: int | None
    body: str | None = field(repr=False)
    message: str
    retry_after: float | None
    report_id: str | None
    ended_at: datetime
    denial: str | None = None


class Trouble(StrEnum):
    """Why a read failed. Time alone cures `UNAVAILABLE` and `THROTTLED`, a person the others."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


class ReadFailed(ShipperOneErpError):
    """A GET brought no list. `sentence` says what came instead; `retry_after` is in seconds.

    `is_json`: it was refused in JSON, as ShipperOne does; a page may be anybody's.
    """

    exit_code = 4

    def __init__(
        self,
        sentence: str,
        trouble: Trouble,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        report_id: str | None = None,
        is_json: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.trouble = trouble
        self.status = status
        self.retry_after = retry_after
        self.report_id = report_id
        self.is_json = is_json


Redact = Callable[[str], str]
"""Takes our token out of what ShipperOne says, should it repeat it."""


def post_answer(response: httpx.Response, ended_at: datetime, redact: Redact) -> PostAnswer:
    """What a POST's answer means."""
    answer = _Answer(response, redact)
    wait = retry_after(response, ended_at)
    accepts = (answer.is_json and not answer.denies) or not answer.text.strip()
    outcome = _outcome(response.status_code, wait, takes_effect=accepts)
    denial = None
    if outcome is PostOutcome.ACCEPTED:
        message = answer.said
    elif outcome is PostOutcome.REFUSED:
        message = answer.said or answer.shown
    else:
        message = answer.sentence
        if 200 <= response.status_code < 300:
            denial = answer.said or answer.shown
    return PostAnswer(
        outcome, response.status_code, answer.text[:BODY_AT_MOST], message, wait, answer.report_id, ended_at, denial
    )


def lost_post(failure: httpx.HTTPError | OSError, ended_at: datetime) -> PostAnswer:
    """What it means for a POST that no answer came: not sent if no connection was made, else unknown."""
    outcome = PostOutcome.NOT_SENT if isinstance(failure, NEVER_CONNECTED) else PostOutcome.UNKNOWN
    return PostAnswer(outcome, None, None, _why(failure), None, None, ended_at)


def body_of(response: httpx.Response, what: str, now: datetime, redact: Redact) -> bytes:
    """The body of a GET, if it may hold a list. `what` was asked for; ReadFailed if the answer is no 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return response.content
    answer = _Answer(response, redact)
    wait = retry_after(response, now)
    report = answer.report_id
    sentence = f"{what}: {answer.sentence}"
    if report and report not in sentence:
        sentence += f" (report {report})"
    raise ReadFailed(
        sentence, _trouble(status, wait), status=status, retry_after=wait, report_id=report, is_json=answer.is_json
    )


def silenced_post(seconds: float, now: datetime) -> PostAnswer:
    """A POST that was not sent, because ShipperOne has asked for silence and this long is left of it."""
    return PostAnswer(PostOutcome.THROTTLED, None, None, _silence(seconds), seconds, None, now)


def silenced_read(seconds: float, what: str) -> ReadFailed:
    """A GET that was not sent, for the same reason."""
    return ReadFailed(f"{what}: {_silence(seconds)}", Trouble.THROTTLED, retry_after=seconds)


def lost_read(failure: httpx.HTTPError | OSError, what: str) -> ReadFailed:
    """What it means for a GET that no answer came."""
    return ReadFailed(f"{what}: {_why(failure)}", Trouble.UNAVAILABLE)


def entries(body: bytes, what: str, redact: Redact) -> Sequence[Any]:
    """The list in a body: bare, or in an object around it, or in an object in that one. ReadFailed if there is none."""
    try:
        value = parsed(body.decode("utf-8-sig"))
    except ValueError:
        came = redact(messages.of_page(redact(body.decode(errors="replace"))))
        raise ReadFailed(f"{what}: ShipperOne answered with {came}", Trouble.UNAVAILABLE) from None
    rows = _rows(value)
    if rows is None:
        said = "no list"
        if isinstance(value, dict):
            said = messages.of_json(value) or f"no list but {', '.join(value) or 'nothing'}"
        raise ReadFailed(
            f"{what}: ShipperOne answered with JSON that is no list of orders: {messages.excerpt(redact(said))}",
            Trouble.UNAVAILABLE,
        )
    return rows


def parsed(text: str) -> Any:
    """JSON with exact numbers. ValueError if it is none.

    Half a surrogate and a NUL are legal in JSON, and no database stores them: one such name must not stop a queue.
    """
    try:
        value = loads(text)
        return _storable(value) if "\\u" in text else value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Seconds to wait, from either form of the header; None if there is none that makes sense.

    A date is read against the answer's own `Date`: the two clocks need not agree.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), WAIT_AT_MOST)
    until = _http_date(text)
    if until is None:
        return None
    since = _http_date(response.headers.get("date", "")) or now
    return min(max((until - since).total_seconds(), 0.0), WAIT_AT_MOST)


NEVER_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""No byte of the request has gone out: it was the name, the port, TLS, a free connection, or the way to a proxy."""

BROKEN_OFF = "it was broken off as it was being made, as when https is spoken where only http is understood"
"""A handshake that the other side ends without a word: the failure itself says nothing."""

_CONTAINERS = ("items", "orders", "fulfillment_orders", "fulfillmentOrders", "data", "results", "result", "records",
               "rows", "list", "warehouses")  # fmt: skip


class _Answer:
    """A response as text: its JSON if it is that, what it says, and the sentence about it; all of it redacted.

    What is taken out of JSON or HTML is redacted once more: the token may have been written with escapes there.
    """

    def __init__(self, response: httpx.Response, redact: Redact) -> None:
        self.status = response.status_code
        try:
            text = response.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = response.text
        self.text = redact(text)
        self._redact = redact
        self.said, self.is_json, self.denies = "", False, False
        with suppress(ValueError):
            value = parsed(self.text)
            self.said, self.is_json, self.denies = redact(messages.of_json(value)), True, denies(value)
        self.report_id = messages.report_id(self.text)
        self._location = response.headers.get("location", "")

    @property
    def shown(self) -> str:
        """What stands for a message where there is none."""
        is_page = self.text.lstrip().startswith("<")
        shown = messages.of_page(self.text) if is_page or not self.text.strip() else messages.excerpt(self.text)
        return self._redact(shown)

    @property
    def sentence(self) -> str:
        if self.status == 401:
            what = "ShipperOne refuses the token (401): it may have been replaced or revoked"
        elif self.status == 403:
            what = "ShipperOne refuses what the token asks for (403): it lacks the scope for this"
        elif 300 <= self.status < 400 and self._location:
            place = self._redact(_place(self._location))
            what = f"ShipperOne sends elsewhere ({self.status}), to {place}: check base_url"
        elif self.is_json and self.status < 300 and self.denies:
            return f"ShipperOne answered {self.status} and denies it: {self.said or self.shown}"
        elif self.is_json:
            what = f"ShipperOne answered {self.status}"
        elif self.status < 300:
            return f"ShipperOne answered {self.status} with {self._redact(messages.of_page(self.text))}"
        else:
            return f"ShipperOne answered {self.status} with {self.shown}"
        return f"{what}: {self.said}" if self.said else what


def _outcome(status: int, wait: float | None, *, takes_effect: bool) -> PostOutcome:
    if 200 <= status < 300:
        return PostOutcome.ACCEPTED if takes_effect else PostOutcome.UNKNOWN
    if status in (401, 403):
        return PostOutcome.UNAUTHORISED
    if status == 429 or (status == 503 and wait is not None):
        return PostOutcome.THROTTLED
    if status == 407:
        # a proxy on our side has kept it
        return PostOutcome.NOT_SENT
    if 400 <= status < 500 and status != 408:
        return PostOutcome.REFUSED
    return PostOutcome.UNKNOWN


def _trouble(status: int, wait: float | None) -> Trouble:
    if status in (401, 403):
        return Trouble.UNAUTHORISED
    if status == 429 or (status == 503 and wait is not None):
        return Trouble.THROTTLED
    if status == 404:
        return Trouble.NOT_FOUND
    return Trouble.REFUSED if status == 400 else Trouble.UNAVAILABLE


def _silence(seconds: float) -> str:
    return f"ShipperOne has asked not to be called for another {seconds:.0f} s (Retry-After)"


def _why(failure: httpx.HTTPError | OSError) -> str:
    # only failures of the connection itself are quoted: others may quote our own headers, and so the token
    if isinstance(failure, httpx.ConnectTimeout):
        return "no connection to ShipperOne was made in time"
    if isinstance(failure, httpx.PoolTimeout):
        return "every connection to ShipperOne stayed in use"
    if isinstance(failure, NEVER_CONNECTED):
        return f"no connection to ShipperOne could be made: {str(failure) or BROKEN_OFF}"
    if isinstance(failure, httpx.TimeoutException | TimeoutError):
        return "ShipperOne's answer did not come in time"
    return f"the connection to ShipperOne broke off before its answer was whole ({type(failure).__name__})"


def _rows(value: Any, depth: int = 2) -> Sequence[Any] | None:
    rows = rows_of(value)
    if rows is not None or not isinstance(value, dict) or depth == 0:
        return rows
    for name in _CONTAINERS:
        rows = _rows(value.get(name), depth - 1)
        if rows is not None:
            return rows
    # Magento's search results have `"items": null` where nothing was found
    return [] if value.get("items", ...) is None and value.get("total_count") == 0 else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\0", "�")
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    return value


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _place(location: str) -> str:
    try:
        url = httpx.URL(location)
    except httpx.InvalidURL:
        return "another address"
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))
