"""The meaning of an HTTP answer of ShipperOne, by its status and the kind of its content; its words decide nothing.

of a POST   accepted      2xx with an empty body or JSON that does not deny it (`denials`)
            refused       400 and the other 4xx
            throttled     429; 503 with Retry-After: nothing happened
            unauthorised  401, 403: nothing happened
                          (a 403 with a page is a firewall's, and unknown: it may have kept back the answer alone)
            unknown       anything else, a 2xx that denies it included: it may have happened
            not sent      no connection was made (`lost_answers`), or the tenant's own proxy has blocked it (407)
of a GET    a list, or `ReadFailed` with its trouble
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.shipperone import response_messages
from shipperone_erp.shipperone.decoding import decoded
from shipperone_erp.shipperone.denials import denies
from shipperone_erp.shipperone.headers import place_of, retry_after
from shipperone_erp.shipperone.pages import entries_in, parsed
from shipperone_erp.shipperone.response_reader import Received
from shipperone_erp.shipperone.tolerant_json import BadJson, Span, place

BODY_AT_MOST = 20_000
"""The most characters of an answer that are kept: an error page can be large."""


Redact = Callable[[str], str]
"""Removes the token from ShipperOne's text, should it repeat it."""


def post_answer(response: Received, now: datetime, redact: Redact) -> PostAnswer:
    """The meaning of a POST's answer."""
    answer = _Answer(response, redact)
    wait = retry_after(response.headers, now)
    accepts = (answer.is_json and not answer.denies) or not answer.text.strip()
    outcome = _outcome(response.status, wait, takes_effect=accepts, by_proxy=answer.by_proxy)
    denial = None
    if outcome is PostOutcome.ACCEPTED:
        message = answer.message
    elif outcome is PostOutcome.REFUSED:
        message = answer.message or answer.shown
    else:
        message = answer.sentence
        if response.succeeded:
            denial = answer.message or answer.shown
    return PostAnswer(
        outcome, response.status, answer.text[:BODY_AT_MOST], message, wait, answer.report_id, denial,
        answer.by_proxy,
    )  # fmt: skip


def raise_for_status(response: Received, what: str, now: datetime, redact: Redact) -> None:
    """ReadFailed if the answer to a GET is no 2xx. `what` names the request."""
    status = response.status
    if response.succeeded:
        return
    answer = _Answer(response, redact)
    wait = retry_after(response.headers, now)
    report = answer.report_id
    sentence = f"{what}: {answer.sentence}"
    if report and report not in sentence:
        sentence += f" (report {report})"
    trouble = _trouble(status, wait, by_proxy=answer.by_proxy)
    raise ReadFailed(sentence, trouble, status=status, retry_after=wait, is_json=answer.is_json)


def silenced_post(seconds: float) -> PostAnswer:
    """A POST that was not sent, because ShipperOne has requested a pause and this many seconds of it remain."""
    return PostAnswer(PostOutcome.THROTTLED, None, None, _silence(seconds), seconds, None)


def silenced_read(seconds: float, what: str) -> ReadFailed:
    """A GET that was not sent, for the same reason."""
    return ReadFailed(f"{what}: {_silence(seconds)}", Trouble.THROTTLED, retry_after=seconds)


def entries(page: Received, what: str, redact: Redact, *, first: bool = True) -> Iterable[Any]:
    """The entries of a page (see `pages`); none for an answer of 204. ReadFailed if it is no JSON, or holds no list."""
    if page.status == NO_CONTENT:
        return ()
    try:
        return entries_in(page.body, page.content_type, first=first)
    except BadJson as failure:
        head = redact(decoded(page.body[: response_messages.HEAD], page.content_type))
        came = redact(response_messages.of_page(head))
        if head.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')):
            came = f"broken JSON: {failure.what}, at {place(page.body, failure.at)}"
        elif not came.startswith(("a page", "an empty")):
            came = f"no JSON ({len(page.body)} bytes)"
    except LookupError as no_list:
        came = f"JSON without a list of orders: {response_messages.excerpt(redact(_shape(no_list.args[0])))}"
    raise ReadFailed(f"{what}: ShipperOne answered with {came}", Trouble.UNAVAILABLE)


def _shape(value: Any) -> str:
    """A description of a page that holds no list."""
    if isinstance(value, Span):
        try:
            value = value.value()
        except BadJson as failure:
            return f"no list; {failure.what}"
    if isinstance(value, dict):
        return response_messages.of_json(value) or f"no list but {', '.join(value) or 'nothing'}"
    return "no list"


BY_FIREWALLS = frozenset({403, 405, 406, 451})
"""Statuses with which firewalls answer by a page of their own."""

NO_CONTENT = 204
"""The status of an answer without a body, which an empty queue may have."""


class _Answer:
    """A response as text: its JSON if valid, its message, and a sentence about it; all redacted.

    Text taken out of JSON or HTML is redacted once more: the token may have been escaped there.
    """

    def __init__(self, response: Received, redact: Redact) -> None:
        self.status = response.status
        self.text = redact(decoded(response.body, response.content_type))
        self._redact = redact
        self.message, self.is_json, self.denies = "", False, False
        with suppress(ValueError):
            value = parsed(self.text)
            self.message, self.is_json, self.denies = redact(response_messages.of_json(value)), True, denies(value)
        self.report_id = response_messages.report_id(self.text)
        self._location = response.headers.get("location", "")

    @property
    def shown(self) -> str:
        """The text to show where there is no message."""
        is_page = self.text.lstrip().startswith("<")
        shown = (
            response_messages.of_page(self.text)
            if is_page or not self.text.strip()
            else response_messages.excerpt(self.text)
        )
        return self._redact(shown)

    @property
    def by_proxy(self) -> bool:
        """ShipperOne refuses in JSON; a page with one of these statuses comes from a proxy or firewall."""
        return self.status in BY_FIREWALLS and self.text[: response_messages.HEAD].lstrip().startswith("<")

    @property
    def sentence(self) -> str:
        if self.by_proxy:
            return (
                f"a proxy or firewall in front of ShipperOne answered {self.status} with {self.shown}, which is not "
                "ShipperOne's own answer: ask the operator of the proxy or firewall to allow this machine's requests"
            )
        if self.status == 401 and self.text[: response_messages.HEAD].lstrip().startswith("<"):
            return f"the token is refused (401) with {self.shown}: by ShipperOne, or by a proxy with a login of its own"
        if self.status == 401:
            what = "ShipperOne refuses the token (401): it may have been replaced or revoked"
        elif self.status == 403:
            what = "ShipperOne refuses the request (403): the token lacks the scope for it"
        elif 300 <= self.status < 400 and self._location:
            elsewhere = self._redact(place_of(self._location))
            what = f"ShipperOne redirects ({self.status}) to {elsewhere}: check base_url"
        elif self.is_json and self.status < 300 and self.denies:
            return f"ShipperOne answered {self.status} and denies it: {self.message or self.shown}"
        elif self.is_json:
            what = f"ShipperOne answered {self.status}"
        elif self.status < 300:
            return f"ShipperOne answered {self.status} with {self._redact(response_messages.of_page(self.text))}"
        else:
            return f"ShipperOne answered {self.status} with {self.shown}"
        return f"{what}: {self.message}" if self.message else what


def _outcome(status: int, wait: float | None, *, takes_effect: bool, by_proxy: bool) -> PostOutcome:
    if by_proxy:
        return PostOutcome.UNKNOWN
    if 200 <= status < 300:
        return PostOutcome.ACCEPTED if takes_effect else PostOutcome.UNKNOWN
    if status in (401, 403):
        return PostOutcome.UNAUTHORISED
    if status == 429 or (status == 503 and wait is not None):
        return PostOutcome.THROTTLED
    if status == 407:
        # the tenant's own proxy has blocked it
        return PostOutcome.NOT_SENT
    if 400 <= status < 500 and status != 408:
        return PostOutcome.REFUSED
    return PostOutcome.UNKNOWN


def _trouble(status: int, wait: float | None, *, by_proxy: bool) -> Trouble:
    if by_proxy:
        return Trouble.UNAVAILABLE
    if status in (401, 403):
        return Trouble.UNAUTHORISED
    if status == 429 or (status == 503 and wait is not None):
        return Trouble.THROTTLED
    if status == 404:
        return Trouble.NOT_FOUND
    return Trouble.REFUSED if status == 400 else Trouble.UNAVAILABLE


def _silence(seconds: float) -> str:
    return f"ShipperOne has requested a pause of another {seconds:.0f} s (Retry-After)"
