"""`shipperone-erp sandbox`: a sandbox that runs until it is stopped."""

import threading
from collections.abc import Callable, Sequence

from shipperone_erp.sandbox.faults import Fault
from shipperone_erp.sandbox.orders import Replayed, generate
from shipperone_erp.sandbox.scenarios import order_of
from shipperone_erp.sandbox.server import WAREHOUSES, Sandbox


def serve(
    *,
    port: int,
    orders: int,
    seed: int,
    faults: Sequence[Fault],
    scenarios: Sequence[str] = (),
    replayed: Sequence[Replayed] | None = None,
    warehouses: Sequence[str] = WAREHOUSES,
    say: Callable[[str], None],
    stopped: threading.Event,
) -> None:
    """Serve until `stopped`: that many orders and one of each scenario, shipped once they are allocated. Blocks.

    With `replayed` these orders are listed instead of generated ones.
    """
    with Sandbox(port=port, warehouses=tuple(warehouses)) as sandbox:
        sandbox.auto_ship = True
        if replayed is not None:
            sandbox.replay(replayed)
            orders = len(replayed)
        for order in generate(orders, seed=seed) if replayed is None else ():
            sandbox.add(order)
        for number, name in enumerate(scenarios, 1):
            sandbox.add(order_of(name, f"FO-{name.upper()}-{number}", 900_000 + number * 10))
        for fault in faults:
            sandbox.faults.add(fault)
        say(
            f"ShipperOne's sandbox listens at {sandbox.base_url}, with {orders + len(scenarios)} orders; Ctrl-C ends it"
        )
        for line in (
            "",
            "[tenants.sandbox]",
            f'base_url = "{sandbox.base_url}"',
            f'store_code = "{sandbox.store_code}"',
            f'token = "{sandbox.token}"',
            'connector = "generic_sql"',
            'go_live = "now"',
            "",
        ):
            say(line)
        stopped.wait()
