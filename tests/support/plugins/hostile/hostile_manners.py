"""What can be done wrong in how a connector behaves. One fault a class; `caught_by` is the case that must find it."""

import logging
import os
import sqlite3
import sys
import threading
import time
import uuid
from contextlib import suppress
from typing import Any, ClassVar

from honest_erp import HonestConnector, HonestSettings

from shipperone_erp import (
    Check,
    Reserved,
    hookimpl,
)


class AnswersNone(HonestConnector):
    """Reserves, and forgets the `return`."""

    caught_by: ClassVar[str] = "A1"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        super().reserve_stock(request)


class AnswersText(HonestConnector):
    """The reference, as it came from the ERP."""

    caught_by: ClassVar[str] = "A1"

    @hookimpl
    def issue_invoice(self, request: Any) -> Any:
        return f"I-{request.key}"


class AnswersACoroutine(HonestConnector):
    """A hook that is called, and not awaited."""

    caught_by: ClassVar[str] = "A1"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        async def later() -> Reserved:
            return Reserved("R")

        return later()


class Raises(HonestConnector):
    """A mistake of its author's."""

    caught_by: ClassVar[str] = "A1"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        return {}["reservation"]


class EndsTheProcess(HonestConnector):
    """sys.exit, as a script does it."""

    caught_by: ClassVar[str] = "A1"

    @hookimpl
    def build_invoice(self, request: Any) -> Any:
        sys.exit("no licence")


class Hangs(HonestConnector):
    """Waits for an answer that never comes."""

    caught_by: ClassVar[str] = "A2"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        time.sleep(3600)


class LeavesThreads(HonestConnector):
    """A thread with each hook, which nobody ends and which keeps the process alive."""

    caught_by: ClassVar[str] = "L4"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        threading.Thread(target=time.sleep, args=(3600,), daemon=os.environ.get("HOSTILE_THREADS") != "stay").start()
        return super().reserve_stock(request)


class LeavesProcesses(HonestConnector):
    """A child process with each hook, which keeps running."""

    caught_by: ClassVar[str] = "L4"

    @hookimpl
    def reserve_stock(self, request: Any) -> Any:
        if os.fork() == 0:
            time.sleep(8)
            os._exit(0)
        return super().reserve_stock(request)


class IsSomebodyElseEachTime(HonestConnector):
    """An identity by chance."""

    caught_by: ClassVar[str] = "L5"

    def identity(self) -> str:
        return uuid.uuid4().hex


class IsEverybody(HonestConnector):
    """One identity for all ERPs."""

    caught_by: ClassVar[str] = "L5"

    def identity(self) -> str:
        return "the ERP"


class AsksBeforeItExcludes(HonestConnector):
    """Reads the name under which it works from the ERP."""

    caught_by: ClassVar[str] = "L6"

    def exclusive(self) -> str | None:
        with self._erp() as erp:
            return str(erp.execute("SELECT 'warehouse'").fetchone()[0])


class CheckRaises(HonestConnector):
    """`check` fails with what it should tell."""

    caught_by: ClassVar[str] = "L7"

    def check(self) -> list[Check]:
        with self._erp():
            return [Check("login", True, "the ERP answers")]


class CheckSeesNothing(HonestConnector):
    """All is well, always."""

    caught_by: ClassVar[str] = "L7"

    def check(self) -> list[Check]:
        return [Check("login", True, "the ERP answers")]


class CheckOnlyLogsIn(HonestConnector):
    """Who can log in can work, it says."""

    caught_by: ClassVar[str] = "L8"

    def check(self) -> list[Check]:
        lines = super().check()
        return [Check("login", True, "the ERP answers")] if "may not write" in lines[0].sentence else lines


class RaisesInInit(HonestConnector):
    """Needs a licence file that is not there."""

    caught_by: ClassVar[str] = "L3"

    def __init__(self, settings: HonestSettings, *, tenant: str, log: logging.Logger | None = None) -> None:
        super().__init__(settings, tenant=tenant, log=log)
        raise FileNotFoundError("licence.key")


class WorksInInit(HonestConnector):
    """Connects when it is made."""

    caught_by: ClassVar[str] = "L3"

    def __init__(self, settings: HonestSettings, *, tenant: str, log: logging.Logger | None = None) -> None:
        super().__init__(settings, tenant=tenant, log=log)
        with suppress(sqlite3.Error):
            sqlite3.connect(settings.database).close()


class AsyncHook(HonestConnector):
    """A hook as a coroutine."""

    caught_by: ClassVar[str] = "L1"

    @hookimpl
    async def deliver(self, request: Any) -> Any:
        return None


class UnmarkedHook(HonestConnector):
    """A hook that would never be called."""

    caught_by: ClassVar[str] = "L1"

    def deliver(self, request: Any) -> Any:
        return None


class ForTheNextCore(HonestConnector):
    """Written for an API that this core does not have."""

    caught_by: ClassVar[str] = "L1"
    api = ">=2,<3"
