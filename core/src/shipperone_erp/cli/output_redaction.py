"""Redacts secrets from all output of this process: log lines of every library, tracebacks, errors.

Foreseen places are redacted at their source. This covers the unforeseen ones: a connector that logs its password, a
library with debug logging, an error with a traceback.
"""

import logging
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from shipperone_erp.connector.deprecations import ApiIgnored, ConnectorDeprecation
from shipperone_erp.kernel.redaction import Redaction

REDACTION = Redaction()
"""The secrets of this process: those of each configuration that it has loaded."""

_FORMATTER = logging.Formatter()


def keep_out_of_logs(redaction: Redaction) -> None:
    """From now on every log record of this process is redacted when it is created, before any handler receives it."""
    logging.setLogRecordFactory(_redacting(logging.getLogRecordFactory(), redaction))
    logging.captureWarnings(True)
    _log_deprecations()
    threading.excepthook = _log_thread


def _log_deprecations() -> None:
    """Log deprecations for connector authors in this project's log; warnings of libraries are not shown."""
    show_others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, ConnectorDeprecation | ApiIgnored):
            logging.getLogger("shipperone_erp").warning("%s", message)
        else:
            show_others(message, category, *place, **more)

    warnings.showwarning = show


def last_words() -> str:
    """The traceback of the exception that is being handled, redacted."""
    return REDACTION(traceback.format_exc())


def _redacting(make: Callable[..., logging.LogRecord], redaction: Redaction) -> Callable[..., logging.LogRecord]:
    def redacted(*arguments: object, **named: object) -> logging.LogRecord:
        record = make(*arguments, **named)
        try:
            sentence = record.getMessage()
        except Exception:  # its arguments do not fit the format; logging would print them unredacted
            sentence = f"{record.msg} (a line whose arguments do not fit)"
        record.msg, record.args = redaction(sentence), None
        if record.exc_info and record.exc_info[1] is not None:
            # formatters use this text, and do not format the traceback themselves
            record.exc_text = redaction(_FORMATTER.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = redaction(record.stack_info)
        return record

    return redacted


def _log_thread(died: threading.ExceptHookArgs) -> None:
    """Log that a thread of a connector has ended by an exception."""
    if died.exc_value is not None:
        name = died.thread.name if died.thread else "?"
        raised = (died.exc_type, died.exc_value, died.exc_traceback)
        logging.getLogger("shipperone_erp").error("thread %s ended by an exception", name, exc_info=raised)
