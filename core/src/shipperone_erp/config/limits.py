"""`[runtime.limits]`: the maximum request rates for one ShipperOne and one ERP, over all tenants and workers."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from shipperone_erp.config.setting_types import SettingsTable

Rate = Annotated[Decimal, Field(gt=0, le=100_000)]


class LimitSettings(SettingsTable):
    """`[runtime.limits]`: rates that the tenants on one ShipperOne, or on one ERP, share."""

    shipperone: Rate | None = Field(
        None, description="requests per second to one ShipperOne, identified by host and port"
    )
    erp: Rate | None = Field(
        None, description="calls per second to one ERP, identified by its connector's `identity()`"
    )
