"""The file of a capture: its contents, and the summary of the masked values."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any

from shipperone_erp.config import TenantSettings
from shipperone_erp.operations.capture.masking import Choice, Masking
from shipperone_erp.operations.inspect.results import Queues
from shipperone_erp.operations.queue_files import FORMAT, VERSION
from shipperone_erp.operations.warehouse_mapping import codes_of

PLURALS = {
    "name": "names",
    "company": "companies",
    "vat_id": "VAT ids",
    "company_id": "company ids",
    "email": "e-mail addresses",
    "phone": "phones",
    "street": "streets",
    "city": "cities",
    "region": "regions",
    "postcode": "postcodes",
    "country": "countries",
    "payment_reference": "payment references",
    "text": "other texts",
    "number": "other numbers",
    "key": "keys",
    "order_id": "order ids",
    "order_number": "order numbers",
    "item_id": "item ids",
    "parent_item_id": "ids of parent items",
    "sku": "SKUs",
}


def captured(
    settings: TenantSettings, queues: Queues, choice: Choice, now: datetime
) -> tuple[dict[str, Any], Counter[str]]:
    """The document, and the number of masked values by kind. The address, the store and the token are not in it."""
    masking = Masking(choice, codes_of(queues.warehouses or ()))
    listed = {stage.value: masking.orders(rows, settings.fields_of(stage)) for stage, rows in queues.orders.items()}
    failed = None if queues.failed is None else masking.orders(queues.failed, settings.fields)
    warehouses = None if queues.warehouses is None else masking.warehouses(queues.warehouses)
    document = {
        FORMAT: VERSION,
        "written_by": f"shipperone-erp {version('shipperone-erp')}",
        "captured_on": now.date().isoformat(),
        "queues": listed,
        "failed": failed,
        "warehouses": warehouses,
        "masked": dict(sorted(masking.by_path.items())),
    }
    return document, masking.by_kind


def in_words(masked: Counter[str], choice: Choice) -> Iterator[str]:
    """'masked: 301 names, 41 other texts; kept: ids, SKUs, amounts, dates, countries'."""
    counts = ", ".join(f"{count} {PLURALS.get(kind, kind)}" for kind, count in masked.most_common())
    kept = ["ids"] * (not choice.mask_ids) + ["SKUs"] * (not choice.mask_skus)
    kept += ["amounts", "dates of the orders", "countries", "currencies", "warehouses", *sorted(choice.keep)]
    yield f"masked: {counts or 'nothing'}; kept: {', '.join(kept)}"
