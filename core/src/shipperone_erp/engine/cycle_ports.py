"""The ports of a stage's cycle: those of the workflow, and its own; `StageContext` implements all of them."""

from collections.abc import Awaitable, Collection
from typing import Protocol

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.effect_log import StageEffectLog
from shipperone_erp.engine.hook_executor import HookExecutor
from shipperone_erp.engine.ledger_revision import LedgerRevision
from shipperone_erp.engine.queue_view import QueueView
from shipperone_erp.workflow.ports import StagePorts


class CyclePorts(StagePorts, Protocol):
    """Reading the queue, planning, recording, and executing the plan."""

    @property
    def settings(self) -> TenantSettings: ...
    @property
    def stage(self) -> Stage: ...
    @property
    def effect_log(self) -> StageEffectLog: ...
    @property
    def hooks(self) -> HookExecutor: ...
    @property
    def view(self) -> QueueView: ...
    @property
    def clock(self) -> StageClock: ...

    def check_lease(self) -> Awaitable[None]:
        """Returns if this process still serves the stage; LeaseLost if another process took over."""

    def ledger_revision(self) -> LedgerRevision | None:
        """The state of the ledger's records of the tenant; None if it is uncertain."""

    def queue_answers(self) -> None:
        """ShipperOne has answered a read of the queue."""

    def queue_refused(self, sentence: str) -> None:
        """ShipperOne refuses the token on a read of the queue."""

    def planned_from(self, planner_input: PlannerInput, busy: Collection[str]) -> None:
        """Use these records of the ledger from now on; those of the `busy` orders may not be committed yet."""
