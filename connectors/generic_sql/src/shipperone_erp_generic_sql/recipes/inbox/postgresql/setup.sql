-- The inbox on PostgreSQL: one table of requests, which the connector inserts and the ERP's program answers.

CREATE TABLE shipperone_inbox (
    id                       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request                  VARCHAR(10) NOT NULL,               -- reserve, release, invoice, deliver
    job_key                  VARCHAR(64) NOT NULL,               -- identifies the request: one row, however often it is repeated
    tenant                   TEXT NOT NULL,
    order_id                 TEXT NOT NULL,
    order_number             TEXT,
    generation               INTEGER,                            -- counts up after each release
    warehouse_code           TEXT NOT NULL,
    currency                 VARCHAR(10),
    shipping_amount_incl_tax NUMERIC(18, 6),
    tax_date                 DATE,                               -- the day of supply
    issue_date               DATE,                               -- the invoice's date, where an operator has set one
    items_json               TEXT NOT NULL,                      -- each item: item_id, sku, qty, item_warehouse_code, amounts
    order_json               TEXT NOT NULL,                      -- the whole order as ShipperOne lists it
    charges_json             TEXT,                               -- invoice: its fees, coupons and gift cards
    reservations_json        TEXT,                               -- deliver: the reservations that the goods come out of
    asked_at                 TIMESTAMPTZ NOT NULL,
    status                   VARCHAR(10) DEFAULT 'new' NOT NULL, -- the ERP's side writes from here on
    reference                TEXT,                               -- the ERP's own name of what it made
    invoice_number           TEXT,
    invoice_date             DATE,
    total_incl_tax           NUMERIC(18, 6),
    message                  TEXT,                               -- for operators: the reason of short or error
    answered_at              TIMESTAMPTZ,
    CONSTRAINT shipperone_asked_once UNIQUE (request, job_key)
);

CREATE INDEX shipperone_open ON shipperone_inbox (status, id);
