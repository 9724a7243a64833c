"""`[runtime.limits]`: the maximum request rates for one ShipperOne and one ERP, over all tenants and workers."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[Decimal, Field(gt=0, le=100_000)]


class LimitSettings(BaseModel):
    """`[runtime.limits]`: rates that the tenants on one ShipperOne, or on one ERP, share."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    shipperone: Rate | None = Field(
        None, description="requests per second to one ShipperOne, identified by host and port"
    )
    erp: Rate | None = Field(
        None, description="calls per second to one ERP, identified by its connector's `identity()`"
    )
