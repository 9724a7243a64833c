"""Many sandboxes in a process of their own: prints their addresses, and lists their orders when a line is sent to it."""

import sys
from contextlib import ExitStack

from shipperone_erp.sandbox import Sandbox, generate


def main(shops: int, orders: int) -> None:
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox(token="bench")) for _ in range(shops)]
        print(*(sandbox.base_url for sandbox in sandboxes), flush=True)
        for sandbox in sandboxes:
            sandbox.auto_ship = True
        for _ in sys.stdin:
            for order in generate(orders, seed=1):
                for sandbox in sandboxes:
                    sandbox.add(order)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
