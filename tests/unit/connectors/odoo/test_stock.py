"""What of a product counts as free in Odoo: without what has expired, after leaked reservations are tidied, and never
more than Odoo gave at the same counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from fake_odoo import PLAIN, FakeOdoo, picked, quant
from shipperone_erp import FulfillmentOrder, OrderItem, Reason, Refused, ReserveStock, Shortage, ShortLine

MUG = OrderItem(item_id=1, sku="MUG", qty=D(5))
ORDER = FulfillmentOrder("FO-1", "main", (MUG,), "EUR")
EXPIRY: dict[str, Any] = {
    "stock.move/fields_get": {"is_storable": {}, "use_expiration_date": {}},
}


def short(available: int) -> Shortage:
    return Shortage((ShortLine(1, "MUG", D(5), D(available)),))


def ago(days: float) -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d %H:%M:%S}"


def reserve(odoo: FakeOdoo, times: int = 1) -> list[object]:
    erp = odoo.connector()
    return [erp.reserve_stock(ReserveStock("a-1", ORDER, 1, "arrived")) for _ in range(times)]


def holding(quantity: float) -> dict[str, object]:
    return {"product_id": [5, "Mug"], "quantity_product_uom": quantity}


def test_expired_lots_are_not_free_and_later_ones_are():
    lots = [quant(4, removal_date=ago(1)), quant(3, removal_date=ago(-1)), quant(1, removal_date=False)]
    odoo = FakeOdoo({**EXPIRY, "stock.quant/search_read": lots})
    assert reserve(odoo) == [short(4)]
    assert odoo.made("stock.picking") == []
    assert odoo.calls("stock.quant/action_view_inventory") == [], "nothing has leaked"


def test_a_reservation_of_an_expired_lot_is_not_subtracted_twice():
    odoo = FakeOdoo(
        {**EXPIRY, "stock.quant/search_read": [quant(6, 2, removal_date=ago(1)), quant(3, removal_date=False)]}
    )
    odoo.answers["stock.move.line/search_read"] = [holding(2)]
    assert reserve(odoo) == [short(3)]


@pytest.mark.parametrize(("held", "tidied"), [([holding(8.0)], False), ([holding(3), holding(4.5)], True)])
def test_leaked_reservations_are_tidied_before_a_shortage_is_answered(held, tidied):
    odoo = FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(10, 8)], "stock.move.line/search_read": held})
    assert reserve(odoo) == [short(2)]
    assert len(odoo.calls("stock.quant/action_view_inventory")) == tidied
    lines = odoo.calls("stock.move.line/search_read")
    assert ["product_id", "in", [5]] in lines[0]["domain"]
    assert len(lines) == 1 + tidied, "looked at again where it was tidied"


def test_a_leak_that_odoo_does_not_repair_is_no_shortage_but_a_wrong_count():
    """Odoo 17 has nothing for it: ten are there, one is held, and eight are counted as reserved for ever."""
    odoo = FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(10, 8)], "stock.move.line/search_read": [holding(1)]})
    with pytest.raises(Refused) as refused:
        reserve(odoo)
    assert refused.value.reason == Reason.ERP_STOCK_INCONSISTENT
    assert refused.value.sentence.startswith(
        'Odoo counts 8 Units of "MUG" in main as reserved, and 1 of these are held'
    )
    assert len(odoo.calls("stock.quant/action_view_inventory")) == 1
    assert odoo.made("stock.picking") == []


def test_stock_reserved_between_two_checks_is_a_shortage():
    held = iter([[holding(1)], [holding(8)]])
    odoo = FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(10, 8)]})
    odoo.answers["stock.move.line/search_read"] = lambda named: next(held)
    assert reserve(odoo) == [short(2)]


def test_a_leak_that_is_tidied_frees_its_goods():
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(10, 8)]}), has=5)

    def tidy(named: dict[str, Any]) -> dict[str, Any]:
        odoo.answers["stock.quant/search_read"] = [quant(10)]
        return {}

    odoo.answers["stock.quant/action_view_inventory"] = tidy
    (answer,) = reserve(odoo)
    assert answer.reference == "WH/OUT/1 (70)"


def test_a_failed_reservation_is_not_repeated_while_odoos_counts_are_the_same():
    """Ninety-six tries a day are one cancelled delivery, and not ninety-six."""
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(9)]}), has=2)
    assert reserve(odoo, times=4) == [short(2)] * 4
    assert len(odoo.calls("stock.picking/load")) == 2, "once more after its counts were tidied"
    assert len(odoo.calls("stock.picking/action_cancel")) == 1


def test_rows_that_cancel_each_other_out_are_merged_and_the_order_gets_its_goods():
    """Odoo 17 reserves by single rows: ten and minus ten reserved are nothing in sum, and no row that gives."""
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(9, 10), quant(0, -10)]}), has=0)
    odoo.answers["stock.quant/action_view_inventory"] = lambda named: picked(odoo, has=5) and {}
    (answer,) = reserve(odoo)
    assert answer.reference == "WH/OUT/1 (70)"
    assert odoo.calls("stock.picking/action_cancel") == []


def test_odoo_is_called_again_once_its_counts_change():
    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": [quant(9)]}), has=2)
    erp = odoo.connector()
    request = ReserveStock("a-1", ORDER, 1, "arrived")
    assert erp.reserve_stock(request) == short(2)
    odoo.answers["stock.quant/search_read"] = [quant(12)]
    picked(odoo, has=5)
    assert erp.reserve_stock(request).reference == "WH/OUT/1 (70)"


def test_a_race_that_was_lost_is_not_taken_for_odoos_last_word():
    """Somebody took the goods between the counts and the reservation, and gave them back."""

    def meanwhile(named: dict[str, Any]) -> list[dict[str, object]]:
        return [quant(9, 7) if "quantity" in named.get("fields", ()) else quant(9)]

    odoo = picked(FakeOdoo({**PLAIN, "stock.quant/search_read": meanwhile}), has=2)
    erp = odoo.connector()
    request = ReserveStock("a-1", ORDER, 1, "arrived")
    assert erp.reserve_stock(request) == short(2)
    picked(odoo, has=5)
    odoo.answers["stock.quant/search_read"] = [quant(9)]
    assert erp.reserve_stock(request).reference == "WH/OUT/1 (70)"
