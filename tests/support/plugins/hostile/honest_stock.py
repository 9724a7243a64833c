"""The honest ERP's stock: all of an order is reserved, or nothing of it. Quantities are whole thousandths."""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp import (
    FreeStock,
    FulfillmentOrder,
    Goods,
    OrderItem,
    Pending,
    Refused,
    Reserved,
    ReserveStock,
    Shortage,
    ShortLine,
    Voided,
)

Answer = Any
THOUSAND = 1000


class HonestStock:
    """What HonestConnector does within a transaction with what lies in the warehouses."""

    def _reserve(self, erp: sqlite3.Connection, request: ReserveStock) -> Answer:
        key, order = request.key, request.order
        row = erp.execute("SELECT state FROM reservations WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] == "voided":
            return Voided(f"R-{key}")
        if row is None:
            short = self._short(erp, order)
            if short:
                return Shortage(tuple(short))
            self._insert_reservation(erp, key, order, "live")
            for item in order.items:
                self._hold(erp, key, order, item)
        waits = erp.execute("SELECT 1 FROM transfers WHERE key = ? AND NOT arrived", (key,)).fetchone()
        if waits and request.transfer == "arrived":
            return Pending(f"the transfer of {key} is on its way", 0.2, "waiting_for_transfer", "warehouse")
        return Reserved(f"R-{key}")

    def _counted(self, erp: sqlite3.Connection, goods: Goods) -> FreeStock:
        available = self._available(erp, goods.warehouse_code, goods.sku)
        if available is None:
            sentence = f"the ERP knows no product {goods.sku}"
            return FreeStock(goods.sku, goods.warehouse_code, None, "product_unknown", sentence)
        return FreeStock(goods.sku, goods.warehouse_code, available)

    def _short(self, erp: sqlite3.Connection, order: FulfillmentOrder) -> list[ShortLine]:
        wanted: dict[tuple[str, str], Decimal] = {}
        for item in order.items:
            place = (order.source_warehouse(item), item.sku)
            wanted[place] = wanted.get(place, Decimal(0)) + item.qty
        found = []
        for item in order.items:
            place = (order.source_warehouse(item), item.sku)
            available = self._available(erp, *place)
            if available is None:
                raise Refused("product_unknown", f"the ERP knows no product {item.sku}", "warehouse")
            if item.qty % 1 and erp.execute("SELECT 1 FROM whole_pieces WHERE sku = ?", (item.sku,)).fetchone():
                raise Refused("unit_unclear", f"{item.qty} of {item.sku}: it is sold in whole pieces", "warehouse")
            if available < wanted[place]:
                found.append(ShortLine(item.item_id, item.sku, wanted[place], available))
        return found

    def _available(self, erp: sqlite3.Connection, warehouse: str, sku: str) -> Decimal | None:
        row = erp.execute(
            "SELECT on_hand - reserved FROM stock WHERE warehouse = ? AND sku = ?", (warehouse, sku)
        ).fetchone()
        if row is None and erp.execute("SELECT 1 FROM stock WHERE sku = ?", (sku,)).fetchone() is None:
            return None
        return Decimal(row[0]) / THOUSAND if row else Decimal(0)

    def _insert_reservation(self, erp: sqlite3.Connection, key: str, order: FulfillmentOrder, state: str) -> None:
        now = datetime.now(UTC).isoformat()
        erp.execute("INSERT INTO reservations VALUES (?, ?, ?, ?)", (key, order.order_id, state, now))

    def _hold(self, erp: sqlite3.Connection, key: str, order: FulfillmentOrder, item: OrderItem) -> None:
        where = order.source_warehouse(item)
        line = (key, str(item.item_id), where, item.sku, thousandths(item.qty))
        erp.execute("INSERT INTO reserved_lines (key, item_id, warehouse, sku, qty) VALUES (?, ?, ?, ?, ?)", line)
        change = (thousandths(item.qty), where, item.sku)
        erp.execute("UPDATE stock SET reserved = reserved + ? WHERE warehouse = ? AND sku = ?", change)
        if where != order.warehouse_code:
            move = (key, str(item.item_id), order.warehouse_code)
            erp.execute("INSERT INTO transfers (key, item_id, destination) VALUES (?, ?, ?)", move)

    def _free(self, erp: sqlite3.Connection, key: str) -> None:
        lines = erp.execute("SELECT warehouse, sku, qty - shipped FROM reserved_lines WHERE key = ?", (key,)).fetchall()
        for warehouse, sku, qty in lines:
            change = (qty, warehouse, sku)
            erp.execute("UPDATE stock SET reserved = reserved - ? WHERE warehouse = ? AND sku = ?", change)

    def _ship(self, erp: sqlite3.Connection, item: OrderItem, keys: list[str], warehouse: str) -> None:
        qty = thousandths(item.qty)
        if not keys:
            taken = erp.execute(
                "UPDATE stock SET on_hand = on_hand - ? WHERE warehouse = ? AND sku = ? AND on_hand - reserved >= ?",
                (qty, warehouse, item.sku, qty),
            )
            if taken.rowcount:
                return
        for key in keys:
            row = erp.execute(
                "SELECT rowid, warehouse FROM reserved_lines WHERE key = ? AND item_id = ? AND qty - shipped >= ?",
                (key, str(item.item_id), qty),
            ).fetchone()
            if row is not None:
                erp.execute("UPDATE reserved_lines SET shipped = shipped + ? WHERE rowid = ?", (qty, row[0]))
                erp.execute(
                    "UPDATE stock SET on_hand = on_hand - ?, reserved = reserved - ? WHERE warehouse = ? AND sku = ?",
                    (qty, qty, row[1], item.sku),
                )
                return
        raise Refused("erp_stock_inconsistent", f"less of {item.sku} is reserved or free than has shipped", "warehouse")


def thousandths(qty: Decimal) -> int:
    """As the ERP counts. Refused if it is no whole number of them."""
    counted = qty * THOUSAND
    if counted % 1:
        raise Refused("unit_unclear", f"the ERP counts in thousandths, and {qty} is none", "warehouse")
    return int(counted)
