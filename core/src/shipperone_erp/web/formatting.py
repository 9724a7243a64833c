"""Formats values: times, amounts, sentences, small charts. Filters of the templates; each escapes its result."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from shipperone_erp.domain.keys import plain
from shipperone_erp.kernel.printable import label, one_line
from shipperone_erp.operations.reports import money_text
from shipperone_erp.operations.throughput import Span
from shipperone_erp.web.texts import text

_MARKED = re.compile(r"`(?P<code>[^`]+)`|(?<![\w.,-])(?P<figure>-?\d[\d,]*\.\d{2,}(?![\w.]))")


def moment(value: datetime | str | None) -> datetime | None:
    """An aware time; also accepts the rows' ISO text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def ago(value: datetime | str | None, now: datetime, zone: str = "UTC") -> Markup:
    """'3 h' as a time element, with the exact time and its zone as its title."""
    at = moment(value)
    if at is None:
        return escape(text("never"))
    return _time(at, span(abs(now - at)), exact(at, zone))


def clock(value: datetime | str | None, zone: str = "UTC", *, seconds: bool = True) -> Markup:
    """'29 Nov 14:32:07' in that zone."""
    at = moment(value)
    if at is None:
        return escape(text("never"))
    form = "%d %b %H:%M:%S" if seconds else "%d %b %H:%M"
    return _time(at, at.astimezone(ZoneInfo(zone)).strftime(form), exact(at, zone))


def exact(at: datetime, zone: str) -> str:
    """'2026-11-29 14:32:07 Europe/Bratislava'"""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} {zone}"


def _time(at: datetime, shown: str, title: str) -> Markup:
    iso = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, title, shown)


def span(length: timedelta) -> str:
    """'45 s', '12 min', '3 h', '9 d': in a single unit, short enough for a list."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= 60):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def minutes(length: float) -> str:
    """'12 s' below two minutes, else '3.5 min'."""
    return f"{length * 60:.0f} s" if length < 2 else f"{length:.1f} min"


def money(value: Decimal | str | None, currency: str | None = None) -> Markup:
    """'24.99 EUR', with the currency's decimals; a dash if it is unknown."""
    if value is None:
        return escape(text("none"))
    shown = money_text(Decimal(value), currency)
    return escape(f"{shown} {currency}" if currency else shown)


def quantity(value: Decimal | None) -> str:
    """'3', '0.5'; a dash if it is unknown."""
    return text("none") if value is None else plain(value)


def figures(sentence: str | None) -> Markup:
    """A sentence with amounts in bold, so that differences are visible, and with commands set as code."""
    parts: list[Markup] = []
    at = 0
    shown = one_line(sentence or "")
    for found in _MARKED.finditer(shown):
        element = Markup("<code>{}</code>") if found["code"] else Markup("<b>{}</b>")
        parts += [escape(shown[at : found.start()]), element.format(found["code"] or found["figure"])]
        at = found.end()
    return Markup("").join([*parts, escape(shown[at:])])


def first_sentence(explanation: str) -> Markup:
    """The first sentence of a reason's explanation, which fits on a card."""
    return figures(re.split(r"(?<=\.) (?=[A-Z])", explanation, maxsplit=1)[0])


def named(value: object) -> str:
    """An id, a SKU or a name on one line; in quotes if it contains blanks that could be overlooked."""
    return label(str(value))


def part(value: object) -> str:
    """A text as one segment of a path."""
    return quote(str(value), safe="")


def link(url: str | None) -> str | None:
    """The address of a document in the ERP, if a browser may follow it: never `javascript:` or another scheme."""
    return url if url is not None and re.match(r"https?://", url, re.IGNORECASE) else None


def bars(spans: Sequence[Span]) -> list[dict[str, int]]:
    """A small chart: for each span the heights, in 40 units, of its listed and its completed jobs."""
    most = max((one.listed for one in spans), default=0) or 1
    return [
        {
            "x": number * 10,
            "listed": max(round(one.listed / most * 40), 1) if one.listed else 0,
            "done": round(one.done / most * 40) if one.listed else 0,
        }
        for number, one in enumerate(spans)
    ]


def ages(spans: Sequence[Span]) -> list[dict[str, int]]:
    """A small chart of the time until confirmation: the height of each span's median, in 24 units."""
    longest = max((one.minutes or 0.0 for one in spans), default=0.0) or 1.0
    return [
        {"x": number * 10, "age": max(round(one.minutes / longest * 24), 1)}
        for number, one in enumerate(spans)
        if one.minutes is not None
    ]
