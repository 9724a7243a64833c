"""Operators' actions: a preview of the effect on each order, then the action, by the functions of the command line."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import actors, document_adoption, job_actions, job_selection, pauses
from shipperone_erp.operations import go_live as going_live
from shipperone_erp.web import action_forms
from shipperone_erp.web.access import Person
from shipperone_erp.web.action_forms import ActionRequest, BackgroundAction, JobAction
from shipperone_erp.web.screens.lists import word
from shipperone_erp.web.site import Answered, Site, Values, back_to, forbidden, one
from shipperone_erp.web.texts import text

MOST = 500
"""The largest number of orders in one form."""

Fields = Mapping[str, list[str]]
NOT_SHOWN: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One order of a preview: the job, and the reason why the action does not apply; None if it does."""

    key: str
    job: Job | None
    why_not: str | None


def previewed(
    ledger: Ledger, action: JobAction, keys: Sequence[str], person: Person, shown: Mapping[str, str] = NOT_SHOWN
) -> list[PreviewRow]:
    """The effect of the action on the jobs of these keys.

    `shown`: by key, the job as the form showed it (`job_actions.as_shown`). An action that creates or changes documents
    does not apply to a job that has changed since.
    """
    found = []
    for key in dict.fromkeys(keys[:MOST]):
        job = next(iter(ledger.find_jobs(key=key)), None)
        if job is None:
            why: str | None = text("gone_job")
        elif not person.may_act(job):
            why = text("not_allowed")
        elif not action.fits(job):
            why = text("not_fitting", state=text(f"state_{job.state}"))
        elif not action.harmless and shown.get(key, "") not in ("", job_actions.as_shown(job)):
            why = text("changed_since")
        else:
            why = None
        found.append(PreviewRow(key, job, why))
    return found


async def preview(site: Site, request: Request) -> Response:
    """The effect on each of the selected orders; nothing is changed yet."""
    fields = await site.form(request)
    person = site.acting(request)
    action, keys = _chosen(fields)

    def make(ledger: Ledger) -> Values:
        rows = previewed(ledger, action, keys, person)
        return {
            "action": action, "rows": rows, "back": one(fields, "back") or "/held",
            "will": [row for row in rows if row.why_not is None],
        }  # fmt: skip

    return await site.page(request, "preview.html", make)


async def run(site: Site, request: Request) -> Response:
    """Perform the action on each order of the form, and return to the page of the form."""
    fields = await site.form(request)
    person = site.acting(request)
    action, keys = _chosen(fields)
    note = one(fields, "note") or None
    if action.needs_note and note is None:
        raise Answered(409, text("refused"), text("note_needed"))
    if isinstance(action, BackgroundAction):
        return await _in_background(site, request, fields, keys, action, person, note)
    values = {name: one(fields, name) for name in action.fields}
    message = await asyncio.to_thread(_run_each, site, action, keys, person, note, values, _shown(fields, keys))
    site.flash(request, message)
    return back_to(request, fields)


def _run_each(
    site: Site,
    action: JobAction,
    keys: Sequence[str],
    person: Person,
    note: str | None,
    values: Mapping[str, str],
    shown: Mapping[str, str],
) -> str:
    """The action for one job after another. A failure is reported, and does not stop the others."""
    follows, failed, done = "", [], 0
    with actors.acting_as(person.name):
        for entry in previewed(site.ledger, action, keys, person, shown):
            if entry.job is None or entry.why_not is not None:
                failed.append(f"{entry.job.order_id if entry.job else entry.key}: {entry.why_not}")
                continue
            try:
                message = action.run(
                    ActionRequest(site.ledger, site.configuration, entry.job, site.now(), note, values)
                )
            except UsageError as refused:
                failed.append(str(refused))
                continue
            done += 1
            after = site.ledger.job(entry.job.id) or entry.job
            follows = f"{after.order_id}: {message or job_actions.what_follows(after)}."
    name = text(f"act_{action.name}")
    if failed and not done:
        raise UsageError("\n".join(failed))
    if failed:
        return text("done_partly", action=name, n=done, done=done, failed=len(failed), why="; ".join(failed[:5]))
    return text("done_flash", action=name, n=done, follows=follows)


async def _in_background(
    site: Site,
    request: Request,
    fields: Fields,
    keys: Sequence[str],
    action: BackgroundAction,
    person: Person,
    note: str | None,
) -> Response:
    """An action that first reads ShipperOne or the ERP: the form is answered at once, the order shows the result."""
    rows = await asyncio.to_thread(previewed, site.ledger, action, keys[:1], person, _shown(fields, keys))
    job = rows[0].job if rows else None
    if job is None or rows[0].why_not is not None:
        raise UsageError((rows[0].why_not if rows else None) or text("gone_job"))

    async def work() -> None:
        with actors.acting_as(person.name):
            await action.in_background(ActionRequest(site.ledger, site.configuration, job, site.now(), note))

    site.background.start((action.name, job.tenant, job.order_id), person.name, site.now, work)
    site.flash(request, text("background_started", action=text(f"act_{action.name}")))
    return back_to(request, fields)


async def pause(site: Site, request: Request) -> Response:
    """Pause or resume a tenant, or one stage of it."""
    fields, tenant, stages = await _steered(site, request)
    person, note = site.acting(request), one(fields, "note") or None
    resumes = one(fields, "act") == "resume"

    def work() -> list[Stage]:
        with actors.acting_as(person.name):
            if resumes:
                return pauses.resume(site.ledger, tenant, stages, site.now(), note)
            pauses.pause(site.ledger, tenant, stages, site.now(), note)
            return list(stages)

    done = await asyncio.to_thread(work)
    what = f"{tenant}: {', '.join(text(stage.value) for stage in done)}"
    if not done:
        site.flash(request, text("nothing_paused"))
    else:
        site.flash(request, text("resumed_flash" if resumes else "paused_flash", what=what))
    return back_to(request, fields)


async def go_live(site: Site, request: Request) -> Response:
    """Decide about the orders listed before the tenant's go-live."""
    fields, tenant, _ = await _steered(site, request)
    person, note, from_now = site.acting(request), one(fields, "note") or None, one(fields, "act") == "from_now"
    known = site.configuration.tenants.get(tenant)

    def work() -> int:
        with actors.acting_as(person.name):
            stages = known.stages if known else tuple(Stage)
            return len(going_live.go_live(site.ledger, tenant, stages, site.now(), note, from_now=from_now))

    site.flash(request, text("live_flash", tenant=tenant, n=await asyncio.to_thread(work)))
    return back_to(request, fields)


async def adopt(site: Site, request: Request) -> Response:
    """Adopt many documents that were created elsewhere, from pasted rows: all of them, or none."""
    fields = await site.form(request)
    person, note = site.acting(request), one(fields, "note") or None
    name = one(fields, "tenant")
    _must_know(site, name)
    if note is None:
        raise Answered(409, text("refused"), text("note_needed"))

    def work() -> int:
        made = document_adoption.from_text(one(fields, "rows"), name)
        for document in made:
            with contextlib.suppress(UsageError):  # `adopt` reports it, with its row
                job = job_selection.pick(site.ledger, document.wanted, document_adoption.can_be_adopted, "adopted")
                if not person.may_act(job):
                    raise forbidden(person)
        with actors.acting_as(person.name):
            return len(document_adoption.adopt(site.ledger, made, site.now(), note))

    site.flash(request, text("adopted_flash", n=await asyncio.to_thread(work)))
    return back_to(request, fields)


async def tenant(site: Site, request: Request) -> Response:
    """One tenant: its pauses, and the orders that its go-live would decide about."""
    name = request.path_params["tenant"]
    _must_know(site, name)
    known = site.configuration.tenants.get(name)

    def make(ledger: Ledger) -> Values:
        stages = known.stages if known else tuple(Stage)
        paused = {pause.stage: pause for pause in ledger.pauses() if pause.tenant == name}
        return {
            "tenant": name, "paused": paused, "queues": going_live.before_go_live(ledger, name, stages),
            "adopted_columns": document_adoption.COLUMNS,
        }  # fmt: skip

    return await site.page(request, "tenant.html", make)


async def _steered(site: Site, request: Request) -> tuple[Fields, str, Sequence[Stage]]:
    fields = await site.form(request)
    person = site.acting(request)
    if not person.may_steer:
        raise forbidden(person)
    name = one(fields, "tenant")
    _must_know(site, name)
    stage = word(Stage, one(fields, "stage"))
    return fields, name, [stage] if stage else list(Stage)


def _must_know(site: Site, name: str) -> None:
    broken: set[Any] = {problem.tenant for problem in site.configuration.problems}
    if name not in site.configuration.tenants and name not in broken:
        raise Answered(404, text("not_found"), text("not_found_hint"))


def _shown(fields: Fields, keys: Sequence[str]) -> dict[str, str]:
    """By key, each job as the form showed it; empty for a form that only selects jobs.

    A form that shows fewer or more jobs than it names has shown none of them as they are.
    """
    shown = fields.get("seen", [])
    if shown and len(shown) != len(keys):
        return dict.fromkeys(keys, "unknown")
    return dict(zip(keys, shown, strict=False))


def _chosen(fields: Fields) -> tuple[JobAction, list[str]]:
    """The action and the keys of the jobs: those that are selected, or the one whose own button was pressed."""
    name, keys = one(fields, "act"), fields.get("key", [])
    if row := one(fields, "row"):
        name, _, key = row.partition(" ")
        keys = [key]
    found = action_forms.JOB_ACTIONS.get(name)
    if found is None:
        raise Answered(404, text("not_found"))
    return found, keys
