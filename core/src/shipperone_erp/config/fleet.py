"""`[runtime.fleet]`: how the workers of one ledger divide its tenants. Only `shipperone-erp worker` reads it."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from shipperone_erp.config.setting_types import SettingsTable
from shipperone_erp.kernel.durations import Duration, at_least, words

A_MOMENT = at_least(timedelta(milliseconds=100))


class FleetSettings(SettingsTable):
    """`[runtime.fleet]`: groups of tenants, and the times after which a silent worker is replaced."""

    groups: int = Field(64, ge=1, le=10_000, description="the number of groups into which the tenants are divided")
    heartbeat: Annotated[Duration, A_MOMENT] = Field(
        timedelta(seconds=5), description="interval of a worker's heartbeat and of its check of its groups"
    )
    stalled: Annotated[Duration, A_MOMENT] = Field(
        timedelta(seconds=20), description="a worker without a heartbeat for this long is replaced"
    )
    poll: Annotated[Duration, A_MOMENT] = Field(
        timedelta(seconds=5), description="how often a worker with free capacity looks for a group"
    )
    listen: bool = Field(True, description="LISTEN for new groups on a dedicated connection; false behind PgBouncer")
    heavy: int = Field(
        600, ge=1, description="effects per minute, over five minutes, from which a tenant gets its own group"
    )

    @model_validator(mode="after")
    def _heartbeats_in_time(self) -> Self:
        if self.stalled <= self.heartbeat:
            raise ValueError(
                f"stalled ({words(self.stalled)}) must be longer than heartbeat ({words(self.heartbeat)}): every "
                "worker would be taken for dead between two heartbeats"
            )
        return self
