-- A program that answers the inbox on MariaDB, for the ERP's side to change: run it as the owner of the ERP's tables.
-- It calls the procedures of `sql setup --recipe procedures`, which are written on the example tables; put your own
-- bodies there. Then call it every few seconds, from cron or an EVENT, and from as many places as you like:
--   CALL shipperone_answer();

DELIMITER //
CREATE PROCEDURE shipperone_answer_one(p_id BIGINT, p_key VARCHAR(64), p_request VARCHAR(10), p_status VARCHAR(10))
BEGIN
    DECLARE told TEXT;
    DECLARE code INTEGER;
    DECLARE moment DATETIME(6) DEFAULT UTC_TIMESTAMP(6);
    DECLARE asked ROW TYPE OF shipperone_inbox;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 told = MESSAGE_TEXT, code = MYSQL_ERRNO;
        IF code IN (1020, 1205, 1213) THEN
            ROLLBACK;  -- another transaction was in the way: it stays open for the next round
        ELSE
            ROLLBACK TO SAVEPOINT before_it;  -- what it has done is undone, its answer is not
            UPDATE shipperone_inbox
                SET status = IF(told LIKE 'NOT_ENOUGH_STOCK%', 'short', 'error'), message = told, answered_at = moment
                WHERE id = p_id;
        END IF;
    END;
    SELECT * INTO asked FROM shipperone_inbox WHERE id = p_id;
    SAVEPOINT before_it;
    IF p_request = 'reserve' THEN
        IF p_status <> 'transfer' THEN
            CALL shipperone_reserve(p_key, asked.order_id, asked.warehouse_code, asked.items_json, moment);
        END IF;
        UPDATE shipperone_inbox
            SET status = IF(EXISTS (SELECT 1 FROM transfers WHERE reservation_key = p_key AND NOT arrived), 'transfer', 'done'),
                message = NULL, answered_at = moment,
                reference = (SELECT CONCAT('R-', id) FROM reservations WHERE job_key = p_key)
            WHERE id = p_id;
    ELSEIF p_request = 'release' THEN
        CALL shipperone_release(p_key, asked.order_id, moment);
        UPDATE shipperone_inbox SET status = 'done', answered_at = moment WHERE id = p_id;
    ELSEIF p_request = 'invoice' THEN
        CALL shipperone_build_invoice(p_key, asked.order_id, asked.order_number, asked.tax_date, asked.currency,
                                      asked.shipping_amount_incl_tax, asked.items_json, asked.charges_json, moment);
        CALL shipperone_issue_invoice(p_key, asked.tax_date, asked.issue_date, moment);
        UPDATE shipperone_inbox i JOIN invoices v ON v.job_key = p_key
            SET i.status = 'done', i.reference = CONCAT('I-', v.id), i.invoice_number = v.number,
                i.invoice_date = COALESCE(v.issue_date, v.tax_date), i.total_incl_tax = v.total, i.answered_at = moment
            WHERE i.id = p_id;
    ELSE
        CALL shipperone_deliver(p_key, asked.order_id, asked.warehouse_code, asked.reservations_json, asked.items_json,
                                moment);
        UPDATE shipperone_inbox SET status = 'done', answered_at = moment WHERE id = p_id;
    END IF;
END//

CREATE PROCEDURE shipperone_answer()
BEGIN
    DECLARE seen, v_id BIGINT DEFAULT 0;
    DECLARE v_key VARCHAR(64);
    DECLARE v_request, v_status VARCHAR(10);
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    rounds: LOOP
        SET v_id = NULL;
        START TRANSACTION;
        -- the oldest open request that nobody else is working on, locked until it is answered
        SELECT id, job_key, request, status INTO v_id, v_key, v_request, v_status FROM shipperone_inbox
            WHERE status IN ('new', 'short', 'transfer') AND id > seen ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF v_id IS NULL THEN
            COMMIT;
            LEAVE rounds;
        END IF;
        SET seen = v_id;
        CALL shipperone_answer_one(v_id, v_key, v_request, v_status);
        COMMIT;
    END LOOP;
END//
DELIMITER ;
