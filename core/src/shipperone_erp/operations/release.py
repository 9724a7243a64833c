"""`order release`: recorded only after both of ShipperOne's queues were read and neither lists the order."""

import asyncio

from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.domain.allocation_release import lists
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import ShipperOneErpError, UsageError
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import connected
from shipperone_erp.shipperone.http_exchange import ExchangeLimits
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader


class QueueNotRead(ShipperOneErpError):
    """A queue of ShipperOne could not be read, so its contents are unknown; nothing was done."""

    exit_code = int(Ending.PLATFORM)


async def release_unlisted(ledger: Ledger, loaded: Configuration, job: Job, note: str) -> None:
    """Request the release of the reservation. UsageError if an invoice or a queue shows that the order ships."""
    if job.tenant not in loaded.tenants:
        raise UsageError(f"{job.tenant} has an invalid configuration, so its queues cannot be read")
    await asyncio.to_thread(no_invoice_under_way, ledger, job)
    await not_listed(loaded.tenants[job.tenant], job, max_response=loaded.runtime.max_response)
    await asyncio.to_thread(job_actions.release, ledger, job, utc_now(), note)


def no_invoice_under_way(ledger: Ledger, job: Job) -> None:
    """UsageError if an invoice of the order is in progress, since its goods have shipped."""
    for invoice in ledger.jobs_of_orders(job.tenant, Stage.INVOICE, [job.order_id]):
        if not invoice.ended:
            raise UsageError(f"order {job.order_id} has shipped: {invoice.key} is {invoice.state}; nothing was done")


async def not_listed(settings: TenantSettings, job: Job, *, max_response: int) -> None:
    """UsageError if a queue lists the order, or does not prove its absence; QueueNotRead if it cannot be read."""
    try:
        async with connected(Account.of(settings), ExchangeLimits(max_response=max_response)) as client:
            for stage in Stage:
                listing = await QueueReader(client, stage, OrderWire.of(settings, stage)).read(prove=True)
                if lists(listing, job.order_id):
                    raise UsageError(
                        f"order {job.order_id} is listed in pending_{stage}: its reservation is not released"
                    )
                if not listing.proves_absence:
                    raise UsageError(
                        f"pending_{stage} changed while it was read, which does not prove that order {job.order_id} is "
                        "absent; try again"
                    )
    except ReadFailed as failure:
        raise QueueNotRead(f"nothing was done, since both queues must be read first: {failure.sentence}") from failure
