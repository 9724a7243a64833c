"""S: secrets are planted, and searched for in all output of a connector."""

import contextlib
import io
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, SecretStr

from shipperone_erp.connector.api import Connector
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.order_life import whole_life
from shipperone_erp.testing.findings import Finding, NotApplicable, must
from shipperone_erp.testing.hook_calls import in_time

PLANTED = "kit-planted-0815-secret"


class Overheard(logging.Handler):
    """All output within it: logs of every logger and level, stdout, stderr."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))


@contextlib.contextmanager
def overheard() -> Iterator[Overheard]:
    """Captures every logger at DEBUG, and both streams."""
    captured, streams, root = Overheard(), io.StringIO(), logging.getLogger()
    level = root.level
    root.addHandler(captured)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
            yield captured
    finally:
        root.setLevel(level)
        root.removeHandler(captured)
        captured.texts.append(streams.getvalue())


@case(
    "S1",
    "no log line, answer or exception during an order's life contains a secret",
    probes="settings",
    suffers="The ERP's password is written to the log server, where many people can read it.",
    cure="Disable the HTTP library's debug log of headers and bodies, or remove the login from it.",
)
def keeps_secrets_at_work(bench: Bench) -> None:
    """The harness's own secrets; an order's whole life, `check` and `identity`; every logger is captured at DEBUG,
    and stdout and stderr too."""
    _, secrets = bench.secret_settings()
    with overheard() as captured:
        answers = whole_life(bench, bench.desk)
        checks = [bench.desk.connector.check(), bench.desk.connector.identity()]
    _search(secrets, [*captured.texts, repr(answers), repr(checks)])


@case(
    "S2",
    "a refused login does not reveal the refused password",
    probes="settings",
    suffers="An error message that is pasted into a ticket contains the mistyped password.",
    cure="Raise AuthFailed with a sentence of your own, `from None`: the driver's message often repeats the login.",
)
def keeps_secrets_when_refused(bench: Bench) -> None:
    """Every secret is replaced by a planted one, so that the ERP refuses it; hooks and `check` are called directly,
    without core's own redaction. Their exceptions with causes and tracebacks, and all logs, are searched."""
    planted, found = planted_in(bench.validated(bench.harness.settings()))
    if not found:
        raise NotApplicable("the harness's settings hold no Secret to plant another in")
    _search([PLANTED], _failures(bench, bench.made(planted)))


@case(
    "S3",
    "an unavailable ERP does not reveal the secrets",
    probes="settings break_connection mend_connection",
    suffers="During an outage every retry writes the password to the log.",
    cure="Raise Transient `from None` where the driver's exception shows the connection's URL.",
)
def keeps_secrets_when_away(bench: Bench) -> None:
    """As S2, with the connection broken and the real secrets."""
    settings, secrets = bench.secret_settings()
    connector = bench.made(settings)
    bench.harness.break_connection()
    _search(secrets, _failures(bench, connector))


def planted_in(settings: Any) -> tuple[Any, bool]:
    """The same settings with the planted text for every secret, and whether there was one."""
    if isinstance(settings, SecretStr):
        return type(settings)(PLANTED), True
    if isinstance(settings, BaseModel):
        changed = {name: planted_in(getattr(settings, name)) for name in type(settings).model_fields}
        update = {name: value for name, (value, planted) in changed.items() if planted}
        return (settings.model_copy(update=update), True) if update else (settings, False)
    return settings, False


def _failures(bench: Bench, connector: Connector[Any]) -> list[str]:
    """All output while the hooks fail."""
    desk, order, texts = bench.desk, bench.order(), list[str]()
    calls: list[tuple[str, Callable[[], Any]]] = [("check", connector.check), ("identity", connector.identity)]
    for hook, request in (("reserve_stock", desk.to_reserve(order)), ("build_invoice", desk.to_build(order))):
        if hook in bench.offers:
            calls.append((hook, lambda h=hook, r=request: getattr(connector, h)(r)))  # type: ignore[misc]
    with overheard() as captured:
        for what, call in calls:
            try:
                texts.append(repr(in_time(_result_of(call), what, bench.harness.deadline)))
            except Finding as finding:
                texts.append(str(finding))
        with contextlib.suppress(Exception):
            connector.close()
    return texts + captured.texts


def _result_of(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call's result, or its exception in the form of a log."""

    def result() -> Any:
        try:
            return call()
        except Exception as error:
            return "".join(traceback.format_exception(error)) + repr(error)

    return result


AROUND = 120
"""Characters shown on each side of a secret."""


def _around(text: str, secret: str) -> str:
    """The context of the secret, without the secret itself."""
    line = next(line for line in text.splitlines() if secret in line).strip()
    place = line.index(secret)
    start, end = max(place - AROUND, 0), place + len(secret) + AROUND
    shown = line[start:end].replace(secret, "********")
    return f"{'…' if start else ''}{shown}{'…' if end < len(line) else ''}"


def _raised_at(text: str, secret: str) -> str:
    """From a traceback: the last frame above the secret; below it, the place where the exception was created, if it
    was not raised there."""
    frame = re.compile(r'File "([^"]+)", line (\d+), in (\w+)')
    frames = frame.findall(text[: text.index(secret)]) or frame.findall(text)
    if not frames:
        return ""
    file, line, name = frames[-1]
    return f" by an exception that was raised at {PurePath(file).name}:{line}, in {name}"


def _search(secrets: list[str], texts: list[str]) -> None:
    for text in texts:
        for secret in secrets:
            if secret in text:
                raise Finding(f"a secret is shown{_raised_at(text, secret)}: {_around(text, secret)}")
    must(texts, "there was no output at all, not even an answer")
