-- The inbox on Oracle (compiled in tests, not run against a server): one table of requests, which the connector inserts and the ERP's program answers.

CREATE TABLE shipperone_inbox (
    id                       NUMBER(19) GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request                  VARCHAR2(10 CHAR) NOT NULL,         -- reserve, release, invoice, deliver
    job_key                  VARCHAR2(64 CHAR) NOT NULL,         -- identifies the request: one row, however often it is repeated
    tenant                   VARCHAR2(100 CHAR) NOT NULL,
    order_id                 VARCHAR2(191 CHAR) NOT NULL,
    order_number             VARCHAR2(191 CHAR),
    generation               NUMBER(9),                          -- counts up after each release
    warehouse_code           VARCHAR2(100 CHAR) NOT NULL,
    currency                 VARCHAR2(10 CHAR),
    shipping_amount_incl_tax NUMBER(18, 6),
    tax_date                 DATE,                               -- the day of supply
    issue_date               DATE,                               -- the invoice's date, where an operator has set one
    items_json               CLOB NOT NULL,                      -- each item: item_id, sku, qty, item_warehouse_code, amounts
    order_json               CLOB NOT NULL,                      -- the whole order as ShipperOne lists it
    charges_json             CLOB,                               -- invoice: its fees, coupons and gift cards
    reservations_json        CLOB,                               -- deliver: the reservations that the goods come out of
    asked_at                 TIMESTAMP NOT NULL,
    status                   VARCHAR2(10 CHAR) DEFAULT 'new' NOT NULL, -- the ERP's side writes from here on
    reference                VARCHAR2(191 CHAR),                 -- the ERP's own name of what it made
    invoice_number           VARCHAR2(191 CHAR),
    invoice_date             DATE,
    total_incl_tax           NUMBER(18, 6),
    message                  VARCHAR2(1000 CHAR),                -- for operators: the reason of short or error
    answered_at              TIMESTAMP,
    CONSTRAINT shipperone_asked_once UNIQUE (request, job_key)
);

CREATE INDEX shipperone_open ON shipperone_inbox (status, id);
