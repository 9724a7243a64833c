"""The third habit of statements: one that undoes or ends a document first changes its state, and only from the expected
state.

Each step runs once more on a document that it has already changed, in a savepoint. Either the database refuses it, or
nothing that the queries return may change.
"""

from collections.abc import Callable

from shipperone_erp import Check
from shipperone_erp_generic_sql.checking.trial_transaction import Trial
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call

_NEXT_GENERATION = (
    "an order has a new key after each release: only the key may be unique, and a release must return all reserved "
    "stock"
)
_STATE_FIRST = "change the state first, and only if it is still the old one (WHERE … AND state = …; the third habit)"


def released_again(trial: Trial, call: Call, reference: str) -> Check:
    """A second release must give nothing back: neither of this reservation nor of another one of the same goods.

    `call` is of a reservation that is live, and is live again afterwards.
    """
    other = trial.call(call.order, generation=1, transfer=call.transfer)

    def release() -> None:
        trial.work(call).run("release", reference=reference)

    def seen() -> object:
        found = trial.work(call).reservation()
        return found.state if found else None, trial.free(call)

    def released_and_reserved_by_another() -> None:
        release()
        trial.work(other).run("reserve")

    found = _again(trial, "release again", release, seen, released_and_reserved_by_another)
    if found.ok and not trial.settings.available and not found.sentence.startswith("the second call is refused"):
        sentence = "the second call is not refused, and it is unknown whether goods are released twice"
        return Check("release again", None, sentence, f"configure `available`; {_STATE_FIRST}")
    return found


def issued_again(trial: Trial, call: Call) -> Check:
    """A second issue must leave the invoice with its number and its date."""
    return _again(
        trial, "issue_invoice again", lambda: _run(trial, call, "issue_invoice"), lambda: _invoice(trial, call)
    )


def issued_after_discarding(trial: Trial, call: Call) -> Check:
    """A discarded draft must not be issued."""
    name = "issue_invoice after discard"
    return _again(trial, name, lambda: _run(trial, call, "issue_invoice"), lambda: _invoice(trial, call))


def discarded_again(trial: Trial, call: Call) -> Check:
    """A second discard must change nothing."""
    name = "discard_invoice again"
    return _again(trial, name, lambda: _run(trial, call, "discard_invoice"), lambda: _invoice(trial, call))


def discarded_after_issuing(trial: Trial, call: Call) -> Check:
    """An issued invoice must not be discarded."""
    name = "discard_invoice after issue"
    return _again(trial, name, lambda: _run(trial, call, "discard_invoice"), lambda: _invoice(trial, call))


def _run(trial: Trial, call: Call, step: str) -> None:
    found = trial.work(call).invoice()
    trial.work(call).run(step, reference=found.reference if found else None)


def _invoice(trial: Trial, call: Call) -> object:
    found = trial.work(call).invoice()
    return None if found is None else (found.state, found.invoice.number, str(found.invoice.date))


def _again(
    trial: Trial,
    name: str,
    step: Callable[[], None],
    seen: Callable[[], object],
    first: Callable[[], None] | None = None,
) -> Check:
    views: list[object] = []
    began = first is None

    def twice() -> None:
        nonlocal began
        if first is not None:
            first()
            began = True
        views.append(seen())
        step()
        views.append(seen())

    refusal = trial.tried(twice)
    if not began:
        return Check(name, False, f"an order that was released cannot be reserved again: {refusal}", _NEXT_GENERATION)
    if refusal is not None:
        return Check(name, True, "the second call is refused")
    before, after = views
    if before == after:
        return Check(name, True, "the second call changes nothing")
    return Check(name, False, f"the second call is not refused: {_words(before)} became {_words(after)}", _STATE_FIRST)


def _words(view: object) -> str:
    if isinstance(view, tuple):
        return ", ".join(_words(part) for part in view if part is not None)
    if isinstance(view, dict):
        return ", ".join(
            f"{digits(amount)} of {sku} available in {warehouse}" for (sku, warehouse), amount in view.items()
        )
    return str(view)
