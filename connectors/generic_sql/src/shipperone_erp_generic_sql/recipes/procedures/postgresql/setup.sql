-- Stored procedures through which alone the connector reaches the ERP's tables. They are written on the example tables
-- of the guarded recipe: put your own tables in, keep names, arguments and results. None of them may commit.
-- SECURITY DEFINER: they run with the rights of whoever made them.

CREATE FUNCTION shipperone_find_reservation(p_key text, p_transfer text)
RETURNS TABLE (reference text, state text, sentence text) LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT 'R-' || r.id,
           CASE WHEN r.state = 'voided' THEN 'voided'
                WHEN p_transfer = 'arrived' AND t.id IS NOT NULL THEN 'waiting_for_transfer'
                ELSE 'live' END,
           'transfer T-' || t.id || ' from ' || t.source || ' has not arrived yet'
    FROM reservations r LEFT JOIN transfers t ON t.reservation_key = r.job_key AND NOT t.arrived
    WHERE r.job_key = p_key ORDER BY t.id LIMIT 1
$$;

CREATE FUNCTION shipperone_available(p_warehouse text, p_sku text)
RETURNS numeric LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT on_hand - reserved FROM stock WHERE warehouse = p_warehouse AND sku = p_sku
$$;

CREATE FUNCTION shipperone_reserve(p_key text, p_order_id text, p_warehouse text, p_items jsonb, p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    line record;
BEGIN
    -- a second call with the same key fails here; the connector then looks again
    INSERT INTO reservations (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'live', p_now);
    FOR line IN
        SELECT * FROM jsonb_to_recordset(p_items)
            AS i (item_key text, item_id text, item_warehouse_code text, sku text, qty numeric)
        ORDER BY item_warehouse_code, sku
    LOOP
        UPDATE stock SET reserved = reserved + line.qty
            WHERE warehouse = line.item_warehouse_code AND sku = line.sku AND on_hand - reserved >= line.qty;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'NOT_ENOUGH_STOCK of %', line.sku;
        END IF;
        INSERT INTO reservation_lines (item_key, reservation_key, item_id, warehouse, sku, qty)
            VALUES (line.item_key, p_key, line.item_id, line.item_warehouse_code, line.sku, line.qty);
        IF line.item_warehouse_code <> p_warehouse THEN
            INSERT INTO transfers (item_key, reservation_key, source, destination, sku, qty)
                VALUES (line.item_key, p_key, line.item_warehouse_code, p_warehouse, line.sku, line.qty);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION shipperone_release(p_key text, p_order_id text, p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    was text;
BEGIN
    SELECT state INTO was FROM reservations WHERE job_key = p_key FOR UPDATE;
    IF NOT FOUND THEN  -- a mark, so that a late reserve of this key finds it voided
        INSERT INTO reservations (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'voided', p_now);
    ELSIF was = 'live' THEN
        UPDATE reservations SET state = 'voided' WHERE job_key = p_key;
        -- before the stock: what someone else receives now is released where it arrives
        DELETE FROM transfers WHERE reservation_key = p_key AND NOT arrived;
        UPDATE stock SET reserved = reserved - l.qty
            FROM (SELECT warehouse, sku, SUM(qty - shipped) AS qty FROM reservation_lines
                  WHERE reservation_key = p_key GROUP BY warehouse, sku) l
            WHERE l.warehouse = stock.warehouse AND l.sku = stock.sku;
    END IF;
END $$;

CREATE FUNCTION shipperone_find_invoice(p_key text)
RETURNS TABLE (reference text, state text, number bigint, date date, currency text, total_incl_tax numeric,
               shipping_amount_incl_tax numeric)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT 'I-' || id, state, number, COALESCE(issue_date, tax_date), currency, total, shipping FROM invoices WHERE job_key = p_key
$$;

CREATE FUNCTION shipperone_find_reservation_lines(p_key text)
RETURNS TABLE (item_id text, sku text, qty numeric)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT l.item_id, l.sku, l.qty - l.shipped
    FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key
    WHERE r.job_key = p_key AND r.state = 'live'
$$;

CREATE FUNCTION shipperone_find_invoice_lines(p_key text)
RETURNS TABLE (item_id text, qty numeric, total_incl_tax numeric, tax_percent numeric)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT item_id, qty, total, tax_percent FROM invoice_lines WHERE invoice_key = p_key ORDER BY line_no
$$;

CREATE FUNCTION shipperone_build_invoice(p_key text, p_order_id text, p_order_number text, p_tax_date date,
                                         p_currency text, p_shipping numeric, p_items jsonb, p_charges jsonb,
                                         p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO invoices (job_key, order_id, order_number, state, tax_date, currency, shipping, total, created_at)
        SELECT p_key, p_order_id, p_order_number, 'draft', p_tax_date, p_currency, p_shipping,
               p_shipping + SUM(line_total_incl_tax)
                   + (SELECT COALESCE(SUM(amount), 0) FROM jsonb_to_recordset(p_charges) AS c (kind text, amount numeric)
                      WHERE kind = 'line'),
               p_now
        FROM jsonb_to_recordset(p_items) AS i (line_total_incl_tax numeric);
    INSERT INTO invoice_lines (item_key, invoice_key, line_no, item_id, sku, qty, total, tax_percent)
        SELECT item_key, p_key, line_no, item_id, sku, qty, line_total_incl_tax, tax_percent
        FROM jsonb_to_recordset(p_items) AS i (item_key text, line_no int, item_id text, sku text, qty numeric,
                                               line_total_incl_tax numeric, tax_percent numeric);
    -- fees and coupons; a charge of kind "payment" is not on the invoice
    INSERT INTO invoice_charges (invoice_key, name, amount)
        SELECT p_key, name, amount FROM jsonb_to_recordset(p_charges) AS c (name text, kind text, amount numeric)
        WHERE kind = 'line';
END $$;

CREATE FUNCTION shipperone_issue_invoice(p_key text, p_tax_date date, p_issue_date date, p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE invoices SET state = 'issued', tax_date = p_tax_date, issue_date = p_issue_date, issued_at = p_now
        WHERE job_key = p_key AND state = 'draft';
    IF FOUND THEN
        UPDATE counters SET last = last + 1 WHERE name = 'invoice' RETURNING last INTO next;
        UPDATE invoices SET number = next WHERE job_key = p_key;
    END IF;
END $$;

CREATE FUNCTION shipperone_discard_invoice(p_key text, p_order_id text, p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE invoices SET state = 'voided' WHERE job_key = p_key AND state = 'draft';
    IF NOT FOUND AND NOT EXISTS (SELECT 1 FROM invoices WHERE job_key = p_key) THEN
        INSERT INTO invoices (job_key, order_id, state, created_at) VALUES (p_key, p_order_id, 'voided', p_now);
    END IF;
END $$;

CREATE FUNCTION shipperone_find_delivery(p_key text)
RETURNS TABLE (state text) LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT 'done' FROM deliveries WHERE job_key = p_key
$$;

CREATE FUNCTION shipperone_deliver(p_key text, p_order_id text, p_warehouse text, p_reservations jsonb, p_items jsonb,
                                   p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    -- by the references that shipperone_find_reservation gave: one that was reserved by hand has another key
    held   bigint[] := ARRAY(SELECT CAST(SUBSTRING(value ->> 'reference' FROM '^R-([0-9]{1,18})$') AS bigint)
                             FROM jsonb_array_elements(p_reservations));
    line   record;
    source record;
    need   numeric;
    take   numeric;
BEGIN
    -- no other delivery or release, and no transfer that arrives, works on these at the same time
    PERFORM 1 FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key
        WHERE r.id = ANY (held) ORDER BY r.id, l.item_key FOR UPDATE;
    INSERT INTO deliveries (job_key, order_id, delivered_at) VALUES (p_key, p_order_id, p_now);
    FOR line IN
        SELECT * FROM jsonb_to_recordset(p_items) AS i (item_id text, sku text, qty numeric) ORDER BY sku
    LOOP
        IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(p_reservations)
                       WHERE value -> 'item_ids' @> to_jsonb(line.item_id)) THEN
            -- it was not reserved here: it leaves what is free, never what others have reserved
            UPDATE stock SET on_hand = on_hand - line.qty
                WHERE warehouse = p_warehouse AND sku = line.sku AND on_hand - reserved >= line.qty;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'LESS_IS_FREE of %', line.sku;
            END IF;
            CONTINUE;
        END IF;
        need := line.qty;
        FOR source IN
            SELECT l.* FROM reservation_lines l JOIN reservations r ON r.job_key = l.reservation_key
            WHERE r.id = ANY (held) AND r.state = 'live' AND l.item_id = line.item_id AND l.shipped < l.qty
            ORDER BY r.id
        LOOP
            take := LEAST(need, source.qty - source.shipped);
            UPDATE stock SET reserved = reserved - take, on_hand = on_hand - take
                WHERE warehouse = source.warehouse AND sku = source.sku;
            UPDATE reservation_lines SET shipped = shipped + take WHERE item_key = source.item_key;
            need := need - take;
            EXIT WHEN need = 0;
        END LOOP;
        IF need > 0 THEN
            RAISE EXCEPTION 'LESS_IS_RESERVED of %', line.sku;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION shipperone_list_documents(p_since timestamptz)
RETURNS TABLE (kind text, key text, reference text, order_id text, total_incl_tax numeric, currency text, state text,
               number bigint, date date)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT 'invoice', job_key, 'I-' || id, order_id, total, currency, state, number, COALESCE(issue_date, tax_date)
    FROM invoices WHERE created_at >= p_since OR issued_at >= p_since
    UNION ALL
    SELECT 'reservation', job_key, 'R-' || id, order_id, NULL, NULL, state, NULL, NULL
    FROM reservations WHERE created_at >= p_since
$$;

CREATE FUNCTION shipperone_list_document_lines(p_since timestamptz)
RETURNS TABLE (kind text, reference text, item_id text, qty numeric, total_incl_tax numeric, tax_percent numeric)
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT 'invoice', 'I-' || i.id, l.item_id, l.qty, l.total, l.tax_percent
    FROM invoices i JOIN invoice_lines l ON l.invoice_key = i.job_key
    WHERE i.created_at >= p_since OR i.issued_at >= p_since
    UNION ALL
    SELECT 'reservation', 'R-' || r.id, l.item_id, l.qty, NULL, NULL
    FROM reservations r JOIN reservation_lines l ON l.reservation_key = r.job_key WHERE r.created_at >= p_since
$$;
