"""Compares addresses of ShipperOne as a server does, not letter by letter."""

from contextlib import suppress
from urllib.parse import urlsplit


def usual_spelling(base_url: str) -> str:
    """The address as it is usually written: scheme and host in lower case, without the usual port, a dot or slashes at
    the end.
    """
    parts = urlsplit(base_url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").rstrip(".")
    place = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{place}{port}{parts.path.rstrip('/')}"


def same_store(base_url: str) -> str:
    """A text that is equal for every spelling of one address.

    The scheme is left out: http and https lead to the same shop. So are the usual ports, capitals in the host, a dot at
    its end, and slashes at the end of the path.
    """
    host, port, path = "", None, ""
    try:
        parts = urlsplit(base_url.strip())
        host, port, path = parts.hostname or "", parts.port, parts.path
    except ValueError:  # not an address, which is reported elsewhere
        return base_url
    with suppress(UnicodeError):
        host = host.encode("idna").decode()
    usual = {"http": 80, "https": 443}.get(parts.scheme.lower())
    place = f":{port}" if port not in (None, usual) else ""
    return f"{host.lower().rstrip('.')}{place}{path.rstrip('/')}"
