-- A small ERP on PostgreSQL.

CREATE TABLE stock (
    warehouse TEXT           NOT NULL,
    sku       TEXT           NOT NULL,
    on_hand   NUMERIC(18, 6) NOT NULL CHECK (on_hand >= 0),
    reserved  NUMERIC(18, 6) NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND on_hand),
    PRIMARY KEY (warehouse, sku)
);

CREATE TABLE reservations (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_key    VARCHAR(64) NOT NULL UNIQUE,
    order_id   TEXT        NOT NULL,
    state      TEXT        NOT NULL CHECK (state IN ('live', 'voided')),
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE reservation_lines (
    item_key        TEXT           PRIMARY KEY,
    reservation_key VARCHAR(64)    NOT NULL REFERENCES reservations (job_key),
    item_id         TEXT           NOT NULL,
    warehouse       TEXT           NOT NULL,
    sku             TEXT           NOT NULL,
    qty             NUMERIC(18, 6) NOT NULL,
    shipped         NUMERIC(18, 6) NOT NULL DEFAULT 0 CHECK (shipped BETWEEN 0 AND qty)
);
CREATE INDEX reservation_lines_of ON reservation_lines (reservation_key);

-- Goods that lie in another warehouse than the order's. Setting arrived moves them, and what is reserved of them.
CREATE TABLE transfers (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_key        TEXT           NOT NULL UNIQUE REFERENCES reservation_lines (item_key),
    reservation_key VARCHAR(64)    NOT NULL,
    source          TEXT           NOT NULL,
    destination     TEXT           NOT NULL,
    sku             TEXT           NOT NULL,
    qty             NUMERIC(18, 6) NOT NULL,
    arrived         BOOLEAN        NOT NULL DEFAULT FALSE
);
CREATE INDEX transfers_of ON transfers (reservation_key);

CREATE FUNCTION transfer_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved numeric;  -- what has shipped meanwhile has left the source already
BEGIN
    UPDATE reservation_lines SET warehouse = new.destination WHERE item_key = new.item_key
        RETURNING qty - shipped INTO moved;
    UPDATE stock SET reserved = reserved - moved, on_hand = on_hand - moved
        WHERE warehouse = new.source AND sku = new.sku;
    INSERT INTO stock (warehouse, sku, on_hand, reserved) VALUES (new.destination, new.sku, moved, moved)
        ON CONFLICT (warehouse, sku) DO UPDATE
        SET on_hand = stock.on_hand + moved, reserved = stock.reserved + moved;
    RETURN new;
END $$;

CREATE TRIGGER transfer_arrives AFTER UPDATE OF arrived ON transfers
    FOR EACH ROW WHEN (new.arrived AND NOT old.arrived) EXECUTE FUNCTION transfer_arrives();

CREATE TABLE invoices (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_key      VARCHAR(64)    NOT NULL UNIQUE,
    order_id     TEXT           NOT NULL,
    order_number TEXT,
    state        TEXT           NOT NULL CHECK (state IN ('draft', 'issued', 'voided')),
    number       BIGINT         UNIQUE,
    tax_date     DATE,
    issue_date   DATE,
    currency     TEXT,
    shipping     NUMERIC(18, 6),
    total        NUMERIC(18, 6),
    created_at   TIMESTAMPTZ    NOT NULL,
    issued_at    TIMESTAMPTZ
);

CREATE TABLE invoice_lines (
    item_key    TEXT           PRIMARY KEY,
    invoice_key VARCHAR(64)    NOT NULL REFERENCES invoices (job_key),
    line_no     INTEGER        NOT NULL,
    item_id     TEXT           NOT NULL,
    sku         TEXT           NOT NULL,
    qty         NUMERIC(18, 6) NOT NULL,
    total       NUMERIC(18, 6) NOT NULL,
    tax_percent NUMERIC(9, 4)
);
CREATE INDEX invoice_lines_of ON invoice_lines (invoice_key);

-- Fees and coupons: what an order's charges of kind "line" add to its invoice, or take off it.
CREATE TABLE invoice_charges (
    invoice_key VARCHAR(64)    NOT NULL REFERENCES invoices (job_key),
    name        TEXT           NOT NULL,
    amount      NUMERIC(18, 6) NOT NULL,
    PRIMARY KEY (invoice_key, name)
);

-- The last number of each series: numbers have no gaps, and two invoices never the same one.
CREATE TABLE counters (
    name TEXT   PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO counters (name, last) VALUES ('invoice', 0);

CREATE TABLE deliveries (
    job_key      VARCHAR(64) PRIMARY KEY,
    order_id     TEXT        NOT NULL,
    delivered_at TIMESTAMPTZ NOT NULL
);

-- What left, by the reservation line that it came out of: a shipment may come out of several reservations.
CREATE TABLE delivery_lines (
    delivery_key TEXT NOT NULL REFERENCES deliveries (job_key),
    item_key     TEXT NOT NULL REFERENCES reservation_lines (item_key),
    item_id      TEXT NOT NULL,
    warehouse    TEXT NOT NULL,
    sku          TEXT NOT NULL,
    qty         NUMERIC(18, 6) NOT NULL,
    PRIMARY KEY (delivery_key, item_key)
);
