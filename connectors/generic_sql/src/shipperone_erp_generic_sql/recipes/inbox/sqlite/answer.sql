-- Triggers that answer the inbox on SQLite at once, in the transaction of the one who asks, for the ERP's side to
-- change. They are written on the example tables; a SQLite file has one writer at a time, which is the lock. What
-- is short is tried again when goods come in; what cannot be done is undone as a whole by a failing trigger's RAISE.

-- A request is worked on when it becomes new: at its insert, and when it is set to new again.
CREATE TRIGGER shipperone_asked AFTER INSERT ON shipperone_inbox WHEN new.status = 'new'
BEGIN
    UPDATE shipperone_inbox SET status = 'new' WHERE id = new.id;
END;

CREATE TRIGGER shipperone_goods_came_in AFTER UPDATE OF on_hand_micro ON stock WHEN new.on_hand_micro > old.on_hand_micro
BEGIN
    UPDATE shipperone_inbox SET status = 'new' WHERE status = 'short';
END;

CREATE TRIGGER shipperone_transfer_arrived AFTER UPDATE OF arrived ON transfers WHEN new.arrived AND NOT old.arrived
BEGIN
    UPDATE shipperone_inbox SET status = 'done', message = NULL
        WHERE request = 'reserve' AND status = 'transfer' AND job_key = new.reservation_key
          AND NOT EXISTS (SELECT 1 FROM transfers WHERE reservation_key = new.reservation_key AND NOT arrived);
END;

CREATE VIEW shipperone_asked_items AS
SELECT i.id AS inbox_id, i.job_key, json_extract(j.value, '$.item_key') AS item_key,
       json_extract(j.value, '$.item_id') AS item_id, json_extract(j.value, '$.line_no') AS line_no,
       json_extract(j.value, '$.sku') AS sku, json_extract(j.value, '$.item_warehouse_code') AS warehouse,
       json_extract(j.value, '$.tax_percent') AS tax_percent,
       CAST(ROUND(json_extract(j.value, '$.qty') * 1000000) AS INTEGER) AS qty_micro,
       CAST(ROUND(json_extract(j.value, '$.line_total_incl_tax') * 1000000) AS INTEGER) AS total_micro
FROM shipperone_inbox i, json_each(i.items_json) j;

CREATE TRIGGER shipperone_reserve AFTER UPDATE OF status ON shipperone_inbox
WHEN new.status = 'new' AND new.request = 'reserve'
BEGIN
    UPDATE shipperone_inbox SET status = 'short', message = 'not enough of ' || (
        SELECT MIN(a.sku) FROM (SELECT sku, warehouse, SUM(qty_micro) AS qty_micro FROM shipperone_asked_items
                                WHERE inbox_id = new.id GROUP BY sku, warehouse) a
        LEFT JOIN stock s ON s.sku = a.sku AND s.warehouse = a.warehouse
        WHERE COALESCE(s.on_hand_micro - s.reserved_micro, 0) < a.qty_micro)
    WHERE id = new.id AND EXISTS (
        SELECT 1 FROM (SELECT sku, warehouse, SUM(qty_micro) AS qty_micro FROM shipperone_asked_items
                       WHERE inbox_id = new.id GROUP BY sku, warehouse) a
        LEFT JOIN stock s ON s.sku = a.sku AND s.warehouse = a.warehouse
        WHERE COALESCE(s.on_hand_micro - s.reserved_micro, 0) < a.qty_micro);
    INSERT INTO reservations (job_key, order_id, state, created_at)
        SELECT job_key, order_id, 'live', asked_at FROM shipperone_inbox WHERE id = new.id AND status = 'new';
    UPDATE stock SET reserved_micro = reserved_micro + (
        SELECT SUM(a.qty_micro) FROM shipperone_asked_items a
        WHERE a.inbox_id = new.id AND a.sku = stock.sku AND a.warehouse = stock.warehouse)
    WHERE EXISTS (SELECT 1 FROM shipperone_inbox WHERE id = new.id AND status = 'new')
      AND EXISTS (SELECT 1 FROM shipperone_asked_items a
                  WHERE a.inbox_id = new.id AND a.sku = stock.sku AND a.warehouse = stock.warehouse);
    INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty_micro)
        SELECT a.item_key, a.job_key, a.item_id, a.warehouse, a.sku, a.qty_micro
        FROM shipperone_asked_items a JOIN shipperone_inbox i ON i.id = a.inbox_id
        WHERE a.inbox_id = new.id AND i.status = 'new';
    INSERT INTO transfers (item_key, reservation_key, source, destination, sku, qty_micro)
        SELECT a.item_key, a.job_key, a.warehouse, i.warehouse_code, a.sku, a.qty_micro
        FROM shipperone_asked_items a JOIN shipperone_inbox i ON i.id = a.inbox_id
        WHERE a.inbox_id = new.id AND i.status = 'new' AND a.warehouse <> i.warehouse_code;
    UPDATE shipperone_inbox SET message = NULL,
        status = CASE WHEN EXISTS (SELECT 1 FROM transfers WHERE reservation_key = new.job_key AND NOT arrived)
                      THEN 'transfer' ELSE 'done' END,
        reference = (SELECT 'R-' || id FROM reservations WHERE job_key = new.job_key)
    WHERE id = new.id AND status = 'new';
END;

CREATE TRIGGER shipperone_release AFTER UPDATE OF status ON shipperone_inbox
WHEN new.status = 'new' AND new.request = 'release'
BEGIN
    UPDATE stock SET reserved_micro = reserved_micro - (
        SELECT SUM(l.qty_micro - l.shipped_micro) FROM reservation_lines l
        JOIN reservations r ON r.job_key = l.reservation_key AND r.state = 'live'
        WHERE l.reservation_key = new.job_key AND l.warehouse = stock.warehouse AND l.sku = stock.sku)
    WHERE EXISTS (
        SELECT 1 FROM reservation_lines l JOIN reservations r ON r.job_key = l.reservation_key AND r.state = 'live'
        WHERE l.reservation_key = new.job_key AND l.warehouse = stock.warehouse AND l.sku = stock.sku);
    UPDATE reservations SET state = 'voided' WHERE job_key = new.job_key AND state = 'live';
    DELETE FROM transfers WHERE reservation_key = new.job_key AND NOT arrived;
    -- what was asked for and is not reserved yet is not reserved any more
    UPDATE shipperone_inbox SET status = 'void' WHERE job_key = new.job_key AND request = 'reserve' AND status IN ('short', 'error');
    UPDATE shipperone_inbox SET status = 'done' WHERE id = new.id;
END;

CREATE TRIGGER shipperone_invoice AFTER UPDATE OF status ON shipperone_inbox
WHEN new.status = 'new' AND new.request = 'invoice'
BEGIN
    UPDATE counters SET last = last + 1 WHERE name = 'invoice';
    INSERT INTO invoices
        (job_key, order_id, order_number, state, number, tax_date, issue_date, currency, shipping_micro, total_micro, created_at,
         issued_at)
        SELECT new.job_key, new.order_id, new.order_number, 'issued', c.last, new.tax_date, new.issue_date, new.currency,
               CAST(ROUND(new.shipping_amount_incl_tax * 1000000) AS INTEGER),
               CAST(ROUND(new.shipping_amount_incl_tax * 1000000) AS INTEGER)
                   + (SELECT SUM(total_micro) FROM shipperone_asked_items WHERE inbox_id = new.id)
                   + (SELECT COALESCE(SUM(json_extract(value, '$.amount_micro')), 0) FROM json_each(new.charges_json)
                      WHERE json_extract(value, '$.kind') = 'line'),
               new.asked_at, new.asked_at
        FROM counters c WHERE c.name = 'invoice';
    INSERT INTO invoice_lines (item_key, invoice_key, line_no, item_id, sku, qty_micro, total_micro, tax_percent)
        SELECT item_key, job_key, line_no, item_id, sku, qty_micro, total_micro, tax_percent
        FROM shipperone_asked_items WHERE inbox_id = new.id;
    INSERT INTO invoice_charges (invoice_key, name, amount_micro)
        SELECT new.job_key, json_extract(value, '$.name'), json_extract(value, '$.amount_micro')
        FROM json_each(new.charges_json) WHERE json_extract(value, '$.kind') = 'line';
    UPDATE shipperone_inbox SET status = 'done', invoice_date = COALESCE(new.issue_date, new.tax_date),
        reference = (SELECT 'I-' || id FROM invoices WHERE job_key = new.job_key),
        invoice_number = (SELECT number FROM invoices WHERE job_key = new.job_key),
        total_incl_tax = (SELECT printf('%d.%06d', total_micro / 1000000, total_micro % 1000000)
                          FROM invoices WHERE job_key = new.job_key)
    WHERE id = new.id;
END;

-- What leaves each reservation line: the oldest reservation first, as far as each reaches.
CREATE VIEW shipperone_leaving AS
SELECT inbox_id, item_key, item_id, warehouse, sku, MIN(still, wanted - earlier) AS qty_micro FROM (
    SELECT a.inbox_id, l.item_key, l.item_id, l.warehouse, l.sku, a.qty_micro AS wanted,
           l.qty_micro - l.shipped_micro AS still,
           SUM(l.qty_micro - l.shipped_micro) OVER (PARTITION BY a.inbox_id, a.item_id ORDER BY r.id)
               - (l.qty_micro - l.shipped_micro) AS earlier
    FROM shipperone_asked_items a JOIN shipperone_inbox i ON i.id = a.inbox_id AND i.request = 'deliver' AND i.status = 'new'
    JOIN json_each(i.reservations_json) j
    JOIN reservations r ON 'R-' || r.id = json_extract(j.value, '$.reference') AND r.state = 'live'
    JOIN reservation_lines l ON l.reservation_key = r.job_key AND l.item_id = a.item_id
    WHERE l.qty_micro > l.shipped_micro)
WHERE earlier < wanted;

CREATE TRIGGER shipperone_deliver AFTER UPDATE OF status ON shipperone_inbox
WHEN new.status = 'new' AND new.request = 'deliver'
BEGIN
    UPDATE shipperone_inbox SET status = 'error', message = 'less of it is reserved than has shipped'
    WHERE id = new.id AND EXISTS (
        SELECT 1 FROM shipperone_asked_items a WHERE a.inbox_id = new.id AND a.qty_micro <> (
            SELECT COALESCE(SUM(v.qty_micro), 0) FROM shipperone_leaving v
            WHERE v.inbox_id = new.id AND v.item_id = a.item_id));
    INSERT INTO deliveries (job_key, order_id, delivered_at)
        SELECT job_key, order_id, asked_at FROM shipperone_inbox WHERE id = new.id AND status = 'new';
    UPDATE stock SET (on_hand_micro, reserved_micro) = (
        SELECT on_hand_micro - SUM(v.qty_micro), reserved_micro - SUM(v.qty_micro) FROM shipperone_leaving v
        WHERE v.inbox_id = new.id AND v.warehouse = stock.warehouse AND v.sku = stock.sku)
    WHERE EXISTS (SELECT 1 FROM shipperone_leaving v
                  WHERE v.inbox_id = new.id AND v.warehouse = stock.warehouse AND v.sku = stock.sku);
    UPDATE reservation_lines SET shipped_micro = shipped_micro + l.qty_micro
        FROM (SELECT item_key, qty_micro FROM shipperone_leaving WHERE inbox_id = new.id) l
        WHERE l.item_key = reservation_lines.item_key;
    UPDATE shipperone_inbox SET status = 'done' WHERE id = new.id AND status = 'new';
END;
