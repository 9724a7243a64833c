"""The picture of the demo, docs/demo.svg: what the command really prints, as a terminal would show it.

python tests/support/pictures.py        runs the demo and draws it anew
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from places import DOCS

FILE = DOCS / "demo.svg"
COMMAND = "shipperone-erp demo"
COLUMNS, LINE, CHARACTER, MARGIN = 104, 19, 8.02, 16
STYLE = (
    "text{font:13.4px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d7dde5;"
    "white-space:pre}.c{fill:#8ab4f8}.t{fill:#7d8896}.g{fill:#81c995}.y{fill:#fdd663}.b{font-weight:bold;fill:#fff}"
)
LEFT_OUT = ("Files:", "Type next:", "  export", "  shipperone-erp", "  /", "  .")
"""What follows the story itself."""

COLOURS = {"t": r"^ *\d+\.\d s ", "g": r"\bdone\b", "y": r"\b(waiting|held|superseded)\b", "b": r"^40 orders in .*"}
NUMBER = re.compile(r"\d+")
TIMED = re.compile(r" *\d+\.\d s ")


def lines_of(printed: str) -> list[str]:
    """The lines that the picture shows, cut to its width as a narrow terminal would cut them."""
    kept = [line for line in printed.splitlines() if not line.startswith(LEFT_OUT)]
    while kept and not kept[-1]:
        kept.pop()
    return [line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…" for line in kept]


def drawn(lines: Sequence[str]) -> str:
    """The picture: no font, no script, nothing from elsewhere."""
    height = MARGIN * 2 + 24 + LINE * (len(lines) + 1)
    width = round(MARGIN * 2 + CHARACTER * COLUMNS)
    dots = "".join(f'<circle cx="{20 + n * 18}" cy="18" r="5.5" fill="{c}"/>' for n, c in enumerate(
        ("#ff5f57", "#febc2e", "#28c840")))  # fmt: skip
    texts = [f'<text x="{MARGIN}" y="{MARGIN + 36}"><tspan class="c">$ {COMMAND}</tspan></text>']
    for number, line in enumerate(lines, 1):
        if line:
            texts.append(f'<text x="{MARGIN}" y="{MARGIN + 36 + LINE * number}">{_coloured(line)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="What {COMMAND} prints">\n<style>{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" rx="9" fill="#1b1f27"/>{dots}\n' + "\n".join(texts) + "\n</svg>\n"
    )


def shown_in(picture: str) -> list[str]:
    """The lines of a picture, its command left out."""
    texts = re.findall(r"<text [^>]*>(.*?)</text>", picture)
    plain = [re.sub(r"<[^>]+>", "", text) for text in texts]
    return [line.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'")
            .replace("&amp;", "&") for line in plain[1:]]  # fmt: skip


def is_of(picture: str, printed: str) -> list[str]:
    """The lines of the picture that a run does not print, whatever the numbers, the sequence and the width."""
    real = [_alike(line) for line in printed.splitlines()]
    return [line for line in shown_in(picture) if not any(one.startswith(_alike(line)) for one in real)]


def _alike(line: str) -> str:
    """What is the same in every run: an event is its order and stage, anything else its first words."""
    without = NUMBER.sub("0", line).strip().rstrip("…")
    return " ".join(without.split()[2:4]) if TIMED.match(line) else without[:70]


def _coloured(line: str) -> str:
    for name, pattern in COLOURS.items():
        if (found := re.search(pattern, line)) is not None:
            before, inner, after = line[: found.start()], found[0], line[found.end() :]
            return f'{escape(before)}<tspan class="{name}">{escape(inner)}</tspan>{_coloured(after) if after else ""}'
    return escape(line)


def main() -> None:
    """Run the demo in a folder of its own, and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [Path(sys.executable).parent / "shipperone-erp", "demo"], cwd=folder, capture_output=True, text=True,
            check=True, env={**os.environ, "COLUMNS": "400"},
        )  # fmt: skip
    FILE.write_text(drawn(lines_of(done.stdout)), encoding="utf-8")


if __name__ == "__main__":
    main()
