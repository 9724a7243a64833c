"""An Odoo behind https with an authority of the merchant's own: verified, or refused with a sentence."""

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from shipperone_erp import Transient
from shipperone_erp_odoo import OdooSettings
from shipperone_erp_odoo.odoo import Odoo
from tls_proxy import certificate, https

VERSION = {"jsonrpc": "2.0", "id": 1, "result": {"server_version_info": [18, 0, 0, "final", 0, ""]}}


def odoo(url: str, ca_file: object = None) -> Odoo:
    given = {"url": url, "database": "d", "user": "u", "password": "p", "ca_file": ca_file and str(ca_file)}
    return Odoo(OdooSettings.model_validate(given))


@pytest.fixture
def asked() -> list[bytes]:
    return []


@pytest.fixture
def answer(asked):
    def answer(path, body, headers):
        asked.append(body)
        return httpx.Response(200, json=VERSION)

    return answer


def test_an_authority_of_one_s_own_is_trusted_by_name_alone(tmp_path, answer, asked, monkeypatch):
    ca, cert, key = certificate(tmp_path)
    with https(cert, key, answer) as url:
        assert odoo(url, ca).version == 18
        asked.clear()
        with pytest.raises(Transient, match=r"not trusted \(unable to get local issuer certificate\); .*`ca_file`"):
            odoo(url).call("res.users", "context_get")
        assert asked == [], "nothing is sent to a server without a trusted certificate"
        another, _, _ = certificate(tmp_path / "another")
        with pytest.raises(Transient, match="its certificate is not trusted"):
            odoo(url, another).call("res.users", "context_get")
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        assert odoo(url).version == 18


def test_a_scheme_in_capitals_is_verified_by_the_same_authorities(tmp_path, answer):
    ca, cert, key = certificate(tmp_path)
    with https(cert, key, answer) as url:
        assert odoo(url.replace("https://", "HTTPS://"), ca).version == 18


def test_a_certificate_of_another_name_is_refused(tmp_path, answer, asked):
    ca, cert, key = certificate(tmp_path, "erp.example")
    with https(cert, key, answer) as url, pytest.raises(Transient, match="not valid for 'localhost'"):
        odoo(url, ca).call("res.users", "context_get")
    assert asked == []


def test_a_ca_file_that_is_none_is_refused_when_the_configuration_is_read(tmp_path):
    nothing: Path = tmp_path / "ca.pem"
    for content in (None, "", "no certificate"):
        if content is not None:
            nothing.write_text(content, encoding="utf-8")
        with pytest.raises(ValidationError, match=r"ca\.pem cannot be read as certificates"):
            odoo("https://localhost", nothing)
