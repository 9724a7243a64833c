"""What holds for every test of generic_sql against a database."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_certificates() -> Iterator[None]:
    """The databases of the tests speak no TLS, but pymysql reads the machine's certificates for each connection: 50 ms."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", os.devnull)
        yield
