"""A draft that another user has changed is compared with a new one; an unchanged draft costs one call."""

import json
from typing import Any

import pytest

from fake_odoo import FIXED, MARCH, PRODUCT, RATE, FakeOdoo, build, draft, item, order
from shipperone_erp import IssueInvoice, Reason, Refused
from shipperone_erp_odoo.invoice_reader import reference

GOODS = {"price_unit": 10.0, "sequence": 1_000_010}


def odoo(changed: dict[str, Any] | None = None, **line: Any) -> FakeOdoo:
    """An Odoo with a draft for Anna. `changed`: its head, once somebody else has written to it; `line`: its line then."""
    made = FakeOdoo({**draft(10.0, GOODS)})
    heads = made.answers["account.move/search_read"]
    rows = made.answers["account.move.line/search_read"]

    def head(named: dict[str, Any]) -> list[dict[str, Any]]:
        if "write_uid" in json.dumps(named["domain"]):
            return [] if changed is None else [{"id": 57, **changed}]
        return [
            {**row, "state": "posted" if made.calls("account.move/action_post") else "draft"} for row in heads(named)
        ]

    made.answers |= {
        "account.move/search_read": head,
        "account.move.line/search_read": [{**row, "product_id": [5, "Mug"], "name": "Mug", **line} for row in rows],
        "account.move/write": True,
    }
    return made


OURS = {"partner_id": [30, "Anna"], "commercial_partner_id": [30, "Anna"]}
TWIN = {"id": 4, "name": "23 % twin", "amount": 23.0, "amount_type": "percent", "price_include": True}


def issue(of: FakeOdoo) -> Any:
    erp, what = of.connector(RATE, **FIXED), order(item(rate="23"))
    built = build(erp, what)
    of.asked.clear()
    return erp.issue_invoice(IssueInvoice("i-1", built, what, MARCH))


def test_a_draft_unchanged_by_others_is_posted_after_one_more_call():
    of = odoo()
    assert issue(of).issued
    looks = [named for named in of.calls("account.move/search_read") if "write_uid" in json.dumps(named["domain"])]
    assert [named["domain"] for named in looks] == [
        [["id", "in", [57]], "|", ["write_uid", "!=", 7], ["line_ids.write_uid", "!=", 7]]
    ]
    assert of.calls("product.product/search_read") == []


@pytest.mark.parametrize(
    "head", [OURS, {"partner_id": [31, "Anna, Invoices"], "commercial_partner_id": [30, "Anna"]}], ids=["same", "below"]
)
def test_a_change_that_leaves_buyer_goods_and_tax_alone_is_posted(head):
    assert issue(odoo(head)).issued


@pytest.mark.parametrize(
    ("changed", "line", "reason", "expected"),
    [
        (
            {"partner_id": [40, "Eve"], "commercial_partner_id": [40, "Eve"]}, {}, Reason.ERP_REFUSED,
            r"it is made out to Eve \(contact 40\), but the order's buyer is contact 30",
        ),
        (OURS, {"tax_ids": [4]}, Reason.TAX_DIFFERS, '"MUG" has 23 % twin instead of the tax that the settings select'),
        (OURS, {"product_id": [6, "Cup"]}, Reason.ERP_REFUSED, 'a line has Cup instead of "MUG"'),
        (OURS, {"extra": 5.0}, Reason.ERP_REFUSED, 'it has a line "More" of 5.00'),
    ],
    ids=["contact", "tax", "product", "line"],
)  # fmt: skip
def test_another_contact_tax_product_or_line_is_not_posted(changed, line, reason, expected):
    extra = line.get("extra")
    of = odoo(changed, **({} if extra else line))
    if extra:  # two lines that cancel each other out
        (row,) = of.answers["account.move.line/search_read"]
        more = {**row, "name": "More", "sequence": 10, "price_unit": extra, "price_total": extra}
        less = {**row, "name": "Less", "sequence": 10, "price_unit": -extra, "price_total": -extra}
        of.answers["account.move.line/search_read"] = [row, more, less]
    of.answers["account.tax/search_read"] = [{**TWIN, "id": 1, "name": "23 %"}, TWIN]
    of.answers["product.product/search_read"] = [PRODUCT]
    by_name = of.answers["account.tax/search_read"]
    of.answers["account.tax/search_read"] = lambda named: by_name[: 1 if named["domain"][0][0] == "name" else 2]
    with pytest.raises(Refused, match=expected) as refused:
        issue(of)
    assert (refused.value.reason, refused.value.owner) == (reason, "accountant")
    assert f"draft {reference(57)} was changed in Odoo" in refused.value.sentence
    assert (
        "revert the change, or post the invoice in Odoo if the change is intended; then `order retry FO-1`"
        in refused.value.sentence
    )
    assert of.calls("account.move/action_post") == []
