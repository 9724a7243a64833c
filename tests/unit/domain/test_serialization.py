"""Orders and invoices as text: what is read back, and what the version before this one reads."""

import datetime
import subprocess
import sys
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

from shipperone_erp.domain.hook_answers import Invoice, InvoiceLine
from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.serialization import invoice_from_text, invoice_text, order_from_text, order_text

BEFORE = Path(__file__).parents[2] / "support" / "frozen" / "shipperone_erp-0.2.0-py3-none-any.whl"

D = Decimal

INVOICE = Invoice(
    reference="INV/7",
    lines=(InvoiceLine(item_id=11, qty=D("2"), total_incl_tax=D("25.80"), tax_percent=D("21"), tax_amount=D("4.48")),),
    shipping_amount_incl_tax=D("4.990"),
    total_incl_tax=D("30.79"),
    currency="EUR",
    issued=True,
    number="2026/7",
    date=datetime.date(2026, 3, 2),
    url="https://erp.example/7",
    issuer="res.company 2",
)

ORDER = FulfillmentOrder(
    order_id="1001",
    order_number="000000123",
    warehouse_code="main",
    items=(OrderItem(item_id=11, sku="SKU-1", qty=D("2"), price_incl_tax=D("12.90"), tax_percent=D("21")),),
    charges=(Charge("cod", D("1.00"), "line"),),
    currency="EUR",
    customer=Party(name="Ann Example"),
    billing=Party(name="Ann Example", country="SK"),
    shipping=Party(name="Ann Example", city="Nitra"),
    extra={"note": "x"},
)

READ = """
import sys
sys.path.insert(0, sys.argv[1])
import shipperone_erp
from shipperone_erp.domain.serialization import invoice_from_text, order_from_text
assert shipperone_erp.__file__.startswith(sys.argv[1]), shipperone_erp.__file__
print(invoice_from_text(sys.argv[2]).number, order_from_text(sys.argv[3]).billing.country)
"""


def test_what_is_written_is_read_back_except_for_the_issuer_which_has_a_column():
    assert [field.name for field in fields(Invoice) if getattr(INVOICE, field.name) is None] == []
    assert invoice_from_text(invoice_text(INVOICE)) == replace(INVOICE, issuer=None)
    assert order_from_text(order_text(ORDER)) == ORDER


def test_version_0_2_0_reads_the_texts_that_this_version_writes():
    """While machines are upgraded one by one, a tenant's jobs move to the version before, and back."""
    command = [sys.executable, "-c", READ, str(BEFORE), invoice_text(INVOICE), order_text(ORDER)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "2026/7 SK\n"), found.stderr
