"""`run --once`: one complete cycle of both stages of a tenant, then more while something can still move."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from shipperone_erp.domain.exit_codes import Ended, Ending, ended_with
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.records import Lease
from shipperone_erp.engine.cycle import Passed, StageCycle
from shipperone_erp.engine.lease_keeper import LeaseKeeper
from shipperone_erp.engine.selection import Selection
from shipperone_erp.engine.tenant import TenantRuntime
from shipperone_erp.kernel.backoff import Backoff
from shipperone_erp.kernel.errors import ShipperOneErpError
from shipperone_erp.kernel.time_source import TimeSource

READS = Backoff(timedelta(seconds=0.5), timedelta(seconds=30), jitter=0)
"""The delay between two cycles while ShipperOne cannot be read."""

SHORTEST_PAUSE = 0.05
"""Seconds between two cycles when something has just moved or is due."""


async def serve_once(
    tenant: TenantRuntime, keeper: LeaseKeeper, time: TimeSource, *, selection: Selection, settle_for: timedelta
) -> Ended:
    """All work of one tenant that is possible now or within `settle_for` after the first complete cycle."""
    leases: list[Lease] = []
    try:
        await tenant.open()
        await tenant.bind()
        runs: list[StageCycle] = []
        paused = await tenant.paused()
        for stage in tenant.settings.stages:
            if stage in paused:
                continue
            leases.append(await keeper.take(f"{tenant.name}/{stage}"))
            runs.append(await tenant.stage(stage, leases[-1]))
        ended = await _cycles(tenant, runs, time, selection, settle_for) if runs else Ended(Ending.FINISHED, "")
        if paused and ended.ending in (Ending.FINISHED, Ending.HELD):
            rests = " and ".join(f"{stage} (by {pause.actor})" for stage, pause in paused.items())
            return Ended(Ending.HELD, f"paused: {rests}; `shipperone-erp resume {tenant.name}` ends the pause")
        return replace(ended, unknown=await tenant.unknown(selection.orders))
    except ConnectorError as failure:
        return Ended(Ending.ERP, failure.sentence)
    except ShipperOneErpError as failure:
        message = str(failure).removeprefix(f"{tenant.name}: ")
        return Ended(Ending.CONFIGURATION if failure.exit_code == 78 else Ending.FAILED, message)
    except Exception as error:  # a bug ends this tenant's run; the others finish theirs
        logging.getLogger("shipperone_erp.run").exception("%s: this is a bug in shipperone-erp", tenant.name)
        return Ended(Ending.FAILED, f"a bug in shipperone-erp, {type(error).__name__}: the traceback is in the log")
    finally:
        for lease in leases:
            await keeper.give_back(lease)


async def _cycles(
    tenant: TenantRuntime, runs: list[StageCycle], time: TimeSource, selection: Selection, settle_for: timedelta
) -> Ended:
    ends_at: float | None = None
    failures = 0
    while True:
        passes = await asyncio.gather(*(_cycle(run, selection) for run in runs))
        good = [passed for passed in passes if isinstance(passed, Passed)]
        failed = [failure for failure in passes if isinstance(failure, ReadFailed)]
        if ends_at is None:
            ends_at = time.monotonic() + settle_for.total_seconds()
        if selection.limit is not None and not selection.orders and len(good) == len(runs):
            selection = Selection(frozenset(order for passed in good for order in passed.orders))
            if not selection.orders:
                break
        failures = failures + 1 if failed else 0
        pause = _pause(good, failures)
        refused = tenant.token.sentence
        if refused or pause is None or time.monotonic() + pause > ends_at:
            break
        await time.sleep(pause)
    if failed or tenant.token.sentence:
        return Ended(Ending.PLATFORM, tenant.token.sentence or failed[0].sentence)
    if tenant.erp_breaker.down is not None:
        return Ended(Ending.ERP, tenant.erp_breaker.down.sentence)
    return ended_with([job for run in runs for job in await run.unfinished()])


async def _cycle(run: StageCycle, selection: Selection) -> Passed | ReadFailed:
    try:
        return await run.cycle(selection, wait=True)
    except ReadFailed as failure:
        return failure


def _pause(passes: list[Passed], failures: int) -> float | None:
    """Seconds until something can move again; None if nothing will move automatically."""
    pauses = [SHORTEST_PAUSE] if any(passed.moved for passed in passes) else []
    pauses += [passed.due_in for passed in passes if passed.due_in is not None]
    if failures:
        pauses.append(READS.delay(failures).total_seconds())
    return max(min(pauses), SHORTEST_PAUSE) if pauses else None
