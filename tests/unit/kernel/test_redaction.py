"""Secrets in environment variables that no configuration declares."""

import pytest

from shipperone_erp.kernel.redaction import MASK, Redaction, environment_secrets


@pytest.mark.parametrize(
    ("name", "value", "written", "shown"),
    [
        (
            "HTTPS_PROXY",
            "http://me:hid/den#1@proxy:3128",
            "bad address http://me:hid/den#1@proxy:3128",
            "me:MASK@proxy",
        ),
        ("all_proxy", "me:hidden12@proxy", "Cannot connect to me:hidden12@proxy", "me:MASK@proxy"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x=1234,authorization=Bearer%20abcd1234", "sent Bearer abcd1234", "sent MASK"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Authorization: Bearer abcd1234", "token abcd1234", "token MASK"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://me:hidden12@traces",
            "to https://me:hidden12@traces",
            "me:MASK@traces",
        ),
        ("PGPASSWORD", "hidden12", "FATAL: hidden12", "FATAL: MASK"),
    ],
)
def test_it_is_redacted(name, value, written, shown):
    assert shown.replace("MASK", MASK) in Redaction(environment_secrets({name: value}))(written)


def test_other_variables_are_no_secrets():
    assert (
        list(environment_secrets({"HOME": "/root", "NO_PROXY": "localhost", "HTTPS_PROXY": "http://proxy:3128"})) == []
    )
