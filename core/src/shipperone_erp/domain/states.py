"""The names of stages, states, steps, effects and ERPs' documents, the same in code, TOML, commands and database."""

from collections.abc import Mapping
from enum import StrEnum


class Stage(StrEnum):
    """The two queues that ShipperOne provides for an ERP."""

    ALLOCATION = "allocation"
    INVOICE = "invoice"


class State(StrEnum):
    """The state of a job, as operators see it. `waiting`: time or stock resolves it; `held`: an operator must act."""

    NEW = "new"
    WORKING = "working"
    WAITING = "waiting"
    HELD = "held"
    DONE = "done"
    GONE = "gone"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"


ENDED = (State.DONE, State.GONE, State.SUPERSEDED)
"""The final states of a job: nothing more happens automatically."""


class Step(StrEnum):
    """The progress of a job. A step in -ing has an intent in the ledger whose outcome may be missing.

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
"""The possible steps of a stage's jobs. An allocation is at `accepted` only for a moment."""


NOT_ISSUED = frozenset({"draft", "cancel", "cancelled", "canceled", "voided", "void"})
"""An ERP's words for an invoice or a credit note that is not effective: a draft, or what was cancelled."""

NOT_RESERVED = NOT_ISSUED | {"released"}
"""Those for a reservation that holds no goods. Other words prove nothing."""


class EffectKind(StrEnum):
    """The kinds of effects outside the ledger: one row each, with an intent before the call and an outcome after it."""

    RESERVE = "reserve"
    RELEASE = "release"
    BUILD = "build"
    DISCARD = "discard"
    CONFIRM = "confirm"
    ISSUE = "issue"
    DELIVER = "deliver"
    LOOK = "look"


class Outcome(StrEnum):
    """The outcome of an effect. `unknown`: it may have happened; `not_sent`: it certainly did not."""

    OK = "ok"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    PENDING = "pending"
