"""A job's idempotency key, and the digests that detect whether a listing still matches a job."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from shipperone_erp.domain.order import FulfillmentOrder, Party
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps


def plain(quantity: Decimal) -> str:
    """A number without trailing zeros or an exponent: 2, 2.0 and 2E+0 are one quantity."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def content_digest(base_url: str, store_code: str, stage: Stage, order: FulfillmentOrder) -> str:
    """16 base32 characters over a job's identity: store, stage, order, items, quantities and source warehouses.

    Amounts are not included: the same goods at another price are the same job, with another fingerprint.
    """
    items = sorted(
        (
            str(item.item_id),
            item.sku,
            plain(item.qty),
            order.source_warehouse(item) if stage is Stage.ALLOCATION else "",
        )
        for item in order.items
    )
    text = dumps([base_url.rstrip("/"), store_code, stage.value, order.order_id, items])
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:16]


def job_key(stage: Stage, order_id: str, content: str, *, generation: int = 1, occurrence: int = 1) -> str:
    """`a-FO-000012345-qx3…[-g2][-n2]`: at most 64 characters of `[A-Za-z0-9._-]`; first ones carry no suffix."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", order_id)[:24]
    suffix = (f"-g{generation}" if generation > 1 else "") + (f"-n{occurrence}" if occurrence > 1 else "")
    return f"{stage.value[0]}-{name}-{content}{suffix}"


_KEY = re.compile(r"[ai]-[A-Za-z0-9._-]{0,24}-([a-z2-7]{16})(-g\d+)?(-n\d+)?")


def content_of_key(key: str) -> str | None:
    """The content digest inside a key of `job_key`, the same in every generation; None if it is no such key."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def fingerprint(order: FulfillmentOrder) -> str:
    """A digest of every mapped field: if it differs, the order is no longer the one that a job was started for.

    `extra` is not included (a field that core does not map may change with every read), nor is the order of the items
    or charges; 4.99 and 4.990 are one amount.
    """
    items = ", ".join(sorted(repr(_mapped(item)) for item in order.items))
    return hashlib.sha256(f"({_mapped(order)!r}, [{items}])".encode()).hexdigest()[:32]


def undated(order: FulfillmentOrder) -> str:
    """The fingerprint of the order without its dates: an order whose dates were read or corrected is the same order."""
    return fingerprint(replace(order, ordered_at=None, shipped_at=None))


NOT_MAPPED = frozenset({"extra", "items", "line_total_incl_tax"})


def _mapped(value: Any) -> list[tuple[str, Any]]:
    found = []
    for name, entry in vars(value).items():
        if entry is None or entry == () or name in NOT_MAPPED:
            continue
        if isinstance(entry, Decimal):
            entry = plain(entry)
        elif isinstance(entry, Party):
            entry = _mapped(entry)
        elif isinstance(entry, datetime):
            entry = entry.isoformat()
        elif name == "charges":
            entry = sorted(_mapped(charge) for charge in entry)
        found.append((name, entry))
    return found
