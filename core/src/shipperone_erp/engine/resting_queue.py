"""A queue at rest: its newest plan does nothing, and a plan of the same listing and records would not either.

Most reads of a queue show what the one before showed. Then the ledger is not read, and nothing is planned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.engine.ledger_revision import LedgerRevision

PLANNED_EVERY = timedelta(minutes=5)
"""The longest time without a full plan, whatever is unchanged.

It finds what no revision shows: a row that was corrected by hand in the database, an action recorded by a machine whose
clock is wrong. At a `poll_interval` of 30 s it is one cycle of ten.
"""


@dataclass(frozen=True, slots=True)
class RestingQueue:
    """A plan that does nothing, and what it was made from.

    `shipped`: the orders of pending_invoice, as that queue's newest read held them. `until`: the moment from which time
    alone may change the plan. `jobs`: all that have not ended. `record`: the queue's, as the ledger holds it.
    """

    listing: Listing
    shipped: Mapping[str, Listed]
    revision: LedgerRevision
    planned_at: datetime
    until: datetime
    jobs: Sequence[Job]
    next_read_at: datetime | None
    record: QueueRecord

    def rests(
        self, listing: Listing, shipped: Mapping[str, Listed], revision: LedgerRevision | None, now: datetime
    ) -> bool:
        """A plan of this listing would do nothing. False whenever that is uncertain."""
        return (
            revision == self.revision
            and self.planned_at <= now < self.until
            and listing.began_at >= self.listing.began_at
            and listing.shows_the_same(self.listing)
            and shipped is self.shipped
        )
