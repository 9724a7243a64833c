"""The actor of a command: a user of the operations page, or the user of this machine."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from shipperone_erp.domain.ids import new_id
from shipperone_erp.domain.records import Action

_ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
"""The user of the operations page on whose behalf the current request acts."""


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """A context manager. Commands inside it, in this task and threads that it starts, are recorded by that name."""
    token = _ACTING.set(name)
    try:
        yield
    finally:
        _ACTING.reset(token)


def actor() -> str:
    """The actor: a user of the page, or the effective user of this process. Environment variables do not count."""
    if (named := _ACTING.get()) is not None:
        return named
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # for example in a container that runs under a user id without a name
        return f"uid {number}"


_NOBODY_IN_PARTICULAR = " (page)"


def anybody_on_page() -> str:
    """The actor of a page without `people` and proxy: everybody who reaches it, as the user of the process."""
    return f"{actor()}{_NOBODY_IN_PARTICULAR}"


def is_one_person(name: str) -> bool:
    """An actor of that name is one person, and not everybody who reaches the page."""
    return not name.endswith(_NOBODY_IN_PARTICULAR)


def new_action(what: str, tenant: str, now: datetime, note: str | None, job_id: int | None = None) -> Action:
    """The record of a command, with the user of this machine as its actor."""
    return Action(id=new_id(), at=now, actor=actor(), action=what, tenant=tenant, job_id=job_id, note=note)
