"""What `run` says while it works: lines for people on a terminal, with how much is left; JSON lines off it."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum

from rich.console import Console
from rich.live import Live
from rich.text import Text

from shipperone_erp.engine.observers.progress import Progress
from shipperone_erp.kernel.printable import json_document, one_line

ROOT = "shipperone_erp"


class LogForm(StrEnum):
    """How the log is written; `auto` is text on a terminal and JSON lines off it."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `message`, and the fields that the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **getattr(record, "fields", {}),
            "message": record.getMessage(),
        }
        if record.exc_info:
            # redacted as the record was made
            entry["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json_document(json.dumps(entry, ensure_ascii=False))


class TextLines(logging.Formatter):
    """A line for operators: the time and the message. A traceback is set in below it, so that it forges no line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The first line."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).splitlines()
        return "\n".join([first, *(f"    {one_line(line)}" for line in more)])


class _OnTerminal(logging.Handler):
    """Writes above what `Live` keeps at the bottom."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record))


def start_logging(form: LogForm) -> Console | None:
    """One line for each change, on stderr. Returns the console if that is a terminal and people read it.

    Libraries' own lines stay out: they would show addresses.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    watched = console.is_terminal and form is not LogForm.JSON
    as_json = form is LogForm.JSON or (form is LogForm.AUTO and not watched)
    handler: logging.Handler = _OnTerminal(console) if watched else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    log = logging.getLogger(ROOT)
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    return console if watched else None


@contextmanager
def shown(progress: Progress, console: Console | None) -> Iterator[None]:
    """While inside: how much is under way, and about how long it will take, at the bottom of the terminal."""
    if console is None:
        yield
        return

    def line() -> Text:
        backlog = progress.backlog()
        return Text(backlog.words() if backlog else "", style="dim")

    with Live(get_renderable=line, console=console, refresh_per_second=4, transient=True):
        yield
