"""An order's timeline as text for operators: its state with the reason, then one line for each event.

Bodies of requests and responses, tracebacks, the order and the invoice are shown only on request (`raw`).
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.states import EffectKind, Outcome, Stage
from shipperone_erp.kernel.json import loads
from shipperone_erp.operations.reports import NO_TAX, Row, money_text

SIDES = {"erp": "ERP", "shipperone": "ShipperOne", "operator": "operator"}

ASKED = {
    EffectKind.RESERVE: "reserve stock",
    EffectKind.RELEASE: "release the reservation",
    EffectKind.BUILD: "build the invoice",
    EffectKind.DISCARD: "discard the draft",
    EffectKind.ISSUE: "issue the invoice",
    EffectKind.DELIVER: "deliver the goods",
    EffectKind.LOOK: "look the document up",
}
"""The operation that the ERP was called for: the beginning of a line about a failed call."""

DONE = {
    EffectKind.RELEASE: "reservation released",
    EffectKind.DISCARD: "draft discarded",
    EffectKind.DELIVER: "goods delivered",
    EffectKind.LOOK: "documents listed",
}

ENDED = {
    Outcome.REFUSED: "refused",
    Outcome.NOT_SENT: "not done",
    Outcome.UNKNOWN: "outcome unknown",
    Outcome.PENDING: "not yet",
}


def story_lines(story: Row, *, raw: bool = False) -> list[str]:
    """The timeline of one job; with `raw` also every body, traceback, the order as listed, and the invoice as built."""
    return [*_head(story), *_timeline(story, raw), *_differences(story), *(_bodies(story) if raw else ())]


def _head(story: Row) -> Iterator[str]:
    yield f"{story['tenant']} · {story['stage']} · order {story['order_id']} · {story['state']} (step {story['step']})"
    if story["reason"]:
        again = f", next attempt at {story['next_attempt_at']}" if story["next_attempt_at"] else ""
        yield f"  {story['reason']}: {story['sentence']}"
        yield f"  owner: {story['owner']}{again}; details: `shipperone-erp explain {story['reason']}`"
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
    if story["supply_date"] or story["issue_date"]:
        yield f"  {_dates(story)}"
    if story["adopted"]:
        yield "  adopted: created elsewhere, and never changed by this program"
    if story["inferred"]:
        yield f"  {_inferred(story)}"
    if story["not_compared"]:
        yield "  not compared: the ERP stated no total of the invoice"
    if story["tax_not_compared"]:
        yield f"  tax not compared: {NO_TAX}"
    if story["erased_at"]:
        yield f"  personal data and answers were erased at {story['erased_at']} (keep_bodies)"


def _dates(story: Row) -> str:
    """The dates of an invoice, if an operator has set one of them."""
    by_hand = " (set by an operator)"
    supplied = f"day of supply {story['tax_date']}{by_hand if story['supply_date'] else ''}"
    return f"{supplied}, date of issue {story['issue_date']}{by_hand}" if story["issue_date"] else supplied


def _inferred(story: Row) -> str:
    """The evidence for an inferred confirmation, if ShipperOne has not responded with one."""
    resolved = [act for act in story["actions"] if act["action"] == "resolve --outcome confirmed"]
    second = story["accepted_at"].removesuffix("Z")
    if by := next((act["actor"] for act in resolved if act["at"].startswith(second)), None):
        return f"confirmed at ShipperOne, according to {by}"
    if any(entry["side"] == "shipperone" for entry in story["timeline"]):
        return "ShipperOne's confirmation was inferred from its queue: the answer itself was lost"
    return "ShipperOne's confirmation was inferred from its queues: this ledger has sent none"


def events(story: Row, *, raw: bool = False) -> list[Row]:
    """The events of a job in their sequence: `at`, the `side` on which it happened, and its description in `words`."""
    listed = {"at": story["first_listed_at"], "side": "shipperone", "words": _listed(story)}
    acts = [{**action, "side": "operator", "words": _act(action)} for action in story["actions"]]
    effects = [{**entry, "words": _effect(entry, story, raw)} for entry in story["timeline"]]
    return [listed, *sorted([*effects, *acts], key=lambda entry: str(entry["at"]))]


def _timeline(story: Row, raw: bool) -> Iterator[str]:
    for entry in events(story, raw=raw):
        second = f"{str(entry['at'])[:19]}Z"
        yield f"  {second}  {SIDES[entry['side']]:<10}  {entry['words']}"
        if raw:
            for title in ("request", "answer"):
                if entry.get(title):
                    first, *rest = entry[title].rstrip().splitlines()
                    yield from [f"      {title}: {first}", *(f"      {line}" for line in rest)]


def _listed(story: Row) -> str:
    """'listed: 2 items, total 24.99 EUR'"""
    order = story["order"]
    total = _money(order.get("total_incl_tax"), order.get("currency"))
    return f"listed: {_items(len(order['items']))}{f', total {total}' if total else ''}"


def _act(action: Row) -> str:
    return f"{action['actor']}: {action['action']}{': ' + action['note'] if action['note'] else ''}"


def _effect(entry: Row, story: Row, raw: bool) -> str:
    """The purpose and the outcome of one call, with the amounts and numbers in the answer."""
    kind, answer = EffectKind(entry["what"]), _parsed(entry["answer"])
    ok = entry["outcome"] == Outcome.OK
    asked = _confirmation(entry, story) if kind is EffectKind.CONFIRM else ASKED[kind]
    if ok and kind is EffectKind.CONFIRM:
        return f"{asked}: accepted"
    if ok:
        # the invoice's amounts in place of the listed ones, such as 75.65 for 75.650000000000006
        replaced = f"; {entry['request']}" if kind is EffectKind.BUILD and entry["request"] else ""
        return _done(kind, answer) + replaced
    if entry["outcome"] not in set(ENDED):
        return f"{asked}: in progress"
    words = answer.get("message") or (f"already issued: {_invoice(answer)}" if "lines" in answer else None)
    if words is None:
        lines = (entry["answer"] or "").strip().splitlines()
        # the last line of a traceback names the exception
        hint = " (traceback: --raw)" if len(lines) > 1 and not raw else ""
        words = f"{lines[-1]}{hint}" if lines else ""
    status = f" ({answer['status']})" if answer.get("status") else ""
    return f"{asked}: {ENDED[Outcome(entry['outcome'])]}{status}{': ' + words if words else ''}"


def _confirmation(entry: Row, story: Row) -> str:
    """'invoice of 2 items, shipping 4.99'"""
    order = _parsed(entry["request"]).get("order", {})
    items = f" of {_items(len(order['items']))}" if order.get("items") else ""
    shipping = order.get("shipping_amount_incl_tax")
    return f"{Stage(story['stage'])}{items}{f', shipping {plain(Decimal(shipping))}' if shipping is not None else ''}"


def _done(kind: EffectKind, answer: Mapping[str, Any]) -> str:
    named = f" {answer['reference']}" if answer.get("reference") else ""
    if answer.get("voided"):
        return f"{ASKED[kind]}: void in the ERP:{named}"
    if kind is EffectKind.RESERVE:
        if "lines" in answer:
            short = ", ".join(
                f"{line['sku']} {plain(Decimal(line['wanted']))} wanted, {plain(Decimal(line['available']))} available"
                for line in answer["lines"]
            )
            return f"stock short: {short}"
        return f"stock reserved:{named}" if named else "stock reserved"
    if kind in (EffectKind.BUILD, EffectKind.ISSUE):
        if answer.get("issued"):
            return f"invoice issued: {_invoice(answer)}"
        return f"draft built: {_invoice(answer)}" if named else f"invoice computed: {_invoice(answer)}"
    return DONE[kind]


def _invoice(answer: Mapping[str, Any]) -> str:
    """'I-36, number 39, 17.79 EUR, dated 2026-03-01'"""
    parts = [
        answer.get("reference"),
        f"number {answer['number']}" if answer.get("number") else None,
        _money(answer.get("total_incl_tax"), answer.get("currency")),
        f"dated {answer['date']}" if answer.get("date") else None,
    ]
    return ", ".join(part for part in parts if part) or "no amount stated"


def _money(amount: Any, currency: str | None) -> str | None:
    text = money_text(Decimal(amount), currency) if amount is not None else None
    return f"{text} {currency}" if text and currency else text


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _parsed(text: str | None) -> Mapping[str, Any]:
    """The JSON object in the text; empty if the text is something else, such as a sentence."""
    try:
        value = loads(text or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


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
