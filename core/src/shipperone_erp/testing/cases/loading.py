"""L: the class is found, created and closed without side effects."""

import os
import threading
import time
from pathlib import Path

from shipperone_erp.connector import plugin_checks
from shipperone_erp.domain.hook_answers import Check, ConnectorError, Invoice
from shipperone_erp.kernel.errors import PluginRefused
from shipperone_erp.kernel.redaction import secrets_in
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.cases.order_life import whole_life
from shipperone_erp.testing.findings import Finding, must, same
from shipperone_erp.testing.hook_calls import in_time
from shipperone_erp.testing.import_audit import watch

PATIENCE = 2.0
"""Seconds for threads and processes to end after `close`."""


@case(
    "L1",
    "core can load the connector",
    static=True,
    suffers="The tenant is paused with config_incomplete at the first start, and nothing ships.",
    cure="Export the class itself, not an instance, and mark each hook with @hookimpl on a plain method of one "
    "argument.",
)
def loads(bench: Bench) -> None:
    """The class is checked as at every start: it is a class and not an instance, its `api` range includes this core,
    each hook is marked, correctly named, takes its one argument and is no coroutine."""
    try:
        plugin_checks.checked(bench.found)
    except PluginRefused as refused:
        raise Finding(str(refused)) from None


@case(
    "L2",
    "importing the module does no work",
    static=True,
    suffers="Every command of every tenant waits for this ERP, or fails while it is down.",
    cure="Move connections, files and threads from the module into the first hook that needs them.",
)
def imports_quietly(bench: Bench) -> None:
    """A fresh interpreter imports the module and observes: no connection, no file written, no process, no thread."""
    seen = watch(bench.found, None)
    must(seen.failed is None, f"importing {bench.found.__module__} raises {seen.failed}")
    must(not seen.at_import, f"importing {bench.found.__module__} {'; '.join(seen.at_import)}")


@case(
    "L3",
    "__init__ does no work",
    probes="settings",
    suffers="The service does not start while the ERP is down, and one unavailable ERP stops other tenants.",
    cure="Keep only the settings in __init__, and connect in the first hook (for example by "
    "functools.cached_property).",
)
def is_made_quietly(bench: Bench) -> None:
    """A fresh interpreter creates the connector with the harness's settings: no connection, no file written, no
    process, no thread."""
    seen = watch(bench.found, bench.harness.settings())
    must(seen.failed is None, f"making a {bench.found.__name__} raises {seen.failed}")
    must(not seen.in_init, f"__init__ of {bench.found.__name__} {'; '.join(seen.in_init)}; do it in the first hook")


@case(
    "L4",
    "after close() no thread and no process remains",
    probes="settings",
    suffers="A service whose secrets are renewed daily accumulates threads; stopping it hangs.",
    cure="Close pools and join threads in close(); a pool created inside a hook is often not stored, so it is never "
    "closed.",
)
def leaves_nothing_behind(bench: Bench) -> None:
    """An order's whole life, then `close()`: threads and child processes are the same as before."""
    threads, children = set(threading.enumerate()), _children()
    desk = bench.desk
    whole_life(bench, desk)
    in_time(desk.connector.close, "close", bench.harness.deadline, may_raise=False)
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        left = [
            thread
            for thread in set(threading.enumerate()) - threads
            if thread.is_alive() and not thread.name.startswith("kit: ")
        ]
        processes = _children() - children
        if not left and not processes:
            return
        time.sleep(0.02)
    must(not left, f"threads that are still there {PATIENCE:g} s after close(): {', '.join(t.name for t in left)}")
    must(not processes, f"{len(processes)} child process(es) still there {PATIENCE:g} s after close()")


def _children() -> set[str]:
    """The ids of this process's children, if the system provides them."""
    found: set[str] = set()
    for listed in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        try:
            found |= set(listed.read_text().split())
        except OSError:  # that thread has just ended
            continue
    return found


@case(
    "L5",
    "identity() is stable, and differs for another ERP",
    probes="settings",
    suffers="The tenant stops after a restart because its ERP seems to be a different one; or a copy of the ledger "
    "is used with the wrong ERP unnoticed.",
    cure="Build identity() from the host and the database's name, not from the user, the password or the process.",
)
def names_its_erp(bench: Bench) -> None:
    """`identity()` of two connectors to one ERP is equal, and differs from that of the neighbour's ERP; it contains no
    secret.

    A connector that does not override it returns an empty text, which core replaces by the connector's name.
    """
    identity = in_time(bench.desk.connector.identity, "identity", bench.harness.deadline)
    must(isinstance(identity, str), f"identity answered {identity!r}, not a text")
    again = in_time(bench.another().connector.identity, "identity", bench.harness.deadline)
    same(again, identity, "identity of a second connector to the same ERP")
    for secret in secrets_in(bench.desk.connector.settings):
        must(secret not in identity, "identity holds a secret of the settings")
    if identity:
        other = in_time(bench.another(bench.neighbour()).connector.identity, "identity", bench.harness.deadline)
        must(other != identity, f"identity of another merchant's ERP is {other} too")


@case(
    "L6",
    "exclusive() returns at once, without the ERP",
    probes="settings break_connection mend_connection",
    suffers="It is called before every call that changes stock: each would wait for the ERP twice.",
    cure="Return a constant or a text built from the settings; exclusive() names a lock and calls nothing.",
)
def excludes_without_io(bench: Bench) -> None:
    """While the ERP is unreachable, `exclusive()` returns a text or None, the same twice, within a second."""
    desk = bench.desk
    bench.harness.break_connection()
    name = in_time(desk.connector.exclusive, "exclusive, while the ERP is unavailable,", 1.0, may_raise=False)
    must(name is None or (isinstance(name, str) and name), f"exclusive answered {name!r}, not a name or None")
    same(in_time(desk.connector.exclusive, "exclusive", 1.0), name, "exclusive, asked again")


@case(
    "L7",
    "check() never raises, and reports an unavailable ERP",
    probes="settings break_connection mend_connection",
    suffers="`doctor` fails in the middle of its list exactly when it is needed.",
    cure="Catch the errors of the ERP in check() too and return each as a Check with ok=False; make a real call there.",
)
def checks(bench: Bench) -> None:
    """`check()` returns a list of `Check`, each with a sentence, and no failure while the ERP is reachable. While it
    is unreachable `check()` still returns, and at least one line has `ok=False` and a sentence."""
    desk = bench.desk
    for line in _checked(bench):
        must(line.ok is not False, f"check fails while the ERP is available: {line.name}: {line.sentence}")
    bench.harness.break_connection()
    bad = [line for line in _checked(bench) if line.ok is False]
    must(bad, "check reports no error while the ERP is unavailable")
    bench.harness.mend_connection()
    must(desk.plugins.check() is not None, "check fails after the ERP is available again")


@case(
    "L8",
    "check() reports missing rights",
    probes="settings add_product revoke_rights mend_connection",
    since="1.1",
    suffers="`doctor` reports OK, the tenant goes live, and its orders are held for a missing right.",
    cure="Let check() test what the hooks need: reading the warehouse, the journal and the company, and the right to "
    "write.",
)
def checks_rights(bench: Bench) -> None:
    """The connector's user can log in and has no rights or no company: `check()` has a line with `ok=False`, a
    sentence and a cure; a hook raises one of the connector's errors. With the rights restored nothing fails."""
    desk, order = bench.desk, bench.order()
    bench.harness.revoke_rights()
    bad = [line for line in _checked(bench) if line.ok is False]
    must(bad, "check reports no error although the connector's user has no rights")
    must(bad[0].cure, f"check reports an error without a cure: {bad[0].name}: {bad[0].sentence}")
    reserves = "reserve_stock" in bench.offers
    try:
        answer = desk.reserve(order) if reserves else desk.build(order)
    except ConnectorError:
        pass
    else:
        must(
            not reserves and isinstance(answer, Invoice) and answer.reference is None,
            f"a hook answered {answer} for a user that may do nothing",
        )
    bench.harness.mend_connection()
    for line in _checked(bench):
        must(line.ok is not False, f"check fails after the rights were given back: {line.name}: {line.sentence}")


def _checked(bench: Bench) -> list[Check]:
    lines = in_time(bench.desk.connector.check, "check", bench.harness.deadline, may_raise=False)
    must(
        isinstance(lines, list) and all(isinstance(line, Check) and line.sentence for line in lines),
        f"check answered {lines!r}, not a list of Check with sentences",
    )
    return lines
