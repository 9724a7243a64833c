"""Writes ledger_0_1_0.sql: a ledger by the code of version 0.1.0, with a job at every step in every state.

Run it with that version's core/src on the path, where the modules have the names of then:
`PYTHONPATH=<0.1.0>/core/src python tests/support/frozen/make_ledger_0_1_0.py > tests/support/frozen/ledger_0_1_0.sql`

With the URL of an empty database (`postgresql://…`) it is written there and printed by pg_dump, which must be on the PATH:
ledger_0_1_0_postgresql.sql.
"""

import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from shipperone_erp.ledger.records import Effect, Job
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.ledger.writes import BeginEffect, EndEffect, InsertJob
from shipperone_erp.model.answers import Invoice, InvoiceLine
from shipperone_erp.model.keys import content_digest, fingerprint, job_key
from shipperone_erp.model.order import FulfillmentOrder, OrderItem
from shipperone_erp.model.text import invoice_text, order_text
from shipperone_erp.model.work import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.reasons import Owner, Reason

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
AFTER = [Step.ACCEPTED, Step.ISSUING, Step.ISSUED, Step.DELIVERING, Step.DONE]
STEPS = {
    Stage.ALLOCATION: [Step.NEW, Step.RESERVING, Step.RESERVED, Step.CONFIRMING, Step.ACCEPTED, Step.DONE],
    Stage.INVOICE: [Step.NEW, Step.BUILDING, Step.BUILT, Step.CONFIRMING, *AFTER],
}
ENDED = [State.DONE, State.GONE, State.SUPERSEDED]
made = []


def job(name, stage, step, state, **fields):
    number = len(made) + 1
    order = FulfillmentOrder(
        order_id=name,
        warehouse_code="main",
        items=(OrderItem(item_id=11, sku="MUG", qty=Decimal(2), row_total_incl_tax=Decimal("25.80")),),
        currency="EUR",
        shipping_amount_incl_tax=Decimal("4.990"),
    )
    content = content_digest("https://acme.example", "default", stage, order)
    accepted = step in AFTER or state is State.DONE
    held = state in (State.HELD, State.WAITING)
    lost = step is Step.CONFIRMING and state is State.WAITING
    given = {
        "id": number,
        "tenant": "acme",
        "stage": stage,
        "order_id": name,
        "key": job_key(stage, name, content),
        "content": content,
        "fingerprint": fingerprint(order),
        "order_json": order_text(order),
        "item_ids": (11,),
        "since": NOON + timedelta(minutes=number),
        "first_listed_at": NOON,
        "step": step,
        "state": state,
        "open": not accepted and state not in (*ENDED, State.IGNORED),
        "accepted_at": NOON + timedelta(hours=1) if accepted else None,
        "reason": (Reason.OUTCOME_UNKNOWN if lost else Reason.ERP_REFUSED) if held else None,
        "sentence": "the ERP refused it" if held else None,
        "owner": Owner.IT if held else None,
        "lost_at": NOON + timedelta(minutes=50) if lost else None,
        "next_attempt_at": NOON + timedelta(hours=2) if state is State.WAITING else None,
    }
    if step is not Step.NEW:
        given |= {"reference": f"R-{number}", "erp": "erp-1", "url": f"https://erp.example/{number}"}
        if stage is Stage.INVOICE and step is not Step.BUILDING:
            issued = step in (Step.ISSUED, Step.DELIVERING, Step.DONE)
            invoice = Invoice(
                f"R-{number}", (InvoiceLine(11, Decimal(2), Decimal("25.80")),), Decimal("4.99"), Decimal("30.79"),
                "EUR", issued, f"2026-{number}" if issued else None,
            )  # fmt: skip
            given |= {"invoice_json": invoice_text(invoice), "number": invoice.number, "tax_date": date(2026, 3, 2)}
    made.append(Job(**(given | fields)))


for stage, steps in STEPS.items():
    for step in steps:
        for state in State:
            job(f"{stage.value[0]}-{step}-{state}", stage, step, state)
again = {"reason": Reason.OUTCOME_UNKNOWN, "sentence": "ShipperOne's queue will tell", "owner": Owner.NOBODY}
again |= {"lost_at": NOON, "open": False}
for step in (Step.NEW, Step.ACCEPTED, Step.ISSUING, Step.DONE):
    job(f"opened-again-{step}", Stage.INVOICE, step, State.WAITING, accepted_at=NOON, **again)
job("opened-again-superseded", Stage.INVOICE, Step.NEW, State.WAITING, **again)
job("odd-done-open", Stage.INVOICE, Step.DONE, State.DONE, open=True)
job("odd-accepted-open", Stage.INVOICE, Step.ISSUING, State.WORKING, open=True)
job("odd-issuing", Stage.INVOICE, Step.ISSUING, State.WAITING, open=True, accepted_at=None)
job("odd-step", Stage.ALLOCATION, Step.BUILT, State.WORKING)
job("odd-closed", Stage.ALLOCATION, Step.RESERVED, State.NEW, open=False)


def write(url):
    with Ledger.open(url, migrate=True) as ledger:
        ledger.start_writer()
        ledger.write(*map(InsertJob, made), lease=None).result()
        for number, outcome in enumerate([*Outcome, None], 1):
            effect = Effect(id=number, job_id=number, kind=EffectKind.RESERVE, key=made[number - 1].key, intent_at=NOON)
            ended = [EndEffect(number, outcome, NOON, "said")] if outcome is not None else []
            ledger.write(BeginEffect(effect), *ended, lease=None).result()


if len(sys.argv) > 1:
    write(sys.argv[1])
    dump = ["pg_dump", "--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges", sys.argv[1]]
    lines = subprocess.run(dump, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    # a driver runs it, on any version of PostgreSQL: no commands of psql, no settings of the session
    left_out = ("--", "\\", "SET ", "SELECT pg_catalog.set_config")
    sys.stdout.write("\n".join(line for line in lines if line and not line.startswith(left_out)) + "\n")
else:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        write(f"sqlite:///{file}")
        with sqlite3.connect(file) as database:
            sys.stdout.write("\n".join(database.iterdump()) + "\n")
