"""The read side of the ledger. Every method may be called from any thread, during writes too."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, union

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import (
    RESTORED,
    Action,
    Binding,
    Effect,
    NumberHolder,
    Pause,
    QueueRecord,
)
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.grouping import chunks
from shipperone_erp.kernel.store_addresses import same_store
from shipperone_erp.ledger import queries
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.decoded_jobs import DecodedJobs
from shipperone_erp.ledger.leases import LeaseRecord
from shipperone_erp.ledger.list_reader import ListReader
from shipperone_erp.ledger.schema import (
    ENDED,
    UNFINISHED,
    actions,
    bindings,
    effects,
    jobs,
    pauses,
    queues,
)
from shipperone_erp.ledger.schema import leases as lease_rows

_OF_STAGE = select(jobs).where(jobs.c.tenant == bindparam("of_tenant"), jobs.c.stage == bindparam("of_stage"))
_UNFINISHED = _OF_STAGE.where(UNFINISHED).order_by(jobs.c.id)
_OF_ORDERS = _OF_STAGE.where(jobs.c.order_id.in_(bindparam("orders", expanding=True))).order_by(jobs.c.id)
_LIVING = _UNFINISHED.where(jobs.c.state != State.IGNORED)
_OTHERS_OF_ORDERS = _OF_ORDERS.where(or_(ENDED, jobs.c.state == State.IGNORED))
_NUMBERED = (jobs.c.tenant == bindparam("of_tenant"), jobs.c.order_number.in_(bindparam("numbers", expanding=True)))
_ENDS_OF_SALES_ORDERS = (
    select(
        jobs.c.order_number,
        func.min(jobs.c.order_id).label("first"),
        func.max(jobs.c.order_id).label("last"),
    )
    .where(*_NUMBERED)
    .group_by(jobs.c.order_number)
)
"""The first and the last fulfillment order of each sales order, by id: the index alone answers."""
_OF_SALES_ORDERS = select(jobs).where(*_NUMBERED).order_by(jobs.c.id)
_OF_CONTENTS = select(jobs).where(jobs.c.content.in_(bindparam("contents", expanding=True))).order_by(jobs.c.id)
_QUEUE = select(queues).where(queues.c.tenant == bindparam("of_tenant"), queues.c.stage == bindparam("of_stage"))
_OPEN_EFFECTS = (
    select(effects)
    .join(jobs, jobs.c.id == effects.c.job_id)
    .where(
        effects.c.outcome.is_(None),
        jobs.c.tenant == bindparam("of_tenant"),
        jobs.c.stage == bindparam("of_stage"),
    )
    .order_by(effects.c.id)
)

_RESTORED = (
    select(actions.c.at)
    .where(actions.c.tenant == bindparam("of_tenant"), actions.c.action == RESTORED, actions.c.job_id.is_(None))
    .order_by(actions.c.at.desc())
    .limit(1)
)

_STAGES = select(jobs.c.tenant, jobs.c.stage).distinct()
_WITH_UNFINISHED = _STAGES.where(UNFINISHED, jobs.c.tenant.in_(bindparam("tenants", expanding=True)))
_LEFT_BEHIND = (
    _STAGES.where(jobs.c.taken),
    _STAGES.join(effects, effects.c.job_id == jobs.c.id).where(effects.c.outcome.is_(None)),
)
"""Partial indexes answer both; there are few such rows."""


class LedgerReader(ListReader):
    """The queries. Every method raises LedgerUnavailable while the database cannot be used."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._living = DecodedJobs(_LIVING)

    def unfinished_jobs(self, tenant: str, stage: Stage) -> list[Job]:
        """Every job of this stage that has not ended, including those that an operator ignored; oldest first."""
        return self._jobs(_UNFINISHED, of_tenant=tenant, of_stage=stage)

    def jobs_of_orders(self, tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        """All jobs of these orders in this stage, ended ones included; oldest first for each order."""
        return self._in_chunks(_OF_ORDERS, tenant, stage, order_ids)

    def living_jobs(self, tenant: str, stage: Stage) -> list[Job]:
        """The `unfinished_jobs` without ignored ones: all that may still move automatically. Called in every cycle."""
        with self._decoding() as connection:
            return self._living.read(connection, of_tenant=tenant, of_stage=stage)

    def other_jobs_of_orders(self, tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        """Those of `jobs_of_orders` that have ended or are ignored: together with `living_jobs` these are all."""
        return self._in_chunks(_OTHERS_OF_ORDERS, tenant, stage, order_ids)

    def jobs_of_sales_orders(self, tenant: str, listed: Mapping[str, str]) -> list[Job]:
        """Every job, of both stages, of the sales orders that have another fulfillment order than the listed one.

        `listed`: the number of the sales order by the id of a fulfillment order.
        """
        ids: dict[str, set[str]] = {}
        for order_id, number in listed.items():
            ids.setdefault(number, set()).add(order_id)
        found: list[Job] = []
        for numbers in chunks(sorted(ids), queries.CHUNK):
            ends = self._rows(_ENDS_OF_SALES_ORDERS, of_tenant=tenant, numbers=numbers)
            shared = [
                row["order_number"]
                for row in ends
                if row["first"] != row["last"] or ids[row["order_number"]] != {row["first"]}
            ]
            if shared:
                found += self._jobs(_OF_SALES_ORDERS, of_tenant=tenant, numbers=shared)
        return found

    def accepted_before(self, tenant: str, stage: Stage, moment: datetime) -> list[Job]:
        """The accepted jobs that have not ended and were first listed by then; oldest first."""
        return self._jobs(queries.ACCEPTED_BEFORE, of_tenant=tenant, of_stage=stage, moment=moment)

    def not_accepted_before(self, tenant: str, stage: Stage, moment: datetime) -> int:
        """The number of jobs of that stage, first listed by then, that are neither accepted, ended nor ignored."""
        (row,) = self._rows(queries.NOT_ACCEPTED_BEFORE, of_tenant=tenant, of_stage=stage, moment=moment)
        return int(row["count"])

    def jobs_of_contents(self, contents: Collection[str]) -> list[Job]:
        """Every job, of any tenant, with one of these contents. It reads the whole table: not for a cycle."""
        wanted = chunks(sorted(contents), queries.CHUNK)
        return [job for some in wanted for job in self._jobs(_OF_CONTENTS, contents=some)]

    def job(self, job_id: int) -> Job | None:
        """The job of that id."""
        return next(iter(self._jobs(select(jobs).where(jobs.c.id == job_id))), None)

    def holders_of_numbers(self, tenant: str, asked: Sequence[NumberHolder]) -> Mapping[NumberHolder, NumberHolder]:
        """By each of these, which are about to have their numbers, the oldest other job that has its number already.

        Of any tenant bound to the same ERP; an invoice of another issuer may have the same number.
        """
        found: dict[NumberHolder, NumberHolder] = {}
        for some in chunks(asked, queries.CHUNK):
            numbers = sorted({one.number for one in some})
            with self._decoding() as connection:
                for row in connection.execute(queries.HOLDERS_OF_NUMBERS, {"of_tenant": tenant, "numbers": numbers}):
                    for one in some:
                        of_another = one.number == row.number and one.job_id != row.id
                        if of_another and one not in found and one.shares_series(row.issuer):
                            found[one] = NumberHolder(row.number, row.id, row.tenant, row.order_id, row.key, row.issuer)
        return found

    def unshipped(self, tenant: str, after: datetime | None, before: datetime) -> list[Job]:
        """Reservations confirmed to ShipperOne in this period, of orders that never reached the invoice queue."""
        period = {"before": before} if after is None else {"before": before, "after": after}
        return self._jobs(queries.unshipped(since_ever=after is None), of_tenant=tenant, **period)

    def effects(self, job_id: int) -> list[Effect]:
        """Every effect of this job, in order."""
        rows = self._rows(select(effects).where(effects.c.job_id == job_id).order_by(effects.c.id))
        return [Effect(**row) for row in rows]

    def open_effects(self, tenant: str, stage: Stage) -> list[Effect]:
        """Intents without an outcome; those of an earlier lease are unknown."""
        return [Effect(**row) for row in self._rows(_OPEN_EFFECTS, of_tenant=tenant, of_stage=stage)]

    def unfinished_stages(self, tenants: Collection[str]) -> set[tuple[str, Stage]]:
        """The stages of these tenants in which an earlier process may have left anything to be recovered.

        They have jobs that have not ended, intents without an outcome, or jobs that are claimed.
        """
        found = {(row["tenant"], row["stage"]) for query in _LEFT_BEHIND for row in self._rows(query)}
        for some in chunks(sorted(set(tenants)), queries.CHUNK):
            found.update((row["tenant"], row["stage"]) for row in self._rows(_WITH_UNFINISHED, tenants=some))
        return found

    def actions(self, about: int | str) -> list[Action]:
        """Operators' actions and notes on a job (its id) or on anything of a tenant (its name), in order."""
        column = actions.c.job_id if isinstance(about, int) else actions.c.tenant
        return [Action(**row) for row in self._rows(select(actions).where(column == about).order_by(actions.c.id))]

    def restored_at(self, tenant: str) -> datetime | None:
        """When an operator last stated that this ledger is a restored copy; None if never."""
        rows = self._rows(_RESTORED, of_tenant=tenant)
        return next((row["at"] for row in rows), None)

    def queue(self, tenant: str, stage: Stage) -> QueueRecord | None:
        """The record of one queue; None if it was never read."""
        rows = self._rows(_QUEUE, of_tenant=tenant, of_stage=stage)
        return next((QueueRecord(**row) for row in rows), None)

    def queues(self) -> list[QueueRecord]:
        """The records of all queues."""
        return [QueueRecord(**row) for row in self._rows(select(queues).order_by(queues.c.tenant, queues.c.stage))]

    def binding(self, tenant: str) -> Binding | None:
        """The binding of this tenant's rows; None if it was never served from this ledger."""
        columns = (bindings.c.base_url, bindings.c.store_code, bindings.c.connector, bindings.c.identity)
        rows = self._rows(select(*columns).where(bindings.c.tenant == tenant))
        return next((Binding(**row) for row in rows), None)

    def tenants_of(self, base_url: str, store_code: str) -> list[str]:
        """The tenants whose rows belong to that store, however its address was written."""
        found = select(bindings.c.tenant, bindings.c.base_url).where(bindings.c.store_code == store_code)
        store = same_store(base_url)
        rows = self._rows(found.order_by(bindings.c.tenant))
        return [row["tenant"] for row in rows if same_store(row["base_url"]) == store]

    def tenants(self) -> set[str]:
        """The tenants of any row here, served or not."""
        tables = (bindings, queues, jobs)
        return {row["tenant"] for row in self._rows(union(*(select(table.c.tenant) for table in tables)))}

    def pauses(self) -> list[Pause]:
        """The pauses of all tenants."""
        return [Pause(**row) for row in self._rows(select(pauses).order_by(pauses.c.tenant, pauses.c.stage))]

    def acted_on(self, since: int) -> list[tuple[int, str]]:
        """The ids of the actions with an id above `since`, with their tenants."""
        rows = self._rows(select(actions.c.id, actions.c.tenant).where(actions.c.id > since))
        return [(row["id"], row["tenant"]) for row in rows]

    def leases(self) -> list[LeaseRecord]:
        """Every lease that was ever taken."""
        return [LeaseRecord(**row) for row in self._rows(select(lease_rows).order_by(lease_rows.c.name))]

    def _in_chunks(self, query: Select[Any], tenant: str, stage: Stage, order_ids: Collection[str]) -> list[Job]:
        wanted = chunks(sorted(set(order_ids)), queries.CHUNK)
        return [job for some in wanted for job in self._jobs(query, of_tenant=tenant, of_stage=stage, orders=some)]
