"""The unfinished jobs, counted from the ledger: those that need an operator, by owner and reason, and the others."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import JobCount, JobSummary
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.grouping import grouped

MUST_ACT = (Owner.IT, Owner.ACCOUNTANT)
"""A job that waits for one of these owners proceeds only after their action: a refused login, a locked period."""


def needs_operator(job: Job | JobSummary | JobCount) -> bool:
    """Whether it does not proceed by itself: it is held, or it waits for an action of IT or the accountant."""
    return job.state is State.HELD or (job.state is State.WAITING and job.owner in MUST_ACT)


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that are alike for an operator: their owner, reason, state, number, and since when."""

    owner: Owner
    reason: Reason | None
    state: State
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Attention:
    """The unfinished jobs at one moment. `needs`: groups by owner and reason; `waits`: automatic ones."""

    needs: Sequence[Group] = ()
    waits: Sequence[Group] = ()
    by_owner: Counter[Owner] = field(default_factory=Counter)
    pending: int = 0
    late: int = 0
    """Jobs that ShipperOne has accepted and that are not yet issued or delivered in the ERP."""
    oldest: datetime | None = None

    @property
    def orders(self) -> int:
        """The number of jobs that need an operator."""
        return sum(self.by_owner.values())

    @property
    def waiting(self) -> int:
        """The number of jobs that wait without an operator."""
        return sum(group.count for group in self.waits)


def attention(counts: Iterable[JobCount], *, tenant: str | None = None, stage: Stage | None = None) -> Attention:
    """The summary of these counts (`ledger.counts()`), for one tenant or stage if it is named."""
    unfinished = [
        alike
        for alike in counts
        if tenant in (None, alike.tenant) and stage in (None, alike.stage) and alike.state is not State.IGNORED
    ]
    needs = [alike for alike in unfinished if needs_operator(alike)]
    others = [alike for alike in unfinished if not needs_operator(alike)]
    groups = _groups(needs)
    by_owner: Counter[Owner] = Counter()
    for group in groups:
        by_owner[group.owner] += group.count
    return Attention(
        groups,
        _groups(alike for alike in others if alike.state is State.WAITING),
        by_owner,
        pending=sum(alike.count for alike in others if alike.state is not State.WAITING),
        late=sum(alike.count for alike in unfinished if alike.accepted and alike.stage is Stage.INVOICE),
        oldest=min((alike.oldest for alike in unfinished), default=None),
    )


def _groups(counts: Iterable[JobCount]) -> list[Group]:
    """Groups by owner, then the most frequent reason first."""
    alike = grouped(counts, key=lambda one: (one.owner or Owner.IT, one.reason, one.state))
    found = [
        Group(*place, sum(one.count for one in those), min(one.oldest for one in those))
        for place, those in alike.items()
    ]
    owners = list(Owner)
    return sorted(found, key=lambda group: (owners.index(group.owner), -group.count, group.reason or ""))
