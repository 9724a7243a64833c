"""A sandbox in a process of its own, so that its work is not counted as the runtime's. Prints its address."""

import sys
import time

from shipperone_erp.sandbox import Sandbox, generate


def main(orders: int) -> None:
    with Sandbox(token="bench") as sandbox:
        sandbox.auto_ship = True
        for order in generate(orders, seed=1):
            sandbox.add(order)
        print(sandbox.base_url, flush=True)
        while sys.stdin.readline():
            time.sleep(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
