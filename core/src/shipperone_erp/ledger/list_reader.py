"""The queries behind lists, counts and reports of jobs."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from sqlalchemy import TextClause, func, select

from shipperone_erp.domain.ids import first_id_at
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import (
    Action,
    JobCount,
    JobSummary,
)
from shipperone_erp.domain.states import ENDED as ENDED_STATES
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import LedgerDamaged
from shipperone_erp.kernel.grouping import chunks
from shipperone_erp.ledger import queries
from shipperone_erp.ledger.integrity import damaged_among
from shipperone_erp.ledger.row_reader import RowReader
from shipperone_erp.ledger.schema import (
    DISPROVED,
    NOT_COMPARED,
    TAX_NOT_COMPARED,
    UNFINISHED,
    jobs,
)


class ListReader(RowReader):
    """Jobs and actions as operators look them up, of any tenant."""

    def find_jobs(
        self,
        *,
        tenant: str | None = None,
        stage: Stage | None = None,
        order_id: str | None = None,
        key: str | None = None,
        states: Collection[State] | None = None,
        reason: Reason | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """The jobs that meet every given condition, oldest first; `since`: first listed then or later."""
        query = select(jobs).order_by(jobs.c.id).limit(limit)
        conditions = {"tenant": tenant, "stage": stage, "order_id": order_id, "key": key, "reason": reason}
        for name, value in conditions.items():
            if value is not None:
                query = query.where(jobs.c[name] == value)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
            if not any(state in ENDED_STATES for state in states):
                query = query.where(UNFINISHED)  # redundant, but lets the partial index answer
        if since is not None:
            query = query.where(jobs.c.id >= first_id_at(since))
        return self._jobs(query)

    def listed(self, wanted: queries.Wanted, *, damaged: Callable[[str], None] | None = None) -> Iterator[JobSummary]:
        """The jobs of a list, the most urgent first, read a few hundred at a time.

        No transaction stays open between two of these reads: a slow reader (a pager) does not block the truncation of
        the write-ahead log. Jobs that no longer meet the conditions when they are read are left out. With `damaged`, a
        row that cannot be read is left out, and `damaged` is called with a sentence that names it.
        """
        ids = [row["id"] for row in self._rows(queries.urgent_first(wanted))]
        for chunk in chunks(ids, queries.CHUNK):
            try:
                found = self._summaries(wanted, chunk)
            except LedgerDamaged:
                if damaged is None:
                    raise
                with self._reading() as connection:
                    wrong = damaged_among(connection, jobs, chunk, queries.SUMMARY)
                for sentence in wrong.values():
                    damaged(sentence)
                found = self._summaries(wanted, [job_id for job_id in chunk if job_id not in wrong])
            yield from (found[job_id] for job_id in chunk if job_id in found)

    def _summaries(self, wanted: queries.Wanted, ids: Collection[int]) -> dict[int, JobSummary]:
        return {row["id"]: JobSummary(**row) for row in self._rows(queries.summaries(wanted), ids=ids)}

    def invoices_of(self, references: Collection[str]) -> list[Job]:
        """The invoices, of any tenant, whose document has one of these references, without those that were undone."""
        found: list[Job] = []
        for some in chunks(sorted(references), queries.CHUNK):
            query = select(jobs).where(
                jobs.c.stage == Stage.INVOICE,
                jobs.c.reference.in_(some),
                jobs.c.state.not_in([State.GONE, State.SUPERSEDED]),
            )
            found += self._jobs(query)
        return found

    def named(self, text: str, limit: int = 50) -> list[JobSummary]:
        """Jobs whose order, key, invoice number or sales order is this text, or whose order begins with it."""
        found: dict[int, JobSummary] = {}
        for query in queries.named(text, limit):
            for row in self._rows(query):
                found.setdefault(row["id"], JobSummary(**row))
        return list(found.values())[:limit]

    def newest_actions(
        self, *, tenant: str | None = None, actor: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[tuple[Action, str | None, Stage | None]]:
        """The actions of operators, the newest first, each with its order and stage, if it has one."""
        found: list[tuple[Action, str | None, Stage | None]] = []
        for row in self._rows(queries.newest_actions(tenant, actor, before, limit)):
            order_id, stage = row.pop("order_id"), row.pop("stage")
            found.append((Action(**row), order_id, stage))
        return found

    def listed_between(self, since: datetime, until: datetime) -> tuple[int, int, list[tuple[datetime, datetime]]]:
        """The number of jobs first listed in that period, the number of those done, and a sample of acceptance times.

        The sample: pairs of the first listing and the acceptance, of at most 200 jobs.
        """
        ids = {"first": first_id_at(since), "last": first_id_at(until)}
        (row,) = self._rows(queries.COUNTED_BETWEEN, **ids)
        sample = self._rows(queries.ACCEPTED_BETWEEN, **ids) if row["done"] else []
        return row["listed"], row["done"], [(one["first_listed_at"], one["accepted_at"]) for one in sample]

    def jobs_by_id(self, ids: Collection[int]) -> list[Job]:
        """The jobs of these ids, at most as many as a list shows."""
        return self._jobs(select(jobs).where(jobs.c.id.in_(list(ids)[: queries.CHUNK])))

    def counts(self) -> list[JobCount]:
        """The unfinished jobs of every tenant, counted by stage, state, reason, owner and whether accepted."""
        return [JobCount(**row) for row in self._rows(queries.COUNTS)]

    def not_compared(self) -> dict[tuple[str, Stage], int]:
        """By tenant and stage, the number of accepted invoices of which only the items were compared."""
        return self._accepted(NOT_COMPARED)

    def tax_not_compared(self) -> dict[tuple[str, Stage], int]:
        """By tenant and stage, the number of accepted invoices with a tax that was compared with nothing."""
        return self._accepted(TAX_NOT_COMPARED)

    def _accepted(self, those: TextClause) -> dict[tuple[str, Stage], int]:
        counted = select(jobs.c.tenant, jobs.c.stage, func.count().label("count")).where(
            those, jobs.c.accepted_at.is_not(None)
        )
        rows = self._rows(counted.group_by(jobs.c.tenant, jobs.c.stage))
        return {(row["tenant"], row["stage"]): row["count"] for row in rows}

    def disproved(self, since: datetime) -> dict[tuple[str, Stage], tuple[int, str]]:
        """By tenant and stage: the number of denied confirmations that the queue shows as accepted, and the last
        message.
        """
        query = select(jobs.c.tenant, jobs.c.stage, jobs.c.refusal).where(DISPROVED, jobs.c.accepted_at >= since)
        found: dict[tuple[str, Stage], tuple[int, str]] = {}
        for row in self._rows(query.order_by(jobs.c.accepted_at)):
            queue = row["tenant"], row["stage"]
            found[queue] = found.get(queue, (0, ""))[0] + 1, row["refusal"]
        return found

    def reservations(self, tenant: str | None = None) -> list[Job]:
        """Allocation jobs whose reservation may be live; those of wholly invoiced orders are left out."""
        return self._jobs(queries.reservations(tenant))
