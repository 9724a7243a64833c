"""A real Odoo behind https, as most are: with an authority of the merchant's own."""

import hashlib

import pytest

from odoo_live import ON_A_REAL_SERVER
from odoo_shop import Shop
from shipperone_erp import Done, Reserved, Transient
from tls_proxy import certificate, https, passed_on

pytestmark = ON_A_REAL_SERVER


def test_an_authority_of_one_s_own_and_an_unknown_one(about, seed, request, tmp_path, monkeypatch):
    ca, cert, private = certificate(tmp_path)
    with https(cert, private, passed_on(about["url"])) as url:
        name = hashlib.sha256(request.node.name.encode()).hexdigest()[:6]
        shop = Shop(name, {**about, "url": url}, None, seed)
        shop.product("MUG", 5)
        trusting = shop.connector(ca_file=str(ca))
        order = shop.order(shop.item(1, "MUG", "2"))
        reserved = shop.reserve(trusting, "a1", order)
        assert isinstance(reserved, Reserved)
        assert (reserved.url or "").startswith(url)
        assert shop.deliver(trusting, "i1", order, ("a1", reserved)) == Done()
        assert shop.counted(trusting, "MUG") == (3, 0)
        assert [line for line in trusting.check() if line.ok is False] == []
        stranger = shop.connector()
        with pytest.raises(Transient, match="its certificate is not trusted") as refused:
            shop.reserve(stranger, "a2", shop.order(shop.item(1, "MUG"), number=2))
        assert "`ca_file`" in refused.value.sentence
        (line,) = [line for line in shop.connector().check() if line.ok is False]
        assert "its certificate is not trusted" in line.sentence
        assert shop.counted(trusting, "MUG") == (3, 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        assert isinstance(shop.reserve(shop.connector(), "a2", shop.order(shop.item(1, "MUG"), number=2)), Reserved)
        shop.close()
