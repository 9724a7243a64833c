"""`/order/TENANT/ID`: the timeline of an order on both sides, its state, and the available actions."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shipperone_erp.domain.explanations import EXPLANATIONS
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.attention import needs_operator
from shipperone_erp.operations.order_comparison import Sides, sides
from shipperone_erp.operations.order_timeline import events
from shipperone_erp.operations.reports import Row, in_order_of_urgency, order_story
from shipperone_erp.web import action_forms
from shipperone_erp.web.access import Person
from shipperone_erp.web.background_runs import Run
from shipperone_erp.web.site import Answered, Site, Values, forbidden, visit_of
from shipperone_erp.web.texts import text


async def order(site: Site, request: Request) -> Response:
    """One order of one tenant, both stages together."""
    tenant, order_id = request.path_params["tenant"], request.path_params["order_id"]
    person = visit_of(request).person

    def make(ledger: Ledger) -> Values:
        jobs = in_order_of_urgency(_jobs(ledger, tenant, order_id))
        stories = [order_story(ledger, job) for job in jobs]
        # its goods have left, so that its reservation must not be released
        shipped = any(job.stage is Stage.INVOICE and job.accepted for job in jobs)
        return {
            "tenant": tenant, "order_id": order_id, "head": jobs[0], "needs": needs_operator(jobs[0]),
            "jobs": [_shown(site, job, story, person, shipped) for job, story in zip(jobs, stories, strict=True)],
            "events": _events(stories), "sides": _sides(site, tenant, jobs), "explanations": EXPLANATIONS,
            "background": _background(site, tenant, order_id), "fields_of": action_forms.fields_of,
            "may_read_bodies": person is not None and person.may_act_at_all,
        }  # fmt: skip

    return await site.page(request, "order.html", make)


async def raw(site: Site, request: Request) -> Response:
    """Every body of an order as it was sent and received. Not for readers, since it contains addresses."""
    tenant, order_id = request.path_params["tenant"], request.path_params["order_id"]
    person = visit_of(request).person
    if person is None or not person.may_act_at_all:
        raise forbidden(person)

    def make(ledger: Ledger) -> Values:
        bodies = []
        for job in sorted(_jobs(ledger, tenant, order_id), key=lambda job: job.id):
            story = order_story(ledger, job)
            for event in events(story, raw=True):
                for kind in ("request", "answer"):
                    if event.get(kind):
                        bodies.append((f"{event['at']} {event['what']}: {kind}", _pretty(event[kind])))
            for kind in ("order", "invoice"):
                if story[kind] is not None:
                    bodies.append((f"{job.stage}: {kind}", json.dumps(story[kind], indent=2, ensure_ascii=False)))
        return {"tenant": tenant, "order_id": order_id, "bodies": bodies}

    return await site.page(request, "raw.html", make)


def _jobs(ledger: Ledger, tenant: str, order_id: str) -> list[Job]:
    jobs = ledger.find_jobs(tenant=tenant, order_id=order_id)
    if not jobs:
        raise Answered(
            404, text("not_found"), text("no_such_order", order=order_id, tenant=tenant), text("not_found_hint")
        )
    return jobs


def _shown(site: Site, job: Job, story: Row, person: Person | None, shipped: bool) -> dict[str, Any]:
    theirs = person is not None and person.may_act(job) and not site.read_only
    available = [one for one in action_forms.available(job) if not (shipped and _needs_goods(job, one.name))]
    return {
        "job": job, "story": story, "actions": available if theirs else [], "not_theirs": bool(available) and not theirs
    }  # fmt: skip


def _needs_goods(job: Job, action: str) -> bool:
    """Whether the action is about a reservation whose goods must not have left."""
    return job.stage is Stage.ALLOCATION and action in ("release", "make_anew")


def _background(site: Site, tenant: str, order_id: str) -> list[tuple[str, Run]]:
    """The background runs on this order, past and present, by their names."""
    runs = ((name, site.background.runs.get((name, tenant, order_id))) for name in action_forms.IN_BACKGROUND)
    return [(name, run) for name, run in runs if run is not None]


def _events(stories: Sequence[Row]) -> list[Row]:
    """The events of all jobs on one time axis; a listing that occurs in several jobs is shown once."""
    found: list[Row] = []
    seen: set[tuple[str, str, str]] = set()
    for story in stories:
        for event in events(story):
            place = (str(event["at"])[:19], event["side"], event["words"])
            if "outcome" in event or "action" in event or place not in seen:
                seen.add(place)
                found.append({**event, "stage": story["stage"]})
    return sorted(found, key=lambda event: str(event["at"]).removesuffix("Z"))


def _sides(site: Site, tenant: str, jobs: Sequence[Job]) -> Sides | None:
    try:
        return sides(jobs, site.configuration.tenants.get(tenant))
    except (UsageError, ValueError, ArithmeticError):  # amounts that cannot be read are not computed
        return None


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
