"""docs/explanation/amounts.md, worked out: each order, the sentence it is held with, the settings that cure it, the invoice's total."""

import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from places import page_file
from shipperone_erp.config.settings import TenantSettings
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.invoice_checks.stated_amounts import problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import loads
from shipperone_erp.shipperone.order_parser import OrderWire

PAGE = page_file("amounts.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: part for part in PAGE.split("\n## ")[1:] if "```json" in part}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def blocks(section: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def tenant(written: str) -> TenantSettings:
    raw = tomllib.loads(written)
    raw = raw.get("tenants", {}).get("acme", raw)
    plain = {"name": "acme", "base_url": "https://acme.example", "token": Secret("x"), "connector": "c",
             "currency": "EUR", "connector_settings": NoSettings(), "policy_settings": {}}  # fmt: skip
    return TenantSettings(**plain, **raw)


def test_the_page_has_an_example_of_each():
    assert list(SECTIONS) == [
        "A coupon", "A gift card", "Cash on delivery", "A discount, in the row or off it",
        "A discount that nothing proves", "A discount before tax",
        "A rate of tax below one", "Rounding",
        "Amounts that a binary float has left behind", "A fee on each item",
        "Shipping that every part lists", "Currencies",
    ]  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS.values(), ids=list(SECTIONS))
def test_the_example_on_the_page_behaves_as_described(section):
    *before, listed = blocks(section, "json")
    earlier = [
        Job(
            id=1, tenant="acme", stage=Stage.INVOICE, order_id="FO-6", key="i-1", content="c", fingerprint="f",
            order_json=order_text(OrderWire({}).read(loads(text))), item_ids=(1,), since=NOW, first_listed_at=NOW,
            accepted_at=NOW, number="1001",
        )
        for text in before
    ]  # fmt: skip
    (settings,) = blocks(section, "toml")
    sentences = blocks(section, "text")
    found = problem(OrderWire({}).read(loads(listed)), tenant(""), part=bool(before), earlier=earlier)
    assert ([found.sentence] if found else []) == [" ".join(sentence.split()) for sentence in sentences]
    cured = tenant(settings)
    order = OrderWire.of(cured, Stage.INVOICE).read(loads(listed))
    assert problem(order, cured, part=bool(before), earlier=earlier) is None
    prose = re.sub(r"^```.*?^```$", "", section, flags=re.DOTALL | re.MULTILINE)
    (total,) = re.findall(r"invoice comes\s+to ([\d.]*\d)", prose)
    assert figures(order, order.currency, cured.discount).invoice_total == D(total)
