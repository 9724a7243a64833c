"""An order's story as text for people: where it stands, why, what was done on both sides, what people said."""

import json
from collections.abc import Iterator

from shipperone_erp.operations.rows import Row

SIDES = {"erp": "ERP", "shipperone": "ShipperOne"}


def story_text(story: Row, *, bodies: bool = False) -> str:
    """The story of one job; with `bodies` also the order as ShipperOne listed it and the invoice as the ERP has it."""
    return "\n".join([*_head(story), *_timeline(story), *_differences(story), *(_bodies(story) if bodies else ())])


def _head(story: Row) -> Iterator[str]:
    yield f"{story['tenant']} · {story['stage']} · order {story['order_id']} · {story['state']} (step {story['step']})"
    if story["reason"]:
        again = f", tried again at {story['next_attempt_at']}" if story["next_attempt_at"] else ""
        yield f"  {story['reason']}: {story['sentence']}"
        yield f"  whose move: {story['owner']}{again}; `shipperone-erp explain {story['reason']}` says more"
    elif story["sentence"]:
        yield f"  {story['sentence']}"
    yield f"  key {story['key']}"
    if story["reference"] or story["number"]:
        number = f", number {story['number']}" if story["number"] else ""
        where = f" ({story['erp']})" if story["erp"] else ""
        yield f"  in the ERP{where}: {story['reference']}{number}{'  ' + story['url'] if story['url'] else ''}"
    if story["charges"]:
        charges = ", ".join(f"{one['name']} {one['amount']} ({one['kind']})" for one in story["charges"])
        yield f"  charges: {charges}"
    if story["adopted"]:
        yield "  adopted: made elsewhere, and never touched from here"
    if story["inferred"]:
        yield f"  {_inferred(story)}"
    if story["not_compared"]:
        yield "  not compared: the ERP told no total of the invoice"
    if story["erased_at"]:
        yield f"  personal data and answers were erased at {story['erased_at']} (keep_bodies)"


def _inferred(story: Row) -> str:
    """By what it counts as confirmed, where no answer of ShipperOne says so."""
    said = [act for act in story["actions"] if act["action"] == "resolve --outcome confirmed"]
    second = story["accepted_at"].removesuffix("Z")
    if by := next((act["actor"] for act in said if act["at"].startswith(second)), None):
        return f"it counts as confirmed at ShipperOne because {by} said so"
    if any(entry["side"] == "shipperone" for entry in story["timeline"]):
        return "ShipperOne's confirmation was inferred from its queue: the answer itself was lost"
    return "ShipperOne's confirmation was inferred from its queues: this ledger has sent none"


def _timeline(story: Row) -> Iterator[str]:
    acts = [{**action, "person": True} for action in story["actions"]]
    for entry in sorted([*story["timeline"], *acts], key=lambda entry: str(entry["at"])):
        if entry.get("person"):
            note = f": {entry['note']}" if entry["note"] else ""
            yield f"  {entry['at']}  {entry['actor']} said {entry['action']}{note}"
            continue
        answer = entry["answer"] or ""
        whole = "\n" in answer.strip()
        line = f"  {entry['at']}  {SIDES[entry['side']]:<10} {entry['what']:<8} {entry['outcome']:<11}"
        yield f"{line} {'' if whole else _short(answer)}".rstrip()
        if entry["request"]:
            yield f"      sent {entry['request']}"
        if whole:
            yield from (f"      {part}" for part in answer.rstrip().splitlines())


def _differences(story: Row) -> Iterator[str]:
    if not story["differences"]:
        return
    width = max(len(entry["field"]) for entry in story["differences"])
    yield f"  {'':<{width}}  {'ours':<16} ShipperOne"
    for entry in story["differences"]:
        yield f"  {entry['field']:<{width}}  {entry['ours'] or '-':<16} {entry['theirs'] or '-'}"


def _bodies(story: Row) -> Iterator[str]:
    for title, body in (("as ShipperOne listed it", story["order"]), ("as the ERP has it", story["invoice"])):
        if body is not None:
            yield f"  {title}:"
            text = json.dumps(body, indent=2, ensure_ascii=False, default=str)
            yield from (f"    {line}" for line in text.splitlines())


def _short(answer: str) -> str:
    text = " ".join(answer.split())
    return text if len(text) <= 160 else text[:159] + "…"
