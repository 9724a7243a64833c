"""The steps of a job in each stage, and what leads from one to the next: the diagrams of docs/explanation/two-stages.md.

test_docs_states runs the orders that take each of these ways, and finds no other.
"""

from html import escape

from shipperone_erp.domain.states import Stage, Step

PATHS = {
    Stage.ALLOCATION: "new reserving reserved confirming accepted done",
    Stage.INVOICE: "new building built confirming accepted issuing issued delivering done",
}
"""The way of an order with which nothing goes wrong."""

WAYS: dict[Stage, dict[tuple[Step, Step], str]] = {
    Stage.ALLOCATION: {
        (Step.NEW, Step.RESERVING): "reserve_stock",
        (Step.RESERVING, Step.RESERVED): "Reserved",
        (Step.RESERVED, Step.CONFIRMING): "POST allocate",
        (Step.CONFIRMING, Step.ACCEPTED): "2xx, or inferred",
        (Step.ACCEPTED, Step.DONE): "",
        (Step.RESERVING, Step.NEW): "Shortage: waits stock_retry; Voided: next generation",
        (Step.CONFIRMING, Step.RESERVED): "400, or not sent: again",
        (Step.RESERVED, Step.NEW): "400, rebuild: release_stock, next generation",
    },
    Stage.INVOICE: {
        (Step.NEW, Step.BUILDING): "build_invoice",
        (Step.BUILDING, Step.BUILT): "Invoice",
        (Step.BUILT, Step.CONFIRMING): "as shipped: POST invoice",
        (Step.CONFIRMING, Step.ACCEPTED): "2xx, or inferred",
        (Step.ACCEPTED, Step.ISSUING): "issue_invoice",
        (Step.ISSUING, Step.ISSUED): "Invoice, issued",
        (Step.ISSUED, Step.DELIVERING): "deliver",
        (Step.DELIVERING, Step.DONE): "Done",
        (Step.BUILDING, Step.NEW): "Voided: next generation",
        (Step.BUILT, Step.BUILDING): "differs, retry",
        (Step.BUILT, Step.NEW): "differs, rebuild: discard_invoice, next generation",
        (Step.CONFIRMING, Step.NEW): "400, rebuild: discard_invoice, next generation",
        (Step.ISSUING, Step.BUILDING): "Voided: next generation",
        (Step.BUILT, Step.ISSUING): "accepted before: no second POST",
        (Step.ISSUED, Step.DONE): "no deliver hook",
    },
}

WIDTH, MIDDLE, ROW, BOX = 760, 240, 74, (120, 34)
STYLE = "text{font:13px sans-serif;fill:#222}.box{fill:#eef4fb;stroke:#3a6ea5}.way{fill:none;stroke:#555;marker-end:url(#to)}"


def diagram(stage: Stage) -> str:
    """SVG: the ordinary way from top to bottom, every other one as a bow beside it."""
    path = [Step(word) for word in PATHS[stage].split()]
    places = {step: 40.0 + number * ROW for number, step in enumerate(path)}
    lines: list[str] = []
    words: list[str] = []
    bows = []
    for (before, after), label in WAYS[stage].items():
        if path.index(after) == path.index(before) + 1:
            top, bottom = places[before] + BOX[1] / 2, places[after] - BOX[1] / 2
            lines.append(f'<path class="way" d="M{MIDDLE} {top} V{bottom - 2}"/>')
            words.append(_text(MIDDLE - 10, (top + bottom) / 2 + 4, label, "end"))
        else:
            bows.append((abs(path.index(after) - path.index(before)), places[before], places[after], label))
    for number, (span, start, end, label) in enumerate(sorted(bows)):
        edge, out = MIDDLE + BOX[0] / 2, MIDDLE + BOX[0] / 2 + 30 + 28 * span
        shift = 6 if end < start else -6
        bow = f"M{edge} {start - shift} C{out} {start - shift} {out} {end + shift} {edge + 2} {end + shift}"
        lines.append(f'<path class="way" d="{bow}"/>')
        x = edge + (out - edge) * 0.75 + 8
        words.append(_text(x, (start + end) / 2 + 4 + 16 * (number % 2) * (span > 1), label, "start"))
    for step, y in places.items():
        left, top = MIDDLE - BOX[0] / 2, y - BOX[1] / 2
        words.append(f'<rect class="box" x="{left}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="6"/>')
        words.append(_text(MIDDLE, y + 5, step, "middle"))
    height = 80 + (len(path) - 1) * ROW
    arrow = '<marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
            f"<title>The steps of a job in the stage {stage}</title>",
            f'<defs>{arrow}<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker><style>{STYLE}</style></defs>',
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
            *lines,
            *filter(None, words),
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, label: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(label)}</text>' if label else ""
