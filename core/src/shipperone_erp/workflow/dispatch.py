"""Executes the decisions of planning about an order."""

from collections.abc import Awaitable, Callable

from shipperone_erp.domain.decisions import (
    ConfirmByInference,
    Continue,
    Decision,
    End,
    NoAction,
    PutOnHold,
    RecordObservation,
    RecoverFromErp,
    Restamp,
    SendAgain,
    Start,
    StartHeld,
    Supersede,
    TreatAsRefused,
)
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reservations import Allocated
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.workflow.adoption import adopt
from shipperone_erp.workflow.allocation import allocate
from shipperone_erp.workflow.compensation import end
from shipperone_erp.workflow.confirmation import accept, refused
from shipperone_erp.workflow.execution import JobExecution, work
from shipperone_erp.workflow.invoice import invoice
from shipperone_erp.workflow.ports import StagePorts
from shipperone_erp.workflow.recovery_from_erp import seek

Flow = Callable[[JobExecution], Awaitable[None]]

FLOWS: dict[Stage, Flow] = {Stage.ALLOCATION: allocate, Stage.INVOICE: invoice}

AllocatedOf = Callable[[Job], Allocated]
"""The ledger's record of the allocation of a job's order."""


async def act(decision: Decision, ports: StagePorts, allocated: AllocatedOf, *, alone: bool = False) -> Job | None:
    """Execute the decision and return the job as it is afterwards (None if there was nothing to do)."""

    async def run(job: Job, flow: Flow, *, confirmed: bool = False) -> Job:
        one = JobExecution(job, ports, allocated(job), alone=alone)
        if confirmed:
            accept(one, inferred=True)
        await work(one, flow)
        return one.job

    match decision:
        case NoAction():
            return None
        case Restamp(job=job, then=then):
            ports.effect_log.restamp(job)
            return await act(then, ports, allocated, alone=alone) or job
        case RecordObservation(job=job):
            ports.effect_log.save(job)
            return job
        case StartHeld(job=job):
            ports.effect_log.insert(job)
            ports.changed(None, job)
            return job
        case PutOnHold(job=job):
            held = job.held(decision.reason, decision.sentence, decision.owner, at=ports.now())
            ports.effect_log.save(held)
            ports.changed(job, held)
            return held
        case Start(job=job):
            ports.effect_log.insert(job)
            ports.changed(None, job)
            return await run(job, _flow(job))
        case Continue(job=job):
            return await run(job, _flow(job))
        case SendAgain(job=job):
            return await run(job.not_taken(), _flow(job))
        case TreatAsRefused(job=job):
            return await run(job.not_taken(), _continue_if_rebuilt)
        case ConfirmByInference(job=job):
            return await run(job, _flow(job), confirmed=True)
        case RecoverFromErp(job=job):
            return await run(job, seek)
        case End(job=job, state=state, why=why):
            return await run(job, lambda one: end(one, state, why))
        case Supersede(job=job, successor=successor):
            ended = await run(job, lambda one: end(one, State.SUPERSEDED, "ShipperOne changed the order"))
            return await act(successor, ports, allocated) if successor and ended.ended else ended


def _flow(job: Job) -> Flow:
    return adopt if job.adopted else FLOWS[job.stage]


async def _continue_if_rebuilt(execution: JobExecution) -> None:
    await refused(execution)
    await _flow(execution.job)(execution)
