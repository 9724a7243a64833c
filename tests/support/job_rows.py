"""Jobs as a ledger's rows may hold them, for tests: any field set to any value, past every transition."""

from dataclasses import replace
from typing import Any

from shipperone_erp.domain.job import Job


def varied(job: Job, **fields: Any) -> Job:
    """The job with these fields set, whether or not a transition could do it."""
    return replace(job, **fields)
