"""Transitions that end an attempt: the job waits, is held, is accepted by ShipperOne, or has an unknown outcome."""

from datetime import datetime, timedelta
from typing import Self

from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job.record import JobRecord, changed
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State, Step


class OutcomeTransitions(JobRecord):
    """Transitions by which an attempt ends, and by which an unknown outcome becomes known."""

    def waiting(self, reason: Reason, sentence: str, owner: Owner, *, until: datetime, attempts: int) -> Self:
        """It is retried automatically at `until`. Follows anything unfinished."""
        self._must(not self.ended, "put off")
        return changed(
            self,
            state=State.WAITING,
            reason=reason,
            sentence=sentence,
            owner=owner,
            next_attempt_at=until,
            attempts=attempts,
        )

    def held(
        self,
        reason: Reason,
        sentence: str,
        owner: Owner,
        *,
        at: datetime | None = None,
        until: datetime | None = None,
    ) -> Self:
        """An operator must act. It is retried automatically at `until`, if set. Follows all but `gone` and
        `superseded`.

        `at`: since when; None keeps the recorded time.
        """
        self._must(self.open or self.state not in (State.GONE, State.SUPERSEDED), "held")
        return changed(
            self,
            state=State.HELD,
            reason=reason,
            sentence=sentence,
            owner=owner,
            since=self.since if at is None else at,
            next_attempt_at=until,
        )

    def attempt_failed(self, differences: tuple[Difference, ...] = ()) -> Self:
        """One more attempt has failed, because of these differences if any."""
        return changed(self, attempts=self.attempts + 1, differences=differences)

    def since_change(self, before: JobRecord, now: datetime) -> Self:
        """`since` becomes `now`, if its state or its reason differs from those of `before`."""
        if self.state is before.state and self.reason is before.reason:
            return self
        return changed(self, since=now)

    def released(self, now: datetime) -> Self:
        """The cause of the hold affected every order, and is over: it is retried at once, and the attempt does not
        count.
        """
        self._must(self.state is State.HELD, "tried again by itself")
        return changed(self, state=State.WAITING, next_attempt_at=now, attempts=max(0, self.attempts - 1))

    def answered(self, denial: str | None) -> Self:
        """ShipperOne has answered the confirmation; `denial` is the text of a 2xx that did not accept it."""
        return changed(self, refusal=denial)

    def accepted_by_shipperone(self, at: datetime, *, inferred: bool = False) -> Self:
        """ShipperOne has it, by its answer or as `inferred`. From here on it is never superseded."""
        self._must(self.open and not self.ended, "accepted by ShipperOne")
        return changed(
            self,
            open=False,
            step=Step.ACCEPTED,
            accepted_at=at,
            inferred=inferred,
            lost_at=None,
            settle_reads=(),
            absent_since=None,
            absent_reads=0,
            reason=None,
            sentence=None,
            owner=None,
            attempts=0,
            differences=(),
        )

    def answer_lost(self, at: datetime) -> Self:
        """The outcome of the confirmation is unknown. Follows the call alone."""
        self._must(self.open and self.step is Step.CONFIRMING, "without ShipperOne's answer")
        return changed(self, lost_at=at, settle_reads=())

    def outcome_unknown(self, sentence: str, at: datetime, *, settle: timedelta) -> Self:
        """Its outcome counts as unknown since `at`: reads of the queue that begin `settle` later decide it."""
        self._must(self.open, "settled by ShipperOne's queue")
        return changed(
            self,
            state=State.WAITING,
            reason=Reason.OUTCOME_UNKNOWN,
            sentence=sentence,
            owner=Owner.NOBODY,
            since=at,
            lost_at=at,
            settle_reads=(),
            next_attempt_at=at + settle,
        )

    def not_taken(self) -> Self:
        """The lost confirmation had no effect: the job returns to the step that sends it. Follows an unknown outcome.

        A job without a document (`ledger adopt --drop-references`) queries the ERP for one first.
        """
        self._must(self.open and self.lost_at is not None, "confirmed again")
        if self.stage is Stage.ALLOCATION:
            step = Step.RESERVED if self.reference is not None else Step.RESERVING
        else:
            step = Step.CONFIRMING if self.invoice_json is not None else Step.BUILDING
        return changed(self, lost_at=None, step=step)

    def healed(self) -> Self:
        """The job without the contradiction of being closed and having an unknown outcome at once.

        Version 0.1.0 reopened jobs at its start that had been accepted or had ended, because the intent of their POST
        had no outcome. The job's step still shows its progress. Every other job is returned unchanged.
        """
        if self.open or self.ended or self.state is State.IGNORED or self.lost_at is None:
            return self
        sentence: str | None = None
        if self.accepted_at is None:
            state, sentence = (
                State.SUPERSEDED,
                ("it had ended before; ShipperOne's answer to its confirmation is not known"),
            )
        elif self.step is Step.NEW:
            state, sentence = State.GONE, "it was given back before"
        elif self.step is Step.DONE and self.ending is None:
            state = State.DONE
        else:
            state = State.NEW
        return changed(
            self,
            state=state,
            reason=None,
            sentence=sentence,
            owner=None,
            next_attempt_at=None,
            lost_at=None,
            settle_reads=(),
        )
