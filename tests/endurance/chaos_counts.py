"""What a chaos run has counted, in the order in which it is printed."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from endurance.merchants import Merchant
from endurance.verdict import kept_though_cancelled
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import EffectKind, Outcome, State
from shipperone_erp.ledger.repository import Ledger

OF_THE_DATABASE = {"restart", "started while there was no database"}
"""Counted only where PostgreSQL itself is struck."""


def counts(
    merchants: Sequence[Merchant],
    ledger: Ledger,
    jobs: Sequence[Job],
    *,
    struck: Mapping[str, int],
    held: Collection[tuple[int, Reason]],
    acts: Mapping[str, int],
) -> dict[str, int | str]:
    """Orders, strikes, faults, effects, and what a person did; `struck` by the kind of strike."""
    states = [m.sandbox.order(order_id) for m in merchants for order_id in m.came]
    effects = [effect for job in jobs for effect in ledger.effects(job.id)]
    asked = [effect for effect in effects if effect.kind is EffectKind.CONFIRM]
    faults: Counter[str] = Counter()
    did: Counter[str] = Counter()
    for merchant in merchants:
        did += merchant.did
        for switch in merchant.switches:
            faults[switch.fault.kind] += switch.hits
    kept = {(job.tenant, job.order_id) for job in jobs if kept_though_cancelled([job])}
    cancelled = {(m.name, o) for m in merchants for o in m.came if m.sandbox.order(o).cancelled}
    return {
        "orders": len(states),
        "orders cancelled": len(cancelled),
        "orders with a transfer": sum(any(i.warehouse_code for i in s.order.items) for s in states),
        "invoices accepted": sum(len(s.invoices) for s in states),
        "lines edited at ShipperOne": did["lines edited"],
        "kills": struck["kill"],
        "freezes past the lease": struck["freeze"],
        "stops": struck["stop"],
        "killed inside a hook": struck["killed inside a hook"],
        **{what: times for what, times in sorted(struck.items()) if what in OF_THE_DATABASE},
        "requests to ShipperOne": sum(sum(m.sandbox.requests.values()) for m in merchants),
        "faults struck at ShipperOne": sum(faults.values()),
        **{f"  {kind}": times for kind, times in sorted(faults.items())},
        "stumbles of the ERP": did["ERP stumbles"],
        "jobs": len(jobs),
        "effects": len(effects),
        "effects whose outcome was lost": sum(effect.outcome is Outcome.UNKNOWN for effect in effects),
        "confirmations": len(asked),
        "lost answers of confirmations": sum(effect.outcome is Outcome.UNKNOWN for effect in asked),
        "inferred": sum(job.inferred for job in jobs),
        "kept for a cancelled order, inferred": len(kept & cancelled),
        "superseded": sum(job.state is State.SUPERSEDED for job in jobs),
        "gone": sum(job.state is State.GONE for job in jobs),
        "rebuilt (generations past the first)": sum(job.generation > 1 for job in jobs),
        "found held by a person": len(held),
        **{f"  {reason}": times for reason, times in sorted(Counter(reason for _, reason in held).items())},
        "operators' actions": sum(acts.values()),
        **{f"  {act}": times for act, times in sorted(acts.items())},
        "still held at the end": sum(job.state is State.HELD for job in jobs),
    }


def table(counts: Mapping[str, int | str]) -> str:
    """Two columns."""
    width = max(map(len, counts))
    return "\n".join(f"{name:{width}}  {count:>7}" for name, count in counts.items())
