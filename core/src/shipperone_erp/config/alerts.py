"""`[runtime.alerts]`: the recipients of alerts, the ways to send them, and the quiet hours."""

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from shipperone_erp.config.setting_types import SettingsTable, Zone
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.reasons import Owner
from shipperone_erp.kernel.durations import Duration, at_least


class Rule(StrEnum):
    """The rules that raise an alert. Each is about a tenant, never about a single order."""

    NOTHING_SERVED = "nothing_served"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 -- the name of a rule
    LAST_GOOD_CYCLE = "last_good_cycle"
    ACCEPTED_NOT_ISSUED = "accepted_not_issued"
    HELD = "held"


_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def time_of_day(value: str) -> time:
    """The time of day in a text such as `08:00`. ValueError shows the form."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise ValueError('write a time of day, such as "08:00"')
    return time(int(found[1]), int(found[2]))


def quiet_hours(value: str) -> tuple[time, time]:
    """The beginning and the end of `22:00-06:00`. ValueError shows the form."""
    begin, dash, end = value.partition("-")
    try:
        ends = time_of_day(begin.strip()), time_of_day(end.strip())
    except ValueError:
        raise ValueError('write two times of day, such as "22:00-06:00"') from None
    if not dash or ends[0] == ends[1]:
        raise ValueError('write two times of day, such as "22:00-06:00"')
    return ends


def _time(value: str) -> str:
    time_of_day(value)
    return value


def _quiet(value: str) -> str:
    quiet_hours(value)
    return value


def _address(value: Secret) -> Secret:
    text = value.get_secret_value().strip()
    if "://" not in text:
        raise ValueError("write an address in apprise's form, such as mailto://…, slack://…, json://…")
    return Secret(text)


class AlertSettings(SettingsTable):
    """`[runtime.alerts]`: alerts without Prometheus."""

    to: tuple[Annotated[Secret, AfterValidator(_address)], ...] = Field(
        (), description="addresses in apprise's form: mail, Slack, Teams, Telegram, webhooks and others"
    )
    command: tuple[str, ...] = Field((), description="a program and its arguments; it receives the message as JSON")
    every: Annotated[Duration, at_least(timedelta(seconds=5))] = Field(
        timedelta(minutes=1), description="how often the ledger is checked"
    )
    off: tuple[Rule, ...] = Field((), description="rules that are switched off")
    owners: tuple[Owner, ...] = Field(
        (Owner.ACCOUNTANT, Owner.WAREHOUSE, Owner.IT, Owner.SHIPPERONE),
        description="`held` reports orders that are held for these owners",
    )
    accepted_not_issued: Duration = Field(timedelta(hours=1), description="time since ShipperOne accepted the invoice")
    last_good_cycle: Annotated[Duration, at_least(timedelta(minutes=1))] = Field(
        timedelta(minutes=10), description="time since the last complete read of a queue"
    )
    nothing_served: Annotated[Duration, at_least(timedelta(seconds=10))] = Field(
        timedelta(minutes=2), description="time without a process that serves a stage of a tenant"
    )
    over_after: Duration = Field(
        timedelta(minutes=2), description="how long a problem must be over before its end is reported"
    )
    digest: Annotated[str, AfterValidator(_time)] | None = Field(
        None, description='a daily summary at this time, such as "08:00"'
    )
    quiet: Annotated[str, AfterValidator(_quiet)] | None = Field(
        None, description='hours in which only urgent rules send, such as "22:00-06:00"; the others send afterwards'
    )
    urgent: tuple[Rule, ...] = Field((Rule.NOTHING_SERVED,), description="rules that also send in quiet hours")
    timezone: Zone = Field("UTC", description="time zone of `digest` and `quiet`")

    @model_validator(mode="after")
    def _known_rules(self) -> "AlertSettings":
        if any(not part for part in self.command):
            raise ValueError("command: write the program and each argument as a non-empty text")
        return self

    @property
    def wanted(self) -> bool:
        """Whether a recipient is configured."""
        return bool(self.to or self.command)
