"""Selects the planned decisions that a run executes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shipperone_erp.domain.decisions import Decision, NoAction, StartHeld, order_of
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.kernel.grouping import grouped


@dataclass(frozen=True, slots=True)
class Selection:
    """The orders to which a run is restricted: these ids (empty: all), at most `limit` of each stage."""

    orders: frozenset[str] = frozenset()
    limit: int | None = None

    def admits(self, order_id: str) -> bool:
        """The order is not excluded by its id."""
        return not self.orders or order_id in self.orders

    def chosen(self, decisions: Iterable[Decision]) -> list[tuple[str, list[Decision]]]:
        """The decisions of each order together, by urgency, as far as this run may execute them."""
        wanted: Iterable[Decision] = (
            one for one in decisions if not isinstance(one, NoAction) and self.admits(order_of(one))
        )
        return list(grouped(wanted, key=order_of).items())[: self.limit]


def before_go_live(decisions: Iterable[Decision], chosen: Collection[str]) -> list[tuple[str, list[Decision]]]:
    """The orders beyond `chosen` that were listed before the go-live, each of which is only to be held."""
    return [
        (decision.job.order_id, [decision])
        for decision in decisions
        if isinstance(decision, StartHeld)
        and decision.job.reason is Reason.BEFORE_GO_LIVE
        and decision.job.order_id not in chosen
    ]
