"""Procrastinate for the fleet: a job represents a group of tenants, and the worker that fetches it serves the group.

Its lock on a group is an optimisation: it usually prevents two workers from competing. Only the tenant's lease in the
ledger decides which process acts for a tenant, since a worker that was suspended and resumes may finish its job while
another one serves the group.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.fleet_tables import SCHEMA

QUEUE = "groups"
TASK = "serve_group"
AT_ONCE = 10_000
"""Procrastinate's limit of concurrent jobs of one worker; `room` determines the real number of groups."""

NEVER = 365.0 * 86_400
"""Seconds. Disables periodic work of Procrastinate, which the worker's heartbeat does here instead."""

KEEP_FAILED = 24
"""Hours for which the row of a hand-out that was taken from a dead worker is kept."""

CONNECTIONS = 2
"""The size of Procrastinate's connection pool; `listen` adds one connection."""

Serve = Callable[[str, int], Awaitable[None]]


class PatientJobs(JobManager):
    """A job manager that tolerates a database outage: the worker continues to serve its groups."""

    def __init__(self, connector: PsycopgConnector, log: logging.Logger) -> None:
        super().__init__(connector)
        self._log = log
        self._away = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Like the base class, but None while the database is not available."""
        try:
            job = await super().fetch_job(queues, worker_id)
        except exceptions.ConnectorException as error:
            if not self._away:
                self._log.warning("no group can be claimed at the moment: %s", _cause(error))
            self._away = True
            return None
        self._away = False
        return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Called once. A job that another worker has taken is left to it; an unfinished one is rescued later."""
        try:
            await super().finish_job(job, status, delete_job)
        except exceptions.ConnectorException as error:
            self._log.info("the hand-out %s was not closed here: %s", job.id, _cause(error))


class GroupWorker(Worker):
    """Procrastinate's worker, which fetches a job only if there is room."""

    room: Callable[[], bool]

    @property
    def queues(self) -> list[str]:
        """The queues from which the next job is fetched; none if this worker has enough groups."""
        return [QUEUE] if self.room() else []

    @queues.setter
    def queues(self, asked: Iterable[str] | None) -> None:
        """Ignores the value set by Procrastinate's constructor; it is computed at every fetch."""


class GroupQueue:
    """The queue of one worker. Used as `async with`; `run` fetches until `stop`."""

    def __init__(self, url: str, settings: FleetSettings, name: str, log: logging.Logger) -> None:
        async def configure(connection: "psycopg.AsyncConnection[Any]") -> None:
            await connection.execute(f"SET search_path TO {SCHEMA}")
            await connection.commit()

        connector = PsycopgConnector(
            conninfo=url.replace("postgresql+psycopg://", "postgresql://", 1),
            kwargs={"application_name": "shipperone-erp fleet", "connect_timeout": 10},
            configure=configure,
            min_size=1,
            max_size=CONNECTIONS,
        )
        self._settings = settings
        self._log = log
        self._name = name
        self._app = App(connector=connector)
        self._app.job_manager = PatientJobs(connector, log)
        self._worker: GroupWorker | None = None

    async def __aenter__(self) -> "GroupQueue":
        await self._app.open_async()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._app.connector.close_async()

    @property
    def worker_id(self) -> int:
        """This worker's row in Procrastinate's tables; 0 before it is registered."""
        return (self._worker and self._worker.worker_id) or 0

    async def run(self, serve: Serve, room: Callable[[], bool]) -> None:
        """Fetch groups while there is room, and serve each; until `stop` and the end of the groups in progress."""

        async def serve_group(context: Any, group: str) -> None:
            await serve(group, context.job.id)

        self._app.task(name=TASK, queue=QUEUE, pass_context=True)(serve_group)
        GroupWorker.room = staticmethod(room)
        worker = self._worker = GroupWorker(
            self._app,
            queues=[QUEUE],
            name=self._name,
            concurrency=AT_ONCE,
            fetch_job_polling_interval=self._settings.poll.total_seconds(),
            abort_job_polling_interval=NEVER,
            update_heartbeat_interval=NEVER,
            stalled_worker_timeout=self._settings.stalled.total_seconds(),
            listen_notify=self._settings.listen,
            delete_jobs="always",
            install_signal_handlers=False,
        )
        await worker.run()

    def stop(self) -> None:
        """Stop fetching."""
        if self._worker is not None:
            self._worker.stop()

    async def register_again(self) -> None:
        """Register again after other workers have removed this worker's row as dead."""
        if self._worker is not None and self._worker.worker_id is not None:
            self._worker.worker_id = await self._app.job_manager.register_worker()

    async def defer(self, group: str, after: timedelta = timedelta()) -> bool:
        """Queue the group to be handed out after its present hand-out ends; False if it is already queued."""
        job = self._app.configure_task(
            TASK,
            queue=QUEUE,
            lock=group,
            queueing_lock=group,
            schedule_in={"seconds": after.total_seconds()} if after else None,
        )
        try:
            await job.defer_async(group=group)
        except exceptions.AlreadyEnqueued:
            return False
        return True

    async def rescue(self) -> list[str]:
        """Take the groups from workers that are dead or stalled; returns the names of the groups.

        The stalled row is failed and a new one enqueued. `retry_job` would hand out the same row again, and a worker
        that resumes would then finish the job of its successor.
        """
        jobs = self._app.job_manager
        if self.worker_id:
            # A worker that looks after others lives, however long its last round took: it would fail its own rows,
            # serve the same groups anew, be late by that again, and so on.
            await jobs.update_heartbeat(self.worker_id)
        stalled = self._settings.stalled.total_seconds()
        rescued = []
        for job in await jobs.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=stalled):
            group = str(job.task_kwargs["group"])
            with contextlib.suppress(exceptions.ConnectorException):  # another worker was faster
                await JobManager.finish_job(jobs, job, Status.FAILED, delete_job=False)
                rescued.append(group)
            await self.defer(group)
        await jobs.prune_stalled_workers(stalled)
        return rescued

    async def prune(self) -> None:
        """Remove the rows of hand-outs that ended long ago."""
        await self._app.job_manager.delete_old_jobs(
            KEEP_FAILED, include_failed=True, include_cancelled=True, include_aborted=True
        )


@contextlib.asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Converts a database outage into a LedgerError."""
    try:
        yield
    except exceptions.ConnectorException as error:
        raise LedgerError(f"the fleet's part of the ledger is temporarily unavailable: {_cause(error)}") from None
    except TimeoutError:
        raise LedgerError("no connection to the fleet's tables in the ledger was available in time") from None


def _cause(error: BaseException) -> str:
    """The first sentence of the driver's message, without parameters."""
    cause = error.__cause__
    message = getattr(getattr(cause, "diag", None), "message_primary", None)
    return str(message or (type(cause).__name__ if cause else type(error).__name__))
