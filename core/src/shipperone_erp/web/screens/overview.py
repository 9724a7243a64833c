"""`/`: whether any order needs an operator, each tenant's status, both queues, the pace of the last day and month."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.attention import attention
from shipperone_erp.operations.disk_space import full_disk
from shipperone_erp.operations.fleet_report import status_with_fleet
from shipperone_erp.operations.reports import Row
from shipperone_erp.operations.stalled_stages import SILENT_AFTER
from shipperone_erp.web.formatting import moment
from shipperone_erp.web.site import Site, Values

SHOWN = 40
"""The number of tenants on one page, those with problems first."""

CANNOT_WORK = ("config_incomplete", "platform_auth", "disk_full")


async def overview(site: Site, request: Request) -> Response:
    """The first screen."""
    wanted = request.query_params.get("tenant", "").strip()
    try:
        start = max(int(request.query_params.get("from", "0")), 0)
    except ValueError:
        start = 0
    if site.throughput.due():
        asyncio.get_running_loop().run_in_executor(None, _count, site)

    def make(ledger: Ledger) -> Values:
        rows, workers = status_with_fleet(site.configuration, ledger, site.now())
        if full := full_disk(site.configuration.runtime.ledger):
            rows.append({"tenant": None, "stage": None, "paused": "disk_full", "sentence": full})
        tenants = _tenants(rows, site.now())
        ill = [tenant for tenant in tenants if tenant["light"] == "ill"]
        fitting = [tenant for tenant in tenants if wanted.lower() in (tenant["name"] or "").lower()]
        return {
            "attention": attention(ledger.counts()), "ill": ill, "tenants": fitting[start : start + SHOWN],
            "all": len(tenants), "fitting": len(fitting), "start": start, "step": SHOWN, "wanted": wanted,
            "throughput": site.throughput.look(), "workers": workers,
        }  # fmt: skip

    return await site.page(request, "overview.html", make)


def _count(site: Site) -> None:
    """An error while counting leaves the charts unchanged; the page itself reports the error."""
    try:
        site.throughput.count(site.ledger)
    except Exception:
        site.throughput.failed()


def _tenants(rows: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """One entry for each tenant, with its rows by stage and its status; problems first, then by name."""
    found: dict[str | None, dict[str, Any]] = {}
    for row in rows:
        tenant = found.setdefault(row["tenant"], {"name": row["tenant"], "stages": {}, "sentences": []})
        if row["stage"] is not None:
            tenant["stages"][row["stage"]] = row
        for key in ("sentence", "silent", "denials"):
            if row.get(key) and row[key] not in tenant["sentences"]:
                tenant["sentences"].append(row[key])
        tenant["worker"], tenant["refused"] = row.get("worker"), row.get("refused", ())
        tenant.setdefault("paused", []).append(row["paused"])
        tenant["silent"] = tenant.get("silent") or row.get("silent")
    for tenant in found.values():
        tenant["unserved"] = not tenant["sentences"] and all(_unserved(row, now) for row in tenant["stages"].values())
        tenant["light"] = _light(tenant)
    order = ("ill", "needs", "paused", "well")
    return sorted(found.values(), key=lambda tenant: (order.index(tenant["light"]), tenant["name"] or ""))


def _unserved(row: Row, now: datetime) -> bool:
    """Whether no process serves the queue, beyond the interval between two runs of `run --once`."""
    if row["served_by"] is not None or row["paused"]:
        return False
    read = moment(row["last_good_cycle"])
    return read is None or now - read > SILENT_AFTER


def _light(tenant: dict[str, Any]) -> str:
    stages = tenant["stages"].values()
    if tenant["silent"] or any(paused in CANNOT_WORK for paused in tenant["paused"]):
        return "ill"
    if tenant["unserved"]:
        return "ill"
    if any(row["held"] for row in stages):
        return "needs"
    return "paused" if any(tenant["paused"]) else "well"
