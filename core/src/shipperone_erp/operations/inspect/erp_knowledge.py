"""The listed goods and warehouses that exist in the ERP. Reads only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.hook_requests import Goods
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.operations.inspect.results import ErpKnowledge, Inspection, UnknownGoods
from shipperone_erp.operations.stock_overview import ErpStock, ask


async def with_erp(settings: TenantSettings, found: Inspection) -> Inspection:
    """The inspection with the ERP's answer; unchanged if no goods are listed."""
    if not found.goods:
        return found
    return replace(found, erp=knowledge(found.goods, await ask(settings, found.goods)))


def knowledge(listed: Mapping[Goods, int], stock: ErpStock) -> ErpKnowledge:
    """The ERP's answer for these goods, with the number of items that each occurs in."""
    if stock.why_not:
        return ErpKnowledge(why_not=stock.why_not)
    counts: Counter[Goods] = Counter(listed)
    unknown = []
    lost: set[str] = set()
    for goods, items in counts.most_common():
        answer = stock.found.get(goods)
        if answer is None:
            sentence = f"the connector did not answer for SKU {goods.sku} in {goods.warehouse_code}"
            unknown.append(UnknownGoods(goods.sku, goods.warehouse_code, items, Reason.CONNECTOR_BUG, sentence))
        elif answer.reason is not None:
            if answer.reason == Reason.WAREHOUSE_UNKNOWN:
                lost.add(goods.warehouse_code)
            unknown.append(UnknownGoods(goods.sku, goods.warehouse_code, items, answer.reason, answer.sentence))
    total = sum(counts.values())
    return ErpKnowledge(
        items=total,
        known=total - sum(each.items for each in unknown),
        unknown=tuple(unknown),
        warehouses=tuple(sorted({goods.warehouse_code for goods in counts} - lost)),
        unknown_warehouses=tuple(sorted(lost)),
    )
