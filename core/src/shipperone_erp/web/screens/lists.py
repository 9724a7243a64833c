"""`/held` and `/waiting`: orders by owner and reason, with filters in the address; `/search`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shipperone_erp.domain.explanations import EXPLANATIONS
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.queries import Wanted
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.attention import Group, attention
from shipperone_erp.web import action_forms
from shipperone_erp.web.access import Person
from shipperone_erp.web.action_forms import JobAction
from shipperone_erp.web.formatting import part
from shipperone_erp.web.site import Site, Values, visit_of

FIRST, PAGE = 8, 50
"""The orders of one reason that the complete list shows, and that a page of its own shows at once."""
TOGETHER = 48
"""The largest number of orders in the complete list; further groups show only their heads."""

WordT = TypeVar("WordT", bound=StrEnum)


def word(kind: type[WordT], value: str | None) -> WordT | None:
    """The member of a closed list; None for any other text, such as a mistyped address."""
    try:
        return kind(value or "")
    except ValueError:
        return None


async def show(site: Site, request: Request, *, which: str) -> Response:
    """The orders that need an operator (`held`), or those that proceed by themselves (`waiting`)."""
    asked = request.query_params
    owner, reason = word(Owner, asked.get("owner")), word(Reason, asked.get("reason"))
    stage, tenant = word(Stage, asked.get("stage")), asked.get("tenant") or None
    start = int(asked["from"]) if asked.get("from", "").isdecimal() and len(asked["from"]) < 8 else 0
    person = visit_of(request).person

    def make(ledger: Ledger) -> Values:
        counts = ledger.counts()
        seen = attention(counts, tenant=tenant, stage=stage)
        every = seen.needs if which == "held" else seen.waits
        chosen = [g for g in every if (owner in (None, g.owner)) and (reason in (None, g.reason))]
        tenants = sorted({alike.tenant for alike in counts} | set(site.configuration.tenants))
        alone = reason is not None and len(chosen) == 1
        filters = {"owner": owner, "reason": reason, "tenant": tenant, "stage": stage}
        remaining = TOGETHER
        groups = []
        for group in chosen:
            limit = PAGE if alone else min(FIRST, remaining)
            jobs = _jobs(ledger, group, tenant, stage, limit, start if alone else 0) if limit else []
            remaining -= len(jobs)
            groups.append(_shown(group, jobs, {**filters, "owner": group.owner, "reason": group.reason}))
        return {
            "which": which, "groups": groups, "attention": seen, "filters": filters, "tenants": tenants[:200],
            "reasons": list(dict.fromkeys(group.reason for group in every if group.reason)), "alone": alone,
            "start": start, "page": PAGE, "filtered": any(filters.values()), "bulk": action_forms.IN_BULK,
            "may_act": person is not None and person.may_act_at_all and not site.read_only,
            "button_of": lambda job: None if site.read_only else _button(job, person),
            "tabs": [(one, seen.by_owner.get(one, 0), query(filters, owner=one)) for one in Owner], "query_of": query,
            "explanations": EXPLANATIONS,
        }  # fmt: skip

    return await site.page(request, "held.html", make)


def _jobs(ledger: Ledger, group: Group, tenant: str | None, stage: Stage | None, limit: int, start: int) -> list[Job]:
    wanted = Wanted(
        tenant=tenant, stage=stage, state=group.state, reason=group.reason, owner=group.owner, limit=limit, offset=start
    )
    ids = [one.id for one in ledger.listed(wanted, damaged=lambda sentence: None)]
    found = {job.id: job for job in ledger.jobs_by_id(ids)}
    return [found[job_id] for job_id in ids if job_id in found]


def _shown(group: Group, jobs: list[Job], filters: Mapping[str, Any]) -> dict[str, Any]:
    offered = [name for name in action_forms.IN_BULK if any(action_forms.JOB_ACTIONS[name].fits(job) for job in jobs)]
    return {"of": group, "jobs": jobs, "address": query(filters), "actions": offered}


def _button(job: Job, person: Person | None) -> JobAction | None:
    """The action of the order's own button, of those that this person may perform."""
    if person is None or not person.may_act(job):
        return None
    actions = (action_forms.JOB_ACTIONS[name] for name in action_forms.IN_ROW)
    return next((action for action in actions if action.fits(job)), None)


def query(filters: Mapping[str, Any], **changed: Any) -> str:
    """The filters as the query of an address; unset filters are left out."""
    kept = {name: str(value) for name, value in {**filters, **changed}.items() if value}
    return f"?{urlencode(kept)}" if kept else ""


async def search(site: Site, request: Request) -> Response:
    """Orders by id, key, invoice number, or number of the sales order. A single result is opened at once."""
    wanted = request.query_params.get("q", "").strip()[:200]
    found: list[Any] = []

    def make(ledger: Ledger) -> Values:
        found.extend(ledger.named(wanted) if wanted else ())
        return {"query": wanted, "found": found}

    response = await site.page(request, "search.html", make)
    orders = {(one.tenant, one.order_id) for one in found}
    if len(orders) == 1:
        ((tenant, order_id),) = orders
        return RedirectResponse(f"/order/{part(tenant)}/{part(order_id)}", status_code=303)
    return response
