"""Classifies requests without an answer: certainly not sent, or of unknown outcome.

A request is *not sent* only if no connection was made. Everything else, a time-out included, is *unknown*: ShipperOne
may have processed it.
"""

import httpx

from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.post_answer import PostAnswer, PostOutcome
from shipperone_erp.shipperone.decoding import Undecodable

NEVER_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""No byte of the request was sent: the cause is the name, the port, TLS, the pool, or the way to a proxy."""

ONLY_HTTP = "as when https is used with an http-only server"
BROKEN_OFF = f"it was interrupted while it was being established, {ONLY_HTTP}"
"""A handshake that the other side ends silently: the exception has no text."""

NOT_TLS = "WRONG_VERSION_NUMBER"
"""OpenSSL's report where the other side answers a handshake in plain text."""


def lost_post(failure: Exception) -> PostAnswer:
    """The outcome of a POST without an answer: not sent if no connection was made, else unknown."""
    outcome = PostOutcome.NOT_SENT if isinstance(failure, NEVER_CONNECTED) else PostOutcome.UNKNOWN
    return PostAnswer(outcome, None, None, _why(failure), None, None)


def lost_read(failure: Exception, what: str) -> ReadFailed:
    """The failure of a GET without an answer."""
    return ReadFailed(f"{what}: {_why(failure)}", Trouble.UNAVAILABLE)


def _why(failure: Exception) -> str:
    if isinstance(failure, Undecodable):
        return f"ShipperOne answered with {failure}"
    # only failures of the connection itself are quoted: others may quote the request's headers, and so the token
    if isinstance(failure, httpx.ConnectTimeout):
        return "no connection to ShipperOne was established in time"
    if isinstance(failure, httpx.PoolTimeout):
        return "all connections to ShipperOne were in use"
    if isinstance(failure, NEVER_CONNECTED):
        reported = str(failure) or BROKEN_OFF
        hint = f", {ONLY_HTTP}" if NOT_TLS in reported else ""
        return f"no connection to ShipperOne could be established: {reported}{hint}"
    if isinstance(failure, httpx.TimeoutException | TimeoutError):
        return "ShipperOne did not answer in time"
    return f"the connection to ShipperOne broke off before its answer was whole ({type(failure).__name__})"
