"""The short form of `nox -s idle`: its measurements run, and without due work no hook is called."""

from endurance import idle, shop
from shipperone_erp.config import load


def test_many_tenants_with_a_store_each_are_a_configuration(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(idle.SLOW))
    read = load(idle.tenants(tmp_path, "https://shop.example", 201), environment={"TOKEN": shop.TOKEN})
    assert len(read.tenants) == 201


def test_orders_that_all_wait_cost_no_hook_call(capsys):
    idle.waiting_orders(20)
    printed = capsys.readouterr().out
    assert printed.startswith("20 orders that all wait for stock")
    assert printed.endswith("  hook calls in these cycles: 0\n")
