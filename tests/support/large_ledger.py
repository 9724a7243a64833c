"""A ledger as it is after a year: 100,000 finished jobs and 3,000 that are held, written straight into its tables.

python tests/support/large_ledger.py FOLDER     writes FOLDER/ledger.db and a configuration beside it
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

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
HELD_FOR = ((Reason.PRODUCT_UNKNOWN, Owner.IT), (Reason.TOTAL_DIFFERS, Owner.ACCOUNTANT))


def large_ledger(folder: Path, *, done: int = 100_000, held: int = 3_000) -> Path:
    """Its configuration file, of one tenant `acme`."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    Ledger.open(url, migrate=True).close()
    database = connect(url, "write")
    with database.writing.begin() as connection:
        written = _jobs(done, held)
        while batch := list(islice(written, 5_000)):
            for run in statements("sqlite").arranged(map(InsertJob, batch)):
                connection.exec_driver_sql(run.statement.sql, run.rows)
    database.reading.dispose()
    file = folder / "shipperone-erp.toml"
    file.write_text(
        f'[runtime]\nledger = "{url}"\n[tenants.acme]\nbase_url = "https://acme.example"\n'
        'token = { env = "ACME_TOKEN" }\nconnector = "counting"\ncurrency = "EUR"\n'
        f'[tenants.acme.counting]\ndatabase = "{folder / "erp.db"}"\n',
        encoding="utf-8",
    )
    return file


def _jobs(done: int, held: int) -> Iterator[Job]:
    text = order_text(_order())
    every = max(1, (done + held) // max(1, held))
    left = held
    for number in range(done + held):
        is_held = left > 0 and number % every == 0
        reason, owner = HELD_FOR[left % 2]
        stage = Stage.ALLOCATION if (number + left) % 2 else Stage.INVOICE
        left -= is_held
        at = BEGAN + timedelta(minutes=number)
        fate: dict[str, Any] = {"state": State.DONE, "step": Step.DONE, "open": False, "accepted_at": at}
        if is_held:
            fate = {
                "state": State.HELD, "step": Step.RESERVING, "reason": reason, "owner": owner,
                "sentence": f"the ERP refuses item 10 of FO-{number:06}: its price list ends before the day of supply",
            }  # fmt: skip
        yield a_job(
            f"FO-{number:06}", id=number + 1, stage=stage, order_json=text, since=at, first_listed_at=at,
            reference=f"R-{number}", number=f"2026-{number}", **fate,
        )  # fmt: skip


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
