"""Which JSON of a 2xx answer denies the request: read by its shape, never by its words."""

from typing import Any

import pytest

from shipperone_erp.kernel.json import loads
from shipperone_erp.shipperone.denials import denies

DENIED = [
    "false",
    "0",
    '"0"',
    '"False"',
    "[false]",
    '[false, "The order is locked."]',
    '{"success": false}',
    '{"Success": "false", "message": "no"}',
    '{"success": 0}',
    '{"ok": false}',
    '{"status": false}',
    '{"error": "Stock is gone"}',
    '{"error": true}',
    '{"error": {"code": 0, "message": "locked"}}',
    '{"success": true, "errors": ["item 7"]}',
    '{"errors": {"items": {"7": {"sku": ["gone"]}}}}',
    '{"error_message": "locked"}',
    '{"data": false}',
    '{"data": {"success": false}}',
    '{"response": [{"error": "locked"}]}',
]
TAKEN = [
    "true",
    "null",
    "[]",
    "{}",
    '""',
    '"ok"',
    "1001",
    "7.50",
    '{"success": true}',
    '{"success": null}',
    '{"status": 0}',
    '{"status": "failed to print"}',
    '{"error": ""}',
    '{"error": " "}',
    '{"error": "0"}',
    '{"error": 0.00}',
    '{"error": false}',
    '{"error": null, "errors": []}',
    '{"errors": {}}',
    '{"error": {"code": 0, "message": "", "details": []}}',
    '{"data": null}',
    '{"data": {"error": "", "success": true}}',
    '{"message": "The order has already been invoiced"}',
    '{"order": {"success": false, "items": [{"error": "x"}]}}',
    '{"items": [{"discount": 0, "is_gift": false}]}',
]


@pytest.mark.parametrize("body", DENIED)
def test_it_is_denied(body: str) -> None:
    assert denies(loads(body))


@pytest.mark.parametrize("body", TAKEN)
def test_it_is_not_denied(body: str) -> None:
    assert not denies(loads(body))


def test_an_answer_that_is_nested_without_end_is_judged_all_the_same() -> None:
    wrapped: Any = False
    failed: Any = ""
    for _ in range(5000):
        wrapped, failed = {"data": wrapped}, [failed]
    assert not denies(wrapped)
    assert denies({"error": failed}), "what cannot be looked into may be an error"
