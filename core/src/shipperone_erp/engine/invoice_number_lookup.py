"""Whether an invoice number is in use: look-ups that gather while one query runs are answered by the next one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import NumberHolder
from shipperone_erp.engine.grouped_calls import GroupedCalls

RECENT_AT_MOST = 1000
"""The number of invoice numbers kept in memory: far more than can be uncommitted."""

Query = Callable[[str, Sequence[NumberHolder]], Mapping[NumberHolder, NumberHolder]]
"""See `Ledger.holders_of_numbers`; it blocks."""


class InvoiceNumberLookup:
    """For one stage of a tenant, and one event loop.

    A query in a thread costs more than its answer, and invoices are issued many at once: one query at a time runs, for
    all numbers that have gathered.
    """

    def __init__(self, tenant: str, query: Query) -> None:
        self._holders = GroupedCalls(partial(query, tenant), asyncio.to_thread)
        self._recent: dict[str, list[NumberHolder]] = {}
        self._refused: dict[str, set[int]] = {}
        """By number, the jobs that were answered with a recent holder: they are held for it, and it is not for them."""

    async def holder(self, number: str, job: Job) -> NumberHolder | None:
        """See `workflow.ports.StagePorts.holder_of_number`."""
        own = NumberHolder(number, job.id, job.tenant, job.order_id, job.key, job.issuer)
        # a number that was issued a moment ago may not be committed yet
        recent = self._recent.setdefault(number, [])
        # a job whose document was lost may get its number again, under its next key
        other = next((each for each in recent if each.job_id != job.id and each.shares_series(job.issuer)), None)
        if other is not None:
            self._refused.setdefault(number, set()).add(job.id)
            return other
        recent.append(own)
        if len(self._recent) > RECENT_AT_MOST:
            oldest = next(iter(self._recent))
            del self._recent[oldest]
            self._refused.pop(oldest, None)
        found = await self._holders.call(own)
        # one of two is enough to be held: which of them keeps the number is for an operator to decide
        return None if found is not None and found.job_id in self._refused.get(number, ()) else found
