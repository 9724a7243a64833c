"""Procrastinate as the fleet uses it: a job stands for a group of tenants, and whoever fetches it serves the group.

Its lock on a group is economy: it keeps two workers from trying at once, most of the time. Which process acts for a
tenant is decided by the tenant's lease in the ledger alone, since a worker that stood still and wakes up may finish its
job while another one serves the group.
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
"""Jobs of one worker at once, for Procrastinate: how many groups it really takes is decided by `room`."""

NEVER = 365.0 * 86_400
"""Seconds: what Procrastinate would do by itself at its own pace is done here, with the worker's heartbeat."""

KEEP_FAILED = 24
"""Hours for which the row of a hand-out that was taken from a dead worker stays."""

CONNECTIONS = 2
"""Of Procrastinate's pool; with `listen` there is one more."""

Serve = Callable[[str, int], Awaitable[None]]


class PatientJobs(JobManager):
    """A job manager whose database may be away for a while: a worker goes on serving what it has."""

    def __init__(self, connector: PsycopgConnector, log: logging.Logger) -> None:
        super().__init__(connector)
        self._log = log
        self._away = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None as well while the database cannot be used."""
        try:
            job = await super().fetch_job(queues, worker_id)
        except exceptions.ConnectorException as error:
            if not self._away:
                self._log.warning("no group can be taken just now: %s", _said(error))
            self._away = True
            return None
        self._away = False
        return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Once. A job that another worker has taken meanwhile is left to it, and one that cannot be finished now is
        rescued later."""
        try:
            await super().finish_job(job, status, delete_job)
        except exceptions.ConnectorException as error:
            self._log.info("the hand-out %s was not closed here: %s", job.id, _said(error))


class GroupWorker(Worker):
    """Procrastinate's worker, which asks for a job only while there is room."""

    room: Callable[[], bool]

    @property
    def queues(self) -> list[str]:
        """The queues from which the next job is fetched; none while this worker has enough."""
        return [QUEUE] if self.room() else []

    @queues.setter
    def queues(self, asked: Iterable[str] | None) -> None:
        """Procrastinate's constructor sets it; it is worked out anew with every fetch."""


class GroupQueue:
    """One for a worker. Used as `async with`; `run` fetches until `stop`."""

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
        """This worker's row in Procrastinate's tables; 0 before it has one."""
        return (self._worker and self._worker.worker_id) or 0

    async def run(self, serve: Serve, room: Callable[[], bool]) -> None:
        """Fetch groups while there is room, and serve each; until `stop`, and until those begun have ended."""

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
        """Fetch nothing more."""
        if self._worker is not None:
            self._worker.stop()

    async def register_again(self) -> None:
        """Others have taken this worker for dead, and removed its row."""
        if self._worker is not None and self._worker.worker_id is not None:
            self._worker.worker_id = await self._app.job_manager.register_worker()

    async def defer(self, group: str, after: timedelta = timedelta()) -> bool:
        """Let the group be handed out, once the hand-out of now has ended; False if that was said already."""
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
        """Take the groups of workers that died or stand still from them; their names.

        The stalled row is failed and a new one enqueued. `retry_job` would hand out the same row again, and the worker
        that wakes up would then finish the job of its successor.
        """
        jobs = self._app.job_manager
        stalled = self._settings.stalled.total_seconds()
        rescued = []
        for job in await jobs.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=stalled):
            group = str(job.task_kwargs["group"])
            with contextlib.suppress(exceptions.ConnectorException):  # another worker was first
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
    """A database that is away is a LedgerError, here as everywhere."""
    try:
        yield
    except exceptions.ConnectorException as error:
        raise LedgerError(f"the fleet's part of the ledger cannot be used just now: {_said(error)}") from None
    except TimeoutError:
        raise LedgerError("the fleet's part of the ledger gave no connection in time") from None


def _said(error: BaseException) -> str:
    """The driver's first sentence, without parameters."""
    cause = error.__cause__
    message = getattr(getattr(cause, "diag", None), "message_primary", None)
    return str(message or (type(cause).__name__ if cause else type(error).__name__))
