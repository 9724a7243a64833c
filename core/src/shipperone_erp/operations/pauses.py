"""Pauses and resumes stages of a tenant, each recorded with its actor."""

from collections.abc import Sequence
from datetime import datetime

from shipperone_erp.domain.records import Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import actor, new_action


def pause(ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, note: str | None) -> None:
    """These stages start no new work from now on; a running call continues to its next recorded point."""
    for stage in stages:
        pausing = Pause(tenant=tenant, stage=stage, at=now, actor=actor(), note=note)
        ledger.pause(pausing, new_action("pause", tenant, now, note))


def resume(ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, note: str | None) -> list[Stage]:
    """Resume these stages; returns those that were paused."""
    resumed = [Pause(tenant=tenant, stage=stage, at=now, actor=actor()) for stage in stages]
    return [one.stage for one in resumed if ledger.resume(one, new_action("resume", tenant, now, note))]
