"""Logs the orders of an earlier version's ledger that the checks of this version will hold: once, before they do."""

import logging
from collections.abc import Iterable, Iterator

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.approved_totals import approved_total
from shipperone_erp.domain.decisions import Decision, Start
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.invoice_checks.stated_amounts import foreseen
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.recorded_jobs import RecordedJobs, to_be_checked
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.states import Stage, State

RULES = 1
"""Incremented with every version whose checks are stricter than before. 1: parts, sums, sales orders."""

SHOWN = 20


def are_new(record: QueueRecord) -> bool:
    """This is the first complete read of the queue by this version, and not the first one in its ledger."""
    return record.stage is Stage.INVOICE and record.rules < RULES and record.first_read_at is not None


def log_new_rules(
    settings: TenantSettings, planner_input: PlannerInput, decisions: Iterable[Decision], log: logging.Logger
) -> None:
    """Called once for each queue whose rules are new. It checks every order: seconds, for thousands."""
    held = list(_held(settings, planner_input, decisions))
    if not held:
        return
    log.warning(
        "%s: this version checks parts and sums that earlier versions did not check, and holds %d order(s) "
        "because of them; `shipperone-erp run --dry-run` lists them",
        settings.name,
        len(held),
    )
    for order_id, problem in held[:SHOWN]:
        log.warning("%s invoice %s will be held, %s: %s", settings.name, order_id, problem.reason, problem.sentence)


def _held(
    settings: TenantSettings, planner_input: PlannerInput, decisions: Iterable[Decision]
) -> Iterator[tuple[str, Problem]]:
    jobs = (*planner_input.jobs, *planner_input.allocations, *planner_input.sales_orders)
    recorded = RecordedJobs(settings.base_url, settings.store_code, jobs)
    new = [decision.job for decision in decisions if isinstance(decision, Start)]
    for job in {job.order_id: job for job in (*planner_input.jobs, *new) if to_be_checked(job)}.values():
        found = foreseen(job.order, settings, recorded.beside(job.order), approved=approved_total(job))
        if found is not None and (job.state, job.reason) != (State.HELD, found.reason):
            yield job.order_id, found
