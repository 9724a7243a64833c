"""A job: one order in one stage, with one set of items and quantities. A frozen value that changes by transitions.

A transition is a method named after an event (`held`, `waiting`, `draft_built`, …). It returns the changed job, or
raises InvalidTransition if the event cannot follow the job's recorded state. No other code sets a job's fields.
"""

from dataclasses import dataclass

from shipperone_erp.domain.job.listing_transitions import ListingTransitions
from shipperone_erp.domain.job.operator_transitions import OperatorTransitions
from shipperone_erp.domain.job.outcome_transitions import OutcomeTransitions
from shipperone_erp.domain.job.record import CreditNote, InvalidTransition, moved
from shipperone_erp.domain.job.work_transitions import WorkTransitions

__all__ = ["CreditNote", "InvalidTransition", "Job", "moved"]


@dataclass(frozen=True, kw_only=True)
class Job(WorkTransitions, OutcomeTransitions, ListingTransitions, OperatorTransitions):
    """One order in one stage with one set of items and quantities: the unit of work."""
