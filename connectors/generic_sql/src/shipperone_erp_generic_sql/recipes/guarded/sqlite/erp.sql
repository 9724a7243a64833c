-- A small ERP in one SQLite file. Quantities and amounts are whole millionths: SQLite has no exact decimals.

CREATE TABLE stock (
    warehouse      TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    on_hand_micro  INTEGER NOT NULL CHECK (on_hand_micro >= 0),
    reserved_micro INTEGER NOT NULL DEFAULT 0 CHECK (reserved_micro BETWEEN 0 AND on_hand_micro),
    PRIMARY KEY (warehouse, sku)
);

CREATE TABLE reservations (
    id         INTEGER PRIMARY KEY,
    job_key    TEXT NOT NULL UNIQUE,
    order_id   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('live', 'voided')),
    created_at TEXT NOT NULL
);

CREATE TABLE reservation_lines (
    item_key        TEXT    PRIMARY KEY,
    reservation_key TEXT    NOT NULL REFERENCES reservations (job_key),
    item_id         TEXT    NOT NULL,
    warehouse       TEXT    NOT NULL,
    sku             TEXT    NOT NULL,
    qty_micro       INTEGER NOT NULL,
    shipped_micro   INTEGER NOT NULL DEFAULT 0 CHECK (shipped_micro BETWEEN 0 AND qty_micro)
);
CREATE INDEX reservation_lines_of ON reservation_lines (reservation_key);

-- Goods that lie in another warehouse than the order's. Setting arrived = 1 moves them, and what is reserved of them.
CREATE TABLE transfers (
    id              INTEGER PRIMARY KEY,
    item_key        TEXT    NOT NULL UNIQUE REFERENCES reservation_lines (item_key),
    reservation_key TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    destination     TEXT    NOT NULL,
    sku             TEXT    NOT NULL,
    qty_micro       INTEGER NOT NULL,
    arrived         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX transfers_of ON transfers (reservation_key);

-- What has shipped meanwhile has left the source already.
CREATE TRIGGER transfer_arrives AFTER UPDATE OF arrived ON transfers WHEN new.arrived AND NOT old.arrived
BEGIN
    UPDATE stock SET reserved_micro = reserved_micro
            - (SELECT qty_micro - shipped_micro FROM reservation_lines WHERE item_key = new.item_key)
        WHERE warehouse = new.source AND sku = new.sku;
    UPDATE stock SET on_hand_micro = on_hand_micro
            - (SELECT qty_micro - shipped_micro FROM reservation_lines WHERE item_key = new.item_key)
        WHERE warehouse = new.source AND sku = new.sku;
    INSERT INTO stock (warehouse, sku, on_hand_micro, reserved_micro)
        SELECT new.destination, new.sku, qty_micro - shipped_micro, qty_micro - shipped_micro
        FROM reservation_lines WHERE item_key = new.item_key
        ON CONFLICT (warehouse, sku) DO UPDATE
        SET on_hand_micro = on_hand_micro + excluded.on_hand_micro,
            reserved_micro = reserved_micro + excluded.reserved_micro;
    UPDATE reservation_lines SET warehouse = new.destination WHERE item_key = new.item_key;
END;

CREATE TABLE invoices (
    id             INTEGER PRIMARY KEY,
    job_key        TEXT NOT NULL UNIQUE,
    order_id       TEXT NOT NULL,
    order_number   TEXT,
    state          TEXT NOT NULL CHECK (state IN ('draft', 'issued', 'voided')),
    number         INTEGER UNIQUE,
    tax_date       TEXT,
    issue_date     TEXT,
    currency       TEXT,
    shipping_micro INTEGER,
    total_micro    INTEGER,
    created_at     TEXT NOT NULL,
    issued_at      TEXT
);

CREATE TABLE invoice_lines (
    item_key    TEXT    PRIMARY KEY,
    invoice_key TEXT    NOT NULL REFERENCES invoices (job_key),
    line_no     INTEGER NOT NULL,
    item_id     TEXT    NOT NULL,
    sku         TEXT    NOT NULL,
    qty_micro   INTEGER NOT NULL,
    total_micro INTEGER NOT NULL,
    tax_percent TEXT
);
CREATE INDEX invoice_lines_of ON invoice_lines (invoice_key);

-- Fees and coupons: what an order's charges of kind "line" add to its invoice, or take off it.
CREATE TABLE invoice_charges (
    invoice_key  TEXT    NOT NULL REFERENCES invoices (job_key),
    name         TEXT    NOT NULL,
    amount_micro INTEGER NOT NULL,
    PRIMARY KEY (invoice_key, name)
);

-- The last number of each series: numbers have no gaps, and two invoices never the same one.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    last INTEGER NOT NULL
);
INSERT INTO counters (name, last) VALUES ('invoice', 0);

CREATE TABLE deliveries (
    job_key      TEXT PRIMARY KEY,
    order_id     TEXT NOT NULL,
    delivered_at TEXT NOT NULL
);

-- What left, by the reservation line that it came out of: a shipment may come out of several reservations.
CREATE TABLE delivery_lines (
    delivery_key TEXT NOT NULL REFERENCES deliveries (job_key),
    item_key     TEXT NOT NULL REFERENCES reservation_lines (item_key),
    item_id      TEXT NOT NULL,
    warehouse    TEXT NOT NULL,
    sku          TEXT NOT NULL,
    qty_micro    INTEGER NOT NULL,
    PRIMARY KEY (delivery_key, item_key)
);
