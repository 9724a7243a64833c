"""Whether the ledger's records of a tenant may have changed, without a query.

A job is changed by the process that holds its stage's lease, or by an operator, who records an action with it.
Retention changes only rows on which no plan acts (see `ledger.retention`). So nothing has changed while this process
holds the leases of both stages, has written nothing itself, and no action was recorded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shipperone_erp.domain.records import Lease
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.effect_log import StageEffectLog
from shipperone_erp.engine.operator_signals import Acted


@dataclass(frozen=True, slots=True)
class LedgerRevision:
    """Equal revisions: no job of the tenant was changed between them, except by an operator a moment ago.

    `stages`: the fencing token of each stage's lease, and the number of writes under it.
    """

    acted: Acted
    stages: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """A stage that this process serves: its lease, and the log of its writes."""

    lease: Lease
    effect_log: StageEffectLog


def revision(
    serving: Mapping[Stage, Serving], is_held: Callable[[Lease], bool], acted: Acted | None
) -> LedgerRevision | None:
    """The current revision of one tenant. None if it is uncertain.

    It is where another process may serve one of the stages, a write is under way, or operators' actions may be unknown.
    """
    if acted is None or len(serving) < len(Stage):
        return None
    stages: list[tuple[int, int]] = []
    for stage in Stage:
        written = serving[stage].effect_log.written
        if written is None or not is_held(serving[stage].lease):
            return None
        stages.append((serving[stage].lease.number, written))
    return LedgerRevision(acted, tuple(stages))
