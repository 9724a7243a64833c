"""The program against a ShipperOne behind TLS, in a process of its own, as at a merchant's."""

import os

import pytest

from service_process import order
from shipperone_erp.sandbox import Fault
from tls_front import ConnectProxy, tls_front
from tls_proxy import certificate


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_orders_flow_over_https(world, tmp_path, through_a_proxy):
    """With an authority of one's own, and with answers that are lost on the way after the order was taken."""
    ca, cert, key = certificate(tmp_path / "authority")
    for number in range(4):
        world.sandbox.add(order(f"FO-{number}"))
    for kind, action in (("lost_answer", "allocate"), ("cut", "invoice")):
        world.sandbox.faults.add(Fault(kind, action=action, order_id="FO-2", times=1))
    for name in os.environ:
        if name.upper().endswith("_PROXY"):
            world.environment[name] = ""
    proxy = ConnectProxy()
    with tls_front(world.sandbox.base_url, cert, key) as url, proxy.serving() as place:
        world.settings["base_url"] = f'"{url}"'
        world.environment["SSL_CERT_FILE"] = str(ca)
        if through_a_proxy:
            world.environment["HTTPS_PROXY"] = f"http://me:hidden@{place}"
        ran = world.command("run", "--once")
        looked = world.command("doctor")
    assert ran.returncode == 0, ran.stderr
    assert world.stuck() == []
    assert len(world.erp.issued()) == 4
    assert [job.order_id for job in world.jobs() if job.inferred] == ["FO-2", "FO-2"]
    assert looked.returncode == 0, looked.stdout
    assert bool(proxy.heads) is through_a_proxy
    for secret in ("hidden", world.sandbox.token):
        assert secret not in ran.stdout + ran.stderr + looked.stdout + looked.stderr


def test_a_certificate_that_is_not_trusted_is_named_by_run_and_doctor(world, tmp_path):
    _, cert, key = certificate(tmp_path / "authority")
    world.sandbox.add(order())
    for name in os.environ:
        if name.upper().endswith("_PROXY"):
            world.environment[name] = ""
    with tls_front(world.sandbox.base_url, cert, key) as url:
        world.settings["base_url"] = f'"{url}"'
        ran = world.command("run", "--once", "--settle-for", "0s")
        looked = world.command("doctor")
    assert ran.returncode == 4
    for printed in (ran.stderr, looked.stdout):
        assert "is not trusted (unable to get local issuer certificate)" in printed
        assert "SSL_CERT_FILE" in printed
    assert world.erp.effects("reserve_stock") == 0
    assert not world.sandbox.requests
