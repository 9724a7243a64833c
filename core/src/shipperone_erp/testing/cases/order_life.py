"""The life of one order through all hooks of the connector, which several cases examine."""

from typing import Any

from shipperone_erp.domain.hook_answers import Reserved
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.connector_driver import Desk


def whole_life(bench: Bench, desk: Desk) -> list[tuple[str, Any]]:
    """Reserved, built, issued, delivered; and a second order reserved, released, built, discarded. Returns the
    answers."""
    first, second = bench.order(), bench.order()
    answers: list[tuple[str, Any]] = []

    def ask(hook: str, request: Any) -> Any:
        if hook not in desk.plugins.offers:
            return None
        answers.append((hook, desk.ask(hook, request)))
        return answers[-1][1]

    reserved = ask("reserve_stock", desk.to_reserve(first))
    built = ask("build_invoice", desk.to_build(first))
    if built is not None:
        ask("issue_invoice", desk.to_issue(built, first))
    held = reserved if isinstance(reserved, Reserved) else None
    ask("deliver", desk.to_deliver(first, held, first))
    _undone(desk, second, ask)
    return answers


def _undone(desk: Desk, order: FulfillmentOrder, ask: Any) -> None:
    ask("reserve_stock", desk.to_reserve(order))
    ask("release_stock", desk.to_release(order))
    ask("build_invoice", desk.to_build(order))
    ask("discard_invoice", desk.to_discard(order))
