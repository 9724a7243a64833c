"""The strict reading of a date or a time that ShipperOne lists.

read         ISO 8601 (calendar, week and ordinal dates, extended or basic, with or without a time, fractions, offsets),
             `YYYY-MM-DD hh:mm:ss`, Unix seconds or milliseconds as a number or a text
absent       the placeholders of systems for a missing date: see `EMPTY`
unreadable   everything else, and every time outside `YEARS`; a value is never guessed, and never raises
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

EMPTY = tuple(
    datetime.combine(date(*day), time())
    for day in ((1, 1, 1), (1601, 1, 1), (1753, 1, 1), (1899, 12, 30), (1900, 1, 1), (1970, 1, 1))
)
"""Midnights that mean "no date": .NET and Business Central, Windows file times, NAV, OLE, SQL Server, Unix."""

SHIFTED_AT_MOST = timedelta(hours=15)
"""An empty date that was converted to or from a local time is off by that zone's offset."""

QUARTER = timedelta(minutes=15)

YEARS = range(1980, 2200)
"""A year outside is no time of an order, and could overflow when an offset is added."""

UNIX_FROM, UNIX_UNTIL = Decimal(946684800), Decimal(99999999999)
"""Seconds, from 2000-01-01 on; a larger number counts milliseconds. A smaller number is no time of an order."""


@dataclass(frozen=True, slots=True)
class Zones:
    """`local` is the tenant's time zone, for bare dates; `unzoned` that of times without an offset."""

    local: tzinfo = UTC
    unzoned: tzinfo = UTC

    @classmethod
    def of(cls, timezone: str, dates_without_zone: str) -> Self:
        """From the tenant's settings of these names."""
        local = ZoneInfo(timezone)
        return cls(local, local if dates_without_zone == "tenant" else UTC)


@dataclass(frozen=True, slots=True)
class NotADate:
    """A listed value that is no date; `text` is the value as listed."""

    text: str


def read_date(value: str | int | float | Decimal, zones: Zones) -> datetime | NotADate | None:
    """The moment in UTC; None for an empty date. A bare date means noon in the tenant's time zone."""
    return _read(str(value).strip(), zones)


@lru_cache(maxsize=1024)
def _read(text: str, zones: Zones) -> datetime | NotADate | None:
    """Cached: a date is read for the order, and again for the value as it is listed."""
    if text.startswith(("0000-", "0000/")) or not text:
        return None
    calendar = _FORM.fullmatch(text)
    moment = _calendar(calendar, zones) if calendar else None
    if moment is None and _NUMBER.fullmatch(text):
        moment = _unix(Decimal(text))
    if moment is None:
        return NotADate(text)
    stated, utc = moment
    if _is_empty(stated) or (utc is not None and _is_empty(utc.replace(tzinfo=None))):
        return None
    return utc if utc is not None and utc.year in YEARS else NotADate(text)


_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,12})?", re.ASCII)

_FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)-(?P<day>\d\d)|(?P<month_>\d\d)(?P<day_>\d\d)"
    r"|-?W(?P<week>\d\d)-?(?P<weekday>[1-7])|-(?P<ordinal>\d{3}))"
    r"(?:(?:T|[ ]+)(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d))?)?(?:[.,](?P<fraction>\d{1,20}))?"
    r"[ ]?(?P<offset>Z|UTC|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?",
    re.ASCII | re.IGNORECASE,
)

Stated = tuple[datetime, datetime | None]
"""A time as written, without its offset, and as UTC (None if that is outside the calendar)."""


def _calendar(form: re.Match[str], zones: Zones) -> Stated | None:
    try:
        day = _day(form)
        if form["hour"] is None:
            noon = datetime.combine(day, time(12))
            return datetime.combine(day, time()), _utc(noon, zones.local)
        stated = datetime.combine(day, time()) + _time_of_day(form)
        return stated, _utc(stated, zones.unzoned if form["offset"] is None else _offset(form["offset"]))
    except (ValueError, OverflowError):
        return None


def _day(form: re.Match[str]) -> date:
    year = int(form["year"])
    if form["week"] is not None:
        return date.fromisocalendar(year, int(form["week"]), int(form["weekday"]))
    if form["ordinal"] is not None:
        day = date(year, 1, 1) + timedelta(days=int(form["ordinal"]) - 1)
        if day.year != year:
            raise ValueError("the year has no such day")
        return day
    return date(year, int(form["month"] or form["month_"]), int(form["day"] or form["day_"]))


def _time_of_day(form: re.Match[str]) -> timedelta:
    hour, minute, second = (int(form[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("a clock shows no such time")
    unit = timedelta(seconds=1) if form["second"] else timedelta(minutes=1) if form["minute"] else timedelta(hours=1)
    digits = (form["fraction"] or "0")[:9]
    fraction: timedelta = int(digits) * unit // 10 ** len(digits)
    return timedelta(hours=hour, minutes=minute, seconds=second) + fraction


def _offset(text: str) -> timezone:
    if text.upper() in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no clock is that far from UTC")
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-offset if text[0] == "-" else offset)


def _utc(stated: datetime, zone: tzinfo) -> datetime | None:
    try:
        return stated.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None


def _unix(number: Decimal) -> Stated | None:
    seconds = number if abs(number) <= UNIX_UNTIL else number / 1000
    try:
        utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        return None
    if seconds < UNIX_FROM and not _is_empty(utc.replace(tzinfo=None)):
        return None
    return utc.replace(tzinfo=None), utc


def _is_empty(stated: datetime) -> bool:
    for empty in EMPTY:
        shift = abs(stated - empty)
        # before time zones were introduced, clocks were off by odd minutes
        if shift <= SHIFTED_AT_MOST and (empty.year < 1970 or shift % QUARTER == timedelta()):
            return True
    return False
