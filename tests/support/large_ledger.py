"""A ledger as it is after a year: 100,000 finished jobs and 3,000 that are held, written straight into its tables.

python tests/support/large_ledger.py FOLDER     writes FOLDER/ledger.db and a configuration beside it
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger_databases import a_job
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.ledger.database import connect
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.statements import statements
from shipperone_erp.ledger.unit_of_work import InsertJob

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE = "FO-TEMPLATE"
HELD_FOR = ((Reason.PRODUCT_UNKNOWN, Owner.IT), (Reason.TOTAL_DIFFERS, Owner.ACCOUNTANT))


AT = f"strftime('%Y-%m-%dT%H:%M:%f000+00:00', {int(BEGAN.timestamp())} + i * 60, 'unixepoch')"
ORDER_ID = "printf('FO-%06d', i)"


def large_ledger(folder: Path, *, done: int = 100_000, held: int = 3_000) -> Path:
    """Its configuration file, of one tenant `acme`. A job of each kind is written by core, and copied within SQLite."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    Ledger.open(url, migrate=True).close()
    database = connect(url, "write")
    every = max(1, (done + held) // max(1, held))
    is_held = f"(i % {every} = 0 AND i / {every} < {held})"
    conditions = [f"{is_held} AND i / {every} % 2 = {which}" for which in (0, 1)]
    conditions += [f"NOT {is_held} AND i % 2 = {which}" for which in (0, 1)]
    with database.writing.begin() as connection:
        for run in statements("sqlite").arranged(map(InsertJob, _kinds())):
            connection.exec_driver_sql(run.statement.sql, run.rows)
        rows = [dict(row) for row in connection.exec_driver_sql("SELECT * FROM jobs ORDER BY id").mappings()]
        connection.exec_driver_sql("DELETE FROM jobs")
        for row, condition in zip(rows, conditions, strict=True):
            _copy(connection, row, condition, done + held)
    database.reading.dispose()
    file = folder / "shipperone-erp.toml"
    file.write_text(
        f'[runtime]\nledger = "{url}"\n[tenants.acme]\nbase_url = "https://acme.example"\n'
        'token = { env = "ACME_TOKEN" }\nconnector = "counting"\ncurrency = "EUR"\n'
        f'[tenants.acme.counting]\ndatabase = "{folder / "erp.db"}"\n',
        encoding="utf-8",
    )
    return file


def _kinds() -> Iterator[Job]:
    """Two that are held, then two that are done."""
    text = order_text(_order())
    common: dict[str, Any] = {"order_json": text, "since": BEGAN, "first_listed_at": BEGAN}
    for number, (reason, owner) in enumerate(HELD_FOR):
        sentence = f"the ERP refuses item 10 of {TEMPLATE}: its price list ends before the day of supply"
        yield a_job(
            TEMPLATE, id=number + 1, stage=list(Stage)[number], state=State.HELD, step=Step.RESERVING, reason=reason,
            owner=owner, sentence=sentence, **common,
        )  # fmt: skip
    for number, stage in enumerate(Stage, 3):
        yield a_job(
            f"{TEMPLATE}-{number}", id=number, stage=stage, state=State.DONE, step=Step.DONE, open=False,
            accepted_at=BEGAN, **common,
        )  # fmt: skip


def _copy(connection: Connection, row: dict[str, Any], condition: str, count: int) -> None:
    """Copies of that row for every number below `count` that the condition selects, a minute apart."""
    values = {name: (":" + name, value) for name, value in row.items()}
    values |= {name: (AT, None) for name in ("since", "first_listed_at", "accepted_at") if row[name] is not None}
    values |= {
        "id": ("i + 1", None), "order_id": (ORDER_ID, None), "key": (f"'a-' || {ORDER_ID}", None),
        "reference": ("'R-' || i", None), "number": ("'2026-' || i", None),
    }  # fmt: skip
    if row["sentence"]:
        values["sentence"] = (f"replace(:sentence, '{TEMPLATE}', {ORDER_ID})", row["sentence"])
    connection.exec_driver_sql(
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        f" INSERT INTO jobs ({', '.join(values)}) SELECT {', '.join(sql for sql, _ in values.values())} FROM n"
        f" WHERE {condition}",
        {name: value for name, (sql, value) in values.items() if f":{name}" in sql},
    )


def _order() -> FulfillmentOrder:
    """Of an ordinary size: five items, two addresses."""
    items = tuple(
        OrderItem(item_id=number, sku=f"SKU-{number}", name="A mug with a handle, dishwasher-safe, 0.3 l",
                  qty=Decimal(2), price_incl_tax=Decimal("12.90"), row_total_incl_tax=Decimal("25.80"))
        for number in range(5)
    )  # fmt: skip
    buyer = Party(name="Jana Nováková", street="Hlavná 12/34", city="Bratislava", postcode="81101", country="SK",
                  email="jana@example.com", phone="+421900000000")  # fmt: skip
    extra = {"custom_attributes": [{"code": f"attribute_{number}", "value": "x" * 80} for number in range(12)]}
    return FulfillmentOrder(
        order_id="FO-1", warehouse_code="main", items=items, currency="EUR", customer=buyer, billing=buyer,
        shipping=buyer, shipping_amount_incl_tax=Decimal("4.99"), total_incl_tax=Decimal("133.99"), extra=extra,
    )  # fmt: skip


if __name__ == "__main__":
    print(large_ledger(Path(sys.argv[1])))
