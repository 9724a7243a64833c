"""A: a hook answers, in time, with a value of its contract."""

import time

from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.order_life import whole_life
from shipperone_erp.testing.findings import must


@case(
    "A1",
    "every hook returns a value of its contract",
    probes="settings add_product",
    suffers="Every order is held as connector_bug, with nothing reserved or with a reservation without an order.",
    cure="Return a value on every path of the hook, and map the ERP library's exceptions to the five in one place.",
)
def answers_by_contract(bench: Bench) -> None:
    """The whole life of an order, and the undoing of a second one. `None`, a text, a bool, a class, a coroutine or
    any exception except the five of the contract is a finding, which names the hook."""
    answers = whole_life(bench, bench.desk)
    must(answers, "the connector implements no hook: no order can be processed")


@case(
    "A2",
    "every hook ends in time",
    probes="settings add_product",
    suffers="Calls that never return use up the tenant's slots until nothing is processed.",
    cure="Set connect and read time-outs on the client; most libraries wait without limit by default.",
)
def answers_in_time(bench: Bench) -> None:
    """The same life, with an ERP that works: no hook takes longer than the harness's `deadline`."""
    began = time.monotonic()
    answers = whole_life(bench, bench.desk)
    took = time.monotonic() - began
    must(took < bench.harness.deadline * max(len(answers), 1), f"{len(answers)} hooks took {took:.1f} s")


@case(
    "A3",
    "a new connector object finds what the previous one created",
    probes="settings add_product",
    suffers="After every restart each open order is reserved and invoiced again.",
    cure="Keep no state in the object: write the key into the ERP's document and look it up there.",
)
def remembers_in_the_erp(bench: Bench) -> None:
    """A new connector object requests the same reservation and invoice again with the same key, as after a restart:
    the references are equal. Data kept in the object would be lost with it."""
    order, again = bench.order(), bench.another()
    for hook in ("reserve_stock", "build_invoice"):
        if hook in bench.offers:
            request = bench.desk.to_reserve(order) if hook == "reserve_stock" else bench.desk.to_build(order)
            first, second = bench.desk.ask(hook, request), again.ask(hook, request)
            must(first == second, f"{hook} of a new connector object with the same key: {second} instead of {first}")
