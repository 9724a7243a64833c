"""The log of `run`: lines for operators on a terminal, with the remaining work; JSON lines otherwise."""

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
    """The form of the log; `auto` is text on a terminal and JSON lines otherwise."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `message`, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **getattr(record, "fields", {}),
            "message": record.getMessage(),
        }
        if record.exc_info:
            # already redacted when the record was created
            entry["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json_document(json.dumps(entry, ensure_ascii=False))


class TextLines(logging.Formatter):
    """A line for operators: time and message. A traceback is indented below it, so that it cannot imitate a line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The first line."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).splitlines()
        return "\n".join([first, *(f"    {one_line(line)}" for line in more)])


class _OnTerminal(logging.Handler):
    """Writes above the progress display, which `Live` keeps at the bottom."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record))


def start_logging(form: LogForm) -> Console | None:
    """Start logging on stderr, one line for each change. Returns the console if that is a terminal with text lines.

    Lines of libraries are left out, since they would contain addresses.
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
    """A context manager. Inside it, the bottom of the terminal shows the work in progress and the estimated time."""
    if console is None:
        yield
        return

    def line() -> Text:
        backlog = progress.backlog()
        return Text(backlog.words() if backlog else "", style="dim")

    with Live(get_renderable=line, console=console, refresh_per_second=4, transient=True):
        yield
