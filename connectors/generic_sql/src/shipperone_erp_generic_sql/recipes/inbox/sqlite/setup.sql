-- The inbox on SQLite: one table of requests, which the connector inserts and the ERP's program answers.

CREATE TABLE shipperone_inbox (
    id                       INTEGER PRIMARY KEY,
    request                  TEXT NOT NULL,                      -- reserve, release, invoice, deliver
    job_key                  TEXT NOT NULL,                      -- identifies the request: one row, however often it is repeated
    tenant                   TEXT NOT NULL,
    order_id                 TEXT NOT NULL,
    order_number             TEXT,
    generation               INTEGER,                            -- counts up after each release
    warehouse_code           TEXT NOT NULL,
    currency                 TEXT,
    shipping_amount_incl_tax TEXT,
    tax_date                 TEXT,                               -- the day of supply
    issue_date               TEXT,                               -- the invoice's date, where an operator has set one
    items_json               TEXT NOT NULL,                      -- each item: item_id, sku, qty, item_warehouse_code, amounts
    order_json               TEXT NOT NULL,                      -- the whole order as ShipperOne lists it
    charges_json             TEXT,                               -- invoice: its fees, coupons and gift cards
    reservations_json        TEXT,                               -- deliver: the reservations that the goods come out of
    asked_at                 TEXT NOT NULL,
    status                   TEXT DEFAULT 'new' NOT NULL,        -- the ERP's side writes from here on
    reference                TEXT,                               -- the ERP's own name of what it made
    invoice_number           TEXT,
    invoice_date             TEXT,
    total_incl_tax           TEXT,
    message                  TEXT,                               -- for operators: the reason of short or error
    answered_at              TEXT,
    CONSTRAINT shipperone_asked_once UNIQUE (request, job_key)
);

CREATE INDEX shipperone_open ON shipperone_inbox (status, id);
