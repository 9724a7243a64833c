"""Secrets in environment variables that libraries read by themselves: no configuration declares them."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from shipperone_erp.kernel.redaction import passwords_in

_ADDRESSES = re.compile(r"(https?|all)_proxy|otel_exporter_otlp_(\w+_)?endpoint", re.IGNORECASE)
_HEADERS = re.compile(r"otel_exporter_otlp_(\w+_)?headers", re.IGNORECASE)
_PASSWORDS = re.compile(r"pgpassword", re.IGNORECASE)


def environment_secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """The passwords of proxies and collectors, the headers of a collector, and PostgreSQL's password."""
    for name, value in environment.items():
        if _ADDRESSES.fullmatch(name):
            yield from passwords_in(value if "://" in value else f"http://{value}")
        elif _HEADERS.fullmatch(name):
            for header in value.split(","):
                # 'name=value' is right; the form of HTTP, 'name: value', is what people write and the library logs
                yield from _parts(re.split(r"[=:]", header, maxsplit=1)[-1])
        elif _PASSWORDS.fullmatch(name):
            yield value


def _parts(value: str) -> Iterator[str]:
    """A header's value, and the credentials in it without their scheme."""
    for text in {value.strip(), unquote(value).strip()}:
        yield text
        yield text.partition(" ")[2].strip()
