-- Stored procedures through which alone the connector reaches the ERP's tables. They are written on the example tables
-- of the guarded recipe: put your own tables in, keep names, arguments and results. None of them may commit.
-- They run with the rights of whoever made them (SQL SECURITY DEFINER). JSON_TABLE needs MariaDB 10.6.

DELIMITER //

CREATE PROCEDURE shipperone_find_reservation(p_key VARCHAR(64), p_transfer VARCHAR(10)) SQL SECURITY DEFINER
    SELECT CONCAT('R-', r.id) AS reference,
           CASE WHEN r.state = 'voided' THEN 'voided'
                WHEN p_transfer = 'arrived' AND t.id IS NOT NULL THEN 'waiting_for_transfer'
                ELSE 'live' END AS state,
           CONCAT('transfer T-', t.id, ' from ', t.source, ' has not arrived yet') AS sentence
    FROM reservations r LEFT JOIN transfers t ON t.reservation_key = r.job_key AND NOT t.arrived
    WHERE r.job_key = p_key ORDER BY t.id LIMIT 1//

CREATE PROCEDURE shipperone_available(p_warehouse VARCHAR(100), p_sku VARCHAR(191)) SQL SECURITY DEFINER
    SELECT on_hand - reserved AS available FROM stock WHERE warehouse = p_warehouse AND sku = p_sku//

CREATE PROCEDURE shipperone_reserve(p_key VARCHAR(64), p_order_id VARCHAR(191), p_warehouse VARCHAR(100),
                                    p_items LONGTEXT, p_now DATETIME(6)) SQL SECURITY DEFINER
BEGIN
    DECLARE said VARCHAR(128);
    -- a second call with the same key fails here; the connector then looks again
    INSERT INTO reservations (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'live', p_now);
    INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty)
        SELECT item_key, p_key, item_id, warehouse, sku, qty
        FROM JSON_TABLE(p_items, '$[*]' COLUMNS (
            item_key VARCHAR(255) PATH '$.item_key', item_id VARCHAR(190) PATH '$.item_id',
            warehouse VARCHAR(100) PATH '$.item_warehouse_code', sku VARCHAR(191) PATH '$.sku',
            qty DECIMAL(18, 6) PATH '$.qty')) i;
    FOR wanted IN (SELECT warehouse, sku, SUM(qty) AS qty FROM reservation_lines
                   WHERE reservation_key = p_key GROUP BY warehouse, sku ORDER BY warehouse, sku)
    DO
        UPDATE stock SET reserved = reserved + wanted.qty
            WHERE warehouse = wanted.warehouse AND sku = wanted.sku AND on_hand - reserved >= wanted.qty;
        IF ROW_COUNT() = 0 THEN
            SET said = LEFT(CONCAT('NOT_ENOUGH_STOCK of ', wanted.sku), 128);  -- a longer text is refused
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said;
        END IF;
    END FOR;
    INSERT INTO transfers (item_key, reservation_key, source, destination, sku, qty)
        SELECT item_key, p_key, warehouse, p_warehouse, sku, qty FROM reservation_lines
        WHERE reservation_key = p_key AND warehouse <> p_warehouse ORDER BY item_key;
END//

CREATE PROCEDURE shipperone_release(p_key VARCHAR(64), p_order_id VARCHAR(191), p_now DATETIME(6)) SQL SECURITY DEFINER
BEGIN
    DECLARE was VARCHAR(10) DEFAULT NULL;
    SELECT state INTO was FROM reservations WHERE job_key = p_key FOR UPDATE;
    IF was IS NULL THEN  -- a mark, so that a late reserve of this key finds it voided
        INSERT INTO reservations (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'voided', p_now);
    ELSEIF was = 'live' THEN
        UPDATE reservations SET state = 'voided' WHERE job_key = p_key;
        -- before the stock: what someone else receives now is released where it arrives
        DELETE FROM transfers WHERE reservation_key = p_key AND NOT arrived;
        UPDATE stock
        JOIN (SELECT warehouse, sku, SUM(qty - shipped) AS qty FROM reservation_lines
              WHERE reservation_key = p_key GROUP BY warehouse, sku) l
             ON l.warehouse = stock.warehouse AND l.sku = stock.sku
        SET stock.reserved = stock.reserved - l.qty;
    END IF;
END//

CREATE PROCEDURE shipperone_find_invoice(p_key VARCHAR(64)) SQL SECURITY DEFINER
    SELECT CONCAT('I-', id) AS reference, state, number, COALESCE(issue_date, tax_date) AS date, currency, total AS total_incl_tax,
           shipping AS shipping_amount_incl_tax
    FROM invoices WHERE job_key = p_key//

CREATE PROCEDURE shipperone_find_reservation_lines(p_key VARCHAR(64)) SQL SECURITY DEFINER
    SELECT l.item_id, l.sku, l.qty - l.shipped AS qty
    FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key
    WHERE r.job_key = p_key AND r.state = 'live'//

CREATE PROCEDURE shipperone_find_invoice_lines(p_key VARCHAR(64)) SQL SECURITY DEFINER
    SELECT item_id, qty, total AS total_incl_tax, tax_percent FROM invoice_lines
    WHERE invoice_key = p_key ORDER BY line_no//

CREATE PROCEDURE shipperone_build_invoice(p_key VARCHAR(64), p_order_id VARCHAR(191), p_order_number TEXT,
                                          p_tax_date DATE, p_currency VARCHAR(10), p_shipping DECIMAL(18, 6),
                                          p_items LONGTEXT, p_charges LONGTEXT, p_now DATETIME(6))
SQL SECURITY DEFINER
BEGIN
    INSERT INTO invoices (job_key, order_id, order_number, state, tax_date, currency, shipping, created_at)
        VALUES (p_key, p_order_id, p_order_number, 'draft', p_tax_date, p_currency, p_shipping, p_now);
    INSERT INTO invoice_lines (item_key, invoice_key, line_no, item_id, sku, qty, total, tax_percent)
        SELECT item_key, p_key, line_no, item_id, sku, qty, total, tax_percent
        FROM JSON_TABLE(p_items, '$[*]' COLUMNS (
            item_key VARCHAR(255) PATH '$.item_key', line_no INT PATH '$.line_no',
            item_id VARCHAR(190) PATH '$.item_id', sku VARCHAR(191) PATH '$.sku', qty DECIMAL(18, 6) PATH '$.qty',
            total DECIMAL(18, 6) PATH '$.line_total_incl_tax', tax_percent DECIMAL(9, 4) PATH '$.tax_percent')) i;
    -- fees and coupons; a charge of kind "payment" is not on the invoice
    INSERT INTO invoice_charges (invoice_key, name, amount)
        SELECT p_key, name, amount
        FROM JSON_TABLE(p_charges, '$[*]' COLUMNS (
            name VARCHAR(190) PATH '$.name', kind VARCHAR(10) PATH '$.kind',
            amount DECIMAL(18, 6) PATH '$.amount')) c
        WHERE kind = 'line';
    UPDATE invoices SET total = p_shipping
            + (SELECT SUM(total) FROM invoice_lines WHERE invoice_key = p_key)
            + (SELECT COALESCE(SUM(amount), 0) FROM invoice_charges WHERE invoice_key = p_key)
        WHERE job_key = p_key;
END//

CREATE PROCEDURE shipperone_issue_invoice(p_key VARCHAR(64), p_tax_date DATE, p_issue_date DATE, p_now DATETIME(6))
SQL SECURITY DEFINER
BEGIN
    UPDATE invoices SET state = 'issued', tax_date = p_tax_date, issue_date = p_issue_date, issued_at = p_now
        WHERE job_key = p_key AND state = 'draft';
    IF ROW_COUNT() = 1 THEN
        UPDATE counters SET last = last + 1 WHERE name = 'invoice';
        UPDATE invoices SET number = (SELECT last FROM counters WHERE name = 'invoice') WHERE job_key = p_key;
    END IF;
END//

CREATE PROCEDURE shipperone_discard_invoice(p_key VARCHAR(64), p_order_id VARCHAR(191), p_now DATETIME(6))
SQL SECURITY DEFINER
BEGIN
    UPDATE invoices SET state = 'voided' WHERE job_key = p_key AND state = 'draft';
    IF ROW_COUNT() = 0 AND NOT EXISTS (SELECT 1 FROM invoices WHERE job_key = p_key) THEN
        INSERT INTO invoices (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'voided', p_now);
    END IF;
END//

CREATE PROCEDURE shipperone_find_delivery(p_key VARCHAR(64)) SQL SECURITY DEFINER
    SELECT 'done' AS state FROM deliveries WHERE job_key = p_key//

CREATE PROCEDURE shipperone_deliver(p_key VARCHAR(64), p_order_id VARCHAR(191), p_warehouse VARCHAR(100),
                                    p_reservations LONGTEXT, p_items LONGTEXT, p_now DATETIME(6)) SQL SECURITY DEFINER
BEGIN
    DECLARE need, take DECIMAL(18, 6);
    DECLARE said VARCHAR(128);
    -- No other delivery or release, and no transfer that arrives, works on these at the same time. They are known by
    -- the references that shipperone_find_reservation gave: one that was reserved by hand has another key.
    FOR locked IN (SELECT l.item_key FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key
                   WHERE JSON_CONTAINS(JSON_EXTRACT(p_reservations, '$[*].reference'), JSON_QUOTE(CONCAT('R-', r.id)))
                   ORDER BY r.id, l.item_key FOR UPDATE)
    DO
        SET need = 0;
    END FOR;
    INSERT INTO deliveries (job_key, order_id, delivered_at) VALUES (p_key, p_order_id, p_now);
    FOR line IN (SELECT * FROM JSON_TABLE(p_items, '$[*]' COLUMNS (
                     item_id VARCHAR(190) PATH '$.item_id', sku VARCHAR(191) PATH '$.sku',
                     qty DECIMAL(18, 6) PATH '$.qty')) i ORDER BY sku)
    DO
        SET need = line.qty;
        IF NOT COALESCE(
            JSON_CONTAINS(JSON_EXTRACT(p_reservations, '$[*].item_ids[*]'), JSON_QUOTE(line.item_id)), 0)
        THEN
            -- it was not reserved here: it leaves what is free, never what others have reserved
            UPDATE stock SET on_hand = on_hand - need
                WHERE warehouse = p_warehouse AND sku = line.sku AND on_hand - reserved >= need;
            IF ROW_COUNT() = 0 THEN
                SET said = LEFT(CONCAT('LESS_IS_FREE of ', line.sku), 128);
                SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said;
            END IF;
            SET need = 0;
        END IF;
        FOR source IN (SELECT l.item_key, l.warehouse, l.sku, l.qty - l.shipped AS remains
                       FROM reservation_lines l JOIN reservations r ON r.job_key = l.reservation_key
                       WHERE JSON_CONTAINS(JSON_EXTRACT(p_reservations, '$[*].reference'), JSON_QUOTE(CONCAT('R-', r.id)))
                         AND r.state = 'live' AND l.item_id = line.item_id AND l.shipped < l.qty
                       ORDER BY r.id)
        DO
            SET take = LEAST(need, source.remains);
            IF take > 0 THEN
                UPDATE stock SET reserved = reserved - take, on_hand = on_hand - take
                    WHERE warehouse = source.warehouse AND sku = source.sku;
                UPDATE reservation_lines SET shipped = shipped + take WHERE item_key = source.item_key;
                SET need = need - take;
            END IF;
        END FOR;
        IF need > 0 THEN
            SET said = LEFT(CONCAT('LESS_IS_RESERVED of ', line.sku), 128);
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said;
        END IF;
    END FOR;
END//

CREATE PROCEDURE shipperone_list_documents(p_since DATETIME(6)) SQL SECURITY DEFINER
    SELECT 'invoice' AS kind, job_key AS `key`, CONCAT('I-', id) AS reference, order_id, total AS total_incl_tax,
           currency, state, number, COALESCE(issue_date, tax_date) AS date
    FROM invoices WHERE created_at >= p_since OR issued_at >= p_since
    UNION ALL
    SELECT 'reservation', job_key, CONCAT('R-', id), order_id, NULL, NULL, state, NULL, NULL
    FROM reservations WHERE created_at >= p_since//

CREATE PROCEDURE shipperone_list_document_lines(p_since DATETIME(6)) SQL SECURITY DEFINER
    SELECT 'invoice' AS kind, CONCAT('I-', i.id) AS reference, l.item_id, l.qty, l.total AS total_incl_tax, l.tax_percent
    FROM invoices i JOIN invoice_lines l ON l.invoice_key = i.job_key
    WHERE i.created_at >= p_since OR i.issued_at >= p_since
    UNION ALL
    SELECT 'reservation', CONCAT('R-', r.id), l.item_id, l.qty, NULL, NULL
    FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key WHERE r.created_at >= p_since//

DELIMITER ;
