-- A program that answers the inbox on PostgreSQL, for the ERP's side to change: run it as the owner of the ERP's tables.
-- It calls the procedures of `sql setup --recipe procedures`, which are written on the example tables; put your own
-- bodies there. Then call it every few seconds, from cron or pg_cron, and from as many places as you like:
--   CALL shipperone_answer();

CREATE PROCEDURE shipperone_answer() LANGUAGE plpgsql AS $$
DECLARE
    asked shipperone_inbox;
    seen  bigint := 0;
BEGIN
    LOOP
        -- the oldest open request that nobody else is working on, locked until it is answered
        SELECT * INTO asked FROM shipperone_inbox
            WHERE status IN ('new', 'short', 'transfer') AND id > seen ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        seen := asked.id;
        BEGIN  -- a savepoint: what fails in here is undone, its answer is not
            IF asked.request = 'reserve' THEN
                IF asked.status <> 'transfer' THEN
                    PERFORM shipperone_reserve(asked.job_key, asked.order_id, asked.warehouse_code,
                                               CAST(asked.items_json AS jsonb), now());
                END IF;
                UPDATE shipperone_inbox SET status = CASE f.state WHEN 'live' THEN 'done' ELSE 'transfer' END,
                                            reference = f.reference, message = f.sentence, answered_at = now()
                    FROM shipperone_find_reservation(asked.job_key, 'arrived') f WHERE id = asked.id;
            ELSIF asked.request = 'release' THEN
                PERFORM shipperone_release(asked.job_key, asked.order_id, now());
                UPDATE shipperone_inbox SET status = 'done', answered_at = now() WHERE id = asked.id;
            ELSIF asked.request = 'invoice' THEN
                PERFORM shipperone_build_invoice(asked.job_key, asked.order_id, asked.order_number, asked.tax_date,
                                                 asked.currency, asked.shipping_amount_incl_tax,
                                                 CAST(asked.items_json AS jsonb), CAST(asked.charges_json AS jsonb), now());
                PERFORM shipperone_issue_invoice(asked.job_key, asked.tax_date, asked.issue_date, now());
                UPDATE shipperone_inbox i SET status = 'done', reference = f.reference,
                                              invoice_number = CAST(f.number AS text), invoice_date = f.date,
                                              total_incl_tax = f.total_incl_tax, answered_at = now()
                    FROM shipperone_find_invoice(asked.job_key) f WHERE i.id = asked.id;
            ELSE
                PERFORM shipperone_deliver(asked.job_key, asked.order_id, asked.warehouse_code,
                                           CAST(asked.reservations_json AS jsonb), CAST(asked.items_json AS jsonb), now());
                UPDATE shipperone_inbox SET status = 'done', answered_at = now() WHERE id = asked.id;
            END IF;
        EXCEPTION
            WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN
                NULL;  -- it stays open for the next round
            WHEN OTHERS THEN
                UPDATE shipperone_inbox
                    SET status = CASE WHEN SQLERRM LIKE 'NOT_ENOUGH_STOCK%' THEN 'short' ELSE 'error' END,
                        message = SQLERRM, answered_at = now()
                    WHERE id = asked.id;
        END;
        COMMIT;
    END LOOP;
END $$;
