"""For every field of the order model: its place, the number of orders with it, an example, and its proof. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from shipperone_erp.config import TenantSettings
from shipperone_erp.config.settings import ORDER_FIELDS, PARTY_FIELDS
from shipperone_erp.domain.field_places import ITEM, Places
from shipperone_erp.domain.invoice_checks.split_lines import Money, agrees
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json_values import walk
from shipperone_erp.operations.inspect.columns import columns
from shipperone_erp.operations.inspect.examples import LONGEST, example, harmless, shape
from shipperone_erp.operations.inspect.field_search import items_of, places_in_item, places_in_order, without_items
from shipperone_erp.operations.inspect.results import FieldFound, Raw, Unused
from shipperone_erp.operations.inspect.trial_reading import Judged, Verdict

UNUSED_AT_MOST = 40
ITEM_PLACES = "items[]"
PERSONAL = frozenset({"payment_reference", "name", *PARTY_FIELDS})
"""Fields whose values are not shown; an item's name may be a personal text that is printed on it."""

AMOUNTS = frozenset({"row_total_incl_tax", "shipping_amount_incl_tax", "total_incl_tax"})


def all_fields(
    tried: TenantSettings, rows: Mapping[Stage, Sequence[Raw]], verdicts: Mapping[Stage, Verdict]
) -> Iterator[FieldFound]:
    """The fields of orders and items, then those of the parties that occur; one line if both queues agree."""
    lines = {
        stage: {each.name: each for each in _of_queue(tried, stage, rows[stage], verdicts[stage])} for stage in rows
    }
    for name in (*ORDER_FIELDS, *PARTY_FIELDS):
        mine = [table[name] for table in lines.values() if name in table]
        if not mine or (name in PARTY_FIELDS and all(each.place is None for each in mine)):
            continue
        placed = [each for each in mine if each.place is not None]
        if name == "qty" or len({each.place for each in placed}) > 1:
            yield from mine
        else:
            yield _together(mine, placed)


def _together(mine: Sequence[FieldFound], placed: Sequence[FieldFound]) -> FieldFound:
    best = max(placed or mine, key=lambda each: (each.proven, each.found))
    return replace(
        best,
        stage=None if len(mine) > 1 else best.stage,
        found=sum(each.found for each in mine),
        of=sum(each.of for each in mine),
        proof="; ".join(dict.fromkeys(each.proof for each in mine if each.proven)) or best.proof,
    )


def _of_queue(tried: TenantSettings, stage: Stage, rows: Sequence[Raw], verdict: Verdict) -> Iterator[FieldFound]:
    fields = tried.fields_of(stage)
    places = Places(fields)
    items = [item for raw in rows for item in items_of(raw, places)]
    of_orders = [places_in_order(raw, places) for raw in rows]
    of_items = [places_in_item(item, places) for item in items]
    proofs = _proofs(verdict)
    for name in (*ORDER_FIELDS, *PARTY_FIELDS):
        of_item = name in ITEM and name != "warehouse_code"
        holders = items if of_item else rows
        found = [
            (raw, held[name])
            for raw, held in zip(holders, of_items if of_item else of_orders, strict=True)
            if name in held
        ]
        at = Counter(path for _, path in found).most_common(1)
        path = at[0][0] if at else None
        values = [value for raw, place in found if (value := walk(raw, place.split("."))) is not None]
        value = next((each for each in values if each not in (0, "0", "")), values[0] if values else None)
        proven = name in proofs
        yield FieldFound(
            name=name,
            stage=stage,
            place=None if path is None else f"{ITEM_PLACES}.{path}" if of_item else path,
            found=len(found),
            of=len(holders),
            example=example(value, personal=name in PERSONAL),
            proven=proven,
            proof=proofs.get(name, "found" if path else "nowhere"),
            usual=name not in fields,
        )


def _proofs(verdict: Verdict) -> dict[str, str]:
    """The proof for each field. A row of one piece proves no quantity, a fee of zero no shipping."""
    explained = [each for each in verdict.orders if each.explained and each.order is not None]
    proofs: dict[str, str] = {}
    if explained:
        proofs["row_total_incl_tax"] = proofs["total_incl_tax"] = f"proven by {len(explained)} totals"
        if charged := sum(bool(each.order.shipping_amount_incl_tax) for each in explained if each.order):
            proofs["shipping_amount_incl_tax"] = f"proven by {charged} totals"
    proven = _rows_proven(verdict.orders)
    if proven:
        proofs["qty"] = proofs["price_incl_tax"] = f"proven: {proven} rows are quantity times price"
        proofs.setdefault("row_total_incl_tax", f"proven by {proven} rows")
    if any(each.order and any(item.discount for item in each.order.items) for each in explained):
        proofs["discount"] = "see Amounts"
    return proofs


def _rows_proven(orders: Sequence[Judged]) -> int:
    count = 0
    for each in orders:
        for item in each.order.items if each.order is not None else ():
            price, row = item.price_incl_tax, item.row_total_incl_tax
            if price and row is not None and item.qty != 1:
                off = abs(item.discount or Decimal(0))
                half = Money(each.order.currency if each.order else None).half
                count += agrees(row, item.qty, price, off, item.tax_percent, half)
    return count


def unused(tried: TenantSettings, rows: Mapping[Stage, Sequence[Raw]]) -> list[Unused]:
    """The unused paths, the most frequent first. An empty text and zero count as no value."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    charges = {charge.path for charge in tried.charges}
    for stage, listed in rows.items():
        places = Places(tried.fields_of(stage))
        for raw in listed:
            found = places_in_order(raw, places)
            used = {part for path in found.values() for part in path.split(" + ")} | charges
            leaves = columns([without_items(raw, places)])
            seen = {path: column.values[0] for path, column in leaves.items() if path not in used}
            for item in items_of(raw, places):
                in_item = set(places_in_item(item, places).values())
                for path, column in columns([item]).items():
                    if path not in in_item and f"items.{path}" not in charges:
                        seen.setdefault(f"{ITEM_PLACES}.{path}", column.values[0])
            for path, value in seen.items():
                if value not in (0, "0") and any(sign not in "0." for sign in str(value)):
                    counts[path] += 1
                    examples.setdefault(path, str(value)[:LONGEST] if harmless(value) else shape(str(value)))
    return [Unused(path, count, examples[path]) for path, count in counts.most_common(UNUSED_AT_MOST)]
