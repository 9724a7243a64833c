"""The text of alerts: one message for all conditions that have begun or ended since the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shipperone_erp.domain.records import AlertRecord
from shipperone_erp.operations.attention import Attention
from shipperone_erp.operations.reports import iso

AT_MOST = 20
"""The largest number of lines of one kind in one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Message:
    """`kind`: `alert`, `digest` or `test`."""

    kind: str
    title: str
    lines: Sequence[str]
    begun: Sequence[AlertRecord] = ()
    over: Sequence[AlertRecord] = ()

    @property
    def text(self) -> str:
        """The message as text for operators."""
        return "\n".join(self.lines)

    def document(self) -> dict[str, Any]:
        """The message as JSON for programs."""
        return {
            "kind": self.kind,
            "title": self.title,
            "text": self.text,
            "begun": [_row(record) for record in self.begun],
            "over": [_row(record) for record in self.over],
        }


def alert(begun: Sequence[AlertRecord], over: Sequence[AlertRecord]) -> Message:
    """One message for all of them."""
    if begun:
        title = f"shipperone-erp: {len(begun)} new alert{'' if len(begun) == 1 else 's'}"
        title += f", {len(over)} over" if over else ""
    else:
        title = f"shipperone-erp: {len(over)} alert{'' if len(over) == 1 else 's'} over"
    lines = [f"- {line}" for line in _some([record.sentence for record in begun])]
    if over:
        lines += ["Over:", *(f"- {line}" for line in _some([_over(record) for record in over]))]
    return Message("alert", title, lines, begun, over)


def digest(seen: Attention, open_alerts: Sequence[AlertRecord], done: int, listed: int) -> Message:
    """The daily summary in a few lines; it is also sent if there is no problem."""
    lines = [f"Done of {listed} listed in the last 24 hours: {done}."]
    if seen.orders:
        by = ", ".join(f"{count} {owner.value}" for owner, count in seen.by_owner.most_common())
        lines.append(f"Orders that need an operator: {seen.orders} ({by}).")
    else:
        lines.append("No order needs an operator.")
    if seen.late:
        lines.append(f"Accepted by ShipperOne and not finished in the ERP: {seen.late}.")
    if seen.waiting:
        lines.append(f"Orders that wait and need no operator: {seen.waiting}.")
    if seen.oldest is not None:
        lines.append(f"The oldest open order was listed {seen.oldest:%Y-%m-%d %H:%M} UTC.")
    if open_alerts:
        lines += ["Open alerts:", *(f"- {line}" for line in _some([record.sentence for record in open_alerts]))]
    need = {0: "no order needs an operator", 1: "1 order needs an operator"}.get(
        seen.orders, f"{seen.orders} orders need an operator"
    )
    return Message("digest", f"shipperone-erp: {need}", lines)


def test() -> Message:
    """The message of `alerts test`."""
    return Message("test", "shipperone-erp: a test", ["Alerts of shipperone-erp arrive here."])


def _over(record: AlertRecord) -> str:
    return f"{record.sentence} (from {_clock(record.since)} to {_clock(record.seen_at)})"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - AT_MOST
    return [*lines[:AT_MOST], f"and {more} more: `shipperone-erp status`"] if more > 0 else list(lines)


def _row(record: AlertRecord) -> dict[str, Any]:
    rule, tenant, about = record.name.split("/", 2)
    return {"rule": rule, "tenant": tenant, "about": about, "since": iso(record.since), "sentence": record.sentence}
