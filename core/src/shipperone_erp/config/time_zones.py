"""Names of time zones in settings."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, such as Europe, is a directory
        raise ValueError("not a time zone; write one such as Europe/Bratislava") from None
    return value


Zone = Annotated[str, AfterValidator(_zone)]
