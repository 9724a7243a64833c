"""Decodes the bytes of an answer as text, and decompresses bodies under a limit.

An answer declares its own encodings. A declared codec is used only if it is a well-known encoding of text. A compressed
body is unpacked only up to the limit of a plain one: 1.5 MB of gzip can hold 1.5 GB.
"""

import re
import zlib

from shipperone_erp.kernel.errors import ShipperOneErpError

BOM = b"\xef\xbb\xbf"

_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{1,24})""", re.IGNORECASE)
_TEXT = re.compile(
    r"(?:us-?)?ascii|utf[-_]?(?:8|16|32)(?:[-_]?[lb]e)?|latin-?[0-9]{1,2}|iso-?8859-?[0-9]{1,2}|windows-?[0-9]{3,4}|"
    r"cp-?[0-9]{3,4}|koi8-?[ru]|gb2312|gbk|gb18030|big5|(?:shift|s)[-_]?jis|euc[-_]?(?:jp|kr)",
    re.IGNORECASE,
)
"""Encodings of text that servers use. Python has others (`punycode`, `unicode_escape`), slow or no text at all."""

_ENCODINGS = {"gzip": 47, "x-gzip": 47, "deflate": 47}
"""By name, the window of zlib: with a header of either kind."""


class Undecodable(ShipperOneErpError):
    """A body is too large, or in an encoding that was not requested. The sentence names the cause."""

    exit_code = 4


def decoded(body: bytes | bytearray, content_type: str = "") -> str:
    """The text of a body: UTF-8, else the declared text encoding, else UTF-8 with invalid bytes replaced."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    declared = declared_encoding(content_type)
    if declared:
        try:
            return body.decode(declared)
        except (LookupError, ValueError):
            pass
    return body.decode("utf-8-sig", errors="replace")


def in_utf8(body: bytes | bytearray, content_type: str = "") -> bytes | bytearray:
    """The body in UTF-8, if it is in the declared text encoding; else unchanged."""
    declared = declared_encoding(content_type)
    if declared is None:
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        try:
            return body.decode(declared).encode()
        except (LookupError, ValueError):
            return body
    return body


def declared_encoding(content_type: str) -> str | None:
    """The encoding that a Content-Type declares, if it is one of text."""
    found = _CHARSET.search(content_type[:200])
    return found[1] if found and _TEXT.fullmatch(found[1]) else None


class Unpacking:
    """Receives a body piece by piece and unpacks it; `Undecodable` as soon as it is larger than `limit` bytes."""

    def __init__(self, encoding: str, limit: int) -> None:
        self.body = bytearray()
        self._limit = limit
        self._pieces = 0
        names = [name for name in re.split(r"[,\s]+", encoding.lower()[:80]) if name not in ("", "identity")]
        if len(names) > 1 or (names and names[0] not in _ENCODINGS):
            named = "".join(character for character in ", ".join(names) if character.isprintable())[:40]
            raise Undecodable(f"a body encoded as “{named}”, although none was requested")
        self._window = _ENCODINGS[names[0]] if names else None
        self._zlib = zlib.decompressobj(self._window) if self._window is not None else None

    def take(self, piece: bytes) -> None:
        """Add a piece as received."""
        self._pieces += 1
        if self._pieces > CRUMBS and len(self.body) < self._pieces * CRUMB:
            raise Undecodable(f"a body in {self._pieces} pieces of a few bytes each; it was not read further")
        if self._zlib is None:
            self.body += piece
        else:
            self._unpack(piece)
        if len(self.body) > self._limit:
            raise Undecodable(too_large(self._limit))

    def _unpack(self, piece: bytes) -> None:
        if self._zlib is None:
            return
        try:
            self.body += self._zlib.decompress(piece, self._limit + 1 - len(self.body))
        except zlib.error:
            if self.body or self._window != _ENCODINGS["deflate"]:
                raise Undecodable("a compressed body that cannot be unpacked") from None
            # some servers omit the header
            self._window = -zlib.MAX_WBITS
            self._zlib = zlib.decompressobj(self._window)
            self._unpack(piece)

    def end(self) -> bytearray:
        """The whole body."""
        if self._zlib is not None and not (self._zlib.eof and not self._zlib.unused_data) and self._pieces:
            raise Undecodable("a compressed body that is cut off or followed by something else")
        return self.body


CRUMBS = 20_000
"""The number of pieces from which they must have a minimum size: processing each one costs more than its bytes."""

CRUMB = 16


def too_large(limit: int) -> str:
    """The text about a body that is larger than the limit."""
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit / 2**10:g} KiB"
    return f"more than {size}, and was not read further"
