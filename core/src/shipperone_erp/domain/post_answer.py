"""The outcome of a confirmation that was sent to ShipperOne."""

from dataclasses import dataclass, field
from enum import StrEnum


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
    """The outcome of a POST. `message` is for operators; of a refusal it is ShipperOne's text, else a whole phrase.

    `retry_after` is in seconds. `body` is the answer's text, cut to `BODY_AT_MOST`; None if there was no answer.
    `denial`: ShipperOne's text in a 2xx that does not accept (JSON that denies it, or no JSON); the outcome is then
    `UNKNOWN`. None for every other answer.
    """

    outcome: PostOutcome
    status: int | None
    body: str | None = field(repr=False)
    message: str
    retry_after: float | None
    report_id: str | None
    denial: str | None = None
    by_proxy: bool = False
    """The answer is the page of a proxy or firewall in front of ShipperOne; the outcome is then `UNKNOWN`."""


def faulty_post(fault: Exception) -> PostAnswer:
    """The outcome of a POST during which this program failed: unknown, whether or not it was sent.

    The message contains only the exception's type; its text may quote the answer.
    """
    what = f"a bug in shipperone-erp, {type(fault).__name__}, during a request to ShipperOne"
    return PostAnswer(PostOutcome.UNKNOWN, None, None, f"{what}: the traceback is in the log", None, None)
