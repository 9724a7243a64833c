"""Delivers a message by apprise or by a command. An address is a secret, and never part of this project's messages."""

import importlib.util
import json
import logging
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from shipperone_erp.config.alerts import AlertSettings
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.alerts.messages import Message

COMMAND_WITHIN = 30.0
"""Seconds after which the command is killed."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The result of one delivery: `to` names the target without its secret; `why` is the error, None on success."""

    to: str
    why: str | None = None


def must_have_apprise(settings: AlertSettings) -> None:
    """UsageError, with the name of the extra, if addresses are configured and apprise is not installed."""
    if settings.to and importlib.util.find_spec("apprise") is None:
        raise UsageError(
            "[runtime.alerts] to needs apprise, which is not installed: pip install 'shipperone-erp[alerts]'"
        )


def deliver(settings: AlertSettings, message: Message) -> list[Delivered]:
    """Send it by every configured way. Blocking; never raises for an error of a service or a command."""
    found = list(_by_apprise(settings, message))
    if settings.command:
        found.append(_by_command(settings.command, message))
    return found


def _by_apprise(settings: AlertSettings, message: Message) -> Iterator[Delivered]:
    if not settings.to:
        return
    import apprise

    # apprise's own log repeats parts of addresses, which the redaction cannot recognise as secrets
    logging.getLogger("apprise").disabled = True
    kind = apprise.NotifyType.INFO if message.kind != "alert" or not message.begun else apprise.NotifyType.WARNING
    for number, address in enumerate(settings.to, 1):
        text = address.get_secret_value()
        name = f"address {number} ({text.partition('://')[0][:20]})"
        one = apprise.Apprise()
        try:
            if not one.add(text):
                yield Delivered(
                    name, "apprise does not support this address; see https://github.com/caronc/apprise/wiki"
                )
            elif one.notify(title=message.title, body=message.text, notify_type=kind, body_format="text"):
                yield Delivered(name)
            else:
                yield Delivered(name, "the service did not accept the message")
        except Exception as error:
            yield Delivered(name, type(error).__name__)


def _by_command(command: tuple[str, ...], message: Message) -> Delivered:
    name = f"command {command[0]}"
    try:
        done = subprocess.run(  # noqa: S603 -- an operator has named it in the configuration
            command,
            input=json.dumps(message.document()),
            text=True,
            capture_output=True,
            timeout=COMMAND_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Delivered(name, f"it did not end within {COMMAND_WITHIN:g} s")
    except OSError as error:
        return Delivered(name, f"it cannot be started: {error.strerror}")
    return Delivered(name, None if done.returncode == 0 else f"exit code {done.returncode}")
