"""An order's story as text for people."""

from shipperone_erp.operations.rows import Row


def story_text(story: Row) -> str:
    """Where the job stands, why, whose move it is; every call with its outcome; the differences side by side."""
    lines = [
        f"{story['tenant']} · {story['stage']} · order {story['order_id']} · {story['state']} (step {story['step']})"
    ]
    if story["reason"]:
        lines.append(f"  {story['reason']}: {story['sentence']}")
        lines.append(
            f"  whose move: {story['owner']}{_next(story)}; `shipperone-erp explain {story['reason']}` says more"
        )
    lines.append(f"  key {story['key']}")
    if story["reference"] or story["number"]:
        number = f", number {story['number']}" if story["number"] else ""
        lines.append(f"  in the ERP: {story['reference']}{number}{'  ' + story['url'] if story['url'] else ''}")
    if story["inferred"]:
        lines.append("  ShipperOne's confirmation was inferred from its queue: the answer itself was lost")
    if story["not_compared"]:
        lines.append("  not compared: the ERP told no total")
    if story["erased_at"]:
        lines.append(f"  personal data and answers were erased at {story['erased_at']} (keep_bodies)")
    for entry in story["timeline"]:
        lines.append(f"  {entry['at']}  {entry['what']:<8} {entry['outcome']:<11} {_short(entry['answer'])}".rstrip())
    if story["differences"]:
        width = max(len(entry["field"]) for entry in story["differences"])
        lines.append(f"  {'':<{width}}  {'ours':<16} ShipperOne")
        for entry in story["differences"]:
            lines.append(f"  {entry['field']:<{width}}  {entry['ours'] or '-':<16} {entry['theirs'] or '-'}")
    for action in story["actions"]:
        note = f": {action['note']}" if action["note"] else ""
        lines.append(f"  {action['at']}  {action['actor']} said {action['action']}{note}")
    return "\n".join(lines)


def _next(story: Row) -> str:
    return f", tried again at {story['next_attempt_at']}" if story["next_attempt_at"] else ""


def _short(answer: str | None) -> str:
    text = " ".join((answer or "").split())
    return text if len(text) <= 100 else text[:99] + "…"
