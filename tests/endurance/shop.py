"""A ShipperOne in a process of its own, so that neither its work nor its memory is counted as the runtime's.

It prints its address, and then, for each line that it reads, how often the first page of a queue was read so far.
"""

import argparse
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder, generate

TOKEN = "token-of-the-shop"

STUCK_AFTER = 30
"""An order is given up by the shop when so many have come after it."""


class EveryStore(Sandbox):
    """Whatever store is asked for, it has these orders: one store's queue is one tenant's."""

    def _reply(self, method, path, *more):  # type: ignore[no-untyped-def]
        return super()._reply(method, re.sub("^/rest/[^/]+", f"/rest/{self.store_code}", path), *more)


class Shop:
    """The process, as its starter sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.base_url = self._line()

    def reads(self) -> int:
        """How often the first page of a queue was read so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def running(*, orders: int = 0, trickle: int = 0) -> Iterator[Shop]:
    """With so many orders listed; with a `trickle`, another one comes, and some fault, with every so many reads."""
    process = subprocess.Popen(
        [sys.executable, "-m", "endurance.shop", f"--orders={orders}", f"--trickle={trickle}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Shop(process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int)
    options.add_argument("--trickle", type=int)
    chosen = options.parse_args()
    reads = 0
    numbers = itertools.count(1)
    with EveryStore(token=TOKEN) as sandbox:
        sandbox.auto_ship = True

        def read(post: object) -> None:
            nonlocal reads
            reads += 1
            if chosen.trickle and reads % chosen.trickle == 0:
                number = next(numbers)
                sandbox.add(_order(number))
                if number > STUCK_AFTER:
                    sandbox.cancel(_id(number - STUCK_AFTER))  # what sticks must not make the queue longer and longer

        for order in generate(chosen.orders, seed=1):
            sandbox.add(order)
        sandbox.faults.add(Fault("call", method="GET", page=1, payload=read))
        if chosen.trickle:
            for kind in ("lost_answer", "dropped", "500", "html_502", "empty"):
                for action in ("allocate", "invoice"):
                    sandbox.faults.add(Fault(kind, action=action, every=23))
            sandbox.faults.add(Fault("cut", method="GET", every=4001))
        print(sandbox.base_url, flush=True)
        while sys.stdin.readline():
            print(reads, flush=True)


def _id(number: int) -> str:
    return f"FO-{number:06}"


def _order(number: int) -> SandboxOrder:
    """Every third one is shipped in two parcels, every seventh is never in stock for long."""
    order = SandboxOrder.simple(_id(number), ("MUG", 5, "10.00"), ("TEA", 1, "4.50"), first_id=number * 10)
    if number % 3 == 0:
        first, second = ({number * 10: Decimal(2)}, {number * 10: Decimal(3), number * 10 + 1: Decimal(1)})
        order = replace(order, parts=(first, second))
    return order


if __name__ == "__main__":
    main()
