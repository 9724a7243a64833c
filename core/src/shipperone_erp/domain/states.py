"""The words of the work itself: stages, states, steps. The same in code, TOML, commands and database."""

from collections.abc import Mapping
from enum import StrEnum


class Stage(StrEnum):
    """The two queues that ShipperOne hands to an ERP."""

    ALLOCATION = "allocation"
    INVOICE = "invoice"


class State(StrEnum):
    """Where a job stands, as people see it. `waiting`: time or stock will solve it; `held`: a person must act."""

    NEW = "new"
    WORKING = "working"
    WAITING = "waiting"
    HELD = "held"
    DONE = "done"
    GONE = "gone"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"


ENDED = (State.DONE, State.GONE, State.SUPERSEDED)
"""The states of a job with which nothing more happens by itself."""


class Step(StrEnum):
    """How far a job has come. A step in -ing has an intent in the ledger whose outcome may be missing.

    allocation: new, reserving, reserved, confirming, done
    invoice:    new, building, built, confirming, accepted, issuing, issued, delivering, done
    """

    NEW = "new"
    RESERVING = "reserving"
    RESERVED = "reserved"
    BUILDING = "building"
    BUILT = "built"
    CONFIRMING = "confirming"
    ACCEPTED = "accepted"
    ISSUING = "issuing"
    ISSUED = "issued"
    DELIVERING = "delivering"
    DONE = "done"


STEPS: Mapping[Stage, frozenset[Step]] = {
    Stage.ALLOCATION: frozenset({Step.NEW, Step.RESERVING, Step.RESERVED, Step.CONFIRMING, Step.ACCEPTED, Step.DONE}),
    Stage.INVOICE: frozenset(Step) - {Step.RESERVING, Step.RESERVED},
}
"""The steps that a job of a stage can be at. An allocation is at `accepted` for no longer than a moment."""


class EffectKind(StrEnum):
    """What is done outside the ledger: one row each, an intent before the call and an outcome after it."""

    RESERVE = "reserve"
    RELEASE = "release"
    BUILD = "build"
    DISCARD = "discard"
    CONFIRM = "confirm"
    ISSUE = "issue"
    DELIVER = "deliver"
    LOOK = "look"


class Outcome(StrEnum):
    """How an effect ended. `unknown`: it may be there; `not_sent`: it certainly is not."""

    OK = "ok"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    PENDING = "pending"
