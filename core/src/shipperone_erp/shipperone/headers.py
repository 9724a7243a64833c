"""Reads the headers of an answer. They may hold anything, and none of it raises."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

WAIT_AT_MOST = 3600.0
"""Seconds: after an hour a request is harmless, and a mistaken Retry-After would silence a tenant for good."""

LONGEST = 200
"""The most characters of a header that are read."""


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait, from either form of Retry-After; None without a usable one.

    A date is read relative to the answer's own `Date`: the two clocks need not agree.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:LONGEST]), WAIT_AT_MOST)
    until = http_date(text)
    if until is None:
        return None
    since = http_date(headers.get("date", "")) or now
    return min(max((until - since).total_seconds(), 0.0), WAIT_AT_MOST)


def http_date(text: str) -> datetime | None:
    """The date of a header, aware; None if it is not a date."""
    try:
        moment = parsedate_to_datetime(text[:LONGEST])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except Exception:  # the exception for an absurd date depends on the version of Python
        return None


def place_of(location: str) -> str:
    """The address in a Location, without possible secrets; "another address" if it is not an address."""
    try:
        parts = urlsplit(location.strip()[:LONGEST])
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "another address"
    text = (f"{parts.scheme}://{host}{port}" if host else "") + parts.path
    return "".join(character for character in text if character.isprintable()) or "another address"
